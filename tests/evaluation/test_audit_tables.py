import numpy as np
import pytest

from ratescope.evaluation.audit_tables import (
    PLANTED_COLUMNS,
    RELEVANCE_COLUMNS,
    Planted,
    planted_rows,
    relevance_rows,
    verdict,
)
from ratescope.evaluation.relevance import Relevance, relevance_of
from ratescope.records import CropId, Prediction

CROPS = [CropId("ABC"[n % 3], "s", f"m{n}.tif", 0) for n in range(6)]


def planted(networks=3, shift=3.0, other=1.0):
    """Networks 2 Ah/kg apart (their spread is 2); a stamp moves 5C by the shift, up and down, and 1C by a tenth."""
    level = np.array([100.0, 40.0]) + 2.0 * np.arange(networks)[:, None, None]
    clean = Prediction("specific", np.array([1.0, 5.0]), np.broadcast_to(level, (networks, 6, 2)).copy())
    sign = np.array([1, -1, 1, -1, 1, 1])[:, None]
    stamped = clean.predicted + sign * np.array([shift / 10, shift])
    swapped = clean.predicted - other * np.array([0.0, 1.0])
    return Planted(CROPS, clean, {"stamp": stamped}, {"stamp": swapped})


def test_shifts_are_told_in_ah_per_kg_and_in_spreads_beside_the_measured_error():
    slow, fast = planted_rows(planted(), {5.0: 4.5})
    assert set(slow) == set(PLANTED_COLUMNS)
    assert (fast["mean_absolute_shift"], fast["mean_shift"]) == pytest.approx((3.0, 1.0))
    assert (fast["spread"], fast["shift_in_spreads"]) == pytest.approx((2.0, 1.5))
    assert (slow["shift_in_spreads"], slow["measured_error"], fast["measured_error"]) == (
        pytest.approx(0.15), None, 4.5,
    )  # fmt: skip
    assert fast["other_material_shift"] == pytest.approx(1.0)
    assert (fast["low"], fast["high"]) == pytest.approx((3.0, 3.0))  # every micrograph is moved alike


def test_one_network_has_no_spread_and_few_micrographs_no_interval():
    one = planted(networks=1)
    crops = [crop._replace(file=f"m{n % 3}.tif") for n, crop in enumerate(CROPS)]
    for row in planted_rows(Planted(crops, one.clean, one.artefacts, {}), {}):
        assert [row[name] for name in ("spread", "shift_in_spreads", "low", "other_material_shift")] == [None] * 4


def test_the_verdict_is_by_the_spread_and_says_what_any_change_of_the_place_does():
    said = verdict(planted_rows(planted(), {}))
    assert said.startswith("moves the specific prediction by 3.0 Ah/kg (7 %) at 5C, where it moves it most: more than")
    assert "network spread at 5C (1.5 ×). It covers 1.6 % of the crop." in said
    assert "in its place moves it by 1.0 Ah/kg" in said
    assert said.endswith("of any change there, and the artefact does 3.0 × as much.")
    assert "at 5C (1.5 ×), and more than the measured error at 5C. It" in verdict(
        planted_rows(planted(), {1.0: 0.5, 5.0: 2.9})
    )
    assert "and nowhere more than the measured error. It" in verdict(planted_rows(planted(), {1.0: 0.5, 5.0: 3.1}))
    assert "less than the network spread at every C-rate" in verdict(planted_rows(planted(shift=1.0), {}))
    assert "network spread at 1C (1.5 ×), 5C (15.0 ×)" in verdict(planted_rows(planted(shift=30.0), {}))
    assert "one network alone has no spread" in verdict(planted_rows(planted(networks=1), {}))
    assert verdict(planted_rows(planted(other=5.0), {})).endswith("of any change there.")


def test_what_hides_nothing_should_move_nothing():
    step = planted()
    rows = planted_rows(Planted(CROPS, step.clean, {"brightness step": step.artefacts["stamp"]}, {}), {})
    assert "changes the grey of 50 % of the crop and hides nothing, so it should move nothing." in verdict(rows)


def test_relevance_is_told_of_all_crops_and_of_each_electrode():
    """A quarter of every crop is pore and holds all influence; with random weights it is spread evenly."""
    regions = np.zeros((8, 16), np.uint8)
    regions[:, 12:] = 1
    on_pores, even = (regions == 1)[None] * -2.0, np.ones((1, 8, 16))
    names = ["particle", "pore"]
    told = {("occlusion", False): [relevance_of(on_pores, regions, names)] * 6}
    told["occlusion", True] = [relevance_of(even, regions, names), *([] for _ in range(5))]
    rows = list(relevance_rows("specific", [5.0], told, CROPS, {"A": 0.3, "B": None}, names))
    assert set(rows[0]) == set(RELEVANCE_COLUMNS)
    pores = {row["electrode"]: row for row in rows if row["place"] == "pore"}
    assert list(pores) == ["", "A", "B", "C"]
    assert (pores[""]["crops"], pores["A"]["crops"]) == (6, 2)
    assert [pores[""][name] for name in ("ratio", "low", "high", "ratio_random_weights")] == pytest.approx([4, 4, 4, 1])
    assert (pores["A"]["ratio_random_weights"], pores["B"]["ratio_random_weights"]) == (pytest.approx(1.0), None)
    assert (pores["A"]["porosity"], pores["B"]["porosity"], pores["A"]["low"]) == (0.3, None, None)


def test_a_place_of_few_micrographs_has_a_ratio_without_interval():
    crack = Relevance(0.1, 0.2, 0.9, 0.0)
    told = [[{"crack": crack}] if n < 3 else [{}] for n in range(6)]
    (row,) = [
        row
        for row in relevance_rows(
            "specific", [5.0], {("occlusion", False): told, ("occlusion", True): told}, CROPS, {}, ["crack"]
        )
        if not row["electrode"]
    ]
    assert (row["ratio"], row["micrographs"], row["low"]) == (pytest.approx(2.0), 3, None)
