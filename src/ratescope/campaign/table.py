"""One sheet: its columns by their own names and units, its fields as text and numbers, its faults with their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ratescope.campaign.columns import TYPED_CAPACITY, Column
from ratescope.campaign.entries import Notes
from ratescope.campaign.header_units import meaning_of
from ratescope.campaign.sheet_text import is_not_begun, read_sheet
from ratescope.numerals import number_of, uses_decimal_comma

Fields = Mapping[str, str]


class ReadNumber(Protocol):
    """Reads a number of a row by its column; None where the field is empty."""

    def __call__(self, column: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
        """The number, if it lies from ``low`` to ``high``."""


@dataclass
class Table:
    """Rows of a sheet and the notes that its faults go to.

    Attributes
    ----------
    rows : list of (row number, fields by column name)
    headers : dict
        By column name: how the sheet writes it.
    factors : dict
        By column name: what its numbers are multiplied by, where the sheet has another unit.
    """

    name: str
    notes: Notes
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    decimal_comma: bool = False

    @classmethod
    def read(cls, path: Path, columns: Sequence[Column], notes: Notes, *, without_rows: str = "") -> Table:
        """Read and check the header; the numbers are checked when they are asked for.

        A sheet that is missing or has no rows is a fault; a warning, ``without_rows``, where they may come later.
        """
        table = cls(path.name, notes)
        if without_rows and is_not_begun(path):
            notes.warnings.append(f"{path.name}: {without_rows}")
            return table
        try:
            text = read_sheet(path)
        except ValueError as error:
            notes.errors.append(f"{path.name}: {error}")
            return table
        if not text.rows:
            notes.errors.append(f"{path.name}: it is empty. Its first row names the columns: {_names(columns)}.")
            return table
        names = table._read_header(text.rows[0][1], columns, text.rows[1:])
        for row, line in text.rows[1:]:
            table._check_width(row, line, len(names), text.delimiter)
            table.rows.append((row, {name: seen for name, seen in zip(names, line, strict=False) if name}))
        numeric = {column.name for column in columns if column.units}
        numbers = [
            seen for _, fields in table.rows for name, seen in fields.items() if _is_typed(name) or name in numeric
        ]
        table.decimal_comma = uses_decimal_comma(numbers, by_default=text.delimiter == ";")
        if not table.rows:
            to = notes.warnings if without_rows else notes.errors
            to.append(f"{path.name}: {without_rows or 'it has no rows. Add one per line.'}")
        return table

    @property
    def columns(self) -> list[str]:
        """The columns that it has, by their own names."""
        return list(self.headers)

    def _read_header(
        self, headers: list[str], columns: Sequence[Column], rows: Sequence[tuple[int, list[str]]]
    ) -> list[str]:
        """The column that each header means, empty where it means none."""
        names: list[str] = []
        for place, header in enumerate(headers):
            name, factor, refusal = meaning_of(header, columns) if header else ("", 1.0, "")
            if refusal:
                self.notes.errors.append(f"{self.name}: unknown column {header!r}; {refusal}")
            if not header and any(line[place] for _, line in rows if len(line) > place):
                self.notes.errors.append(f"{self.name}: column {place + 1} has fields, but no name. Name it.")
            if name and factor != 1.0:
                said = f"{self.name}: column {header!r} was read as {name}, times {factor:g}."
                self.notes.conversions.append(said)
            if name and name not in self.headers:
                self.headers[name], self.factors[name] = header, factor
            names.append(name)
        for name, times in Counter(filter(None, names)).items():
            if times > 1:
                same = " and ".join(repr(header) for header, known in zip(headers, names, strict=True) if known == name)
                self.notes.errors.append(f"{self.name}: {same} are both column {name!r}. Keep one of them.")
        self.notes.errors.extend(
            f"{self.name}: column {column.name!r} is missing. Add it."
            for column in columns
            if column.is_needed and column.name not in self.headers
        )
        return names

    def _check_width(self, row: int, line: Sequence[str], width: int, delimiter: str) -> None:
        if any(line[width:]):
            comma = "Decimal commas in a comma-separated file need quotation marks" if delimiter == "," else ""
            self.notes.errors.append(
                f"{self.name} row {row}: it has {len(line)} fields under {width} columns. "
                f"{comma or f'Remove what is too much, or a {delimiter!r} inside a field'}."
            )

    def fault(self, row: int, column: str, said: str) -> None:
        """Note what keeps a row from being used, with its place."""
        self.notes.errors.append(self._at(row, column, said))

    def lacks(self, row: int, column: str, said: str) -> None:
        """Note a file that is not there, with the place that names it."""
        self.notes.missing.append(self._at(row, column, said))

    def warn(self, row: int, column: str, said: str) -> None:
        """Note what should be looked at, with its place."""
        self.notes.warnings.append(self._at(row, column, said))

    def _at(self, row: int, column: str, said: str) -> str:
        return f"{self.name} row {row}, column {self.headers.get(column, column)!r}: {said}"

    def text(self, row: int, fields: Fields, column: str) -> str:
        """A text that must not be empty where its column exists."""
        if not (value := fields.get(column, "")) and column in self.headers:
            self.fault(row, column, "it is empty. Fill it in.")
        return value

    def number(self, row: int, fields: Fields, column: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
        """A number from ``low`` to ``high`` in the column's own unit; None where the field is empty."""
        if not (seen := fields.get(column, "")):
            return None
        try:
            value = number_of(seen, decimal_comma=self.decimal_comma) * self.factors[column]
        except ValueError as error:
            self.fault(row, column, str(error))
            return None
        if not low <= value <= high:
            self.fault(row, column, f"{seen} lies outside {low:g} … {high:g}. {_unit_hint(column, value)}")
            return None
        return value

    def numbers_of(self, row: int, fields: Fields) -> ReadNumber:
        """Reads numbers of one row by their column."""

        def number(column: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
            return self.number(row, fields, column, low=low, high=high)

        return number


def _unit_hint(column: str, value: float) -> str:
    if column == "porosity" and 1.0 < value <= 95.0:
        return f"Check the unit: it looks like percent; write {value / 100:g}, or name the column 'porosity (%)'."
    return f"Check the unit: the column is {column}."


def _is_typed(name: str) -> bool:
    return name.startswith(TYPED_CAPACITY)


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns)
