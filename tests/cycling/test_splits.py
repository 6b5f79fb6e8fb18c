"""A test plan may cut a discharge into steps, and hold the voltage at its end: the cell saw one discharge."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.cycling.discharge_curves import discharge_curves
from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.record import CURRENT, STEP, STEP_TIME, TIME, VOLTAGE, Chunk, CyclerRecord
from ratescope.cycling.steps import find_steps

ACTIVE_MASS_MG = 12.0
ONE_C_A = ACTIVE_MASS_MG * 1e-6 * 159.7


def log(*phases):
    """Rows of phases (current in 1C, seconds, from V, to V, step of the plan), 60 s apart."""
    parts, begin_s = [], 0.0
    for c_rate, seconds, from_v, to_v, step in phases:
        at_s = np.arange(0.0, seconds + 1.0, 60.0)
        current = np.interp(at_s, [0.0, seconds], np.broadcast_to(c_rate, 2)) * ONE_C_A
        volts = np.interp(at_s, [0.0, seconds], [from_v, to_v])
        parts.append(
            pd.DataFrame({TIME: begin_s + at_s, VOLTAGE: volts, CURRENT: current, STEP: step, STEP_TIME: at_s})
        )
        begin_s += seconds
    return pd.concat(parts, ignore_index=True)


def record(rows, *without):
    return CyclerRecord.of_rows("cell.txt", rows.drop(columns=list(without)))


CHARGE = (1.0, 3600.0, 3.0, 4.3, 1)


def rate_test_of(rows, *without):
    return rate_test(record(rows, *without), cell="c", electrode="e", active_mass_mg=ACTIVE_MASS_MG)


@given(st.integers(1, 58))
def test_a_discharge_in_two_steps_is_the_same_wherever_the_plan_cuts_it(minutes):
    cut_v = 4.2 - 1.6 * minutes / 60
    parts = ((-1.0, minutes * 60.0, 4.2, cut_v, 2), (-1.0, (60 - minutes) * 60.0, cut_v, 2.6, 3))
    for without in ((), (STEP_TIME,)):
        (discharge,) = rate_test_of(log(CHARGE, *parts), *without).discharges
        assert discharge.capacity_ah == pytest.approx(ONE_C_A, rel=1e-6)
        assert discharge.is_complete


def test_what_passed_between_the_rows_of_two_steps_counts():
    """Where no row is logged as the step changes, and no time of the step says when it did."""
    rows = log(CHARGE, (-1.0, 1800.0, 4.2, 3.4, 2), (-1.0, 1800.0, 3.4, 2.6, 3))
    without_first = rows.drop(index=(rows[STEP] == 3).idxmax()).reset_index(drop=True)
    (discharge,) = rate_test_of(without_first, STEP_TIME).discharges
    assert discharge.capacity_ah == pytest.approx(ONE_C_A, rel=1e-6)


def test_steps_of_two_currents_or_with_a_rest_between_them_stay_apart():
    other_current = log(CHARGE, (-1.0, 1800.0, 4.2, 3.4, 2), (-0.5, 1800.0, 3.4, 2.6, 3))
    with_rest = log(CHARGE, (-1.0, 1800.0, 4.2, 3.4, 2), (0.0, 600.0, 3.5, 3.5, 3), (-1.0, 1800.0, 3.4, 2.6, 4))
    for rows in (other_current, with_rest):
        assert [step.direction for step in find_steps(record(rows))[0]] == [1, -1, -1]


def test_two_discharges_between_which_the_log_has_a_hole_are_two():
    rows = log(CHARGE, (-1.0, 3600.0, 4.2, 2.6, 2), (1.0, 3600.0, 3.0, 4.3, 3), (-1.0, 3600.0, 4.2, 2.6, 4))
    holed = rows[rows[STEP] != 3].reset_index(drop=True)
    assert [step.direction for step in find_steps(record(holed))[0]] == [1, -1, -1]


@pytest.mark.parametrize("without", [(), (STEP,), (STEP, STEP_TIME)])
def test_a_hold_at_the_end_of_a_discharge_does_not_count_whatever_marks_it(without):
    rows = log(CHARGE, (-1.0, 3000.0, 4.2, 2.6, 2), ((-0.9, -0.1), 1200.0, 2.6, 2.6, 3))
    test = rate_test_of(rows, *without)
    (discharge,) = test.discharges
    assert discharge.capacity_ah == pytest.approx(ONE_C_A * 3000 / 3600, rel=0.02)
    assert discharge.c_rate_per_h == 1.0
    assert "Discharge 1 goes on at constant voltage, which gave up to 20 % more" in " ".join(
        remark.text for remark in test.remarks
    )
    charge_ah, _ = discharge_curves(record(rows, *without), test)[1.0]
    assert charge_ah[-1] == pytest.approx(discharge.capacity_ah)


def test_a_discharge_that_ends_as_the_current_is_switched_off_has_no_hold():
    rows = log(CHARGE, (-1.0, 3600.0, 4.2, 2.6, 2))
    last = rows.tail(1).assign(**{CURRENT: -0.3 * ONE_C_A, VOLTAGE: 2.75, TIME: rows[TIME].max() + 1.0})
    test = rate_test_of(pd.concat([rows, last], ignore_index=True), STEP_TIME)
    assert "discharge-hold" not in {remark.code for remark in test.remarks}
    assert test.discharges[0].capacity_ah == pytest.approx(ONE_C_A, rel=1e-3)


@pytest.mark.parametrize("rows_each", [1, 7, 1000])
def test_a_first_row_that_still_shows_the_rest_is_counted_from_where_the_step_began(rows_each):
    """Without a time of the step: its number says that the current began there."""
    rows = log(CHARGE, (0.0, 600.0, 4.2, 4.2, 2), (-1.0, 3600.0, 4.2, 2.6, 3))
    first = int((rows[STEP] == 3).idxmax())
    rows.loc[first, CURRENT] = 0.0
    rows = rows.drop(columns=STEP_TIME)
    chunks = [Chunk(rows.iloc[a : a + rows_each]) for a in range(0, len(rows), rows_each)]
    steps, _ = find_steps(CyclerRecord("cell.txt", "", lambda: iter(chunks)))
    assert steps[-1].capacity_ah == pytest.approx(ONE_C_A)
    assert steps[-1].begin == first + 1
