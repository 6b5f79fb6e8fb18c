"""One row per cycle of one cell in the vocabulary of the Battery Data Format: written for others, and read back.

The format (its ontology 1.2, 2026) defines tables over time and leaves a table per cycle to a later release. Its terms
``cycle_charging_capacity_ah`` and ``cycle_discharging_capacity_ah`` are, at the end of a cycle, what such a table
holds: they stand here under their labels. What it has no term for is named in its manner, ``Quantity / unit``. As in
the format, one file holds one cell, and the current of a discharge is below zero.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_rows
from ratescope.errors import InputError
from ratescope.files import write_csv
from ratescope.records import Discharge, RateTest

ENDING = ".cycles.bdf.csv"
FIELD_OF: Mapping[str, str] = {
    "Cycle Count / 1": "cycle",
    "Test Time / s": "end_s",  # as the format's running capacities are meant: at the end
    "Current / A": "current_a",
    "Cycle Discharging Capacity / Ah": "capacity_ah",
    "Discharge Begin / s": "begin_s",
    "C-Rate / 1/h": "c_rate_per_h",
    "Constant-Current Charging Capacity / Ah": "charge_cc_ah",
    "Constant-Voltage Charging Capacity / Ah": "charge_cv_ah",
    "Role": "role",
    "Complete": "is_complete",
    "Counts": "counts",
}
"""The fields of a `Discharge` that are read back."""
DERIVED_OF: Mapping[str, str] = {
    "Specific Discharging Capacity / Ah/kg": "specific_capacity_ah_per_kg",
    "Discharging Capacity Density / Ah/L": "capacity_density_ah_per_l",
    "Areal Discharging Capacity / mAh/cm2": "areal_capacity_mah_per_cm2",
}
"""Columns of the rate table beside them; empty where mass, volume or area are not known."""
CHARGING, EFFICIENCY = "Cycle Charging Capacity / Ah", "Coulombic Efficiency / 1"
CYCLE_COLUMNS = (*list(FIELD_OF)[:4], CHARGING, EFFICIENCY, *DERIVED_OF, *list(FIELD_OF)[4:])
NUMBER_COLUMNS = frozenset(RATE_COLUMNS) - {"cell", "electrode", "cycle", "counts"}

Convert = Callable[[str], Any]


def write_cycle_tables(folder: Path, tests: Sequence[RateTest]) -> list[Path]:
    """Write the cycles of each cell as a file of its own, ``{cell}.cycles.bdf.csv``.

    Raises
    ------
    InputError
        If two cells have one name.
    """
    paths = paths_of_cells(folder, tests, ENDING)
    for path, test in zip(paths, tests, strict=True):
        write_csv(path, CYCLE_COLUMNS, cycle_rows(test))
    return paths


def paths_of_cells(folder: Path, tests: Sequence[RateTest], ending: str) -> list[Path]:
    """A file for each cell.

    Raises
    ------
    InputError
        If two cells would have one file.
    """
    paths = [folder / f"{test.cell.replace('/', '_')}{ending}" for test in tests]
    if twice := sorted({test.cell for test, path in zip(tests, paths, strict=True) if paths.count(path) > 1}):
        raise InputError(f"the cells {', '.join(twice)} stand here twice; one file holds one cell. Rename one of each.")
    return paths


def cycle_rows(test: RateTest) -> list[dict[str, object]]:
    """The rows under `CYCLE_COLUMNS`; NaN or None where a value is not known."""
    return [
        {label: getattr(discharge, field) for label, field in FIELD_OF.items()}
        | {label: row[column] for label, column in DERIVED_OF.items()}
        | {
            CHARGING: discharge.charge_cc_ah + discharge.charge_cv_ah,
            EFFICIENCY: discharge.coulombic_efficiency,
        }
        for discharge, row in zip(test.discharges, rate_rows(test), strict=True)
    ]


def read_cycle_table(path: Path) -> tuple[Discharge, ...]:
    """The discharges of a file that `write_cycle_tables` has written."""
    convert: dict[str, Convert] = dict.fromkeys(FIELD_OF, _number)
    convert |= {"Cycle Count / 1": int, "Role": str, "Complete": _truth, "Counts": _truth}
    rows = _read(path, CYCLE_COLUMNS, convert, "a table of cycles of `ratescope rates --bdf`")
    return tuple(Discharge(**{field: row[label] for label, field in FIELD_OF.items()}) for row in rows)


def read_rate_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a rate table as `rate_rows` gives them: None where a value is not known."""
    convert: dict[str, Convert] = {
        column: _number_or_none if column in NUMBER_COLUMNS else str for column in RATE_COLUMNS
    }
    convert |= {"cycle": int, "counts": _truth}
    return _read(path, RATE_COLUMNS, convert, "a table of `ratescope rates`")


def _read(path: Path, columns: Sequence[str], convert: Mapping[str, Convert], what: str) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}. Name {what}.") from error
    if rows and (missing := [column for column in columns if column not in rows[0]]):
        raise InputError(f"{path} is not {what}: it lacks the column(s) {', '.join(missing)}. Write it again.")
    read = []
    for number, row in enumerate(rows, start=2):
        try:
            read.append({column: change(row[column]) for column, change in convert.items()})
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}, row {number}: {error}. Mend it, or write the table again.") from error
    return read


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _number_or_none(text: str) -> float | None:
    return float(text) if text else None


def _truth(text: str) -> bool:
    """Whether a field says true.

    >>> _truth("true"), _truth("FALSE")
    (True, False)
    """
    if text.lower() not in {"true", "false"}:  # a spreadsheet writes TRUE
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
