"""Workbooks (.xlsx, .xls) whose sheets are the tables of a maker's text export → chunks of rows.

A sheet's first rows, joined by tabs, are recognised as a text file's beginning is. Long tests are spread over several
sheets with the same names, which are read one after the other; sheets of information are passed over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pandas as pd
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from ratescope.cycling.readers.cells import cells_as
from ratescope.cycling.readers.layout import Column, Layout
from ratescope.cycling.readers.tally import Tally, in_si_units
from ratescope.cycling.record import Chunk, CyclerRecord
from ratescope.errors import RateTestError

MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a zip archive, and the container of Excel 97
HEAD_ROWS = 500  # our choice: as many as a text file's beginning holds
CHUNK_ROWS = 20_000  # our choice: some MB
# Spreadsheets know no time zone. Clocks beyond 24 h are dates to them, counted from their day 0.
FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001
LAST_CLOCK = dt.datetime(1950, 1, 1)  # noqa: DTZ001 - our choice: after it, a date is a date

FindLayout = Callable[[str], Layout | None]


def is_spreadsheet(beginning: bytes) -> bool:
    r"""Whether the first bytes of a file are those of a workbook.

    >>> is_spreadsheet(b"PK\x03\x04..."), is_spreadsheet(b"~Time[s]")
    (True, False)
    """
    return beginning.startswith(MAGIC)


def read_spreadsheet(path: Path, finders: Sequence[FindLayout], file: str) -> CyclerRecord:
    """The record of a workbook: of the first sheet that the first of the finders knows, else the next.

    Raises
    ------
    RateTestError
        If it cannot be opened, or no sheet is a table that is known; while it is read: as for text.
    """
    book = _opened(path, file)
    for find_layout in finders:
        for number, name in enumerate(book.sheet_names):
            layout = _layout(_sheet(book, name, file), find_layout, file)
            if layout is not None:
                chunks = partial(_chunks, path, book.sheet_names[number:], find_layout, layout, file)
                return CyclerRecord(file, layout.maker, chunks, layout.remarks)
    raise RateTestError(
        f"{file}: no sheet with a table of time, voltage and current; it has {', '.join(book.sheet_names)[:200]}. "
        "Export the records of the test, or type the capacities into cells.csv as capacity_ah_at_0.2c and so on."
    )


def sheets_as_text(path: Path) -> Iterator[str]:
    """The first rows of each sheet as lines of text, their cells joined by tabs.

    Raises
    ------
    RateTestError
        If the workbook, or a sheet of it, cannot be read.
    """
    book = _opened(path, str(path))
    return (_head_of(_sheet(book, name, str(path))) for name in book.sheet_names)


def _head_of(sheet: CalamineSheet) -> str:
    return "".join("\t".join(map(_text, row)) + "\n" for row in islice(sheet.iter_rows(), HEAD_ROWS))


def _opened(path: Path, file: str) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise RateTestError(
            f"{file} begins as a workbook does but cannot be opened ({error}). Save it again as .xlsx without a "
            "password, or export the test as text."
        ) from error


def _sheet(book: CalamineWorkbook, name: str, file: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except CalamineError as error:
        raise RateTestError(f"{file}: sheet {name!r} cannot be read ({error}). Save the workbook again.") from error


def _layout(sheet: CalamineSheet, find_layout: FindLayout, file: str) -> Layout | None:
    try:
        return find_layout(_head_of(sheet))
    except RateTestError as error:
        raise RateTestError(f"{file}, sheet {sheet.name!r}: {error}") from error


def _chunks(path: Path, names: Sequence[str], find_layout: FindLayout, first: Layout, file: str) -> Iterator[Chunk]:
    tally = Tally(first, file)
    book = _opened(path, file)
    for name in names:
        sheet = _sheet(book, name, file)
        layout = _layout(sheet, find_layout, file)
        if layout is None or layout.names != first.names:
            continue
        rows = islice(sheet.iter_rows(), layout.lines_before, None)
        while block := list(islice(rows, CHUNK_ROWS)):
            yield Chunk(tally.readable(in_si_units(_table(block, layout), layout)))
    if remarks := tally.remarks():
        yield Chunk(tally.readable(in_si_units(_table([], first), first)), tuple(remarks))


def _table(block: Sequence[Sequence[object]], layout: Layout) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column.target: cells_as(
                column.kind, _cells((row[n] for row in block), column), layout.decimal, is_grouped=column.is_grouped
            )
            for n, column in layout.columns.items()
        }
    )


def _cells(values: Iterable[object], column: Column) -> list[str]:
    return [(_clock_text(value) if column.kind == "clock" else _text(value)).strip() for value in values]


def _text(value: object) -> str:
    r"""A cell as a text export would have it.

    >>> _text(3.5), _text(dt.timedelta(hours=25)), _text(""), _text("a\tb")
    ('3.5', '25:00:00', '', 'a b')
    """
    if isinstance(value, dt.timedelta):
        hours, seconds = divmod(value.total_seconds(), 3600.0)
        return f"{hours:02.0f}:{seconds // 60:02.0f}:{seconds % 60:02.6g}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return " ".join(str(value).split()) if value is not None else ""


def _clock_text(value: object) -> str:
    """A clock in seconds: spreadsheets keep it as a part of a day.

    >>> _clock_text(0.5), _clock_text(dt.time(0, 1, 30)), _clock_text(dt.datetime(1899, 12, 31, 1)), _clock_text("0:10")
    ('43200.0', '90.0', '90000.0', '0:10')
    """
    if isinstance(value, float | int):
        return str(float(value) * 86_400.0)
    if isinstance(value, dt.time):
        value = dt.datetime.combine(FIRST_DAY, value)
    if isinstance(value, dt.datetime):
        return str((value - FIRST_DAY).total_seconds()) if value < LAST_CLOCK else ""
    if isinstance(value, dt.timedelta):
        return str(value.total_seconds())
    return _text(value)
