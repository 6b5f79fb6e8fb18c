"""Cells of text → numbers, clocks and words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

CLOCK = r"^\s*(?:(?P<d>\d+)\s*(?:d|-)\s*)?(?:(?:(?P<h>\d+):)?(?P<m>\d+):)?(?P<s>\d+(?:[.,]\d*)?)\s*$"
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")  # thousands as in 1,234.5
CLOCK_SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def decimal_sign(rows: Iterable[Sequence[str]], positions: Collection[int]) -> Literal[".", ","]:
    """A comma, if more of the cells at these positions have digits around a comma than around a point.

    >>> decimal_sign([["1", "at 0.5C", "3,6"], ["2", "at 0.5C", "3,7"]], {0, 2})
    ','
    """
    cells = [row[position] for row in rows for position in positions if position < len(row)]
    commas, points = (sum(re.search(rf"\d[{sign}]\d", cell) is not None for cell in cells) for sign in ",.")
    return "," if commas > points else "."


def cells_as(kind: str, cells: Sequence[str], decimal: str) -> np.ndarray:
    """Cells as numbers, seconds or words, shape (rows,); NaN where a number cannot be read.

    >>> cells_as("number", ["1,5", "1.5", "---"], ",").tolist(), cells_as("number", ["1,234.5"], ".").tolist()
    ([1.5, nan, nan], [1234.5])
    """
    if kind == "word":
        return np.array(cells, dtype=object)
    if kind == "clock":
        return seconds_of_clocks(pa.array(cells, pa.string()))
    if decimal == ",":
        cells = [cell.replace(".", "?").replace(",", ".") for cell in cells]  # a point would group thousands
    else:
        cells = [cell.replace(",", "") if GROUPED.fullmatch(cell) else cell for cell in cells]
    return np.asarray(pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce"), dtype=np.float64)


def seconds_of_clocks(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Clocks as seconds, shape (rows,); NaN where one cannot be read.

    >>> seconds_of_clocks(pa.array(["26:03:04.5", "1d 02:03:04.5", "90", "x"])).tolist()
    [93784.5, 93784.5, 90.0, nan]
    """
    parts = pc.extract_regex(values, CLOCK)
    seconds = np.zeros(len(values))
    for name, factor in CLOCK_SECONDS.items():
        part = pc.replace_substring(pc.struct_field(parts, name), ",", ".")
        empty = pc.if_else(pc.equal(part, ""), "0", part)  # a part that is not there; null where nothing fits
        seconds += factor * pc.cast(empty, pa.float64()).to_numpy(zero_copy_only=False)
    return seconds
