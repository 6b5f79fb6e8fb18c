"""The Battery Data Format (ontology 1.1.0) as csv or parquet, with preferred labels or machine-readable names.

Its units are fixed; files that give others in its labels, ``Test Time / h``, are taken at their word. Columns of
earlier releases are taken too: ``Step Capacity / Ah``, and ``Step Index / 1`` where it
is the line of the test plan: since 1.1.0 it counts the rows within a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from ratescope.cycling.readers.cells import decimal_sign
from ratescope.cycling.readers.header import SEPARATORS, UNITS
from ratescope.cycling.readers.layout import Column, Layout
from ratescope.cycling.readers.tally import Tally, in_si_units
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CUMULATIVE_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    REQUIRED,
    STEP,
    STEP_CAPACITY,
    STEP_COUNT,
    STEP_TIME,
    TIME,
    VOLTAGE,
    Chunk,
    CyclerRecord,
)
from ratescope.errors import RateTestError

TARGET_OF = {
    "test time": TIME,
    "voltage": VOLTAGE,
    "current": CURRENT,
    "step time": STEP_TIME,
    "step id": STEP,
    "step count": STEP_COUNT,
    "cycle count": CYCLE,
    "net capacity": NET_CAPACITY,
    "step cumulative capacity": STEP_CAPACITY,
    "step capacity": STEP_CAPACITY,  # its name before 1.1.0
    "step net capacity": STEP_CAPACITY,  # signed; of one direction within a step
    "cumulative capacity": CUMULATIVE_CAPACITY,
    "charging capacity": CHARGING_CAPACITY,
    "discharging capacity": DISCHARGING_CAPACITY,
    "charge capacity": CHARGING_CAPACITY,  # so in files that other programs call by this format's name
    "discharge capacity": DISCHARGING_CAPACITY,
}
WITHOUT_UNIT = {"step id", "step count", "cycle count"}
STEP_INDEX = {"step index / 1", "step_index"}
HEADER_LINES = 5  # our choice: the format says the first; some write an empty line or a note above it
ROWS_LOOKED_AT = 200  # our choice: enough to see whether an index counts rows


def find_layout(head: str) -> Layout | None:
    r"""The layout of a csv file of the Battery Data Format by its beginning, or None.

    >>> layout = find_layout("test_time_second;voltage_volt;current_ampere\n0,5;3,6;0,1\n")
    >>> layout.decimal, [column.target for column in layout.columns.values()]
    (',', ['Test Time / s', 'Voltage / V', 'Current / A'])
    """
    lines = head.lstrip("\ufeff").split("\n")
    for number, line in enumerate(lines[:HEADER_LINES]):
        for separator in SEPARATORS:
            names = tuple(name.strip().strip('"') for name in line.strip("\r").split(separator))
            if _is_header(names):
                rows = [row.split(separator) for row in lines[number + 1 : -1][:ROWS_LOOKED_AT]]
                columns = _columns(names, rows)
                return Layout(
                    maker="Battery Data Format",
                    lines_before=number + 1,
                    separator=separator,
                    decimal="." if separator == "," else decimal_sign(rows, columns),
                    names=names,
                    columns=columns,
                )
    return None


def read_parquet(path: Path) -> CyclerRecord:
    """The record of a parquet file of the Battery Data Format.

    Raises
    ------
    RateTestError
        If it is damaged, or has not the columns that the format asks for.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = tuple(file.schema_arrow.names)
            if not _is_header(names):
                raise RateTestError(
                    f"{path} is a parquet file without Test Time / s, Voltage / V and Current / A; it has "
                    f"{', '.join(map(repr, names[:8]))}. Name its columns as in the Battery Data Format."
                )
            index = [name for name in names if name.lower() in STEP_INDEX]
            first = next(file.iter_batches(ROWS_LOOKED_AT, columns=index), None) if index else None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    rows = _rows_with_index(names, first)
    layout = Layout("Battery Data Format", 0, "", ".", names, _columns(names, rows))
    return CyclerRecord(str(path), layout.maker, lambda: _chunks_of_parquet(path, layout))


def _is_header(names: Sequence[str]) -> bool:
    return {known[0] for name in names if (known := _target_and_factor(name))} >= set(REQUIRED)


def _target_and_factor(name: str) -> tuple[str, float] | None:
    """What a column is by its preferred label or its machine-readable name, and its unit in those of the format.

    >>> _target_and_factor("Voltage / mV"), _target_and_factor("voltage_volt"), _target_and_factor("Step ID")
    (('Voltage / V', 0.001), ('Voltage / V', 1.0), ('Step ID', 1.0))
    >>> _target_and_factor("Voltage (V)"), _target_and_factor("voltage_v")
    (None, None)
    """
    label, is_label, unit = name.lower().partition(" / ")
    plain = label if is_label else label.replace("_", " ")
    if plain in WITHOUT_UNIT:
        return TARGET_OF[plain], 1.0
    if not is_label:
        plain, _, unit = plain.rpartition(" ")
    target = TARGET_OF.get(plain)
    if target is None or not (is_label or len(unit) > 1):  # voltage_v is no name of it
        return None
    factor = UNITS[target].get(unit.strip())
    return None if factor is None else (target, factor)


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, Column]:
    """Each wanted column by its position; of two of one meaning, the first."""
    columns: dict[int, Column] = {}
    for position, name in enumerate(names):
        target, factor = _target_and_factor(name) or (None, 1.0)
        if target is not None and target not in {column.target for column in columns.values()}:
            columns[position] = Column(name, target, factor)
    if not {STEP, STEP_COUNT} & {column.target for column in columns.values()}:
        for position, name in enumerate(names):
            if name.lower() in STEP_INDEX and not _counts_rows([row[position] for row in rows if position < len(row)]):
                columns[position] = Column(name, STEP)
    return columns


def _counts_rows(cells: Sequence[str]) -> bool:
    """Whether an index changes at most rows, and so counts them within a step.

    >>> _counts_rows(["1", "2", "3", "1", "2"]), _counts_rows(["4", "4", "4", "5", "5"])
    (True, False)
    """
    changes = sum(a.strip() != b.strip() for a, b in pairwise(cells))
    return 2 * changes > len(cells)


def _rows_with_index(names: Sequence[str], first: pa.RecordBatch | None) -> list[list[str]]:
    """The first values of the step index, each in its place in a row that is else empty."""
    if first is None:
        return []
    place = names.index(first.schema.names[0])
    return [[*[""] * place, str(value)] for value in first.column(0).to_pylist()]


def _damaged(path: Path, error: Exception) -> RateTestError:
    said = " ".join(str(error).split())  # pyarrow breaks its lines
    return RateTestError(f"{path} is a damaged parquet file ({said}). Write it again.")


def _chunks_of_parquet(path: Path, layout: Layout) -> Iterator[Chunk]:
    tally = Tally(layout, str(path))
    wanted = {column.name: column.target for column in layout.columns.values()}
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(wanted), use_threads=False):
                table = pd.DataFrame({target: _numbers(batch.column(name)) for name, target in wanted.items()})
                yield Chunk(tally.readable(in_si_units(table, layout)))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    if remarks := tally.remarks():
        yield Chunk(pd.DataFrame(columns=list(REQUIRED), dtype=float), tuple(remarks))


def _numbers(values: pa.Array) -> pd.Series[float]:
    return pd.to_numeric(pd.Series(values.to_pandas()), errors="coerce").astype(float)
