"""The columns of the three sheets: their names with the unit in them, what they mean, whether they are needed.

The template's README is written from this page, and the units that a header may have instead are looked up here.
"""

from __future__ import annotations

from typing import NamedTuple

from ratescope import units

LENGTHS = {"nm": 1e-3, "um": 1.0, "micron": 1.0, "microns": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}  # in µm
MASSES = {"ug": 1e-3, "mg": 1.0, "g": 1e3, "kg": 1e6}  # in mg
LOADINGS = {  # in mg/cm²
    "mg_per_cm2": 1.0,
    "g_per_cm2": 1e3,
    "g_per_m2": 0.1,
    "kg_per_m2": 100.0,
    "mg_per_mm2": 100.0,
    "mg_per_m2": 1e-4,
    "ug_per_cm2": 1e-3,
}
PRESSURES = {"pa": 1e-6, "kpa": 1e-3, "bar": 0.1, "mpa": 1.0, "gpa": 1e3}  # in MPa
TIMES = {"us": 1e-3, "ms": 1.0, "s": 1e3}  # in ms
SHARES = {"": 1.0, "fraction": 1.0, "%": 0.01, "percent": 0.01, "pct": 0.01}
CHARGES = {**units.CHARGES, "as": 1 / 3600, "c": 1 / 3600}  # in Ah


class Column(NamedTuple):
    """One column: its quantity and unit make its name.

    ``units`` are the units that a header may have instead, with what one of them is in the column's own; ``aliases``
    are other words for the quantity.
    """

    quantity: str
    unit: str
    says: str
    units: dict[str, float] = {}  # noqa: RUF012 - the default of a NamedTuple's field, never written to
    aliases: tuple[str, ...] = ()
    is_needed: bool = False

    @property
    def name(self) -> str:
        """As it stands in the sheet."""
        return f"{self.quantity}_{self.unit}" if self.unit else self.quantity


ELECTRODES = (
    Column("electrode", "", "its name: one coating at one densification", is_needed=True),
    Column("batch", "", "the coating that it was cut from; the same for discs of one coating"),
    Column("load", "mpa", "pressure of the densification", PRESSURES, ("pressure", "calendering_pressure")),
    Column(
        "coating_thickness",
        "um",
        "without the foil; needed for Ah/L unless porosity is given",
        LENGTHS,
        ("thickness",),
    ),
    Column(
        "loading",
        "mg_per_cm2",
        "mass per area of one side; campaign.toml says what it counts, see below",
        LOADINGS,
        ("mass_loading", "areal_loading"),
    ),
    Column("porosity", "", "a fraction such as 0.30; empty: worked out from thickness and loading", SHARES),
    Column("porosity_label", "", "what the electrode is called in figures, such as 30"),
)
MASS = (
    Column("mass", "mg", "of a disc with its foil; with the next two instead of the loading", MASSES, ("disc_mass",)),
    Column("diameter", "mm", "of that disc", {unit: of_um / 1e3 for unit, of_um in LENGTHS.items()}),
    Column("foil_mass", "mg", "of the foil in that disc", MASSES),
)
GAUGE = (
    Column(
        "electrode_thickness",
        "um",
        "with its foil, coated on one side; with the next one instead of the coating's",
        LENGTHS,
        ("total_thickness",),
    ),
    Column("foil_thickness", "um", "of the foil alone", LENGTHS),
)
ELECTRODE_UNCERTAINTIES = (
    Column("coating_thickness_sd", "um", "standard uncertainty of the thickness", LENGTHS, ("thickness_sd",)),
    Column("loading_sd", "mg_per_cm2", "standard uncertainty of the loading", LOADINGS),
)
MICROGRAPHS = (
    Column("file", "", "the image file, from this folder on: micrographs/a.tif", is_needed=True),
    Column("electrode", "", "as in electrodes.csv", is_needed=True),
    Column("specimen", "", "the embedded, polished disc that it shows", is_needed=True),
    Column("area", "", "which place of the specimen"),
    Column(
        "pixel_size",
        "um",
        "edge of one pixel; empty where the image file says it",
        LENGTHS,
        ("pixelsize", "um_per_px", "scale"),
    ),
)
PREPARATION = (
    Column("prepared_on", "", "the day of embedding and polishing, as 2026-03-31"),
    Column("microscope", "", "which one"),
    Column("objective", "", "magnification and aperture, as 50x/0.80"),
    Column("exposure", "ms", "of the camera", TIMES, ("exposure_time",)),
    Column("polish", "", "how it was polished"),
)
CELLS = (
    Column("cell", "", "its name", is_needed=True),
    Column("electrode", "", "as in electrodes.csv", is_needed=True),
    Column("active_mass", "mg", "of active material in the cell; needed for Ah/kg", MASSES),
    Column("file", "", "the cycler's export, from this folder on: cycler/a.txt; or type capacities in"),
)
CELL_UNCERTAINTIES = (Column("active_mass_sd", "mg", "standard uncertainty of the mass", MASSES),)
TYPED_CAPACITY = "capacity_ah_at_"  # capacity_ah_at_0.2c: a capacity typed in instead of a cycler file
SHEETS = {
    "electrodes.csv": (*ELECTRODES, *MASS, *GAUGE, *ELECTRODE_UNCERTAINTIES),
    "micrographs.csv": (*MICROGRAPHS, *PREPARATION),
    "cells.csv": (*CELLS, *CELL_UNCERTAINTIES),
}
# What is said of a sheet without rows where these may come later.
MAY_COME_LATER = {
    "micrographs.csv": "no micrographs yet: rate tests can be read, but nothing can be learned. Add one row for each.",
    "cells.csv": "no cells yet: micrographs can be prepared, but nothing can be learned. Add one row for each.",
}


def names_of(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """The names of columns, as they stand in a sheet."""
    return tuple(column.name for column in columns)
