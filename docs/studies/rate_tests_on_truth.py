"""Capacities read from the exports of a virtual campaign against its truth; for study 0004. All are simulated.

    ratescope lab scratch/paper-sized
    python docs/studies/rate_tests_on_truth.py scratch/paper-sized

One row per C-rate in 0004-truth.csv: how many discharges, and their largest and median relative error. Truth has one
capacity for each C-rate of the curve, that of the discharge that counts.
"""

import json
import sys
from pathlib import Path

import numpy as np

from ratescope.campaign.rates import rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.files import write_csv

COLUMNS = ("c_rate_per_h", "discharges", "largest_relative_error", "median_relative_error")


def main(folder):
    errors = {}
    for test in rate_tests(read_campaign(folder)):
        truth = json.loads((folder / "truth" / f"{test.cell}.json").read_text(encoding="utf-8"))
        true_ah = dict(zip(truth["c_rates_per_h"], truth["capacities_ah"], strict=True))
        for discharge in test.discharges:
            if discharge.counts:
                error = abs(discharge.capacity_ah / true_ah[discharge.c_rate_per_h] - 1.0)
                errors.setdefault(discharge.c_rate_per_h, []).append(error)
    rows = [
        dict(zip(COLUMNS, (rate, len(of), float(np.max(of)), float(np.median(of))), strict=True))
        for rate, of in sorted(errors.items())
    ]
    write_csv(Path(__file__).with_name("0004-truth.csv"), COLUMNS, rows)
    print(f"{sum(map(len, errors.values()))} discharges; largest error {max(max(of) for of in errors.values()):.2e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
