"""Text whose layout is known → chunks of rows, in blocks of some MB: an export of 2 GB must not be held.

Each block goes through pyarrow. What it refuses is halved until the broken lines stand nearly alone; these are read
cell by cell. Both ways give the same rows, which a test holds.
"""

from __future__ import annotations

import csv
import re
import statistics
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ratescope.cycling.readers.cells import GROUPED, cells_as, number_or_none, seconds_of_clocks
from ratescope.cycling.readers.layout import BLANKS, Column, Layout
from ratescope.cycling.readers.tally import Tally, in_si_units
from ratescope.cycling.record import REQUIRED, Chunk, CyclerRecord
from ratescope.errors import RateTestError
from ratescope.records import Finding

BLOCK_BYTES = 2 << 20  # our choice: faster than larger ones, which leave the processor's cache
CELLWISE_BYTES = 1 << 13  # our choice: halving on would cost more than reading cell by cell
LONGEST_LINE_BYTES = 16 * BLOCK_BYTES  # our choice: text without line ends is no table
ROWS_TO_COUNT_FIELDS_IN = 20  # our choice: a broken first row must not decide
EMPTY_CELLS = ["", "NaN", "nan", "NA", "N/A", "null"]
MANY_BLANKS, BLANKS_OUTSIDE = re.compile(rb"[ \t]+"), re.compile(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)")
WHOLE_LINE = re.compile(rb'(?m)^"([^"\n]*)"(?=\r?$)')
QUOTED_GROUPS = re.compile(rb'"\s*' + GROUPED.pattern.encode() + rb'\s*"')  # thousands: "1,234.5"

Open = Callable[[], BinaryIO]


def read_delimited(open_file: Open, layout: Layout, file: str) -> CyclerRecord:
    """The record of a text file, UTF-8 or latin-1, that is read when its chunks are asked for.

    Raises
    ------
    RateTestError
        While it is read: rows that do not fit their header, no row at all, or too many that are unreadable.
    """
    return CyclerRecord(file, layout.maker, partial(_chunks, open_file, layout, file), layout.remarks)


def _chunks(open_file: Open, layout: Layout, file: str) -> Iterator[Chunk]:
    tally = Tally(layout, file)
    form: _Form | None = None
    remarks: list[Finding] = []
    for raw in _blocks(open_file, layout.lines_before, file):
        whole = block = _plain(raw, layout)
        form = form or _Form.of(block, layout, file)
        if not block.endswith(b"\n") and form.is_cut_off(block):
            whole = block[: block.rfind(b"\n") + 1]
            remarks.append(
                Finding("truncated", "The file stops in the middle of its last line; that line is left out.")
            )
        if layout.decimal == "." and b'"' in whole:
            whole = QUOTED_GROUPS.sub(lambda match: match[0].replace(b",", b""), whole)
        yield Chunk(tally.readable(in_si_units(_table(whole, form), layout)))
    remarks += tally.remarks()
    if remarks:
        yield Chunk(pd.DataFrame(columns=list(REQUIRED), dtype=np.float64), tuple(remarks))


def _plain(block: bytes, layout: Layout) -> bytes:
    r"""Lines that the separator cuts: without quotes around a whole line, and with one blank for several.

    >>> _plain(b'"1,2,3"\n"4","5","6"\n', Layout("", 0, ",", ".", (), {}))
    b'1,2,3\n"4","5","6"\n'
    >>> _plain(b"  0.5   1 \n", Layout("", 0, BLANKS, ".", (), {}))
    b'0.5 1\n'
    """
    if layout.separator == BLANKS:
        return MANY_BLANKS.sub(b" ", BLANKS_OUTSIDE.sub(b"", block))
    if not block.startswith(b'"'):
        return block
    return WHOLE_LINE.sub(lambda line: line[1] if layout.separator.encode() in line[1] else line[0], block)


def _blocks(open_file: Open, lines_before: int, file: str) -> Iterator[bytes]:
    """The bytes below the header, cut at line ends."""
    try:
        with open_file() as stream:
            yield from _cut_at_line_ends(stream, lines_before, file)
    except (OSError, EOFError, zlib.error) as error:
        raise RateTestError(
            f"{file} cannot be read to its end ({error}). Copy it again from the instrument."
        ) from error


def _cut_at_line_ends(stream: BinaryIO, lines_before: int, file: str) -> Iterator[bytes]:
    rest = _after_lines(stream.read(BLOCK_BYTES), lines_before)
    while more := stream.read(BLOCK_BYTES):
        rest += more
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > LONGEST_LINE_BYTES:
            raise RateTestError(f"{file}: a line of over {len(rest) >> 20} MiB is no row. Export the test again.")
    if rest.strip():
        yield rest


def _after_lines(block: bytes, lines: int) -> bytes:
    r"""The bytes below the header; empty if it is not whole.

    >>> _after_lines(b"header\n1\n2\n", 1)
    b'1\n2\n'
    """
    begin = 0
    for _ in range(lines):
        end = block.find(b"\n", begin)
        if end < 0:
            return b""
        begin = end + 1
    return block[begin:]


@dataclass(frozen=True)
class _Form:
    """A layout, and how many fields its rows really have: separators at their end are common."""

    layout: Layout
    file: str
    fields: int

    @classmethod
    def of(cls, block: bytes, layout: Layout, file: str) -> _Form:
        lines = _lines(block[: CELLWISE_BYTES * 8], layout)[:ROWS_TO_COUNT_FIELDS_IN]
        counts = [len(_fields(line.removesuffix(layout.separator), layout)) for line in lines] or [len(layout.names)]
        usual = statistics.mode(counts)
        needed = 1 + max(position for position, column in layout.columns.items() if column.target in REQUIRED)
        if usual > len(layout.names) or usual < needed:
            raise RateTestError(
                f"{file}: rows that do not fit their header ({usual} fields under {len(layout.names)} names). "
                "Export the test again, with another separator than the decimal sign."
            )
        return cls(layout, file, statistics.mode([len(_fields(line, layout)) for line in lines] or counts))

    def is_cut_off(self, block: bytes) -> bool:
        """Whether the last line lacks fields that the others have."""
        last = block[block.rfind(b"\n") + 1 :]
        usual = min(self.fields, len(self.layout.names))
        return bool(last.strip()) and last.count(self.layout.separator.encode()) < usual - 1

    @property
    def wanted(self) -> dict[int, Column]:
        return {position: column for position, column in self.layout.columns.items() if position < self.fields}


def _table(block: bytes, form: _Form) -> pd.DataFrame:
    """The wanted columns under their targets, as they stand in the file: NaN where a number cannot be read."""
    try:
        return _read_fast(block, form)
    except pa.ArrowInvalid:
        middle = block.find(b"\n", len(block) // 2) + 1
        if len(block) <= CELLWISE_BYTES or middle in {0, len(block)}:
            return _read_cell_by_cell(block, form)
        halves = [_table(block[:middle], form), _table(block[middle:], form)]
        return pd.concat(halves, ignore_index=True)


def _read_fast(block: bytes, form: _Form) -> pd.DataFrame:
    layout = form.layout
    if not block.strip():
        return _frame({column.target: np.empty(0) for column in form.wanted.values()})
    if layout.comment and _has_line_that_begins_with(layout.comment.encode(), block):
        raise pa.ArrowInvalid("comments among the rows")
    kinds = {"number": pa.float64(), "clock": pa.string(), "word": pa.binary()}
    table = pyarrow.csv.read_csv(
        pa.BufferReader(block),
        pyarrow.csv.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, column_names=[str(n) for n in range(form.fields)]
        ),
        pyarrow.csv.ParseOptions(delimiter=layout.separator, quote_char='"' if b'"' in block else False),
        pyarrow.csv.ConvertOptions(
            include_columns=[str(position) for position in form.wanted],
            column_types={str(position): kinds[column.kind] for position, column in form.wanted.items()},
            null_values=EMPTY_CELLS,
            decimal_point=layout.decimal,
        ),
    )
    columns = {column.target: _array(table[str(position)], column) for position, column in form.wanted.items()}
    numbers = [columns[name] for name in REQUIRED if name in columns and columns[name].dtype == np.float64]
    if np.logical_and.reduce([np.isnan(values) for values in numbers]).any():
        raise pa.ArrowInvalid("a row without numbers: whether it is empty, the other way sees")
    return _frame(columns)


def _has_line_that_begins_with(mark: bytes, block: bytes) -> bool:
    return mark in block and (block.startswith(mark) or b"\n" + mark in block)  # the first is found much faster


def _array(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    if column.kind == "number":
        return np.asarray(values.to_numpy())
    if column.kind == "clock":
        return seconds_of_clocks(values)
    words = values.combine_chunks().dictionary_encode()
    known = np.array([_decoded(word.as_py()).strip() for word in words.dictionary] or [""], dtype=object)
    return np.asarray(known[words.indices.to_numpy(zero_copy_only=False)])


def _read_cell_by_cell(block: bytes, form: _Form) -> pd.DataFrame:
    """Whatever the lines look like: a row with too many fields is unreadable, a missing field or row is empty."""
    layout = form.layout
    _refuse_another_header(block, form)
    rows = [fields for line in _lines(block, layout) if not _says_nothing(fields := _fields(line, layout), form)]
    rows = [row if not "".join(row[form.fields :]).strip() else [] for row in rows]
    columns = {}
    for position, column in form.wanted.items():
        cells = [row[position].strip() if position < len(row) else "" for row in rows]
        columns[column.target] = cells_as(column.kind, cells, layout.decimal, is_grouped=column.is_grouped)
    return _frame(columns)


def _says_nothing(fields: list[str], form: _Form) -> bool:
    """Whether a line is empty, or a title between the rows: words in its first field, all others empty."""
    first, others = fields[0].strip() if fields else "", "".join(fields[1:]).strip()
    return not others and (not first or (len(fields) >= form.fields and number_or_none(first) is None))


def _refuse_another_header(block: bytes, form: _Form) -> None:
    """Exports that were joined may name their columns otherwise: their rows would be misread."""
    layout = form.layout
    for line in _decoded(block).split("\n") if layout.comment else ():
        names = tuple(name.strip(' "\r') for name in line.strip("\r").lstrip(layout.comment).split(layout.separator))
        if (
            line.startswith(layout.comment)
            and names != layout.names
            and not (set(names) - {""}).isdisjoint(layout.names)
        ):
            raise RateTestError(
                f"{form.file}: another header amid the rows, with other columns ({', '.join(names)[:100]}): exports "
                "were joined. Cut the file there."
            )


def _lines(block: bytes, layout: Layout) -> list[str]:
    """The lines that are rows: neither empty nor comments."""
    lines = [line.strip("\r") for line in _decoded(block).split("\n")]
    return [line for line in lines if line.strip() and not (layout.comment and line.startswith(layout.comment))]


def _fields(line: str, layout: Layout) -> list[str]:
    if '"' not in line:
        return line.split(layout.separator)
    return next(csv.reader([line.replace("\0", "").replace("\r", " ")], delimiter=layout.separator), [])


def _decoded(content: bytes | None) -> str:
    if content is None:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _frame(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame(columns, copy=False)
