from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_CAPACITY,
    STEP_COUNT,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.cycling.steps import find_steps
from ratescope.errors import RateTestError

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
LABELS = {
    "Test Time / s": "test_time_second",
    "Voltage / V": "voltage_volt",
    "Current / A": "current_ampere",
    "Step Count / 1": "step_count",
    "Step ID": "step_id",
    "Cycle Count / 1": "cycle_count",
    "Step Time / s": "step_time_second",
    "Net Capacity / Ah": "net_capacity_ah",
    "Charging Capacity / Ah": "charging_capacity_ah",
    "Discharging Capacity / Ah": "discharging_capacity_ah",
    "Step Cumulative Capacity / Ah": "step_cumulative_capacity_ah",
    "Ambient Temperature / degC": "ambient_temperature_celsius",
}
ROWS = {
    TIME: [0.0, 1800.0, 3600.0, 3600.5, 5400.5, 7200.5],
    VOLTAGE: [3.0, 3.6, 4.3, 4.2, 3.5, 2.6],
    CURRENT: [1.0, 1.0, 1.0, -1.0, -1.0, -1.0],
}
MORE = {
    STEP_COUNT: [1, 1, 1, 2, 2, 2],
    STEP: [4, 4, 4, 6, 6, 6],
    CYCLE: [1] * 6,
    STEP_TIME: [0.0, 1800.0, 3600.0, 0.0, 1800.0, 3600.0],
    NET_CAPACITY: [0.0, 0.5, 1.0, 1.0, 0.5, 0.0],
    CHARGING_CAPACITY: [0.0, 0.5, 1.0, 1.0, 1.0, 1.0],
    DISCHARGING_CAPACITY: [0.0, 0.0, 0.0, 0.0, 0.5, 1.0],
    STEP_CAPACITY: [0.0, 0.5, 1.0, 0.0, 0.5, 1.0],
    "Ambient Temperature / degC": [25.0] * 6,
}


def written(tmp_path, table, *, form=",", machine=False):
    """A file of the Battery Data Format: csv with a separator, or parquet."""
    table = table.rename(columns=LABELS) if machine else table
    path = tmp_path / "cell.bdf"
    if form == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, sep=form, decimal="," if form == ";" else ".", index=False)
    return path


@pytest.mark.parametrize("form", [",", ";", "\t", "parquet"])
@pytest.mark.parametrize("machine", [False, True])
def test_every_spelling_and_form_tells_the_same(tmp_path, form, machine):
    table = pd.DataFrame(ROWS | MORE)
    record = read_cycler_file(written(tmp_path, table, form=form, machine=machine))
    assert record.maker == "Battery Data Format"
    assert set(record.rows) == set(table) - {"Ambient Temperature / degC"}
    for name in record.rows:
        assert record.rows[name].to_numpy() == pytest.approx(table[name].to_numpy(float))


@pytest.mark.parametrize("counters", [[], [NET_CAPACITY], [STEP_CAPACITY], [CHARGING_CAPACITY, DISCHARGING_CAPACITY]])
def test_the_capacity_is_integrated_inside_steps_whatever_the_file_counts(tmp_path, counters):
    table = pd.DataFrame(ROWS | {name: MORE[name] for name in counters})
    steps, remarks = find_steps(read_cycler_file(written(tmp_path, table)))
    assert [(step.direction, step.capacity_ah) for step in steps] == [(1, pytest.approx(1.0)), (-1, pytest.approx(1.0))]
    assert [step.counted_ah for step in steps] == pytest.approx([1.0 if counters else np.nan] * 2, nan_ok=True)
    assert remarks == []


@pytest.mark.parametrize("form", [",", "parquet"])
def test_a_step_index_that_counts_rows_is_not_the_line_of_the_test_plan(tmp_path, form):
    counting = pd.DataFrame(ROWS | {"Step Index / 1": [1, 2, 3, 1, 2, 3]})
    assert STEP not in read_cycler_file(written(tmp_path, counting, form=form)).rows
    planned = pd.DataFrame(ROWS | {"Step Index / 1": [4, 4, 4, 6, 6, 6]})
    assert read_cycler_file(written(tmp_path, planned, form=form)).rows[STEP].to_list() == [4, 4, 4, 6, 6, 6]


def test_the_capacity_column_of_earlier_releases_is_known(tmp_path):
    table = pd.DataFrame(ROWS | {"Step Capacity / Ah": MORE[STEP_CAPACITY]})
    assert STEP_CAPACITY in read_cycler_file(written(tmp_path, table)).rows


def test_rows_without_a_number_are_left_out_of_parquet_and_said(tmp_path):
    table = pd.DataFrame(ROWS)
    table.loc[2, VOLTAGE] = np.nan
    record = read_cycler_file(written(tmp_path, table, form="parquet"))
    assert record.rows[TIME].to_list() == [0.0, 1800.0, 3600.5, 5400.5, 7200.5]
    assert [remark.code for remark in record.whole().remarks] == ["unreadable-rows"]


def test_a_parquet_file_of_something_else_says_what_it_has_and_what_to_do(tmp_path):
    path = written(tmp_path, pd.DataFrame({"t": [1.0], "U": [3.6]}), form="parquet")
    with pytest.raises(RateTestError, match="it has 't', 'U'. Name its columns as in the Battery Data Format"):
        read_cycler_file(path)


@pytest.mark.parametrize(
    "damaged", [lambda content: content[:-20], lambda content: content.replace(b"Voltage / V", b"Volt\xf6ge / V")]
)
def test_a_damaged_parquet_file_is_refused_in_a_sentence(tmp_path, damaged):
    path = written(tmp_path, pd.DataFrame(ROWS), form="parquet")
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(RateTestError, match="is a damaged parquet file .* Write it again"):
        read_cycler_file(path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cycler files are not beside this checkout")
def test_the_unsigned_current_of_a_genuine_file_is_signed_by_the_voltage():
    steps, remarks = find_steps(read_cycler_file(REAL / "rate_unsigned_current_maccor.bdf.csv"))
    discharges = [step for step in steps if step.direction < 0]
    assert [round(step.current_a, 1) for step in discharges] == [0.5, 0.5, 2.5, 5.0, 7.5]
    assert all(step.first_v > step.last_v for step in discharges)
    assert [step.capacity_ah for step in steps] == pytest.approx([step.counted_ah for step in steps], rel=2e-3)
    assert [remark.code for remark in remarks] == ["current-unsigned"]


@pytest.mark.parametrize("form", [",", "parquet"])
def test_other_units_in_its_labels_are_taken_at_their_word(tmp_path, form):
    table = pd.DataFrame(ROWS | {NET_CAPACITY: MORE[NET_CAPACITY]})
    names = {
        TIME: "Test Time / h",
        VOLTAGE: "Voltage / mV",
        CURRENT: "Current / mA",
        NET_CAPACITY: "Net Capacity / mAh",
    }
    factors = dict(zip(names, (1 / 3600, 1e3, 1e3, 1e3), strict=True))
    other = table.assign(**{name: table[name] * factor for name, factor in factors.items()}).rename(columns=names)
    rows = read_cycler_file(written(tmp_path, other, form=form)).rows
    for name in names:
        assert rows[name].to_numpy() == pytest.approx(table[name].to_numpy()), name
