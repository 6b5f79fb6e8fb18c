"""A campaign template that explains itself: fill in the sheets, put the files beside them."""

from __future__ import annotations

from pathlib import Path

from ratescope.campaign.sheets import CELL_COLUMNS, ELECTRODE_COLUMNS, MICROGRAPH_COLUMNS, PREPARATION_COLUMNS
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
protocol = "table-2"            # C/20 … 5C, two cycles each, C/10 check-ups between
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
electrodes.csv    one row for each coating at one densification. porosity is a fraction (0.30); leave it empty to have
                  it worked out from loading_mg_per_cm2 and coating_thickness_um. The unit stands in the column's name.
micrographs.csv   one row for each image file. specimen: the embedded disc; area: which image of it. The columns from
                  prepared_on to polish are optional, but without them no audit can see preparation-day proxies.
cells.csv         one row for each half cell: active_mass_mg and the cycler's export in file. Instead of a file you may
                  type capacities in, in columns named capacity_ah_at_0.2c, capacity_ah_at_1c, …
micrographs/      TIFF, PNG or JPEG
cycler/           exports of the rate tests
"""


def write_template(folder: Path) -> list[Path]:
    """Write an empty campaign; never over one that is there.

    Raises
    ------
    OutputError
        If the folder has any of the files already.
    """
    sheets = {
        "electrodes.csv": ELECTRODE_COLUMNS,
        "micrographs.csv": (*MICROGRAPH_COLUMNS, *PREPARATION_COLUMNS),
        "cells.csv": CELL_COLUMNS,
    }
    names = ("campaign.toml", *sheets, "README.txt")
    if there := [name for name in names if (folder / name).exists()]:
        raise OutputError(f"{folder} has {', '.join(there)} already; nothing was overwritten. Choose another folder.")
    for place in (folder, folder / "micrographs", folder / "cycler"):
        prepare_folder(place)
    for name, columns in sheets.items():
        write_csv(folder / name, columns, [])
    write_text(folder / "README.txt", READ_ME)
    write_text(folder / "campaign.toml", CAMPAIGN_TOML.format(name=folder.resolve().name.replace('"', "'")))
    return [folder / name for name in names]
