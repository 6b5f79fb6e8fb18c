"""The rate tests of a virtual campaign, thinned to 150 KB of text that the gallery reads in a second: all SIMULATED.

Of each cell only the discharges of the rate curve are kept and the charge before each; of every step some forty rows.

ratescope lab CAMPAIGN; python docs/studies/make_gallery_cells.py CAMPAIGN
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ratescope.campaign.rates import rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import CURRENT, STEP_COUNT, TIME, VOLTAGE
from ratescope.cycling.steps import find_steps, rows_of
from ratescope.files import write_csv

TARGET = Path(__file__).parents[1] / "gallery" / "simulated_cells"
ROWS = {-1: 40, +1: 12}  # of a discharge, of a charge
COLUMNS = (TIME, VOLTAGE, CURRENT, STEP_COUNT)


def thinned(path, test):
    """The rows of a small file: time runs on from step to step."""
    record = read_cycler_file(path)
    steps, _ = find_steps(record)
    discharges = [number for number, step in enumerate(steps) if step.direction < 0]
    wanted = [number for number, one in zip(discharges, test.discharges, strict=True) if one.counts]
    parts, begin_s = [], 0.0
    for count, number in enumerate(sorted({before for last in wanted for before in (*charge_of(steps, last), last)})):
        rows = rows_of(record, steps[number])
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, ROWS[steps[number].direction]).round().astype(int))]
        seconds = (rows[TIME] - rows[TIME].iloc[0] + begin_s).round(1)
        parts.append(
            rows[[VOLTAGE]].round(4).assign(**{TIME: seconds, CURRENT: rows[CURRENT].round(8), STEP_COUNT: count})
        )
        begin_s = float(seconds.iloc[-1])
    return pd.concat(parts).to_dict("records")


def charge_of(steps, last):
    """The charging steps right before a discharge."""
    first = last
    while first and steps[first - 1].direction > 0:
        first -= 1
    return range(first, last)


def main(folder):
    campaign = read_campaign(folder)
    cells = []
    for cell, test in zip(campaign.cells, rate_tests(campaign), strict=True):
        file = f"{cell.name}.bdf.csv"
        write_csv(TARGET / file, COLUMNS, thinned(cell.path, test))
        cells.append(
            {"cell": cell.name, "electrode": cell.electrode, "active_mass_mg": cell.active_mass_mg, "file": file}
        )
    write_csv(TARGET / "cells.csv", list(cells[0]), cells)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
