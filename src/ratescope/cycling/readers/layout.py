"""How the table in a cycler's export is to be read: what each maker's module declares, and `delimited` carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ratescope.records import Finding

BLANKS = " "
"""The separator of tables whose columns stand apart by any number of blanks."""

Kind = Literal["number", "clock", "word"]


@dataclass(frozen=True)
class Column:
    """A column of the file that is wanted.

    Attributes
    ----------
    name : str
        As the file's header spells it; errors quote it.
    target : str
        Its name in the Battery Data Format, from `cycling.record`.
    factor : float
        From the file's unit to the target's.
    kind : "number", "clock" or "word"
        A clock reads ``26:03:04.5`` or ``1d 02:03:04.5`` as seconds; a word stays text for `Layout.finish`.
    is_grouped : bool
        Where the decimal sign is a point: ``1,234`` is a thousand and some, and no number with a decimal comma.
    """

    name: str
    target: str
    factor: float = 1.0
    kind: Kind = "number"
    is_grouped: bool = False


@dataclass(frozen=True)
class Layout:
    """Where the rows begin and how a line is cut.

    Attributes
    ----------
    maker : str
        As people call it: ``"BaSyTec"``.
    lines_before : int
        Lines of the file (rows of a sheet) before the first row of numbers.
    separator : str
    decimal : "." or ","
    names : tuple of str
        Every name of the header line, in order.
    columns : mapping
        By position in the line: the wanted columns.
    comment : str
        Lines that begin so are left out; empty: none are.
    finish : callable or None
        From a chunk under its targets to the same with signs and the like put right; knows one chunk at a time.
    remarks : tuple of Finding
    """

    maker: str
    lines_before: int
    separator: str
    decimal: Literal[".", ","]
    names: tuple[str, ...]
    columns: Mapping[int, Column]
    comment: str = ""
    finish: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    remarks: tuple[Finding, ...] = ()
