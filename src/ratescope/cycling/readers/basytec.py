"""The text export of BaSyTec cyclers (CTS, XCTS): the instrument of section 2.1.

Header lines start with ``~``; the last of them names the columns, with the unit in brackets: ``Time[s]``, ``U[V]``,
``I[A]``. Genuine exports differ in the decimal sign, the unit of time, the encoding of the degree sign and the
separator, lack columns, and stop in the middle of a line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from ratescope.cycling.readers.cells import decimal_sign
from ratescope.cycling.readers.delimited import read_delimited
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
    CyclerRecord,
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
TIME_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
VOLTAGE_UNITS = {"V": 1.0, "mV": 1e-3}
CURRENT_UNITS = {"A": 1.0, "mA": 1e-3, "µA": 1e-6, "uA": 1e-6}
CHARGE_UNITS = {"": 1.0, "Ah": 1.0, "mAh": 1e-3}  # Ah-Step goes without
UNITS: Mapping[str, Mapping[str, float]] = {
    TIME: TIME_UNITS,
    STEP_TIME: TIME_UNITS,
    VOLTAGE: VOLTAGE_UNITS,
    CURRENT: CURRENT_UNITS,
    NET_CAPACITY: CHARGE_UNITS,
    STEP_CAPACITY: CHARGE_UNITS,
    CHARGING_CAPACITY: CHARGE_UNITS,
    DISCHARGING_CAPACITY: CHARGE_UNITS,
    STEP: {"": 1.0},
    CYCLE: {"": 1.0},
}
MASS_NORMALISED = re.compile(r"/k?g\b")  # Ah/kg: no counter of charge, and the integral does without


def read_basytec(text: str, file: str) -> CyclerRecord:
    r"""The record of a text that is a BaSyTec export.

    Examples
    --------
    >>> record = read_basytec("~Time[h]\tU[V]\tI[A]\n0,5\t4,3\t-0,001\n", "cell.txt")
    >>> record.rows.iloc[0].to_list()
    [1800.0, 4.3, -0.001]
    """
    layout = find_layout(text)
    if layout is None:
        raise RateTestError(f"{file} is not a BaSyTec export. Give one with the columns Time, U and I.")
    return read_delimited(lambda: io.BytesIO(text.encode()), layout, file)


def find_layout(head: str) -> Layout | None:
    """The layout of a BaSyTec export by its beginning, or None: its column names, under a header that may be missing.

    Raises
    ------
    RateTestError
        If it has the header, but not its columns, or in units that are not known.
    """
    lines = head.split("\n")
    for number, line in enumerate(lines[:HEADER_LINES]):
        for separator in ("\t", ";", ","):
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
        target, unit = targets.get(_stem(name)), name.partition("[")[2].rstrip("] ")
        if target is None or target in {column.target for column in columns.values()}:
            continue
        if MASS_NORMALISED.search(unit) and UNITS[target] is CHARGE_UNITS:
            continue
        if unit not in UNITS[target]:
            raise RateTestError(
                f"column {name!r} is in a unit that is not known; known are "
                f"{', '.join(known for known in UNITS[target] if known)}. Export the test again in one of these."
            )
        columns[position] = Column(name, target, UNITS[target][unit])
    return columns
