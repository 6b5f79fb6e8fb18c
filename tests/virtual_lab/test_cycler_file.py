import numpy as np
import pandas as pd
import pytest

from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.readers import read_cycler_file
from ratescope.errors import LabError
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol
from ratescope.virtual_lab.cell import draw_cell, nominal_cell
from ratescope.virtual_lab.cycler_file import ExportStyle, write_basytec
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.discharge import RateTestTrace, TraceStep, log_times_s, simulate_rate_test

CELL = nominal_cell(VirtualElectrode("e30", "b", load_mpa=200.0, porosity=0.30), "e30_c1")
TWO_RATES = RateProtocol(
    blocks=(RateBlock(1.0), RateBlock(5.0)),
    check_up=RateBlock(0.1),
    charge_cut_off_v=4.3,
    discharge_cut_off_v=2.6,
    curve_rates_per_h=(1.0, 5.0),
)


def straight_step(kind, cycle, block, c_rate_per_h, start_s):
    """A step of constant current whose voltage is a straight line: its capacity is known in closed form."""
    share = 0.9 - 0.1 * c_rate_per_h - 0.001 * cycle  # of the theoretical capacity
    ends_s = start_s + np.array([0.0, share * 3600.0 / c_rate_per_h])
    ends_v = np.array([2.7, 4.3]) if kind == "charge" else np.array([4.2, 2.6])
    time_s = log_times_s(ends_s, ends_v)
    current_a = CELL.current_a(c_rate_per_h) * (1.0 if kind == "charge" else -1.0)
    capacity_ah = share * CELL.current_a(1.0)
    voltage_v = np.interp(time_s, ends_s, ends_v)
    return TraceStep(kind, cycle, block, c_rate_per_h, time_s, voltage_v, np.full_like(time_s, current_a), capacity_ah)


@pytest.fixture
def trace():
    steps, cycle, now_s = [], 0, 0.0
    for block, run in enumerate(TWO_RATES.sequence):
        for _ in range(run.cycles):
            cycle += 1
            for kind in ("charge", "discharge"):
                steps.append(straight_step(kind, cycle, block, run.c_rate_per_h, now_s))
                now_s = steps[-1].time_s[-1]
    return RateTestTrace(CELL, TWO_RATES, tuple(steps))


def table_of(path, **options):
    """The columns as a plain reader sees them."""
    return pd.read_csv(path, sep="\t", skiprows=12, **options)


def test_the_true_capacities_are_those_of_the_second_discharge_at_each_rate(trace):
    one_c_ah = CELL.current_a(1.0)
    assert trace.true_capacities_ah == pytest.approx({1.0: 0.798 * one_c_ah, 5.0: 0.394 * one_c_ah})


def test_what_is_read_back_is_what_was_simulated(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    test = rate_test(
        read_cycler_file(tmp_path / "c.txt"),
        cell="c",
        electrode="e30",
        active_mass_mg=CELL.active_mass_mg,
        protocol=TWO_RATES,
    )
    measured = {d.c_rate_per_h: d.capacity_ah for d in test.discharges if d.counts}
    assert measured == pytest.approx(trace.true_capacities_ah, rel=1e-3)
    assert [d.capacity_ah for d in test.discharges] == pytest.approx(
        [s.capacity_ah for s in trace.discharges], rel=1e-3
    )
    assert test.remarks == ()


@pytest.mark.parametrize(
    "style",
    [
        ExportStyle(decimal=","),
        ExportStyle(time_unit="h"),
        ExportStyle(decimal=",", time_unit="h"),
        ExportStyle(encoding="latin-1"),
        ExportStyle(restarting_cycles=True),
    ],
    ids=["decimal comma", "hours", "decimal comma and hours", "latin-1", "restarting cycles"],
)
def test_every_style_of_export_tells_the_same_capacities(tmp_path, trace, style):
    write_basytec(tmp_path / "plain.txt", trace, rng=np.random.default_rng(0))
    write_basytec(tmp_path / "other.txt", trace, rng=np.random.default_rng(0), style=style)
    plain, other = (
        rate_test(read_cycler_file(tmp_path / name), cell="c", electrode="e", protocol=TWO_RATES)
        for name in ("plain.txt", "other.txt")
    )
    assert (tmp_path / "plain.txt").read_bytes() != (tmp_path / "other.txt").read_bytes()
    assert [d.capacity_ah for d in other.discharges] == pytest.approx([d.capacity_ah for d in plain.discharges])


def test_the_file_says_that_it_is_simulated_and_has_the_header_of_a_genuine_export(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    lines = (tmp_path / "c.txt").read_text(encoding="utf-8").splitlines()
    assert [line.startswith("~") for line in lines[:14]] == [True] * 13 + [False]
    assert all("SIMULATED" in lines[n] for n in (3, 4, 5))
    assert lines[12].startswith(
        "~Time[s]\tDataSet\tt-Step[s]\tt-Set[s]\tt-Cyc[s]\tLine\tCommand\tU[V]\tI[A]\tP[W]\tAh[Ah]"
    )
    assert lines[12].endswith("T1[°C]\tR-AC\tR-DC\tLevel\tCyc-Count\tCount\tState")


def test_each_step_begins_in_state_3_goes_on_in_0_and_ends_in_2(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    table = table_of(tmp_path / "c.txt")
    starts = np.flatnonzero(table["State"] == 3)
    assert len(starts) == len(trace.steps)
    assert np.array_equal(np.flatnonzero(table["State"] == 0), starts + 1)
    assert np.array_equal(np.flatnonzero(table["State"] == 2), np.append(starts[1:], len(table)) - 1)
    assert np.all(table["t-Step[s]"].iloc[starts] == 0)


def test_the_counters_of_charge_agree_with_the_truth(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    table = table_of(tmp_path / "c.txt")
    last_rows = table[table["State"] == 2]
    for command, kind, sign in (("Charge", "charge", 1.0), ("Discharge", "discharge", -1.0)):
        ends = last_rows[last_rows["Command"] == command]
        truth = np.array([step.capacity_ah for step in trace.steps if step.kind == kind])
        assert ends[f"Ah-Cyc-{command}"].to_numpy() == pytest.approx(truth, rel=1e-3)
        assert sign * ends["Ah-Step"].to_numpy() == pytest.approx(truth, rel=1e-3)
        assert ends[f"Ah-Cyc-{command}-0"].to_numpy() == pytest.approx(truth.cumsum(), rel=1e-3)
    net_ah = np.cumsum([step.capacity_ah * (1.0 if step.kind == "charge" else -1.0) for step in trace.steps])
    assert last_rows["Ah[Ah]"].to_numpy() == pytest.approx(net_ah, abs=1e-6)


def test_the_counter_of_energy_is_charge_at_the_mean_voltage_of_a_straight_line(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    table = table_of(tmp_path / "c.txt")
    last_rows = table[table["State"] == 2]
    for command, mean_v in (("Charge", (2.7 + 4.3) / 2), ("Discharge", (4.2 + 2.6) / 2)):
        ends = last_rows[last_rows["Command"] == command]
        expected_wh = mean_v * ends[f"Ah-Cyc-{command}"].to_numpy()
        assert ends[f"Wh-Cyc-{command}"].to_numpy() == pytest.approx(expected_wh, rel=1e-3)


def test_a_restarting_counter_begins_again_at_each_rate(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0), style=ExportStyle(restarting_cycles=True))
    assert set(table_of(tmp_path / "c.txt")["Cyc-Count"]) == {1, 2}


def test_the_degree_sign_of_a_latin_1_export_is_one_byte(tmp_path, trace):
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0), style=ExportStyle(encoding="latin-1"))
    assert b"T1[\xb0C]" in (tmp_path / "c.txt").read_bytes()


def test_the_same_chance_gives_the_same_file(tmp_path, trace):
    for name in ("a.txt", "b.txt"):
        write_basytec(tmp_path / name, trace, rng=np.random.default_rng(7))
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()


def test_a_style_that_no_export_has_is_refused():
    with pytest.raises(LabError, match=r"asked for ';' and 's'. Choose among these"):
        ExportStyle(decimal=";")


@pytest.mark.slow
def test_the_whole_of_table_2_comes_back_from_its_file(tmp_path):
    """At the densest electrode of the paper, where the capacity at 5C is smallest."""
    cell = draw_cell(VirtualElectrode("e20", "b", load_mpa=750.0, porosity=0.196), "e20_c1", np.random.default_rng(3))
    trace = simulate_rate_test(cell)
    write_basytec(tmp_path / "c.txt", trace, rng=np.random.default_rng(0))
    record = read_cycler_file(tmp_path / "c.txt")
    test = rate_test(record, cell="c", electrode="e20", active_mass_mg=cell.active_mass_mg, protocol=TABLE_2)
    assert {d.c_rate_per_h: d.capacity_ah for d in test.discharges if d.counts} == pytest.approx(
        trace.true_capacities_ah, rel=1e-3
    )
    assert len(test.discharges) == 34
    assert test.remarks == ()
