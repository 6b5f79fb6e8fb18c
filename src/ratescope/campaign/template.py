"""A campaign template that explains itself: fill in the sheets, put the files beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ratescope.campaign.columns import (
    CELL_UNCERTAINTIES,
    CELLS,
    ELECTRODE_UNCERTAINTIES,
    ELECTRODES,
    GAUGE,
    MASS,
    MICROGRAPHS,
    PREPARATION,
    Column,
    names_of,
)
from ratescope.errors import OutputError
from ratescope.files import prepare_folder, write_csv, write_text

CAMPAIGN_TOML = """\
# A campaign ties micrographs to rate tests. Fill in the three sheets beside this file; `ratescope campaign check DIR`
# says what is still missing. Lines that start with # are remarks.
schema = 1
name = "{name}"
active_material = "NCM111"
theoretical_ah_per_kg = 159.7   # what 1C refers to, per kg of active material
loading_basis = "active"        # what loading_mg_per_cm2 counts: "active" material alone, or the whole dry "coating"
protocol = "table-2"            # C/20 … 5C, two cycles each, C/10 check-ups between; or a TOML file beside this one
# pixel_size_um = 0.123         # only if the image files do not say it themselves

[weight_fractions]              # of the dry coating; they sum to 1
active = 0.92
binder = 0.04
carbon = 0.04

[densities_g_per_cm3]
active = 4.75
binder = 1.78
carbon = 1.95
"""

READ_ME = """\
A campaign ties micrographs to rate tests. Fill in the sheets with a spreadsheet or an editor, put the files into
micrographs/ and cycler/, and run `ratescope campaign check` on this folder: it says what is still missing, all at once.
Rate tests alone, or micrographs alone, can be used as well: the other sheet stays without rows until you train.

Save the sheets as CSV: commas, semicolons or tabs, decimal point or comma. Each has an example in a row that begins
with "# ": such rows are remarks and are not read. Leave a field empty where you do not know it. The unit stands in the
column's name; a column with another unit in its name, such as "thickness (mm)", is converted, and the check says so.
"""
TYPED = """\
  capacity_ah_at_0.2c     instead of file: discharge capacities of the whole cell in Ah, one column for each C-rate
"""
BASIS = """\
The basis of the loading
  loading_mg_per_cm2 may count the active material alone, or the whole dry coating with binder and carbon. campaign.toml
  says which: loading_basis = "active" or "coating". With 92 % of active material, the wrong one makes capacity
  densities (Ah/L) wrong by 8 %. Where porosity is given too, the check compares it with mass and thickness.

What a fold keeps apart
  One electrode is one coating at one densification. Discs of one coating that are pressed alike are specimens and cells
  of one electrode: under two names, a network would be tested on what it was trained on.
"""
EXAMPLES = {
    "electrode": "P30",
    "batch": "batch-1",
    "load_mpa": "200",
    "coating_thickness_um": "56.6",
    "loading_mg_per_cm2": "15.4",
    "porosity": "0.30",
    "porosity_label": "30",
    "file": "micrographs/P30_s1_a1.tif",
    "specimen": "s1",
    "area": "1",
    "pixel_size_um": "0.123",
    "prepared_on": "2026-03-31",
    "microscope": "the one in room 2",
    "objective": "50x/0.80",
    "exposure_ms": "10",
    "polish": "1 µm diamond",
    "cell": "P30_c1",
    "active_mass_mg": "12.1",
}
SHEETS: Mapping[str, tuple[tuple[Column, ...], tuple[Column, ...], str]] = {
    "electrodes.csv": (
        ELECTRODES,
        (*MASS, *GAUGE, *ELECTRODE_UNCERTAINTIES),
        "one row for each coating at one densification",
    ),
    "micrographs.csv": ((*MICROGRAPHS, *PREPARATION), (), "one row for each image file"),
    "cells.csv": (CELLS, CELL_UNCERTAINTIES, "one row for each half cell"),
}
"""By file: the columns that the template has, those that may be added, and what a row is."""


def write_template(folder: Path) -> list[Path]:
    """Write a campaign without rows, but with an example of each as a remark; never over one that is there.

    Raises
    ------
    OutputError
        If the folder has any of the files already.
    """
    names = ("campaign.toml", *SHEETS, "README.txt")
    if there := [name for name in names if (folder / name).exists()]:
        raise OutputError(f"{folder} has {', '.join(there)} already; nothing was overwritten. Choose another folder.")
    for place in (folder, folder / "micrographs", folder / "cycler"):
        prepare_folder(place)
    for name, (columns, _, _) in SHEETS.items():
        write_csv(folder / name, names_of(columns), [_example(columns)])
    write_text(folder / "README.txt", _read_me())
    write_text(folder / "campaign.toml", CAMPAIGN_TOML.format(name=_in_quotes(folder.resolve().name)))
    return [folder / name for name in names]


def _in_quotes(name: str) -> str:
    """What may stand in a string of TOML."""
    return name.replace("\\", "/").replace('"', "'")


def _example(columns: tuple[Column, ...]) -> dict[str, str]:
    """An example as a remark: its first field begins with ``# ``."""
    row = {column.name: EXAMPLES[column.name] for column in columns}
    if columns == CELLS:
        row["file"] = "cycler/P30_c1.txt"
    return row | {columns[0].name: f"# {row[columns[0].name]}"}


def _read_me() -> str:
    """Every column with its unit and whether it is needed, written from campaign/columns.py."""
    said = [READ_ME]
    for file, (columns, more, row) in SHEETS.items():
        said.append(f"{file}: {row}\n")
        said += [_column_in_words(column, "needed  " if column.is_needed else "optional") for column in columns]
        said += [_column_in_words(column, "may be added") for column in more]
        said.append(TYPED + "\n" if columns == CELLS else "\n")
    return "".join([said[0], "\n", *said[1:], BASIS])


def _column_in_words(column: Column, need: str) -> str:
    return f"  {column.name:<24}{need:<14}{column.says}\n"
