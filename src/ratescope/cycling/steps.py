"""Rows → steps: told from current and voltage, never from the names that a test plan gives them.

The rows pass chunk by chunk; beside the list of steps only the rows of the step that is under way are held.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.cycling.directions import with_directions
from ratescope.cycling.faults import refuse_two_clocks, remarks_on_steps, remarks_on_time, the_fullest_test
from ratescope.cycling.log import Log
from ratescope.cycling.record import CURRENT, TIME, VOLTAGE, CyclerRecord, Step
from ratescope.cycling.runs import REST_A, REST_SHARE, Run, RunCutter
from ratescope.cycling.splits import with_splits_joined
from ratescope.cycling.times import Stray, mended_times, with_times_in_order
from ratescope.cycling.turns import HOLD_V, cut_at_turns
from ratescope.records import Finding

__all__ = ["CAPACITY_SO_FAR", "Step", "find_steps", "rows_of"]

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
    pieces, may_lack_sign = list[Step](), True
    clock_ratios: list[float] = []
    for run in _runs(cutter, with_times_in_order(_logs(record, remarks), strays)):
        steps.append(_step(run))
        clock_ratios.append(_clock_ratio(run.log))
        may_lack_sign = may_lack_sign and run.direction > 0 and not cutter.marks_steps
        if may_lack_sign:
            pieces += map(_step, cut_at_turns(run))
    refuse_two_clocks(clock_ratios, record.file)
    steps = pieces if may_lack_sign else steps
    steps = [step for step in steps if step.capacity_ah > 0.0]  # a single row is an instrument switching
    steps = [step for step in steps if step.current_a > max(REST_A, REST_SHARE * cutter.greatest_a)]
    are_single = may_lack_sign or cutter.marks_steps
    steps, on_direction = with_directions(steps, record.file, are_single=are_single)
    steps = with_splits_joined(steps)
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
    passed_as = Log.of(rows).at_times(time_s).passed_as
    # What passed before the first row was logged belongs to every row.
    return rows.assign(**{CAPACITY_SO_FAR: step.capacity_ah - (passed_as[-1] - passed_as) / 3600.0})


def _step(run: Run) -> Step:
    log = run.log
    magnitude = np.abs(log.current_a)
    unlogged_s = _unlogged_s(run)
    before_as = float(magnitude[0]) * unlogged_s
    passed_as = log.passed_as + before_as
    hold_begins = _hold_begin(log.voltage_v, magnitude)
    gap_s = _gap_s(np.diff(log.time_s, prepend=log.time_s[0] - unlogged_s), np.diff(passed_as, prepend=0.0))
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
        since_s=float(log.time_s[0]) - unlogged_s,
        cc_capacity_ah=float(passed_as[hold_begins]) / 3600.0 if hold_begins else 0.0,
        cv_capacity_ah=float(passed_as[-1] - (passed_as[hold_begins] if hold_begins else 0.0)) / 3600.0,
        has_gap=gap_s > 0.0,
        gap_s=gap_s,
        cycle=int(log.cycle[0]) if np.isfinite(log.cycle[0]) else None,
    )


def _unlogged_s(run: Run) -> float:
    """How long the current had run before the step's first row: some instruments log it after the first interval."""
    since_start_s = run.log.step_time_s[0]
    if run.has_stale_row and np.isnan(since_start_s):
        return float(max(run.log.time_s[0] - run.before_s, 0.0))
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
