"""Where the law of Tian et al. fits the simulated rate curves of study 0002, porosity by porosity: for study 0004.

python docs/studies/rate_law_on_curves.py
"""

import csv
from pathlib import Path

import numpy as np

from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.errors import RateTestError
from ratescope.files import write_csv
from ratescope.records import RateCurve
from ratescope.units import RATES_PER_H, THEORETICAL_AH_PER_KG

HERE = Path(__file__).parent
COLUMNS = ("set", "porosity", "status", "plateau", "tau_h", "exponent", "largest_misfit", "reasons")


def row_of(simulated):
    """The fitted law of one simulated curve, or why there is none."""
    row = {"set": simulated["set"], "porosity": simulated["porosity"]}
    values = np.array([float(simulated[f"ah_per_kg_{rate:g}c"]) for rate in RATES_PER_H])
    try:
        law = fit_rate_law(RateCurve("specific", np.array(RATES_PER_H), values), THEORETICAL_AH_PER_KG)
    except RateTestError as reason:
        return row | {"status": "refused", "reasons": str(reason)}
    return row | {
        "status": "fitted",
        "plateau": law.plateau,
        "tau_h": law.tau_h,
        "exponent": law.exponent,
        "largest_misfit": law.largest_misfit,
    }


def main():
    with (HERE / "0002-capacity-against-porosity.csv").open(encoding="utf-8") as file:
        rows = [row_of(simulated) for simulated in csv.DictReader(file)]
    write_csv(HERE / "0004-rate-law.csv", COLUMNS, rows)
    for name in sorted({row["set"] for row in rows}):
        fitted = [float(row["porosity"]) for row in rows if row["set"] == name and row["status"] == "fitted"]
        print(f"set {name}: fitted at porosities {', '.join(f'{porosity:.2f}' for porosity in fitted)}")


if __name__ == "__main__":
    main()
