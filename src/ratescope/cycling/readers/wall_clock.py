"""The time of day in a column → the unit in which the test time really counts.

Headers that call hours seconds, and headers that give no unit, are found out by the clock on the wall.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ratescope.cycling.readers.cells import number_or_none
from ratescope.cycling.readers.header import UNITS, Header
from ratescope.cycling.readers.layout import Column
from ratescope.cycling.record import STEP_TIME, TIME
from ratescope.records import Finding

WALL_CLOCK_S = 600.0  # our choice: how much of a test must be seen before its clock is trusted to tell a unit
TOLERANCE = 0.02  # our choice: a paused test drifts further, and the known units lie far apart
DAY_S = 86_400.0
_TIME_OF_DAY = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?(?:\s*([AP])M)?(?:Z|[+-]\d{2}:?(?:\d{2})?)?\s*$", re.IGNORECASE
)


def with_time_by_wall_clock(
    header: Header, columns: Mapping[int, Column], wall_clock: Sequence[str]
) -> tuple[Mapping[int, Column], tuple[Finding, ...]]:
    """The columns with the unit of time that the time of day proves, with a remark where the header says another."""
    place = next((n for n, column in columns.items() if column.target == TIME and column.kind == "number"), None)
    clock = next((n for n, stem in enumerate(header.stems) if stem in wall_clock), None)
    if place is None or clock is None:
        return columns, ()
    seen_s = _unit_by_wall_clock(header, place, clock)
    said = columns[place]
    if seen_s is None or seen_s == said.factor:
        return columns, ()
    corrected = {
        n: replace(column, factor=seen_s)
        if column.target in (TIME, STEP_TIME) and column.factor == said.factor and column.kind == "number"
        else column
        for n, column in columns.items()
    }
    remark = Finding(
        "time-unit",
        f"One unit of {said.name!r} lasts {seen_s:g} s by the clock of {header.names[clock]!r}, and not "
        f"{said.factor:g} s; the clock is believed.",
    )
    return corrected, (remark,)


def _unit_by_wall_clock(header: Header, time: int, clock: int) -> float | None:
    """Seconds by the clock in one unit of the test time, if they are those of a known unit."""
    pairs = [(row[time], row[clock]) for row in header.rows if max(time, clock) < len(row)]
    read = [(number_or_none(value), _time_of_day_s(text)) for value, text in pairs]
    known = [(value, second) for value, second in read if value is not None and second is not None]
    wall_s = sum((later - before) % DAY_S for (_, before), (_, later) in pairwise(known))
    if len(known) < 3 or wall_s < WALL_CLOCK_S or not known[-1][0] > known[0][0]:
        return None
    seen_s = wall_s / (known[-1][0] - known[0][0])
    nearest = min(set(UNITS[TIME].values()), key=lambda unit: abs(seen_s / unit - 1.0))
    return nearest if abs(seen_s / nearest - 1.0) <= TOLERANCE else None


def _time_of_day_s(text: str) -> float | None:
    """Seconds since midnight; the order of day and month, which differs between laboratories, is not needed.

    >>> _time_of_day_s("23-Nov-23 3:56:11 PM"), _time_of_day_s("2022-05-18"), _time_of_day_s("2022-05-18T00:01:00+02")
    (57371.0, None, 60.0)
    """
    match = _TIME_OF_DAY.search(text)
    if match is None:
        return None
    hour, minute, second, half = match.groups()
    hours = int(hour) % 12 + (12 if half.upper() == "P" else 0) if half else int(hour)
    return hours * 3600.0 + int(minute) * 60.0 + float((second or "0").replace(",", "."))
