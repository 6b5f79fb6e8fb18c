"""The text export of BaSyTec cyclers (CTS, XCTS): the instrument of section 2.1.

Header lines start with ``~``; the last of them names the columns, with the unit in brackets: ``Time[s]``, ``U[V]``,
``I[A]``. Genuine exports differ in the decimal sign, the unit of time, the encoding of the degree sign and the
separator, lack columns, and stop in the middle of a line. Where blanks separate the columns, a date and its time of day
are two fields under one name.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from ratescope.cycling.readers.cells import decimal_sign, tells_clocks
from ratescope.cycling.readers.header import SEPARATORS, UNITS, known_units
from ratescope.cycling.readers.layout import BLANKS, Column, Layout
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
)
from ratescope.errors import RateTestError

HEADER_LINES = 100  # our choice: genuine exports have 13
TARGET_OF = {
    "Time": TIME,
    "U": VOLTAGE,
    "I": CURRENT,
    "t-Step": STEP_TIME,
    "Line": STEP,
    "Ah": NET_CAPACITY,
    "Ah-Step": STEP_CAPACITY,
    "Cyc-Count": CYCLE,
}
COUNTERS_OF_CYCLE = {"Ah-Cyc-Charge": CHARGING_CAPACITY, "Ah-Cyc-Discharge": DISCHARGING_CAPACITY}
DATES = {"datetime", "date/time", "date"}
MASS_NORMALISED = re.compile(r"/k?g\b")  # Ah/kg: no counter of charge, and the integral does without


def find_layout(head: str) -> Layout | None:
    r"""The layout of a BaSyTec export by its beginning, or None: its column names, under a header that may be missing.

    Raises
    ------
    RateTestError
        If it has the header, but not its columns, or in units that are not known.

    Examples
    --------
    >>> layout = find_layout("~Time[h]\tU[V]\tI[A]\n0,5\t4,3\t-0,001\n")
    >>> layout.lines_before, layout.decimal, layout.columns[0].factor
    (1, ',', 3600.0)
    """
    lines = head.split("\n")
    for number, line in enumerate(lines[:HEADER_LINES]):
        for separator in (*SEPARATORS, BLANKS):
            names = tuple(name.strip('"~# ') for name in _fields(line.lstrip("~# "), separator))
            if {_stem(name) for name in names} >= {"Time", "U", "I"}:
                rows = [_fields(row, separator) for row in lines[number + 1 :][:HEADER_LINES]]
                names = _with_times_of_day(names, rows) if separator == BLANKS else names
                columns = _columns(names, rows)
                return Layout(
                    maker="BaSyTec",
                    lines_before=number + 1,
                    separator=separator,
                    decimal="." if separator == "," else decimal_sign(rows, columns),
                    names=names,
                    columns=columns,
                    comment="~",  # a header in the middle: exports that were joined
                )
    if head.lstrip().startswith("~"):
        raise RateTestError(
            f"a BaSyTec header without the columns Time, U and I in its first {HEADER_LINES} lines. "
            "Export the test again with these columns."
        )
    return None


def _fields(line: str, separator: str) -> list[str]:
    return line.split() if separator == BLANKS else line.strip("\r").split(separator)


def _with_times_of_day(names: tuple[str, ...], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name for the second field of a date: the rows have one field more than the header.

    >>> _with_times_of_day(("Time[h]", "DateTime", "U[V]"), [["0.0", "23.11.2023", "15:56:08", "3.0"]])
    ('Time[h]', 'DateTime', 'time of day', 'U[V]')
    """
    fields = statistics.mode([len(row) for row in rows if row] or [0])
    date = next((place for place, name in enumerate(names) if _stem(name).lower() in DATES), None)
    if date is None or fields != len(names) + 1:
        return names
    return (*names[: date + 1], "time of day", *names[date + 1 :])


def _stem(name: str) -> str:
    return name.partition("[")[0].strip()


def _columns(names: tuple[str, ...], rows: Sequence[Sequence[str]]) -> dict[int, Column]:
    """Each wanted column by its position; of two that are called the same, the first."""
    columns: dict[int, Column] = {}
    has_counter = not {"Ah", "Ah-Step"}.isdisjoint(map(_stem, names))  # those of the cycle are needed without them only
    targets = TARGET_OF if has_counter else TARGET_OF | COUNTERS_OF_CYCLE
    for position, name in enumerate(names):
        target, unit = targets.get(_stem(name)), name.partition("[")[2].rstrip("] ").lower()
        if target is None or target in {column.target for column in columns.values()}:
            continue
        cells = [row[position] for row in rows if position < len(row)]
        if target in {TIME, STEP_TIME} and tells_clocks(unit, cells):
            columns[position] = Column(name, target, kind="clock")
            continue
        is_charge = "ah" in UNITS[target]
        if is_charge and MASS_NORMALISED.search(unit):
            continue
        factor = UNITS[target].get(unit or ("ah" if is_charge else ""))  # Ah-Step goes without
        if factor is None:
            raise RateTestError(
                f"column {name!r} is in a unit that is not known; known are "
                f"{known_units(target)}. Export the test again in one of these."
            )
        columns[position] = Column(name, target, factor)
    return columns
