"""Capacity against porosity for sets A and B at five C-rates, each rate alone: where is the optimum? Simulated.

    python docs/studies/capacity_against_porosity.py

One row per porosity and set in 0002-capacity-against-porosity.csv; an interrupted run goes on where it stopped. About
2 s per row on one core, three minutes in all. `--table` compares set A with the reference table as well (25 values).
"""

import csv
import sys
from pathlib import Path

import numpy as np

from ratescope.units import POROSITIES, RATES_PER_H
from ratescope.virtual_lab.design import SET_A, SET_B, VirtualElectrode
from ratescope.virtual_lab.discharge import discharge_capacities

TABLE = Path(__file__).with_name("0002-capacity-against-porosity.csv")
GRID = tuple(np.round(np.arange(0.16, 0.521, 0.01), 3).tolist())
SETS = {"A": SET_A, "B": SET_B}
COLUMNS = ("set", "porosity", "tortuosity", "thickness_um", *(f"ah_per_kg_{rate:g}c" for rate in RATES_PER_H))
REFERENCE = {  # computed by others with PyBaMM 26.10, each rate alone
    0.495: (157.3, 143.9, 132.4, 121.0, 99.5),
    0.346: (157.2, 143.7, 132.2, 120.7, 56.2),
    0.300: (157.2, 143.6, 132.0, 116.4, 38.6),
    0.254: (157.1, 143.3, 131.7, 87.0, 24.8),
    0.196: (157.0, 142.5, 94.7, 42.9, 13.1),
}


def electrode_at(porosity, law):
    return VirtualElectrode(f"e{porosity:g}", "study", load_mpa=0.0, porosity=porosity).with_transport(law)


def grid():
    done = set()
    if TABLE.is_file():
        with TABLE.open(encoding="utf-8") as handle:
            done = {(row["set"], float(row["porosity"])) for row in csv.DictReader(handle)}
    else:
        TABLE.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for name, law in SETS.items():
        for porosity in GRID:
            if (name, porosity) in done:
                continue
            electrode = electrode_at(porosity, law)
            capacities = discharge_capacities(electrode)
            row = [name, porosity, f"{electrode.tortuosity:.4f}", f"{electrode.thickness_um:.3f}"]
            with TABLE.open("a", encoding="utf-8") as handle:
                handle.write(",".join(map(str, [*row, *(f"{value:.3f}" for value in capacities)])) + "\n")
            print(name, porosity, capacities.round(1), flush=True)


def table():
    worst = 0.0
    for porosity in POROSITIES:
        capacities = discharge_capacities(electrode_at(porosity, SET_A))
        off = capacities - REFERENCE[porosity]
        worst = max(worst, float(np.abs(off).max()))
        print(porosity, capacities.round(2).tolist(), "off by", off.round(2).tolist())
    print(f"largest difference to the reference table: {worst:.2f} Ah/kg")


if __name__ == "__main__":
    if "--table" in sys.argv:
        table()
    grid()
