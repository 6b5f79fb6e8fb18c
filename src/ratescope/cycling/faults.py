"""Faults of a log that its steps and its times show: said, and repaired only where the repair is certain."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ratescope.cycling.record import Step
from ratescope.cycling.runs import Fall
from ratescope.cycling.times import Stray
from ratescope.errors import RateTestError
from ratescope.records import Finding

NAMED = 3  # our choice: how many places a remark names
FULL_SWING_V = 1.0  # our choice: a step that moves the voltage so far is a whole charge or discharge
SHORTEST_S, LONGEST_S = 5.0, 3.6e6  # our choice: 720C and C/1000, at which nobody cycles
CLOCK_FACTOR = 10.0  # our choice: clocks in other units differ by 60 or more
CLIPPED_V = 0.05  # our choice, as for complete discharges: more than the last logged row is away
NAMES = {1: "charge", -1: "discharge"}


def refuse_two_clocks(ratios: Sequence[float], file: str) -> None:
    """Hours labelled as seconds: the time within each step shows it, where the file has that.

    Parameters
    ----------
    ratios : sequence of float
        By step: how fast the clock of the step runs beside that of the test; NaN where it is not logged.

    Raises
    ------
    RateTestError
        If the two clocks count in different units.
    """
    known = [ratio for ratio in ratios if ratio > 0.0]
    usual = float(np.median(known)) if known else 1.0
    if not 1.0 / CLOCK_FACTOR < usual < CLOCK_FACTOR:
        raise RateTestError(
            f"{file}: the time within its steps runs {usual:.4g} times as fast as its test time. "
            "A column is in another unit than its header says (hours as seconds give 3600): mend the header."
        )


def the_fullest_test(steps: list[Step], falls: Sequence[Fall], rows: int) -> tuple[list[Step], list[Finding]]:
    """The steps of the test with the most discharges, the first of equals: a later one has an aged cell.

    A time that begins anew at each step instead is the time within steps under a wrong name: nothing is left out.
    """
    starts = [0, *(fall.row for fall in falls if fall.is_restart)]
    tests: list[list[Step]] = [[] for _ in starts]
    for step in steps:
        tests[bisect_right(starts, step.begin) - 1].append(step)
    ends = [*starts[1:], rows]
    tests = [_with_last(test, end) for test, end in zip(tests, ends, strict=True)]
    if len(starts) == 1:
        return tests[0], []
    if all(len({step.direction for step in test}) < 2 for test in tests):
        text = f"The time begins anew {len(starts) - 1} times: it is read as the time within each step."
        return _with_last(steps, rows), [Finding("time-restarts", text)]
    discharges = [sum(step.direction < 0 for step in test) for test in tests]
    used = discharges.index(max(discharges))
    rows_at = _some(str(row + 1) for row in starts[1:])
    text = (
        f"The file holds {len(tests)} tests, as its time begins anew at row {rows_at}: used is test "
        f"{used + 1}, which has {discharges[used]} of {sum(discharges)} discharges. "
        "Cut the file there to use another."
    )
    return tests[used], [Finding("several-tests", text)]


def _with_last(steps: Sequence[Step], end: int) -> list[Step]:
    """With the mark on the step in which the file, or its test, ends."""
    return [replace(step, is_last=step.end == end) for step in steps]


def remarks_on_time(falls: Sequence[Fall], strays: Sequence[Stray]) -> list[Finding]:
    """Times that are wrong on a single row, and those that run backwards without beginning anew."""
    return [*_on_strays(strays), *_on_falls(falls)]


def _on_strays(strays: Sequence[Stray]) -> list[Finding]:
    if not strays:
        return []
    places = _some(f"{s.time_s:.6g} s after {s.before_s:.6g} s (row {s.row + 1})" for s in strays)
    text = f"The time of single rows is out of order, {places}: that of the row before each is taken."
    return [Finding("time-strays", text)]


def _on_falls(falls: Sequence[Fall]) -> list[Finding]:
    backwards = [fall for fall in falls if not fall.is_restart]
    if not backwards:
        return []
    places = _some(f"by {f.from_s - f.to_s:.6g} s after {f.from_s:.6g} s (row {f.row + 1})" for f in backwards)
    text = f"Time runs backwards {len(backwards)} times, {places}; those intervals count zero."
    return [Finding("time-backwards", text)]


def _some(places: Iterable[str]) -> str:
    """The first places, and how many more there are.

    >>> _some(["1 s", "2 s", "3 s", "4 s", "5 s"])
    '1 s; 2 s; 3 s; and 2 more'
    """
    places = list(places)
    more = [f"and {len(places) - NAMED} more"] if len(places) > NAMED else []
    return "; ".join(places[:NAMED] + more)


def remarks_on_steps(steps: Sequence[Step]) -> list[Finding]:
    """Gaps under current, an end under current, and steps that last impossibly long or short."""
    return [*_on_gaps(steps), *_on_a_clipped_end(steps), *_on_durations(steps)]


def _on_gaps(steps: Sequence[Step]) -> list[Finding]:
    gaps = [step for step in steps if step.has_gap]
    if not gaps:
        return []
    places = _some(
        f"{step.gap_s:.6g} s in the {NAMES[step.direction]} from {step.begin_s:.6g} s to {step.end_s:.6g} s"
        for step in gaps
    )
    text = (
        f"Logging stopped under current for {places}: the charge that passed meanwhile is not known, "
        "and these discharges do not count."
    )
    return [Finding("gap", text)]


def _on_a_clipped_end(steps: Sequence[Step]) -> list[Finding]:
    """The last step, where it stops short of where the others of its direction end."""
    if not steps or not steps[-1].is_last:
        return []
    last = steps[-1]
    ends_v = [step.last_v for step in steps[:-1] if step.direction == last.direction]
    if not ends_v or (float(np.median(ends_v)) - last.last_v) * last.direction <= CLIPPED_V:
        return []
    text = (
        f"The file ends under current, in a {NAMES[last.direction]} at {last.last_v:.2f} V that otherwise ends at "
        f"{float(np.median(ends_v)):.2f} V. Export the whole test, if it went on."
    )
    return [Finding("clipped", text)]


def _on_durations(steps: Sequence[Step]) -> list[Finding]:
    """Hours labelled as seconds, or milliseconds: where there is no counter of charge nothing else shows it."""
    lasting = [step.end_s - step.begin_s for step in steps if abs(step.last_v - step.first_v) > FULL_SWING_V]
    if not lasting or SHORTEST_S < (usual_s := float(np.median(lasting))) < LONGEST_S:
        return []
    text = f"Whole charges and discharges last {usual_s:.3g} s, as no cell does. Is the time in another unit?"
    return [Finding("time-implausible", text)]
