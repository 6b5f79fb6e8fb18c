"""One csv file as spreadsheets write it: comma or semicolon, byte-order mark, decimal comma, empty rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

TYPED_CAPACITY = "capacity_ah_at_"  # capacity_ah_at_0.2c: a capacity typed in instead of a cycler file


class ReadNumber(Protocol):
    """Reads a number of a row by its column; None where the field is empty."""

    def __call__(self, column: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
        """The number, if it lies from ``low`` to ``high``."""


@dataclass
class Table:
    """Rows of a csv file and the list that its faults go to."""

    name: str
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    decimal_comma: bool
    faults: list[str]

    @classmethod
    def read(cls, path: Path, faults: list[str]) -> Table:
        """Comma or semicolon, with or without a byte-order mark; empty rows are skipped, row numbers kept."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError:
            faults.append(f"{path.name}: the file is missing. `ratescope campaign new DIR` writes a template.")
            return cls(path.name, [], [], False, faults)
        except UnicodeDecodeError:
            text = path.read_text(encoding="latin-1")
        semicolons = ";" in text.partition("\n")[0]
        lines = list(csv.reader(io.StringIO(text), delimiter=";" if semicolons else ","))
        columns = [name.strip() for name in lines[0]] if lines else []
        rows = [
            (number, dict(zip(columns, map(str.strip, line), strict=False)))
            for number, line in enumerate(lines[1:], start=2)
            if any(map(str.strip, line))
        ]
        return cls(path.name, columns, rows, semicolons, faults)

    def check_columns(self, known: Iterable[str], needed: Iterable[str]) -> None:
        """Note unknown and missing columns, and a table without rows."""
        if not self.columns:
            return
        known = list(known)
        for name in self.columns:
            if name and name not in known and not name.startswith(TYPED_CAPACITY):
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}."
                self.faults.append(f"{self.name}: unknown column {name!r}; {hint}")
        self.faults.extend(
            f"{self.name}: column {name!r} is missing. Add it." for name in needed if name not in self.columns
        )
        if not self.rows:
            self.faults.append(f"{self.name}: it has no rows. Add one per line.")

    def fault(self, row: int, column: str, said: str) -> None:
        """Note what is wrong, with its place."""
        self.faults.append(f"{self.name} row {row}, column {column!r}: {said}")

    def text(self, row: int, fields: Mapping[str, str], column: str) -> str:
        """A text that must not be empty where its column exists."""
        if not (value := fields.get(column, "")) and column in self.columns:
            self.fault(row, column, "it is empty. Fill it in.")
        return value

    def number(
        self, row: int, fields: Mapping[str, str], column: str, *, low: float = 0.0, high: float = 1e9
    ) -> float | None:
        """A number from ``low`` to ``high``; None where the field is empty."""
        if not (seen := fields.get(column, "")):
            return None
        try:
            value = float(seen.replace(",", ".") if self.decimal_comma else seen)
        except ValueError:
            self.fault(row, column, f"{seen!r} is not a number. Write it like 12.3.")
            return None
        if not low <= value <= high:
            self.fault(row, column, f"{seen} lies outside {low:g} … {high:g}. Check the unit in the column's name.")
            return None
        return value

    def numbers_of(self, row: int, fields: Mapping[str, str]) -> ReadNumber:
        """Reads numbers of one row by their column."""

        def number(column: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
            return self.number(row, fields, column, low=low, high=high)

        return number
