import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.record import CURRENT, STEP_TIME, TIME, VOLTAGE, CyclerRecord
from ratescope.cycling.steps import _runs, find_steps
from ratescope.errors import RateTestError


def record(time_s, voltage_v, current_a, **more):
    return CyclerRecord("cell.txt", pd.DataFrame({TIME: time_s, VOLTAGE: voltage_v, CURRENT: current_a} | more))


def ramp(from_v, to_v, rows):
    return np.linspace(from_v, to_v, rows).tolist()


@settings(deadline=None)
@given(st.floats(1e-6, 10.0), st.floats(1.0, 1e5), st.integers(2, 50))
def test_a_constant_current_passes_current_times_time(current_a, seconds, rows):
    time_s = np.linspace(0.0, seconds, rows)
    (step,), _ = find_steps(record(time_s, ramp(4.2, 2.6, rows), np.full(rows, -current_a)))
    assert step.capacity_ah == pytest.approx(current_a * seconds / 3600.0)
    assert step.current_a == pytest.approx(current_a)
    assert step.direction == -1


def test_a_current_that_fades_passes_its_integral_and_stands_for_its_plateau():
    """10 A for an hour, then a hold that fades to nothing within another: 10 + 5 Ah."""
    time_s, current_a = np.array([0.0, 1800.0, 3600.0, 7200.0]), np.array([-10.0, -10.0, -10.0, -0.0201])
    (step,), _ = find_steps(record(time_s, ramp(4.2, 2.6, 4), current_a))
    assert step.capacity_ah == pytest.approx(10.0 + 10.0201 / 2)
    assert step.current_a == pytest.approx(10.0)


def test_nothing_is_integrated_across_the_rest_between_two_steps():
    time_s = np.array([0.0, 3600.0, 3601.0, 90_000.0, 90_001.0, 93_601.0])
    steps, _ = find_steps(record(time_s, [3.0, 4.2, 4.1, 4.1, 4.0, 2.6], [1.0, 1.0, 0.0, 0.0, -1.0, -1.0]))
    assert [(s.direction, round(s.capacity_ah, 6)) for s in steps] == [(1, 1.0), (-1, 1.0)]


def test_a_first_row_that_is_logged_late_costs_nothing():
    """Some instruments write a step's first row only after the first interval."""
    time_s = np.array([0.0, 60.0, 120.0, 180.0])
    steps, _ = find_steps(
        record(time_s, [4.2, 4.0, 3.5, 2.6], [0.0, -1.0, -1.0, -1.0], **{STEP_TIME: [0, 60, 120, 180]})
    )
    assert steps[0].capacity_ah == pytest.approx(180.0 / 3600.0)


def test_time_that_runs_backwards_adds_nothing_and_is_said():
    time_s = np.array([0.0, 1800.0, 600.0, 2400.0])
    (step,), remarks = find_steps(record(time_s, ramp(4.2, 2.6, 4), [-1.0] * 4))
    assert step.capacity_ah == pytest.approx(1.0)
    assert [finding.code for finding in remarks] == ["time-backwards"]


def test_an_inverted_current_is_turned_and_said():
    time_s = np.arange(8) * 600.0
    voltage_v, current_a = ramp(3.0, 4.3, 4) + ramp(4.2, 2.6, 4), [-1.0] * 4 + [1.0] * 4
    steps, remarks = find_steps(record(time_s, voltage_v, current_a))
    assert [step.direction for step in steps] == [1, -1]
    assert [finding.code for finding in remarks] == ["current-inverted"]


def test_a_current_without_sign_gets_it_from_the_voltage_and_it_is_said():
    time_s, step_time_s = np.arange(9) * 600.0, [0.0, 600.0, 1200.0] * 3
    voltage_v = ramp(3.0, 4.3, 3) + [4.3] * 3 + ramp(4.2, 2.6, 3)
    steps, remarks = find_steps(record(time_s, voltage_v, [1.0] * 9, **{STEP_TIME: step_time_s}))
    assert [step.direction for step in steps] == [1, 1, -1]
    assert [finding.code for finding in remarks] == ["current-unsigned"]


def test_a_current_without_sign_and_without_steps_is_refused():
    time_s = np.arange(8) * 600.0
    with pytest.raises(RateTestError, match="contradicts the voltage in 1 of 1 steps.*Export the test with a signed"):
        find_steps(record(time_s, ramp(4.3, 2.6, 4) + ramp(2.6, 4.1, 4), [1.0] * 8))


def test_a_single_row_under_current_is_no_step():
    assert find_steps(record(np.arange(3.0), [3.5] * 3, [0.0, -1.0, 0.0])) == ([], [])


def test_a_record_at_rest_has_no_step():
    assert find_steps(record(np.arange(3.0), [3.5] * 3, [0.0, 1e-9, -1e-9])) == ([], [])


def test_a_record_without_rows_has_no_step():
    assert find_steps(record([], [], [])) == ([], [])


def runs_slowly(direction, is_start):
    """Row by row: too slow to ship, too plain to be wrong."""
    runs, begin = [], None
    for row in range(len(direction) + 1):
        ends = row == len(direction) or is_start[row] or direction[row] != direction[row - 1]
        if begin is not None and ends:
            runs.append((begin, row))
            begin = None
        if row < len(direction) and direction[row] != 0 and begin is None:
            begin = row
    return runs


@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.booleans()), min_size=1, max_size=30))
def test_runs_agree_with_going_row_by_row(rows):
    direction, is_start = (np.array(column) for column in zip(*rows, strict=True))
    assert _runs(direction, is_start) == runs_slowly(direction, is_start)
