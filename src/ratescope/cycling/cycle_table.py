"""One row per cycle of one cell in the vocabulary of the Battery Data Format: written for others.

The format (its ontology 1.2, 2026) defines tables over time and leaves a table per cycle to a later release. Its terms
``cycle_charging_capacity_ah`` and ``cycle_discharging_capacity_ah`` are, at the end of a cycle, what such a table
holds: they stand here under their labels. What it has no term for is named in its manner, ``Quantity / unit``. As in
the format, one file holds one cell, and the current of a discharge is below zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ratescope.cycling.rate_curve import rate_rows
from ratescope.errors import InputError
from ratescope.files import write_csv
from ratescope.records import RateTest

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
"""The fields of a `Discharge` that have a column."""
DERIVED_OF: Mapping[str, str] = {
    "Specific Discharging Capacity / Ah/kg": "specific_capacity_ah_per_kg",
    "Discharging Capacity Density / Ah/L": "capacity_density_ah_per_l",
    "Areal Discharging Capacity / mAh/cm2": "areal_capacity_mah_per_cm2",
}
"""Columns of the rate table beside them; empty where mass, volume or area are not known."""
CHARGING, EFFICIENCY = "Cycle Charging Capacity / Ah", "Coulombic Efficiency / 1"
CYCLE_COLUMNS = (*list(FIELD_OF)[:4], CHARGING, EFFICIENCY, *DERIVED_OF, *list(FIELD_OF)[4:])


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
