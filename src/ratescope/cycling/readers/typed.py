"""A plain table of capacities that somebody typed → capacities by cell and C-rate.

One row per cell and rate: a column of C-rates (``c_rate_per_h``, ``C-rate``; values such as 0.2, 0,2C or C/5), one of
capacities with the unit in its name (``capacity_ah``, ``Capacity (mAh)``), and ``cell`` where there are several. What
`ratescope rates` writes is such a table too: its column ``counts`` then says which rows are meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ratescope.cycling.readers.cells import number_or_none
from ratescope.cycling.readers.header import SEPARATORS, fields_of
from ratescope.errors import RateTestError

RATE_NAMES = {"c_rate_per_h", "c_rate", "crate", "rate", "c"}
CAPACITY = re.compile(r"(?:discharge_)?(?:capacity|cap)_?(.*)")
TO_AH = {"ah": 1.0, "mah": 1e-3, "µah": 1e-6, "μah": 1e-6, "uah": 1e-6}
WAY_OUT = "Write one row per C-rate with the columns c_rate_per_h and capacity_ah or capacity_mah, and cell if several."


@dataclass(frozen=True)
class _Places:
    """Where the columns of a typed table stand."""

    separator: str
    rate: int
    capacity: int
    name: str
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
    if places.unit not in TO_AH:
        raise RateTestError(
            f"{file}: column {places.name!r} gives the capacity in no unit that is known; known are Ah, mAh and µAh. "
            "Multiply a specific capacity by the active mass, and name the unit in the header."
        )
    by_cell: dict[str, dict[float, float]] = {}
    faults = []
    for number, line in enumerate(text.split("\n"), start=1):
        fields = fields_of(line, places.separator)
        if not any(fields) or _places(line) is not None or not _is_meant(fields, places):
            continue
        fault = _take(fields, places, by_cell)
        if fault:
            faults.append(f"row {number}: {fault}")
    if faults:
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
        known = [(n, unit) for n, unit in capacities if unit in TO_AH]
        if rates and capacities:
            place, unit = (known or capacities)[0]
            cell, counts = (names.index(name) if name in names else None for name in ("cell", "counts"))
            return _Places(separator, rates[0], place, header[place], unit, cell, counts)
    return None


def _is_meant(fields: tuple[str, ...], places: _Places) -> bool:
    """Where a column says which rows count, those that do."""
    return places.counts is None or (places.counts < len(fields) and fields[places.counts].lower() in {"true", "1"})


def _take(fields: tuple[str, ...], places: _Places, by_cell: dict[str, dict[float, float]]) -> str:
    """Put a row's capacity in its place; what is wrong with it, or nothing."""
    if max(places.rate, places.capacity, places.cell or 0) >= len(fields):
        return f"{len(fields)} fields where the header has more"
    rate, capacity = c_rate_per_h(fields[places.rate]), number_or_none(fields[places.capacity])
    if rate is None:
        return f"{fields[places.rate]!r} is no C-rate above zero such as 0.2, 0.2C or C/5"
    if capacity is None or not 0.0 <= capacity < float("inf"):
        return f"{fields[places.capacity]!r} is no capacity of zero or more"
    cell = fields[places.cell] if places.cell is not None else ""
    rates = by_cell.setdefault(cell, {})
    if rate in rates:
        return f"C-rate {rate:g} stands there twice" + (f" for cell {cell!r}" if cell else "")
    rates[rate] = capacity * TO_AH[places.unit]
    return ""


def c_rate_per_h(text: str) -> float | None:
    """
    >>> c_rate_per_h("0,2C"), c_rate_per_h("C/5"), c_rate_per_h("5 C"), c_rate_per_h("fast")
    (0.2, 0.2, 5.0, None)
    """  # noqa: D400, D205
    plain = text.replace(" ", "").lower()
    hours = number_or_none(plain[2:]) if plain.startswith("c/") else None
    rate = (1.0 / hours if hours else None) if plain.startswith("c/") else number_or_none(plain.removesuffix("c"))
    return rate if rate is not None and 0.0 < rate < float("inf") else None
