"""The leakage sheet: what folds share, what is filed twice, and what goes with the capacity, electrode by electrode."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import spearmanr

from ratescope.campaign.association import link_of_categories, link_of_numbers
from ratescope.campaign.audit import _crossing
from ratescope.campaign.entries import MicrographEntry
from ratescope.campaign.leakage import leakage
from ratescope.campaign.leakage_sheet import Audit
from ratescope.campaign.near_copies import NearCopy
from ratescope.campaign.pictures import Picture
from ratescope.campaign.proxies import find_proxies
from ratescope.cli import main
from ratescope.records import CropId, RateCurve

RATES = np.array([0.2, 1.0, 5.0])


# --- how strongly something goes with the capacity --------------------------------------------------------------------


def test_two_groups_without_spread_inside_have_a_correlation_ratio_of_one():
    link = link_of_categories(np.eye(2).repeat(3, axis=0), np.array([[1.0], [1], [1], [4], [4], [4]]))
    assert link.strength == pytest.approx(1.0)
    assert (link.orders, link.p_value) == (
        720,
        pytest.approx(2 / 20),
    )  # 20 ways to choose three of six, two are perfect


@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_the_correlation_ratio_agrees_with_its_definition(seed, categories):
    """The slow twin: variance between the categories' means over all variance, one electrode at a time."""
    rng = np.random.default_rng(seed)
    capacities, of = rng.normal(100, 10, (5, 1)), np.arange(5) % categories
    between = total = 0.0
    for value, category in zip(capacities[:, 0], of, strict=True):
        between += (capacities[of == category, 0].mean() - capacities.mean()) ** 2
        total += (value - capacities.mean()) ** 2
    link = link_of_categories(np.eye(categories)[of], capacities)
    assert link.strength == pytest.approx(np.sqrt(between / total))
    assert 0 < link.least_p_value <= link.p_value <= 1


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_rank_correlation_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    values, capacities = rng.integers(0, 4, 6).astype(float), rng.normal(100, 10, (6, 1))
    expected = abs(spearmanr(values, capacities[:, 0])[0]) if np.ptp(values) else 0.0
    assert link_of_numbers(values, capacities).strength == pytest.approx(expected)


def test_a_perfect_order_of_seven_is_as_rare_as_it_can_be():
    link = link_of_numbers(np.arange(7.0), np.arange(7.0)[:, None] ** 2)
    assert link.p_value == link.least_p_value == pytest.approx(2 / 5040)


def test_over_all_orders_of_the_electrodes_a_small_p_value_is_as_rare_as_it_says():
    """Five rates that know nothing of each other are looked at: the p-value has to pay for all of them."""
    rng = np.random.default_rng(0)
    values, capacities = rng.normal(size=5), rng.normal(size=(5, 5))
    p_values = np.array([link_of_numbers(values[list(order)], capacities).p_value for order in permutations(range(5))])
    for limit in (0.05, 0.2, 0.5, 0.8):
        assert np.mean(p_values <= limit) <= limit
    assert np.mean(p_values <= p_values.min()) == pytest.approx(p_values.min())


# --- what is said of it -----------------------------------------------------------------------------------------------


def entries(column, values_of):
    """Two micrographs for each electrode e0, e1, …, with these values of a preparation column."""
    return [
        MicrographEntry(f"e{e}_{n}.tif", Path("x"), f"e{e}", f"s{n}", "1", 0.123, {column: value} if value else {})
        for e, values in enumerate(values_of)
        for n, value in enumerate(values)
    ]


def curves(specific):
    """At 0.2C all electrodes are equal; at 5C they have these capacities."""
    return {
        f"e{e}": RateCurve("specific", RATES, np.array([150.0, 0.5 * (150 + value), value]))
        for e, value in enumerate(specific)
    }


def said_of(what, micrographs, pictures, measured):
    return next(proxy for proxy in find_proxies(micrographs, pictures, measured) if proxy.what == what)


SPECIFIC = [60, 65, 70, 75, 110, 115, 120, 125]


def test_a_microscope_that_follows_the_capacity_is_named_with_its_rate():
    proxy = said_of("microscope", entries("microscope", [["old"] * 2] * 4 + [["new"] * 2] * 4), [], curves(SPECIFIC))
    assert proxy.verdict == "follows"
    assert proxy.in_words().startswith("microscope: correlation ratio 0.98 with the capacity at ")
    assert "of 8 electrodes. It FOLLOWS the capacity: a network may learn it instead of the coating" in proxy.in_words()


def test_a_microscope_that_is_mixed_over_the_capacities_shows_no_sign():
    proxy = said_of("microscope", entries("microscope", [["old"] * 2, ["new"] * 2] * 4), [], curves(SPECIFIC))
    assert proxy.verdict == "no sign"


def test_days_are_compared_in_their_order():
    """Each day is shared by two electrodes; later ones hold more, or anything."""
    days = [[f"2026-03-{10 + e}", f"2026-03-{11 + e}"] for e in range(8)]
    said = said_of("prepared_on (in order)", entries("prepared_on", days), [], curves(SPECIFIC))
    assert (said.verdict, said.is_number) == ("follows", True)
    mixed = [days[e] for e in (3, 6, 1, 4, 7, 2, 5, 0)]
    said = said_of("prepared_on (in order)", entries("prepared_on", mixed), [], curves(SPECIFIC))
    assert said.verdict == "no sign"


def test_five_electrodes_get_no_verdict_however_strong_the_link():
    exposures = [[str(e), str(e + 1)] for e in range(5)]
    measured = curves(SPECIFIC[:5])
    proxy = said_of("exposure_ms (in order)", entries("exposure_ms", exposures), [], measured)
    assert proxy.link.strength == pytest.approx(1.0)
    assert proxy.verdict == "too few electrodes"
    assert "No verdict: 5 electrodes with capacities are too few, where p cannot fall below 0.017." in proxy.in_words()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([["a", "a"], ["b", "b"], ["c", "c"]], "each value belongs to one electrode, so a network may learn it"),
        ([["a", "b"]] * 6, "each electrode has the same mix of values, so they cannot follow the capacity"),
        ([["a", "a"]] * 6, "the same for all, so nothing can follow it"),
        ([["", ""]] * 6, "not filled in, so nobody can see whether it follows the capacity"),
    ],
)
def test_what_needs_no_test_is_said_without_one(values, said):
    proxy = said_of("polish", entries("polish", values), [], curves(SPECIFIC[: len(values)]))
    assert proxy.link is None
    assert proxy.in_words().startswith(f"polish: {said}")


def test_without_capacities_there_is_no_verdict():
    proxy = said_of("polish", entries("polish", [["a", "a"], ["b", "b"]] * 3), [], {})
    assert proxy.in_words() == "polish: No verdict: 0 electrodes with capacities are too few."


def test_brightness_that_nobody_wrote_down_is_found_in_the_files():
    micrographs = entries("polish", [["a", "a"]] * 8)
    pictures = [
        Picture(m, str(n), str(n), 100, 400, 5000, 90.0 + n, 0.123 + 1e-9 * n, np.zeros((24, 96), np.float32))
        for n, m in enumerate(micrographs)
    ]
    proxy = said_of("mean brightness", micrographs, pictures, curves(SPECIFIC))
    assert proxy.verdict == "follows"
    assert "the coating itself (pores are dark), or the light. Look before you train." in proxy.in_words()
    assert said_of("pixel size", micrographs, pictures, curves(SPECIFIC)).verdict == "the same for all"


# --- what folds share -------------------------------------------------------------------------------------------------

CROPS = [CropId(f"e{e}", f"s{s}", f"e{e}_s{s}.tif", n) for e in range(5) for s in range(3) for n in range(4)]


def test_folds_share_what_their_protocol_lets_them_share():
    by_electrode, by_specimen, as_published = leakage(CROPS, [])
    assert (by_electrode.electrodes, by_electrode.specimens, by_electrode.micrographs) == (0, 0, 0)
    assert (by_specimen.electrodes, by_specimen.specimens, by_specimen.micrographs) == (1, 0, 0)
    assert as_published.electrodes == 1
    assert as_published.specimens > 0.9
    assert as_published.unit == "crop"


def test_a_copy_filed_under_another_electrode_crosses_its_folds():
    copy = NearCopy(CROPS[0], CROPS[-1], 1.0, "", 0, 0)
    assert leakage(CROPS, [copy])[0].copies == 2  # each of the two is tested while the other one is trained on
    inside = NearCopy(CROPS[0], CROPS[1], 1.0, "", 0, 0)
    assert leakage(CROPS, [inside])[0].copies == 0


def test_a_protocol_that_cannot_be_had_says_why():
    by_electrode, _, _ = leakage([crop for crop in CROPS if crop.electrode in {"e0", "e1"}], [])
    assert "take 5 electrodes; there are crops of 2 electrodes. Add electrodes, or" in by_electrode.refusal


# --- the sheet --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Two electrodes whose micrographs are one picture, and are no cross-sections."""
    (tmp_path / "campaign.toml").write_text('name = "test"\nschema = 1\npixel_size_um = 0.123\n')
    (tmp_path / "electrodes.csv").write_text("electrode,batch,load_mpa\nP30,b1,200\nP20,b1,200\n")
    (tmp_path / "micrographs.csv").write_text("file,electrode,specimen\na.png,P30,s1\nb.png,P20,s1\n")
    typed = ",".join(f"capacity_ah_at_{rate}c" for rate in (0.2, 1, 2, 3, 5))
    row = "12.1,.0019,.0018,.0016,.0013,.0008"
    (tmp_path / "cells.csv").write_text(f"cell,electrode,active_mass_mg,{typed}\nc1,P30,{row}\nc2,P20,{row}\n")
    noise = np.random.default_rng(0).integers(0, 255, (24, 96), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    Image.fromarray(noise).save(tmp_path / "a.png")
    Image.fromarray(255 - (255 - noise) // 2).save(tmp_path / "b.png")
    return tmp_path


def test_the_sheet_says_all_of_it_in_order(folder, capsys):
    assert main(["campaign", "audit", str(folder)]) == 0
    said = capsys.readouterr().out
    places = [
        said.index(sentence)
        for sentence in (
            "Leakage sheet of 'test': 2 electrodes, 2 specimens, 2 micrographs, 0 crops",
            "protocol       electrode  specimen  micrograph  near copies",
            "by-electrode  no folds: 5 folds that each hold out whole electrodes take 5",
            "'a.png' and 'b.png' are nearly the same picture, likeness 1.00 (electrode P30 specimen s1, and electrode",
            "not looked for: there are no crops",
            "prepared_on: not filled in",
            "mean brightness: No verdict: 2 electrodes with capacities are too few",
            "no crops were compared, and folds were counted by micrograph",
            "one specimen only: P20, P30",
            "P30 and P20 have one batch (b1) and one load (200 MPa)",
            "believe scores by electrode",
        )
    ]
    assert places == sorted(places)


def test_an_audit_goes_on_without_what_cannot_be_read_and_says_so_by_status_3(folder, capsys):
    (folder / "bad.txt").write_text("no rate test")
    (folder / "b.png").write_bytes(b"no image")
    (folder / "cells.csv").write_text("cell,electrode,file\nc1,P30,bad.txt\n")
    assert main(["campaign", "audit", str(folder)]) == 3
    said = capsys.readouterr().out
    assert "refused: b.png is no TIFF, PNG, JPEG or CZI" in said
    assert "refused: cell c1: " in said
    assert "2 of 3 inputs were refused." in said
    assert f"wrote {folder / 'prepared'}" in said


def test_without_micrographs_there_is_nothing_to_audit_and_nothing_is_written(folder, capsys):
    (folder / "micrographs.csv").unlink()
    assert main(["campaign", "audit", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "No micrographs yet: in pictures there is nothing to audit." in said
    assert "P30 and P20 have one batch (b1) and one load (200 MPa)" in said
    assert "wrote" not in said
    assert not (folder / "prepared").exists()


def test_overlapping_micrographs_are_named_with_what_to_do():
    a, b, c = (CropId(e, s, f"{e}_{s}.tif", 3) for e, s in (("P30", "s1"), ("P20", "s1"), ("P20", "s2")))
    copies = (NearCopy(a, b, 0.9, "mirrored left to right", 0, 96), NearCopy(b, c, 0.8, "", 0, 0))
    said = "\n".join(Audit("x", 2, 3, 3, 9, (), (), copies, (), ()).in_words())
    where = "sections 3 and 3, mirrored left to right and shifted by 0 rows, 96 columns, likeness 0.90"
    assert f"P30_s1.tif and P20_s1.tif: 1 pair of crops show one place (best: {where})" in said
    assert "electrodes P30 and P20. One of them is filed wrongly" in said
    assert "specimens s1 and s2 of P20. File them under one specimen" in said


def test_copies_that_spoil_the_main_score_are_said_once_more():
    copy = NearCopy(CROPS[0], CROPS[-1], 1.0, "", 0, 0)
    (said,) = _crossing(leakage(CROPS, [copy]))
    assert "2 pairs of near copies stand on both sides of folds by-electrode" in said
    assert _crossing(leakage(CROPS, [])) == []
