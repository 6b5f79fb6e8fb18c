"""A plain table of capacities that somebody typed → capacities by cell and C-rate.

One row per cell and rate: a column of C-rates (``c_rate_per_h``, ``C-rate``; values such as 0.2, 0,2C or C/5), one of
capacities with the unit in its name (``capacity_ah``, ``Capacity (mAh)``), and ``cell`` where there are several. What
`ratescope rates` writes is such a table too: its column ``counts`` then says which rows are meant. Numbers are read as
those of a campaign's sheets (`ratescope.numerals`): ``1,234`` is refused where it may have a separator of thousands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ratescope.cycling.readers.header import SEPARATORS, fields_of
from ratescope.errors import RateTestError
from ratescope.numerals import clean, number_of, uses_decimal_comma
from ratescope.units import CHARGES

RATE_NAMES = {"c_rate_per_h", "c_rate", "crate", "rate", "c"}
CAPACITY = re.compile(r"(?:discharge_)?(?:capacity|cap)_?(.*)")
WAY_OUT = "Write one row per C-rate with the columns c_rate_per_h and capacity_ah or capacity_mah, and cell if several."


@dataclass(frozen=True)
class _Places:
    """Where the columns of a typed table stand."""

    separator: str
    names: tuple[str, ...]
    rate: int
    capacity: int
    unit: str
    cell: int | None
    counts: int | None


def is_typed(head: str) -> bool:
    r"""Whether a file begins with the names of such a table.

    >>> is_typed("C-rate;Capacity (mAh)\n0,2;1,9\n"), is_typed("Time[s],U[V],I[A]\n")
    (True, False)
    """
    return _places(_first_line(head)) is not None


def read_typed(text: str, file: str) -> dict[str, dict[float, float]]:
    r"""Capacities in Ah by C-rate in 1/h, by cell; the cell is "" where the table does not name any.

    Raises
    ------
    RateTestError
        With every row that cannot be used, at once; or for a capacity that is not in Ah: one per mass needs its mass.

    Examples
    --------
    >>> read_typed("cell;C-rate;Capacity (mAh)\na;C/5;1,9\na;5C;0,5\n", "typed.csv")
    {'a': {0.2: 0.0019, 5.0: 0.0005}}
    """
    places = _places(_first_line(text))
    if places is None:
        raise RateTestError(f"{file} is no table of capacities by C-rate. {WAY_OUT}")
    if places.unit not in CHARGES:
        raise RateTestError(
            f"{file}: column {places.names[places.capacity]!r} gives the capacity in no unit that is known; known are "
            "Ah, mAh and µAh. Multiply a specific capacity by the active mass, and name the unit in the header."
        )
    rows = _rows(text, places)
    decimal_comma = _has_decimal_comma([fields for _, fields in rows], places)
    by_cell: dict[str, dict[float, float]] = {}
    taken = [(number, _take(fields, places, by_cell, decimal_comma=decimal_comma)) for number, fields in rows]
    if faults := [f"row {number}: {fault}" for number, fault in taken if fault]:
        said = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
        raise RateTestError(f"{file}: {said}. Mend these rows, and read it again.")
    if not by_cell:
        raise RateTestError(f"{file} names the columns of a table of capacities, but has no row. {WAY_OUT}")
    return by_cell


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip("\ufeff \t\r;,")), "")


def _places(line: str) -> _Places | None:
    for separator in SEPARATORS:
        header = fields_of(line, separator)
        names = [re.sub(r"[\s_\-()\[\]/.:]+", "_", name.lower()).strip("_") for name in header]
        rates = [n for n, name in enumerate(names) if name in RATE_NAMES or name in {f"{r}_1_h" for r in RATE_NAMES}]
        capacities = [(n, match[1]) for n, name in enumerate(names) if (match := CAPACITY.fullmatch(name))]
        known = [(n, unit) for n, unit in capacities if unit in CHARGES]
        if rates and capacities:
            place, unit = (known or capacities)[0]
            cell, counts = (names.index(name) if name in names else None for name in ("cell", "counts"))
            return _Places(separator, header, rates[0], place, unit, cell, counts)
    return None


def _rows(text: str, places: _Places) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that are meant, with the number of their line: neither empty nor another header."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if _places(line) is None]
    rows = [(number, tuple(map(clean, fields_of(line, places.separator)))) for number, line in lines]
    return [(number, fields) for number, fields in rows if any(fields) and _is_meant(fields, places)]


def _is_meant(fields: tuple[str, ...], places: _Places) -> bool:
    """Where a column says which rows count, those that do."""
    return places.counts is None or (places.counts < len(fields) and fields[places.counts].lower() in {"true", "1"})


def _has_decimal_comma(rows: Sequence[tuple[str, ...]], places: _Places) -> bool:
    capacities = [fields[places.capacity] for fields in rows if places.capacity < len(fields)]
    rates = [_without_c(fields[places.rate]) for fields in rows if places.rate < len(fields)]
    return uses_decimal_comma([*capacities, *rates], by_default=places.separator == ";")


def _take(
    fields: tuple[str, ...], places: _Places, by_cell: dict[str, dict[float, float]], *, decimal_comma: bool
) -> str:
    """Put a row's capacity in its place; what is wrong with it, or nothing."""
    if max(places.rate, places.capacity, places.cell or 0) >= len(fields):
        return f"{len(fields)} fields where the header has more"
    rate = c_rate_per_h(fields[places.rate], decimal_comma=decimal_comma)
    if rate is None:
        return f"{fields[places.rate]!r} is no C-rate above zero such as 0.2, 0.2C or C/5"
    try:
        capacity = number_of(fields[places.capacity], decimal_comma=decimal_comma)
    except ValueError as error:
        return f"column {places.names[places.capacity]!r}: {str(error).removesuffix('.')}"
    if not 0.0 <= capacity < float("inf"):
        return f"{fields[places.capacity]!r} is no capacity of zero or more"
    cell = fields[places.cell] if places.cell is not None else ""
    rates = by_cell.setdefault(cell, {})
    if rate in rates:
        return f"C-rate {rate:g} stands there twice" + (f" for cell {cell!r}" if cell else "")
    rates[rate] = capacity * CHARGES[places.unit]
    return ""


def c_rate_per_h(text: str, *, decimal_comma: bool = False) -> float | None:
    """A C-rate as it is typed; None where it is none above zero, or not certain.

    >>> c_rate_per_h("0,2C"), c_rate_per_h("C/5"), c_rate_per_h("5 C"), c_rate_per_h("fast"), c_rate_per_h("1,234C")
    (0.2, 0.2, 5.0, None, None)
    """
    try:
        number = number_of(_without_c(text), decimal_comma=decimal_comma)
    except ValueError:
        return None
    if _per_hours(text):
        number = 1.0 / number if number else 0.0
    return number if 0.0 < number < float("inf") else None


def _without_c(text: str) -> str:
    plain = text.replace(" ", "").lower()
    return plain[2:] if _per_hours(text) else plain.removesuffix("c")


def _per_hours(text: str) -> bool:
    return text.replace(" ", "").lower().startswith("c/")
