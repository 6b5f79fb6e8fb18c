"""The text of a sheet as spreadsheets save it, cut into rows: encodings, delimiters, remarks, rows of nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ratescope.numerals import clean

DELIMITERS = (";", "\t", ",")


class SheetText(NamedTuple):
    """Rows with the number that an editor or spreadsheet shows beside them; the first one is the header."""

    rows: list[tuple[int, list[str]]]
    delimiter: str


def read_sheet(path: Path) -> SheetText:
    """Read comma-, semicolon- or tab-separated text; rows of nothing and remarks (``# …``) are left out.

    Raises
    ------
    ValueError
        With what is wrong and what to do.
    """
    lines = text_of(path).replace("\r\n", "\n").replace("\r", "\n")
    named = ""
    if lines[:4].casefold() == "sep=" and lines[5:6] in {"\n", ""}:  # Excel's own line, which no spreadsheet shows
        named, lines = lines[4], lines[6:]
    delimiter = named or _delimiter_of(lines)
    try:
        rows = [(number, list(map(clean, row))) for number, row in _numbered(lines, delimiter)]
    except csv.Error as error:
        raise ValueError(f"it cannot be cut into rows ({error}). Look for a quotation mark without its end.") from error
    return SheetText([(number, row) for number, row in rows if any(row) and not _is_remark(row[0])], delimiter)


def text_of(path: Path) -> str:
    """The text of a file in whatever encoding a spreadsheet or editor chose.

    Raises
    ------
    ValueError
        If the file cannot be opened or is no text.
    """
    # Here, because the readers bring pandas along, and whoever predicts single micrographs reads no sheet.
    from ratescope.cycling.readers.spreadsheet import is_spreadsheet
    from ratescope.cycling.readers.text import decoded

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(_missing(path)) from None
    except OSError as error:
        raise ValueError(f"it cannot be opened ({error.strerror}). Check its permissions.") from error
    if is_spreadsheet(content):
        raise ValueError("it is a workbook, not text. Open it in the spreadsheet and save it as CSV (UTF-8).")
    return decoded(content)


def is_not_begun(path: Path) -> bool:
    """Whether a sheet is missing, and no workbook of its name is there from which it could be saved."""
    return not path.exists() and not _workbooks_beside(path)


def _missing(path: Path) -> str:
    if there := _workbooks_beside(path):
        return (
            f"the file is missing, but {there[0]} is there. Save its sheet as CSV (UTF-8) under the name {path.name}."
        )
    return "the file is missing. `ratescope campaign new DIR` writes a template."


def _workbooks_beside(path: Path) -> list[str]:
    books = [path.with_suffix(suffix).name for suffix in (".xlsx", ".xls", ".ods", ".numbers")]
    return [name for name in books if (path.parent / name).exists()]


def _delimiter_of(lines: str) -> str:
    """What stands most often between the fields of the header, outside of quotation marks; comma if nothing does."""
    for line in lines.split("\n"):
        outside = "".join(line.split('"')[::2])
        if outside.strip(" ;,\t") and not _is_remark(line):
            return max(DELIMITERS, key=lambda mark: (outside.count(mark), mark == ","))
    return ","


def _numbered(lines: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    return enumerate(csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter), start=1)


def _is_remark(first: str) -> bool:
    """``# like this``; ``#12`` may be the name of an electrode."""
    first = first.lstrip(' "')
    return first == "#" or first.startswith(("# ", "#\t"))
