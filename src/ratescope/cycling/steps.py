"""Rows → steps: told from current and voltage, never from the names that a test plan gives them.

The rows pass chunk by chunk; beside the list of steps only the rows of the step that is under way are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.cycling.faults import refuse_two_clocks, remarks_on_steps, remarks_on_time, the_fullest_test
from ratescope.cycling.log import REST_A, REST_SHARE, Log, Run, RunCutter
from ratescope.cycling.record import CURRENT, TIME, VOLTAGE, CyclerRecord, Step
from ratescope.cycling.times import Stray, mended_times, with_times_in_order
from ratescope.errors import RateTestError
from ratescope.records import Finding

__all__ = ["CAPACITY_SO_FAR", "Step", "find_steps", "rows_of"]

SWING_V = 0.1  # our choice: a step that moves the voltage further than this shows the direction of its current
CONTRADICTION_SHARE = 0.05  # our choice: of the charge passed in such steps
HOLD_V = 0.005  # our choice: a cycler holds a voltage, and reads it back, within a few mV
FADE_BEGIN, FADE_END = 0.99, 0.95  # our choice: the current of a hold falls below both; noise does not
GAP_FACTOR, GAP_RANK, GAP_SHARE = 5.0, 3, 0.01  # our choice: see `_gap_s`
CAPACITY_SO_FAR = "Capacity / Ah"


def find_steps(record: CyclerRecord) -> tuple[list[Step], list[Finding]]:
    """The steps under current in the order of time, with remarks on what had to be put right or looks wrong.

    Of several tests in one file only the one with the most discharges is used, which is said.

    Raises
    ------
    RateTestError
        If the file cannot be read, or the current's sign contradicts the voltage: a reader that trusted it would
        report nonsense.
    """
    cutter, steps, strays, remarks = RunCutter(), list[Step](), list[Stray](), list[Finding]()
    clock_ratios: list[float] = []
    for run in _runs(cutter, with_times_in_order(_logs(record, remarks), strays)):
        steps.append(_step(run))
        clock_ratios.append(_clock_ratio(run.log))
    refuse_two_clocks(clock_ratios, record.file)
    steps = [step for step in steps if step.capacity_ah > 0.0]  # a single row is an instrument switching
    steps = [step for step in steps if step.current_a > max(REST_A, REST_SHARE * cutter.greatest_a)]
    steps, on_direction = _with_directions_from_voltage(steps, record.file, marks_steps=cutter.marks_steps)
    steps, on_tests = the_fullest_test(steps, cutter.falls, cutter.rows)
    on_time = remarks_on_time(cutter.falls, strays)
    return steps, [*remarks, *on_direction, *on_tests, *on_time, *remarks_on_steps(steps)]


def _logs(record: CyclerRecord, remarks: list[Finding]) -> Iterator[Log]:
    """The chunks as arrays; their remarks are noted as they pass."""
    for chunk in record.chunks():
        remarks += chunk.remarks
        yield Log.of(chunk.rows)


def _runs(cutter: RunCutter, logs: Iterator[Log]) -> Iterator[Run]:
    for log in logs:
        yield from cutter.add(log)
    yield from cutter.finish()


def rows_of(record: CyclerRecord, step: Step) -> pd.DataFrame:
    """The rows of one step: time, voltage, current as in the file, and ``Capacity / Ah`` that has passed so far."""
    parts, begin = [], 0
    for chunk in record.chunks():
        end = begin + len(chunk.rows)
        if end > step.begin and begin < step.end:
            wanted = chunk.rows[[TIME, VOLTAGE, CURRENT]]
            parts.append(wanted.iloc[max(step.begin - begin, 0) : step.end - begin])
        begin = end
        if end >= step.end:
            break
    rows = pd.concat(parts, ignore_index=True)
    time_s, _ = mended_times(rows[TIME].to_numpy(np.float64))
    passed_as = _passed_as(np.abs(rows[CURRENT].to_numpy(np.float64)), _intervals_s(time_s))
    # What passed before the first row was logged belongs to every row.
    return rows.assign(**{CAPACITY_SO_FAR: step.capacity_ah - (passed_as[-1] - passed_as) / 3600.0})


def _step(run: Run) -> Step:
    log = run.log
    magnitude = np.abs(log.current_a)
    unlogged_s = _unlogged_s(run)
    intervals_s = _intervals_s(log.time_s)
    before_as = float(magnitude[0]) * unlogged_s
    passed_as = _passed_as(magnitude, intervals_s) + before_as
    hold_begins = _hold_begin(log.voltage_v, magnitude)
    gap_s = _gap_s(np.concatenate([[unlogged_s], intervals_s]), np.diff(passed_as, prepend=0.0))
    return Step(
        begin=run.begin,
        end=run.begin + len(log),
        direction=run.direction,
        current_a=float(np.interp(passed_as[-1] / 2.0, passed_as, magnitude)),
        capacity_ah=float(passed_as[-1]) / 3600.0,
        counted_ah=_counted_ah(log) + before_as / 3600.0,
        first_v=float(log.voltage_v[0]),
        last_v=float(log.voltage_v[-1]),
        begin_s=float(log.time_s[0]),
        end_s=float(log.time_s[-1]),
        cc_capacity_ah=float(passed_as[hold_begins]) / 3600.0 if hold_begins else 0.0,
        cv_capacity_ah=float(passed_as[-1] - (passed_as[hold_begins] if hold_begins else 0.0)) / 3600.0,
        has_gap=gap_s > 0.0,
        gap_s=gap_s,
        cycle=int(log.cycle[0]) if np.isfinite(log.cycle[0]) else None,
    )


def _intervals_s(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between rows; a time that runs backwards counts zero."""
    return np.clip(np.diff(time_s), 0.0, None)


def _passed_as(magnitude_a: NDArray[np.float64], intervals_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The running integral of the current, by the trapezoidal rule."""
    return np.concatenate([[0.0], np.cumsum((magnitude_a[1:] + magnitude_a[:-1]) / 2.0 * intervals_s)])


def _unlogged_s(run: Run) -> float:
    """How long the current had run before the step's first row: some instruments log it after the first interval."""
    since_start_s = run.log.step_time_s[0]
    if not (since_start_s > 0.0 and run.before_s <= run.log.time_s[0]):
        return 0.0
    return float(min(run.log.time_s[0] - run.before_s, since_start_s))


def _clock_ratio(log: Log) -> float:
    """How fast the clock of the step runs beside that of the test; NaN where there is none."""
    passed_s = log.time_s[-1] - log.time_s[0]
    return float((log.step_time_s[-1] - log.step_time_s[0]) / passed_s) if passed_s > 0.0 else np.nan


def _counted_ah(log: Log) -> float:
    """Within the rows alone: some test plans set the counters back at each step, others never."""
    if np.isfinite(log.net_ah[0]):
        return abs(float(log.net_ah[-1] - log.net_ah[0]))
    growth = np.diff(log.passed_ah)
    return float(growth[growth > 0.0].sum()) if np.isfinite(growth).all() else np.nan


def _hold_begin(voltage_v: NDArray[np.float64], magnitude_a: NDArray[np.float64]) -> int:
    """The row where the voltage has come to its end value and the current begins to fade; the last where it does not.

    >>> _hold_begin(np.array([4.0, 4.2, 4.3, 4.3, 4.3]), np.array([1.0, 1.0, 1.0, 0.5, 0.1]))
    2
    >>> _hold_begin(np.array([4.2, 3.0, 2.6]), np.array([1.0, 1.0, 1.0]))
    2
    """
    last = len(voltage_v) - 1
    away = np.flatnonzero(np.abs(voltage_v - voltage_v[-1]) > HOLD_V)
    arrived = int(away[-1]) + 1 if away.size else 0
    if magnitude_a[last] > FADE_END * magnitude_a[arrived]:
        return last
    return arrived + int(np.argmax(magnitude_a[arrived:] < FADE_BEGIN * magnitude_a[arrived])) - 1


def _gap_s(intervals_s: NDArray[np.float64], charges_as: NDArray[np.float64]) -> float:
    """The longest interval in which logging must have stopped; 0 where none is.

    Loggers write a row when time or voltage has moved, so that intervals differ by orders of magnitude, but a long one
    has others like it. One that is 5 times the third longest, and holds over 1 % of the charge, has not.
    """
    passing_s = intervals_s[intervals_s > 0.0]
    if len(passing_s) < GAP_RANK:
        return 0.0
    usual_s = float(np.partition(passing_s, -GAP_RANK)[-GAP_RANK])
    is_gap = (intervals_s > GAP_FACTOR * usual_s) & (charges_as > GAP_SHARE * charges_as.sum())
    return float(intervals_s[is_gap].max(initial=0.0))


def _with_directions_from_voltage(
    steps: list[Step], file: str, *, marks_steps: bool
) -> tuple[list[Step], list[Finding]]:
    """Steps whose directions agree with what the voltage did: charging raises it, discharging lowers it."""
    swings = [step for step in steps if abs(step.last_v - step.first_v) > SWING_V]
    against = [step for step in swings if np.sign(step.last_v - step.first_v) != step.direction]
    if not against or _charge(against) <= CONTRADICTION_SHARE * _charge(swings):
        return steps, []
    if len(against) == len(swings) and {step.direction for step in swings} == {-1, 1}:
        remark = Finding("current-inverted", "The current is above zero where it discharges; its sign is turned.")
        return [replace(step, direction=-step.direction) for step in steps], [remark]
    if len({step.direction for step in steps}) == 1 and marks_steps:
        remark = Finding("current-unsigned", "The current has no sign; the voltage tells charge from discharge.")
        return [replace(step, direction=-1 if step.last_v < step.first_v - SWING_V else 1) for step in steps], [remark]
    raise RateTestError(
        f"{file}: the sign of the current contradicts the voltage in {len(against)} of {len(swings)} steps. "
        "Export the test with a signed current, or type the capacities into cells.csv."
    )


def _charge(steps: list[Step]) -> float:
    return sum(step.capacity_ah for step in steps)
