"""Cells of text → numbers, clocks and words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

CLOCK = (
    r"^\s*:?(?:(?:(?:(?P<d>\d+)(?:\s*(?:d|days?,?|[-:.])\s*|\s+))?(?P<h>\d+):)?(?P<m>\d+):)?"
    r"(?P<s>\d+(?:[.,]\d*)?)\s*$"
)  # days stand before hours only
# Thousands: 1,234.5 and 1,234,567 can be nothing else; 1,234 may be a decimal comma.
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*|,\d{3})")
UNGROUPED = re.compile(r"[+-]?\d{4}")
GROUPED_ONCE = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
CLOCK_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def decimal_sign(rows: Iterable[Sequence[str]], positions: Collection[int]) -> Literal[".", ","]:
    """A comma, if more of the cells at these positions have digits around a comma than around a point.

    >>> decimal_sign([["1", "at 0.5C", "3,6"], ["2", "at 0.5C", "3,7"]], {0, 2})
    ','
    """
    cells = [row[position] for row in rows for position in positions if position < len(row)]
    commas, points = (sum(re.search(rf"\d[{sign}]\d", cell) is not None for cell in cells) for sign in ",.")
    return "," if commas > points else "."


def number_or_none(text: str) -> float | None:
    """A number with a point or a comma as its decimal sign.

    >>> number_or_none("0,5"), number_or_none("1,234.5")
    (0.5, None)
    """
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def tells_clocks(unit: str, cells: Sequence[str]) -> bool:
    """Whether a column of times holds clocks, by its unit or by its first cells.

    >>> tells_clocks("h:min:s", ["90"]), tells_clocks("", ["0:01:30"]), tells_clocks("s", ["90"])
    (True, True, False)
    """
    return ":" in unit or any(":" in cell for cell in cells[:3])


def groups_thousands(cells: Sequence[str]) -> bool:
    """Whether a lone comma in a column, beside decimal points in the file, can only group thousands: ``1,234``.

    The column proves it by smaller numbers without a comma, or by larger ones that can be nothing else; a zero before
    a comma, or less than three digits behind it, shows a decimal comma.

    >>> groups_thousands(["998", "1,000"]), groups_thousands(["1,234"]), groups_thousands(["0,998", "1,000", "2"])
    (True, False, False)
    >>> groups_thousands(["1,234", "1,234.5"]), groups_thousands(["1,234", "1000", "2"])
    (True, False)
    """
    with_comma = [cell for cell in cells if "," in cell]
    certain = {cell for cell in with_comma if GROUPED.fullmatch(cell)}
    if any(not GROUPED_ONCE.fullmatch(cell) for cell in with_comma if cell not in certain):
        return False
    # A column that groups its thousands has no four digits in a row before the point.
    return not any(map(UNGROUPED.match, cells)) and (bool(certain) or len(with_comma) < len(cells))


def cells_as(kind: str, cells: Sequence[str], decimal: str, *, is_grouped: bool = False) -> np.ndarray:
    """Cells as numbers, seconds or words, shape (rows,); NaN where a number cannot be read.

    ``is_grouped`` says of a column with decimal points that a lone comma groups its thousands.

    >>> cells_as("number", ["1,5", "1.5", "---"], ",").tolist(), cells_as("number", ["1,234.5", "3,612"], ".").tolist()
    ([1.5, nan, nan], [1234.5, nan])
    """
    if kind == "word":
        return np.array(cells, dtype=object)
    if kind == "clock":
        return seconds_of_clocks(pa.array(cells, pa.string()))
    if decimal == ",":
        cells = [cell.replace(".", "?").replace(",", ".") for cell in cells]  # a point would group thousands
    else:
        cells = [cell.replace(",", "") if _is_grouped(cell, is_grouped) else cell for cell in cells]
    return np.asarray(pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce"), dtype=np.float64)


def _is_grouped(cell: str, even_once: bool) -> bool:
    return "," in cell and bool(GROUPED.fullmatch(cell) or (even_once and GROUPED_ONCE.fullmatch(cell)))


def seconds_of_clocks(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Clocks as seconds, shape (rows,); NaN where one cannot be read.

    >>> seconds_of_clocks(pa.array(["26:03:04.5", "1d 02:03:04.5", "90", "x"])).tolist()
    [93784.5, 93784.5, 90.0, nan]
    >>> seconds_of_clocks(pa.array([":1:02:03:04.5", "1.02:03:04.5", "1 days 02:03:04.5", "3:04,5"])).tolist()
    [93784.5, 93784.5, 93784.5, 184.5]
    """
    parts = pc.extract_regex(values, CLOCK)
    seconds = np.zeros(len(values))
    for name, factor in CLOCK_SECONDS.items():
        part = pc.replace_substring(pc.struct_field(parts, name), ",", ".")
        empty = pc.if_else(pc.equal(part, ""), "0", part)  # a part that is not there; null where nothing fits
        seconds += factor * pc.cast(empty, pa.float64()).to_numpy(zero_copy_only=False)
    return seconds
