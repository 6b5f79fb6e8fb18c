"""The text export of BaSyTec cyclers (CTS, XCTS): the instrument of section 2.1.

Header lines start with ``~``; the last of them names the columns, with the unit in brackets: ``Time[s]``, ``U[V]``,
``I[A]``. Genuine exports differ in the decimal sign, the unit of time, the encoding of the degree sign and the
separator, lack columns, and stop in the middle of a line.
"""

from __future__ import annotations

import re

from ratescope.cycling.readers.cells import decimal_sign
from ratescope.cycling.readers.header import SEPARATORS, UNITS, known_units
from ratescope.cycling.readers.layout import Column, Layout
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
        for separator in SEPARATORS:
            names = tuple(name.strip().strip('"') for name in line.strip("\r").lstrip("~").split(separator))
            if {_stem(name) for name in names} >= {"Time", "U", "I"}:
                columns = _columns(names)
                rows = (row.split(separator) for row in lines[number + 1 :][:HEADER_LINES])
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


def _stem(name: str) -> str:
    return name.partition("[")[0].strip()


def _columns(names: tuple[str, ...]) -> dict[int, Column]:
    """Each wanted column by its position; of two that are called the same, the first."""
    columns: dict[int, Column] = {}
    has_counter = not {"Ah", "Ah-Step"}.isdisjoint(map(_stem, names))  # those of the cycle are needed without them only
    targets = TARGET_OF if has_counter else TARGET_OF | COUNTERS_OF_CYCLE
    for position, name in enumerate(names):
        target, unit = targets.get(_stem(name)), name.partition("[")[2].rstrip("] ").lower()
        if target is None or target in {column.target for column in columns.values()}:
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
