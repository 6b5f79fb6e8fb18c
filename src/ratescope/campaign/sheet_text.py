"""The text of a sheet as spreadsheets save it, cut into rows: encodings, delimiters, remarks, rows of nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ratescope.campaign.numerals import clean

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
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(_missing(path)) from None
    except OSError as error:
        raise ValueError(f"it cannot be opened ({error.strerror}). Check its permissions.") from error
    if content.startswith((b"PK\3\4", b"\xd0\xcf\x11\xe0")):
        raise ValueError("it is a workbook, not text. Open it in the spreadsheet and save it as CSV (UTF-8).")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content[:200]:  # UTF-16 without its mark: every second byte of plain letters is zero
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # what older spreadsheets write; any byte is a letter in it


def _missing(path: Path) -> str:
    books = [path.with_suffix(suffix).name for suffix in (".xlsx", ".xls", ".ods", ".numbers")]
    there = [name for name in books if (path.parent / name).exists()]
    if there:
        return (
            f"the file is missing, but {there[0]} is there. Save its sheet as CSV (UTF-8) under the name {path.name}."
        )
    return "the file is missing. `ratescope campaign new DIR` writes a template."


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
