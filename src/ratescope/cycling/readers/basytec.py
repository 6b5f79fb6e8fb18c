"""The text export of BaSyTec cyclers (CTS, XCTS): the instrument of section 2.1.

Header lines start with ``~``; the last of them names the columns, with the unit in brackets: ``Time[s]``, ``U[V]``,
``I[A]``. Genuine exports differ in the decimal sign, the unit of time, the encoding of the degree sign and the
separator, lack columns, and stop in the middle of a line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ratescope.cycling.record import (
    CURRENT,
    NET_CAPACITY,
    REQUIRED,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
    CyclerRecord,
)
from ratescope.errors import RateTestError
from ratescope.records import Finding

HEADER_LINES = 100  # our choice: genuine exports have 13
UNREADABLE_SHARE = 0.01  # our choice: a few broken rows are dropped with a remark, many make the file suspect
COLUMN_OF = {
    "Time": TIME,
    "U": VOLTAGE,
    "I": CURRENT,
    "t-Step": STEP_TIME,
    "Line": STEP,
    "Ah": NET_CAPACITY,
    "Ah-Step": STEP_CAPACITY,
}
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
    STEP: {"": 1.0},
}


@dataclass(frozen=True)
class _Layout:
    """Where the rows begin and how a line is to be cut."""

    rows_begin: int
    separator: str
    names: tuple[str, ...]


def is_basytec(text: str) -> bool:
    """Whether a text is a BaSyTec export: a ``~`` header, or at least its column names."""
    return text.lstrip().startswith("~") or _find_layout(text) is not None


def read_basytec(text: str, file: str) -> CyclerRecord:
    r"""Read the text of a BaSyTec export.

    Raises
    ------
    RateTestError
        If time, voltage or current are missing, have no unit that is known, or cannot be read in many rows.

    Examples
    --------
    >>> record = read_basytec("~Time[h]\tU[V]\tI[A]\n0,5\t4,3\t-0,001\n", "cell.txt")
    >>> record.rows.iloc[0].to_list()
    [1800.0, 4.3, -0.001]
    """
    layout = _find_layout(text)
    if layout is None:
        raise RateTestError(
            f"{file}: a BaSyTec header without the columns Time, U and I in its first {HEADER_LINES} lines. "
            "Export the test again with these columns."
        )
    body, remarks = _without_broken_end(text[layout.rows_begin :], layout)
    rows = _in_si_units(_read_rows(body, layout, file), file)
    whole = rows[rows[list(REQUIRED)].notna().all(axis=1)]
    remarks += _remark_on_unreadable(len(rows) - len(whole), len(rows), file)
    return CyclerRecord(file, whole.reset_index(drop=True), tuple(remarks))


def _find_layout(text: str) -> _Layout | None:
    """The line with the column names: the first that has time, voltage and current."""
    begin = 0
    for _ in range(HEADER_LINES):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        line = text[begin:end].lstrip("~").rstrip("\r")
        for separator in ("\t", ";", ","):
            names = tuple(name.strip().strip('"') for name in line.split(separator))
            if {_stem(name) for name in names} >= {"Time", "U", "I"}:
                return _Layout(end + 1, separator, names)
        begin = end + 1
        if begin >= len(text):
            return None
    return None


def _stem(name: str) -> str:
    return name.partition("[")[0].strip()


def _without_broken_end(body: str, layout: _Layout) -> tuple[str, list[Finding]]:
    """Drop a last line that was cut off: it has no line end and lacks fields."""
    last = body[body.rfind("\n") + 1 :]
    if not last.strip() or last.count(layout.separator) >= len(layout.names) - 1:
        return body, []
    finding = Finding("truncated", "The file stops in the middle of its last line; that line is left out.")
    return body[: len(body) - len(last)], [finding]


def _read_rows(body: str, layout: _Layout, file: str) -> pd.DataFrame:
    """The wanted columns under their names in the header, as numbers: NaN where a field is none."""
    wanted = _wanted(layout.names)
    _refuse_surplus_fields(body, layout, file)
    try:
        table = pd.read_csv(
            io.StringIO(body),
            sep=layout.separator,
            header=None,
            usecols=list(wanted),
            decimal=_decimal_sign(body, layout),
            comment="~",  # a header in the middle: exports that were joined
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError as error:
        raise RateTestError(f"{file}: a BaSyTec header with no row below it. Export the test again.") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise RateTestError(f"{file}: rows that do not fit their header ({error}). Export the test again.") from error
    return pd.DataFrame({name: pd.to_numeric(table[place], errors="coerce") for place, name in wanted.items()})


def _refuse_surplus_fields(body: str, layout: _Layout, file: str) -> None:
    """A decimal comma between comma-separated fields would shift every column; one empty field at the end is usual."""
    first_row = body.lstrip("\r\n").partition("\n")[0].strip("\r")
    fields = first_row.removesuffix(layout.separator).count(layout.separator) + 1
    if fields > len(layout.names):
        raise RateTestError(
            f"{file}: rows that do not fit their header ({fields} fields under {len(layout.names)} names). "
            "Export the test again, with another separator than the decimal sign."
        )


def _wanted(names: tuple[str, ...]) -> dict[int, str]:
    """Position and name of each wanted column; of two that are called the same, the first."""
    by_stem = {_stem(name): (position, name) for position, name in reversed(list(enumerate(names)))}
    return dict(by_stem[stem] for stem in COLUMN_OF if stem in by_stem)


def _decimal_sign(body: str, layout: _Layout) -> str:
    """Told from the first rows: a digit, a comma, a digit."""
    has_comma = layout.separator != "," and re.search(r"\d,\d", body[:10_000])
    return "," if has_comma else "."


def _in_si_units(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """The columns under their names of the Battery Data Format, in their units."""
    columns = {}
    for name in table.columns:
        target = COLUMN_OF[_stem(name)]
        unit = name.partition("[")[2].rstrip("] ")
        if unit not in UNITS[target]:
            raise RateTestError(
                f"{file}: column {name!r} is in a unit that is not known; known are "
                f"{', '.join(known for known in UNITS[target] if known)}. Export the test again in one of these."
            )
        columns[target] = table[name] * UNITS[target][unit]
    return pd.DataFrame(columns)


def _remark_on_unreadable(broken: int, total: int, file: str) -> list[Finding]:
    """Say that rows are left out, or refuse where they are too many."""
    if broken == 0:
        return []
    said = f"{broken} of {total} rows have no readable time, voltage or current"
    if broken > max(1.0, UNREADABLE_SHARE * total):
        raise RateTestError(f"{file}: {said}. Is the decimal sign the same throughout? Export the test again.")
    return [Finding("unreadable-rows", f"{said}; they are left out.")]
