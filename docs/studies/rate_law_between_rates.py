"""The capacity at 0.5C, which no curve holds, read off by the rate law and by straight lines: for study 0004.

    ratescope lab scratch/paper-sized
    python docs/studies/rate_law_between_rates.py scratch/paper-sized

One row per cell that has a law in 0004-rate-law-between-rates.csv. The cells are simulated.
"""

import sys
from pathlib import Path

import numpy as np

from ratescope.campaign.rates import rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.cycling.rate_curve import rate_curve
from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.errors import RateTestError
from ratescope.files import write_csv
from ratescope.units import specific_capacity_ah_per_kg

BETWEEN_PER_H = 0.5
COLUMNS = ("cell", "measured_ah_per_kg", "law_error_ah_per_kg", "line_error_ah_per_kg")


def main(folder):
    campaign = read_campaign(folder)
    rows = []
    for test in rate_tests(campaign):
        curve = rate_curve([test], "specific")
        try:
            law = fit_rate_law(curve, campaign.facts.theoretical_ah_per_kg)
        except RateTestError:
            continue
        last = [d for d in test.discharges if d.c_rate_per_h == BETWEEN_PER_H and d.is_complete][-1]
        measured = specific_capacity_ah_per_kg(last.capacity_ah, test.active_mass_mg)
        line = float(np.interp(BETWEEN_PER_H, curve.c_rates_per_h, curve.values))
        values = (test.cell, measured, law.capacity_at(BETWEEN_PER_H) - measured, line - measured)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    write_csv(Path(__file__).with_name("0004-rate-law-between-rates.csv"), COLUMNS, rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
