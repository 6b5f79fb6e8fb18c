import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
    Chunk,
    CyclerRecord,
)
from ratescope.cycling.steps import CAPACITY_SO_FAR, find_steps, rows_of
from ratescope.errors import RateTestError
from ratescope.records import Finding


def record(time_s, voltage_v, current_a, **more):
    return CyclerRecord.of_rows("cell.txt", pd.DataFrame({TIME: time_s, VOLTAGE: voltage_v, CURRENT: current_a} | more))


def in_chunks(whole, rows_each):
    """The same record, read so many rows at a time."""
    rows = whole.rows
    return CyclerRecord(
        whole.file,
        whole.maker,
        lambda: (Chunk(rows.iloc[a : a + rows_each]) for a in range(0, len(rows), rows_each)),
    )


def codes(findings):
    return [finding.code for finding in findings]


def full_cycles(count, *, rows=10, begin_s=0.0, row_s=360.0):
    """Charges and discharges at 1 A, an hour each, without a rest between them: (time, voltage, current)."""
    time_s = begin_s + np.arange(2 * count * rows) * row_s
    voltage_v = np.tile(ramp(3.0, 4.3, rows) + ramp(4.2, 2.6, rows), count)
    return time_s, voltage_v, np.tile(np.repeat([1.0, -1.0], rows), count)


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
    late = record(time_s, [4.2, 4.0, 3.5, 2.6], [0.0, -1.0, -1.0, -1.0], **{STEP_TIME: [0, 60, 120, 180]})
    steps, _ = find_steps(late)
    assert steps[0].capacity_ah == pytest.approx(180.0 / 3600.0)
    assert rows_of(late, steps[0])[CAPACITY_SO_FAR].to_list() == pytest.approx([1 / 60, 2 / 60, 3 / 60])


def test_what_passed_before_the_file_begins_is_not_counted():
    (step,), _ = find_steps(record([0.0, 60.0, 120.0], [4.2, 3.5, 2.6], [-1.0] * 3, **{STEP_TIME: [500, 560, 620]}))
    assert step.capacity_ah == pytest.approx(120.0 / 3600.0)


def test_time_that_runs_backwards_adds_nothing_and_is_said():
    time_s = np.array([0.0, 1800.0, 600.0, 2400.0])
    (step,), remarks = find_steps(record(time_s, ramp(4.2, 2.6, 4), [-1.0] * 4))
    assert step.capacity_ah == pytest.approx(1.0)
    assert codes(remarks) == ["time-backwards"]
    assert "backwards 1 times, by 1200 s after 1800 s (row 3)" in remarks[0].text


def at_one_ampere(time_s):
    return record(time_s, ramp(4.2, 2.6, len(time_s)), [-1.0] * len(time_s))


@pytest.mark.parametrize("wrong_s", [0.0, 3.0, 50.0, 9e5])
@pytest.mark.parametrize("rows_each", [1, 2, 3, 60])
def test_a_single_row_at_a_wrong_time_costs_nothing_and_is_said(wrong_s, rows_each):
    time_s = np.arange(60) * 60.0
    time_s[29] = wrong_s
    (step,), remarks = find_steps(in_chunks(at_one_ampere(time_s), rows_each))
    assert step.capacity_ah == pytest.approx(59 / 60)
    assert not step.has_gap
    assert codes(remarks) == ["time-strays"]
    assert f"{wrong_s:.6g} s after 1680 s (row 30)" in remarks[0].text


def test_a_clock_that_was_set_back_for_good_is_no_single_row():
    time_s = np.arange(60) * 60.0 - np.where(np.arange(60) >= 30, 1000.0, 0.0)
    (step,), remarks = find_steps(at_one_ampere(time_s))
    assert step.capacity_ah == pytest.approx(58 / 60)  # the interval in which it was set back counts zero
    assert codes(remarks) == ["time-backwards"]


def test_an_inverted_current_is_turned_and_said():
    time_s = np.arange(8) * 600.0
    voltage_v, current_a = ramp(3.0, 4.3, 4) + ramp(4.2, 2.6, 4), [-1.0] * 4 + [1.0] * 4
    steps, remarks = find_steps(record(time_s, voltage_v, current_a))
    assert [step.direction for step in steps] == [1, -1]
    assert codes(remarks) == ["current-inverted"]


def test_a_current_without_sign_gets_it_from_the_voltage_and_it_is_said():
    time_s, step_time_s = np.arange(9) * 600.0, [0.0, 600.0, 1200.0] * 3
    voltage_v = ramp(3.0, 4.3, 3) + [4.3] * 3 + ramp(4.2, 2.6, 3)
    steps, remarks = find_steps(record(time_s, voltage_v, [1.0] * 9, **{STEP_TIME: step_time_s}))
    assert [(step.direction, step.begin, step.end) for step in steps] == [(1, 0, 6), (-1, 6, 9)]  # the hold is joined
    assert codes(remarks) == ["current-unsigned"]


def test_a_sign_that_contradicts_the_voltage_in_some_steps_alone_is_refused():
    time_s, voltage_v, current_a = full_cycles(2)
    current_a = np.where(np.arange(40) < 20, current_a, -current_a)
    with pytest.raises(RateTestError, match="contradicts the voltage in 2 of 4 steps.*Export the test with a signed"):
        find_steps(record(time_s, voltage_v, current_a, **{STEP: np.repeat([1, 2, 3, 4], 10)}))


def test_a_single_row_under_current_is_no_step():
    assert find_steps(record(np.arange(3.0), [3.5] * 3, [0.0, -1.0, 0.0])) == ([], [])


def test_a_record_at_rest_has_no_step():
    assert find_steps(record(np.arange(3.0), [3.5] * 3, [0.0, 1e-9, -1e-9])) == ([], [])


def test_a_record_without_rows_has_no_step():
    assert find_steps(record([], [], [])) == ([], [])


READINGS = st.tuples(
    st.sampled_from([0.0, 60.0, 60.0, 60.0, 900.0, -30.0, -1e9]),  # until the next row; the last sets it to zero
    st.sampled_from([-1.0, -1.0, -0.5, 0.0, 0.0, 1.0, 1.0, 1e-4, 2e-8]),
    st.floats(3.4, 3.45),  # no swing that could contradict the sign
    st.sampled_from([1.0, 1.0, 1.0, 2.0]),
    st.integers(30, 600),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(READINGS, min_size=1, max_size=60), st.integers(1, 20))
def test_the_steps_do_not_depend_on_where_the_file_is_cut(readings, rows_each):
    """The slow twin: all rows at once."""
    time_s = [0.0]
    for interval_s, *_ in readings[:-1]:
        time_s.append(max(time_s[-1] + interval_s, 0.0))
    _, current_a, voltage_v, step, step_time_s = zip(*readings, strict=True)
    whole = record(
        time_s,
        voltage_v,
        current_a,
        **{STEP: step, STEP_TIME: np.minimum.accumulate(step_time_s), CYCLE: np.arange(len(step))},
    )
    assert repr(find_steps(in_chunks(whole, rows_each))) == repr(find_steps(whole))  # as text, NaN is NaN


def test_only_the_rows_of_the_step_under_way_are_held():
    """Sixty steps of a thousand rows: held together they would be 4.3 MB."""

    def chunks():
        for number in range(60):
            rows = {TIME: number * 1000.0 + np.arange(1000), VOLTAGE: np.full(1000, 3.5)}
            yield Chunk(pd.DataFrame(rows | {CURRENT: np.full(1000, (-1.0) ** number)}))

    tracemalloc.start()
    try:
        steps, _ = find_steps(CyclerRecord("cell.txt", "", chunks))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(steps) == 60
    assert peak_bytes < 1.5e6


def test_the_constant_voltage_part_is_told_from_the_rest():
    """An hour at 1 A up to 4.3 V, then a hold in which the current falls from 1 A to 0.1 A within an hour."""
    current_a = np.concatenate([np.ones(61), np.linspace(1.0, 0.1, 61)[1:]])
    voltage_v = ramp(3.0, 4.3, 61) + [4.3] * 60
    (step,), _ = find_steps(record(np.arange(121) * 60.0, voltage_v, current_a))
    assert step.cc_capacity_ah == pytest.approx(1.0)
    assert step.cv_capacity_ah == pytest.approx(0.55)
    assert step.cc_capacity_ah + step.cv_capacity_ah == pytest.approx(step.capacity_ah)


def test_a_hold_that_is_a_step_of_its_own_is_constant_voltage_throughout():
    (step,), _ = find_steps(record(np.arange(61) * 60.0, [4.3] * 61, np.linspace(1.0, 0.1, 61)))
    assert (step.cc_capacity_ah, step.cv_capacity_ah) == (0.0, step.capacity_ah)


def test_a_current_that_fades_while_the_voltage_moves_is_no_hold():
    (step,), _ = find_steps(record(np.arange(161) * 60.0, ramp(4.2, 2.6, 161), np.linspace(-1.0, -0.6, 161)))
    assert step.cv_capacity_ah == 0.0


def test_a_discharge_at_constant_current_has_no_constant_voltage_part():
    rng = np.random.default_rng(0)
    current_a = -1.0 - 1e-3 * rng.standard_normal(200)
    (step,), _ = find_steps(record(np.arange(200) * 18.0, ramp(4.2, 2.6, 200), current_a))
    assert step.cv_capacity_ah == 0.0


def test_logging_that_stopped_under_current_is_a_gap_and_is_said():
    time_s, voltage_v, current_a = full_cycles(2, rows=60, row_s=60.0)
    kept = np.r_[0:80, 100:240]  # 20 minutes of the first discharge are missing
    steps, remarks = find_steps(record(time_s[kept], voltage_v[kept], current_a[kept]))
    assert [step.has_gap for step in steps] == [False, True, False, False]
    assert steps[1].gap_s == 21 * 60.0
    assert codes(remarks) == ["gap"]
    assert "for 1260 s in the discharge from 3600 s to 7140 s" in remarks[0].text


def test_rows_that_are_far_apart_where_the_voltage_stands_are_no_gap():
    """A logger that writes a row when the voltage has moved: plateaus have intervals a hundred times the others."""
    intervals_s = np.concatenate([np.full(80, 2.0), [150.0, 220.0, 180.0, 200.0], np.full(80, 2.0)])
    time_s = np.concatenate([[0.0], np.cumsum(intervals_s)])
    (step,), remarks = find_steps(record(time_s, ramp(4.2, 2.6, 165), [-1.0] * 165))
    assert not step.has_gap
    assert remarks == []


def test_a_long_interval_in_which_hardly_anything_passes_is_no_gap():
    time_s = np.concatenate([np.arange(60) * 60.0, [4000.0]])
    current_a = np.concatenate([np.linspace(1.0, 0.01, 59), [0.002, 0.002]])
    (step,), _ = find_steps(record(time_s, [4.3] * 61, current_a))
    assert not step.has_gap


def test_a_rest_without_rows_is_no_gap():
    time_s, voltage_v, current_a = full_cycles(2)
    _, remarks = find_steps(record(time_s + np.where(np.arange(40) >= 20, 90_000.0, 0.0), voltage_v, current_a))
    assert remarks == []


def test_of_two_tests_in_one_file_the_one_with_more_discharges_is_used_and_it_is_said():
    first, second = full_cycles(1), full_cycles(2)
    both = [np.concatenate(columns) for columns in zip(first, second, strict=True)]
    steps, remarks = find_steps(record(*both))
    assert [step.begin for step in steps] == [20, 30, 40, 50]
    assert codes(remarks) == ["several-tests"]
    assert "2 tests, as its time begins anew at row 21: used is test 2, which has 2 of 3 discharges" in remarks[0].text


def test_the_last_step_before_another_test_began_is_the_last_of_its_test():
    first, second = full_cycles(2), full_cycles(1)
    both = [np.concatenate(columns) for columns in zip(first, second, strict=True)]
    steps, _ = find_steps(record(*both))
    assert [step.is_last for step in steps] == [False, False, False, True]


def test_a_time_that_begins_anew_at_each_step_is_the_time_within_it():
    _, voltage_v, current_a = full_cycles(3)
    steps, remarks = find_steps(record(np.tile(np.arange(10) * 360.0, 6), voltage_v, current_a))
    assert [step.capacity_ah for step in steps] == pytest.approx([0.9] * 6)
    assert codes(remarks) == ["time-restarts"]


def test_a_file_that_ends_under_current_says_so():
    time_s, voltage_v, current_a = (column[:-5] for column in full_cycles(2))
    steps, remarks = find_steps(record(time_s, voltage_v, current_a))
    assert [step.is_last for step in steps] == [False, False, False, True]
    assert codes(remarks) == ["clipped"]
    assert "in a discharge at 3.49 V that otherwise ends at 2.60 V. Export the whole test" in remarks[0].text


def test_a_step_that_stopped_short_before_a_rest_is_not_clipped():
    time_s, voltage_v, current_a = (column[:-5] for column in full_cycles(2))
    rested = record(np.append(time_s, time_s[-1] + 60.0), np.append(voltage_v, 3.6), np.append(current_a, 0.0))
    assert find_steps(rested)[1] == []


def test_a_new_test_cuts_the_step_that_was_under_way():
    time_s = np.tile(np.arange(10) * 360.0, 2)
    steps, _ = find_steps(record(time_s, ramp(4.2, 2.6, 10) * 2, [-1.0] * 20))
    assert [(step.begin, step.end) for step in steps] == [(0, 10), (10, 20)]


def test_hours_labelled_as_seconds_are_said_even_without_a_counter():
    time_s, voltage_v, current_a = full_cycles(2)
    _, remarks = find_steps(record(time_s / 3600.0, voltage_v, current_a))
    assert codes(remarks) == ["time-implausible"]


def test_a_test_time_in_hours_beside_step_times_in_seconds_is_refused():
    time_s, voltage_v, current_a = full_cycles(2)
    step_time_s = np.tile(np.arange(10) * 360.0, 4)
    with pytest.raises(RateTestError, match=r"runs 3600 times as fast as its test time.*mend the header"):
        find_steps(record(time_s / 3600.0, voltage_v, current_a, **{STEP_TIME: step_time_s}))
    assert find_steps(record(time_s, voltage_v, current_a, **{STEP_TIME: step_time_s}))[1] == []


@pytest.mark.parametrize(
    "counters",
    [
        {NET_CAPACITY: [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]},
        {STEP_CAPACITY: [0.0, 0.5, 1.0, 0.0, -0.5, -1.0]},
        {STEP_CAPACITY: [0.0, 0.5, 1.0, 1.0, 0.5, 1.0]},  # set back one row late: what is set back is lost
        {CHARGING_CAPACITY: [7.0, 7.5, 8.0, 8.0, 8.0, 8.0], DISCHARGING_CAPACITY: [3.0, 3.0, 3.0, 0.0, 0.5, 1.0]},
    ],
)
def test_the_instruments_own_counters_are_read_within_the_step(counters):
    time_s = np.arange(6) * 1800.0
    (charge, discharge), _ = find_steps(
        record(time_s, ramp(3.0, 4.3, 3) + ramp(4.2, 2.6, 3), [1.0] * 3 + [-1.0] * 3, **counters)
    )
    late = counters.get(STEP_CAPACITY, [0.0] * 4)[3] == 1.0
    assert (charge.counted_ah, discharge.counted_ah) == pytest.approx((1.0, 0.5 if late else 1.0))


def test_offsets_before_the_first_current_are_rest_and_not_part_of_the_charge():
    time_s = np.arange(6) * 3600.0
    (step,), _ = find_steps(record(time_s, [3.0] * 4 + [3.5, 4.3], [2e-8, 2e-8, 2e-8, 1.0, 1.0, 1.0]))
    assert (step.begin, step.begin_s, step.capacity_ah) == (3, 10_800.0, pytest.approx(2.0))


def test_offsets_of_the_other_sign_are_no_step():
    time_s = np.arange(6) * 3600.0
    steps, _ = find_steps(record(time_s, [3.0] * 4 + [3.5, 4.3], [-2e-8, -2e-8, -2e-8, 1.0, 1.0, 1.0]))
    assert [step.begin for step in steps] == [3]


def test_what_reading_brought_to_light_is_passed_on():
    rows, said = record(*full_cycles(1)).rows, Finding("truncated", "The file stops.")
    _, remarks = find_steps(CyclerRecord("cell.txt", "", lambda: iter([Chunk(rows, (said,))])))
    assert remarks == [said]


def test_the_cycle_is_that_of_the_file():
    time_s, voltage_v, current_a = full_cycles(2)
    steps, _ = find_steps(record(time_s, voltage_v, current_a, **{CYCLE: np.repeat([1, 1, 2, 2], 10)}))
    assert [step.cycle for step in steps] == [1, 1, 2, 2]
    assert find_steps(record(time_s, voltage_v, current_a))[0][0].cycle is None


@pytest.mark.parametrize("rows_each", [7, 100])
def test_the_rows_of_a_step_carry_the_capacity_so_far(rows_each):
    whole = in_chunks(record(*full_cycles(2)), rows_each)
    steps, _ = find_steps(whole)
    rows = rows_of(whole, steps[3])
    assert rows[VOLTAGE].to_list() == ramp(4.2, 2.6, 10)
    assert rows[CAPACITY_SO_FAR].to_list() == pytest.approx(np.arange(10) * 0.1)


def test_a_row_at_a_wrong_time_does_not_bend_the_discharge_curve():
    time_s = np.arange(60) * 60.0
    time_s[29] = 0.0
    stray = at_one_ampere(time_s)
    (step,), _ = find_steps(stray)
    assert rows_of(stray, step)[CAPACITY_SO_FAR].iloc[[0, 28, 30, 59]].to_list() == pytest.approx(
        [0, 28 / 60, 0.5, 59 / 60]
    )
