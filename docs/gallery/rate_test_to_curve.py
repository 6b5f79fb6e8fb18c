"""From cycler files to a rate curve and its law, as in the paper's Figure 4. The fifteen cells are SIMULATED.

A discharge is found by its current and voltage, told its C-rate by the mass of active material, and counts if it is
complete (cycling/rate_test.py). Left: voltage of the first cell of each densification against the charge that has
passed; a line ends where the cell is empty. Right: the mean of three cells at each C-rate with their spread, and the
law of Tian et al. as a line. The points of the two densest electrodes are only joined: there the law is off by more
than 3 % of its plateau. `ratescope rates … --picture FILE.png` draws the same of your own cells.

python docs/gallery/rate_test_to_curve.py [picture.png]
"""

import csv
import sys
from pathlib import Path

from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.readers import read_cycler_file
from ratescope.evaluation.figures import rate_test_png
from ratescope.rate_picture import electrode_curves
from ratescope.units import LOADS_MPA, POROSITY_LABELS, THEORETICAL_AH_PER_KG

CELLS = Path(__file__).parent / "simulated_cells"  # made by docs/studies/make_gallery_cells.py
RATES_PER_H = (0.2, 2.0, 5.0)  # of the discharge curves: more would hide each other


def tests_by_electrode():
    """The rate tests of the cells, in the order of densification."""
    tests = {f"{load:g}MPa": [] for load in LOADS_MPA}
    with (CELLS / "cells.csv").open(encoding="utf-8") as sheet:
        for row in csv.DictReader(sheet):
            record = read_cycler_file(CELLS / row["file"])
            mass_mg = float(row["active_mass_mg"])
            test = rate_test(record, cell=row["cell"], electrode=row["electrode"], active_mass_mg=mass_mg)
            tests[row["electrode"]].append(test)
    return tests


def main(target):
    electrodes = [
        electrode_curves(
            f"{electrode.removesuffix('MPa')} MPa, {porosity} % pores", tests, THEORETICAL_AH_PER_KG, RATES_PER_H
        )
        for (electrode, tests), porosity in zip(tests_by_electrode().items(), POROSITY_LABELS, strict=True)
    ]
    note = (
        "SIMULATED half cells of NCM111, five densifications of one coating. "
        "Left: one cell each, marked as on the right. Right: three cells each, bars ± 1 standard deviation."
    )
    target.write_bytes(rate_test_png(electrodes, c_rates_per_h=RATES_PER_H, note=note))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
