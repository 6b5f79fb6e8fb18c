"""From files to the rate table: campaigns, bare files, folders of them, and tables that somebody typed."""

import csv
import math

import numpy as np
import pytest

import ratescope.rate_picture
from ratescope.campaign.rate_sources import read_rates
from ratescope.campaign.rates import measured_curves, rate_tests, usable_rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.cli import main
from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_curve
from ratescope.cycling.rate_test import rate_test_from_capacities
from ratescope.errors import CampaignError, InputError, RateTestError, SettingsError
from ratescope.rates import write_rates

MASS_MG = 12.0
ONE_C_A = MASS_MG * 1e-6 * 159.7
FACTS = 'name = "test"\nschema = 1\n'
ELECTRODES = (
    "electrode,loading_mg_per_cm2,coating_thickness_um,loading_sd_mg_per_cm2,coating_thickness_sd_um\n"
    "P30,15.4,56.6,0.154,1.132\n"
)
SLOW = """\
charge_cut_off_v = 4.3
discharge_cut_off_v = 2.6

[[blocks]]
c_rate_per_h = 0.7
charge_c_rate_per_h = 0.2
cycles = 1

[[blocks]]
c_rate_per_h = 0.2
cycles = 1
"""


def write_export(path, *rates_and_shares):
    """A BaSyTec export of charges at C/5 and of discharges that give a share of the theoretical capacity."""
    lines, start_s = ["~Resultfile from Basytec", "~Time[s]\tLine\tU[V]\tI[A]\tAh[Ah]"], 0.0
    phases = [part for rate, share in rates_and_shares for part in ((0.2, 0.9, 3.0, 4.3), (-rate, share, 4.2, 2.6))]
    net_ah = 0.0
    for line, (rate, share, from_v, to_v) in enumerate(phases):
        for part in np.linspace(0.0, 1.0, 40):
            time_s = start_s + part * share / abs(rate) * 3600.0
            ah = net_ah + math.copysign(part * share * ONE_C_A, rate)
            volts = from_v + (to_v - from_v) * part
            lines.append(f"{time_s:.6f}\t{line}\t{volts:.6f}\t{rate * ONE_C_A:.9g}\t{ah:.9g}")
        start_s, net_ah = time_s, ah
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m.tif").write_bytes(b"II*\0")
    for number, share in enumerate((0.81, 0.80, 0.79), start=1):
        write_export(tmp_path / f"c{number}.txt", (0.2, 0.9), (0.2, share), (1.0, 0.7))
    write(tmp_path)
    return tmp_path


def write(folder, *, facts=FACTS, electrodes=ELECTRODES, cells=None):
    cells = cells or "".join(f"c{n},P30,{MASS_MG},0.12,c{n}.txt\n" for n in (1, 2, 3))
    sheets = {
        "campaign.toml": facts,
        "electrodes.csv": electrodes,
        "micrographs.csv": "file,electrode,specimen\nm.tif,P30,s1\n",
        "cells.csv": f"cell,electrode,active_mass_mg,active_mass_sd_mg,file\n{cells}",
    }
    for name, text in sheets.items():
        (folder / name).write_text(text, encoding="utf-8")


def table(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_discharge_of_a_campaign_has_its_row_in_the_columns_of_the_contract(folder, tmp_path):
    written = write_rates([folder], tmp_path / "rates.csv")
    rows = table(tmp_path / "rates.csv")
    assert tuple(rows[0]) == RATE_COLUMNS
    assert (len(rows), written.inputs, written.refused) == (9, 3, {})
    counting = [row for row in rows if row["cell"] == "c1" and row["counts"] == "true"]
    assert [float(row["c_rate_per_h"]) for row in counting] == [0.2, 1.0]
    specific, density, areal = (
        float(counting[0][f"{name}"])
        for name in ("specific_capacity_ah_per_kg", "capacity_density_ah_per_l", "areal_capacity_mah_per_cm2")
    )
    assert specific == pytest.approx(0.81 * 159.7, rel=1e-4)
    assert areal == pytest.approx(specific * 15.4e-3, rel=1e-6)
    assert density == pytest.approx(areal / 56.6 * 1e4, rel=1e-6)


def test_each_number_names_the_file_and_the_time_that_it_comes_from(folder):
    (test, *_) = rate_tests(read_campaign(folder))
    counting = next(d for d in test.discharges if d.counts)
    assert test.file.endswith("c1.txt")
    # After a charge and a discharge of 4.5 h each, and another charge.
    assert (counting.begin_s, counting.end_s) == pytest.approx((13.5 * 3600.0, (13.5 + 0.81 * 5) * 3600.0), abs=1.0)


def test_errors_of_mass_loading_and_thickness_reach_the_rate_curve(folder):
    """1 % of the mass, 1 % of the loading and 2 % of the thickness: together the root of six per cent."""
    tests = rate_tests(read_campaign(folder))
    for capacity, relative in (("specific", 0.01), ("density", math.sqrt(6.0) / 100.0)):
        curve = measured_curves(tests, capacity)["P30"]
        assert curve.basis_error / curve.values == pytest.approx(relative, rel=1e-3)
    assert tests[0].collector_area_sd_cm2 == pytest.approx(math.sqrt(2.0) / 100.0 * MASS_MG / 15.4, rel=1e-3)


def test_an_error_of_the_loading_has_the_basis_of_the_loading(folder):
    write(folder, facts=FACTS + 'loading_basis = "coating"\n')
    (test, *_) = rate_tests(read_campaign(folder))
    assert test.collector_area_sd_cm2 / test.collector_area_cm2 == pytest.approx(math.sqrt(2.0) / 100.0, rel=1e-3)


def test_without_an_error_of_the_loading_that_of_the_volume_is_unknown(folder):
    write(folder, electrodes="electrode,loading_mg_per_cm2,coating_thickness_um\nP30,15.4,56.6\n")
    (test, *_) = rate_tests(read_campaign(folder))
    assert (test.active_mass_sd_mg, test.coating_volume_sd_mm3, test.collector_area_sd_cm2) == (0.12, None, None)
    assert test.coating_volume_mm3 == pytest.approx(MASS_MG / 15.4 * 56.6 * 0.1)


def test_a_campaign_may_have_a_protocol_of_its_own(folder):
    (folder / "slow.toml").write_text(SLOW)
    write_export(folder / "c1.txt", (0.7, 0.5), (0.2, 0.8))
    write(folder, facts=FACTS + 'protocol = "slow.toml"\n', cells=f"c1,P30,{MASS_MG},,c1.txt\n")
    (test,) = rate_tests(read_campaign(folder))
    assert [(d.c_rate_per_h, d.counts) for d in test.discharges] == [(0.7, True), (0.2, True)]
    assert test.remarks == ()


def test_a_table_never_replaces_what_it_was_read_from(folder, capsys):
    file = write_export(folder / "c1.txt", (0.7, 0.5), (0.2, 0.8))
    before = file.read_bytes()
    for out in (["--out", str(file)], ["--out", str(folder / "rates.csv"), "--law", str(file)]):
        assert main(["rates", str(file), "--active-mass-mg", str(MASS_MG), *out]) == 2
        assert "c1.txt is there already and no table that ratescope wrote" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert not (folder / "rates.csv").exists()


def test_bare_files_may_have_a_protocol_of_their_own(folder, tmp_path, capsys):
    """Table 2 has no 0.7C, so that such a discharge does not count by it."""
    (folder / "slow.toml").write_text(SLOW)
    file = write_export(folder / "c1.txt", (0.7, 0.5), (0.2, 0.8))
    call = ["rates", str(file), "--active-mass-mg", str(MASS_MG), "--out", str(tmp_path / "rates.csv")]
    counted = []
    for protocol in ([], ["--protocol", str(folder / "slow.toml")]):
        assert main([*call, *protocol]) == 0
        counted.append([row["counts"] for row in table(tmp_path / "rates.csv")])
    assert counted == [["false", "true"], ["true", "true"]]
    assert main([*call, "--protocol", str(folder / "slow.tml")]) == 2
    assert "there is no protocol 'slow.tml'; did you mean 'slow.toml'?" in capsys.readouterr().err


def test_a_protocol_that_does_not_exist_gets_help(folder):
    (folder / "slow.toml").write_text(SLOW)
    write(folder, facts=FACTS + 'protocol = "slow.tml"\n')
    with pytest.raises((SettingsError, CampaignError), match="no protocol 'slow.tml'; did you mean 'slow.toml'"):
        usable_rate_tests(read_campaign(folder))


def test_a_cell_apart_is_said_and_stays_in_the_table(folder, tmp_path):
    write_export(folder / "c3.txt", (0.2, 0.9), (0.2, 0.60), (1.0, 0.7))
    written = write_rates([folder], tmp_path / "rates.csv")
    assert any("electrode P30: Cell c3 lies apart from the others" in said for said in written.remarks)
    assert len(table(tmp_path / "rates.csv")) == 9


def test_cells_that_scatter_in_every_electrode_are_not_apart():
    """The third cell of A is 10 % low and the two others are alike: odd by itself, usual in this campaign."""
    shares = {"A": (1.0, 1.0, 0.9), "B": (1.0, 1.05, 0.93), "C": (1.0, 0.95, 1.06)}
    tests = [
        rate_test_from_capacities({0.2: 1.8e-3 * share}, cell=f"{name}{n}", electrode=name, active_mass_mg=MASS_MG)
        for name, of in shares.items()
        for n, share in enumerate(of)
    ]
    assert [curve.remarks for curve in measured_curves(tests, "specific").values()] == [(), (), ()]
    assert [remark.code for remark in rate_curve(tests[:3], "specific").remarks] == ["cell-apart"]


def test_what_each_cell_lost_is_said_in_numbers(folder, tmp_path):
    write_export(folder / "c1.txt", (0.2, 0.8), (1.0, 0.7), (0.2, 0.784))
    written = write_rates([folder], tmp_path / "rates.csv")
    assert (
        "cell c1: At 0.2C 1.533 mAh became 1.502 mAh over 2 cycles: a loss of 2.0 %, 1.000 % per cycle."
        in written.remarks
    )


def test_a_cell_that_cannot_be_used_is_refused_alone(folder, tmp_path):
    (folder / "c2.txt").write_text("nothing that a cycler wrote\n")
    written = write_rates([folder], tmp_path / "rates.csv")
    assert list(written.refused) == [f"{folder} cell c2"]
    assert {row["cell"] for row in table(tmp_path / "rates.csv")} == {"c1", "c3"}
    with pytest.raises(CampaignError, match="1 rate test cannot be used\n  cells.csv, cell 'c2': .*type the capac"):
        rate_tests(read_campaign(folder))


def test_a_folder_of_exports_becomes_a_table_and_its_other_files_are_refused(tmp_path, capsys):
    write_export(tmp_path / "a.txt", (0.2, 0.9))
    write_export(tmp_path / "b.txt", (1.0, 0.8))
    (tmp_path / "notes.md").write_text("# what we did\n")
    (tmp_path / ".DS_Store").write_bytes(b"what an operating system leaves")
    out = tmp_path / "rates.csv"
    for _ in range(2):  # the second time the table lies in the folder as well
        assert main(["rates", str(tmp_path), "--out", str(out), "--active-mass-mg", str(MASS_MG)]) == 3
        assert [row["cell"] for row in table(out)] == ["a", "b"]
        assert "1 of 3 inputs was refused." in capsys.readouterr().out


def test_files_of_one_name_in_two_folders_are_two_cells(tmp_path):
    files = [tmp_path / place / "cell.txt" for place in ("monday", "friday")]
    for file in files:
        file.parent.mkdir()
        write_export(file, (0.2, 0.9))
    write_rates(files, tmp_path / "rates.csv")
    assert [row["cell"] for row in table(tmp_path / "rates.csv")] == [str(file) for file in files]


def test_an_empty_folder_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is an empty folder. Put cycler files there"):
        write_rates([tmp_path / "empty"], tmp_path / "rates.csv")


def test_without_a_mass_what_cannot_be_known_stays_empty(tmp_path):
    write_rates([write_export(tmp_path / "a.txt", (0.2, 0.9))], tmp_path / "rates.csv")
    (row,) = table(tmp_path / "rates.csv")
    empty = {name for name, value in row.items() if not value}
    assert empty == {
        "electrode",
        "c_rate_per_h",
        "specific_capacity_ah_per_kg",
        "capacity_density_ah_per_l",
        "areal_capacity_mah_per_cm2",
    }


def test_a_table_that_somebody_typed_is_read_bare_and_from_a_campaign(folder, tmp_path):
    typed = folder / "typed.csv"
    typed.write_text("cell;C-rate;Capacity (mAh)\nc1;C/5;1,5\nc1;1C;1,2\nc2;C/5;1,4\n", encoding="utf-8")
    write_rates([typed], tmp_path / "bare.csv", MASS_MG)
    assert [(row["cell"], row["capacity_ah"]) for row in table(tmp_path / "bare.csv")] == [
        ("c1", "0.0015"),
        ("c1", "0.0012"),
        ("c2", "0.0014"),
    ]
    (source,) = read_rates([typed], tmp_path / "bare.csv", MASS_MG)
    assert {test.file for test in source.tests} == {str(typed)}
    write(folder, cells=f"c1,P30,{MASS_MG},,typed.csv\nc2,P30,{MASS_MG},,typed.csv\n")
    tests = rate_tests(read_campaign(folder))
    assert {test.file for test in tests} == {str(typed)}
    curve = measured_curves(tests, "specific")["P30"]
    assert (curve.values[0], curve.cells.tolist()) == (pytest.approx(1.45 / MASS_MG * 1e3), [2, 1])


def test_a_typed_table_without_the_cell_says_which_it_has(folder):
    (folder / "typed.csv").write_text("cell,c_rate_per_h,capacity_ah\nx,0.2,0.0015\ny,0.2,0.0015\n")
    write(folder, cells=f"c1,P30,{MASS_MG},,typed.csv\n")
    _, faults = usable_rate_tests(read_campaign(folder))
    assert "holds the cells 'x', 'y', but not 'c1'. Call it there as in cells.csv." in faults["c1"]


def test_a_mass_that_a_campaign_does_not_take_is_said(folder, tmp_path):
    said = write_rates([folder], tmp_path / "rates.csv", MASS_MG).remarks
    assert any(remark.startswith("--active-mass-mg counts for bare files alone") for remark in said)
    assert not any("--active-mass-mg counts" in remark for remark in write_rates([folder], tmp_path / "r.csv").remarks)


def test_a_broken_file_leaves_the_table_of_the_last_time_whole(folder, tmp_path):
    """The table is written under its name only when it is whole."""
    out = tmp_path / "rates.csv"
    write_rates([folder], out)
    before = out.read_bytes()
    with pytest.raises(InputError, match="does not exist. Name cycler files"):
        write_rates([folder, tmp_path / "nowhere"], out)
    assert out.read_bytes() == before


def test_what_an_earlier_call_wrote_beside_the_exports_is_no_export(tmp_path):
    write_export(tmp_path / "a.txt", (0.2, 0.9))
    out, law, cycles = tmp_path / "rates.csv", tmp_path / "laws.csv", tmp_path
    for _ in range(2):
        written = write_rates([tmp_path], out, MASS_MG, law=law, cycles=cycles)
        assert (written.inputs, written.refused) == (1, {})
        assert tmp_path / "a.cycles.bdf.csv" in written.files


def test_every_electrode_without_a_rate_curve_is_named_at_once():
    """Masses in g instead of mg: nothing is at a rate of the curve."""
    tests = [
        rate_test_from_capacities({0.37: 1e-3}, cell=f"{name}_c1", electrode=name, active_mass_mg=MASS_MG)
        for name in ("A", "B")
    ]
    whole = rate_test_from_capacities({0.2: 1e-3}, cell="C_c1", electrode="C", active_mass_mg=MASS_MG)
    with pytest.raises(RateTestError) as error:
        measured_curves([*tests, whole], "specific")
    first, *named = str(error.value).split("\n  ")
    assert first == "2 electrodes without a rate curve"
    assert [text[:38] for text in named] == [f"electrode {n!r}: no discharge counts for" for n in ("A", "B")]


# --- the picture ----------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """What would be drawn, and its note."""
    caught = []

    def noted(electrodes, *, c_rates_per_h, note):
        caught.append((electrodes, list(c_rates_per_h), note))
        return b"\x89PNG"

    monkeypatch.setattr(ratescope.rate_picture, "rate_test_png", noted)
    return caught


def test_a_picture_shows_discharges_and_rate_curve_of_a_campaign(folder, drawn, tmp_path):
    out = tmp_path / "rates.csv"
    assert main(["rates", str(folder), "--out", str(out), "--picture", str(tmp_path / "rates.png")]) == 0
    ((electrode,), rates, note) = drawn[0]
    assert (electrode.name, rates) == ("P30", [0.2, 1.0])
    assert electrode.curve.values == pytest.approx([0.80 * 159.7, 0.7 * 159.7], rel=1e-3)
    passed, voltage_v = electrode.discharges[0.2]
    assert (passed[-1], voltage_v[-1]) == pytest.approx((0.81 * 159.7, 2.6), rel=1e-3)  # of its first cell
    assert "SIMULATED" not in note
    assert (tmp_path / "rates.png").read_bytes() == b"\x89PNG"


def test_a_picture_of_a_virtual_campaign_says_so(folder, drawn, tmp_path):
    write(folder, facts=FACTS + "simulated = true\n")
    write_rates([folder], tmp_path / "r.csv", picture=tmp_path / "r.png")
    assert drawn[0][2].startswith("SIMULATED")


def test_bare_files_are_drawn_cell_by_cell_from_the_best_to_the_worst(drawn, tmp_path):
    files = [write_export(tmp_path / f"c{n}.txt", (0.2, 0.9), (1.0, share)) for n, share in enumerate((0.5, 0.7, 0.6))]
    command = ["rates", *map(str, files), "--out", str(tmp_path / "r.csv"), "--picture", str(tmp_path / "r.png")]
    assert main([*command, "--active-mass-mg", str(MASS_MG)]) == 0
    assert [electrode.name for electrode in drawn[0][0]] == ["c1", "c2", "c0"]


@pytest.mark.parametrize(
    ("more", "said"), [(["r.png"], "no cell has an active mass and a discharge that counts"), (["r.jpg"], "is a PNG")]
)
def test_where_there_is_nothing_to_draw_nothing_is_written(drawn, tmp_path, capsys, more, said):
    file = write_export(tmp_path / "c.txt", (0.2, 0.9), (1.0, 0.5))
    assert main(["rates", str(file), "--out", str(tmp_path / "r.csv"), "--picture", str(tmp_path / more[0])]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r.csv").exists()


def test_an_earlier_table_is_not_replaced_by_nothing(tmp_path, capsys):
    out = tmp_path / "rates.csv"
    good = write_export(tmp_path / "c.txt", (0.2, 0.9), (1.0, 0.5))
    (tmp_path / "bad.txt").write_text("no rate test\n")
    assert main(["rates", str(good), "--out", str(out)]) == 0
    before = out.read_bytes()
    assert main(["rates", str(tmp_path / "bad.txt"), "--out", str(out)]) == 3
    assert f"no input could be read, so {out} was left as it was" in capsys.readouterr().out
    assert out.read_bytes() == before


def test_a_file_that_is_not_there_is_refused_and_the_others_are_read(folder, tmp_path, capsys):
    """A micrograph that is missing is none of a rate table's business."""
    (folder / "c2.txt").unlink()
    (folder / "m.tif").unlink()
    assert main(["rates", str(folder), "--out", str(tmp_path / "rates.csv")]) == 3
    said = capsys.readouterr().out
    assert "c2.txt cannot be read" in said
    assert "1 of 3 inputs was refused." in said
    rows = list(csv.DictReader((tmp_path / "rates.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["cell"] for row in rows} == {"c1", "c3"}
