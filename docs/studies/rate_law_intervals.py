"""How often the 95 % intervals of the rate law hold the truth, on made-up curves with noise: for study 0004.

    python docs/studies/rate_law_intervals.py

200 drawn curves for each setting; one row per setting in 0004-rate-law-intervals.csv. What is drawn follows the law, so
this shows what noise does and nothing of the law's own error.
"""

from itertools import product
from pathlib import Path

import numpy as np

from ratescope.cycling.rate_equation import capacity_at_current
from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.errors import RateTestError
from ratescope.files import write_csv
from ratescope.records import RateCurve
from ratescope.units import RATES_PER_H, THEORETICAL_AH_PER_KG

CURVES, PLATEAU = 200, 158.0
TAUS_H, EXPONENTS, NOISES = (0.04, 0.08), (0.7, 1.0), (0.005, 0.01)  # noise relative to the plateau
BETWEEN_PER_H = 4.0
COLUMNS = ("tau_h", "exponent", "noise", "fitted", "plateau_held", "tau_held", "exponent_held", "capacity_at_4c_held")


def row_of(tau_h, exponent, noise):
    rng, rates = np.random.default_rng(0), np.array(RATES_PER_H)
    truth = (PLATEAU, tau_h, exponent)
    true_curve = capacity_at_current(rates * THEORETICAL_AH_PER_KG, *truth)
    true_between = capacity_at_current(np.array([BETWEEN_PER_H * THEORETICAL_AH_PER_KG]), *truth)[0]
    held = []
    for _ in range(CURVES):
        drawn = true_curve + noise * PLATEAU * rng.standard_normal(rates.size)
        try:
            law = fit_rate_law(RateCurve("specific", rates, drawn), THEORETICAL_AH_PER_KG)
        except RateTestError:
            continue
        low, high = law.interval_at(BETWEEN_PER_H)
        inside = [a <= value <= b for value, (a, b) in zip(truth, law.intervals, strict=True)]
        held.append([*inside, low <= true_between <= high])
    return dict(zip(COLUMNS, (tau_h, exponent, noise, len(held), *np.mean(held, axis=0).tolist()), strict=True))


def main():
    rows = [row_of(*setting) for setting in product(TAUS_H, EXPONENTS, NOISES)]
    write_csv(Path(__file__).with_name("0004-rate-law-intervals.csv"), COLUMNS, rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
