"""How often a sound cell is named as lying apart, and an odd one found, in drawn rate tests: for study 0004.

    python docs/studies/cells_apart.py

150 drawn campaigns of five electrodes with three cells for each line; one row per scatter and fault in
0004-cells-apart.csv. The curves follow the law of Tian et al. in the rate itself; all are drawn, none is measured.
"""

from pathlib import Path

import numpy as np

from ratescope.cycling.outliers import remarks_on_cells, usual_spread
from ratescope.cycling.rate_equation import share_at_rate
from ratescope.files import write_csv
from ratescope.units import RATES_PER_H

CAMPAIGNS = 150
PLATEAU_AH_PER_KG, EXPONENT = 160.0, 1.2
DESIGN_TAU_H = (0.03, 0.06, 0.10, 0.16, 0.30)  # five densifications: the densest falls from 1C, the loosest hardly
SCATTER = ((0.015, 0.05, False), (0.03, 0.10, False), (0.015, 0.05, True))  # of mass, of transport; one electrode alone
FAULTS = {"sound": (1.0, 1.0), "mass 10 % too low": (0.9, 1.0), "transport 1.5 times slower": (1.0, 1.5)}
COLUMNS = ("mass_scatter", "transport_scatter", "one_electrode_alone", "first_cell", "named_share")


def drawn_electrode(rng, tau_h, mass_sd, tau_sd, fault):
    """C-rate → cell → capacity of three cells, of which the first has the fault: factors of its mass and its time."""
    by_rate = {rate: {} for rate in RATES_PER_H}
    for cell, (mass, time) in zip("abc", (fault, (1.0, 1.0), (1.0, 1.0)), strict=True):
        times_h = tau_h * time * np.exp(tau_sd * rng.standard_normal())
        factor = mass * (1.0 + mass_sd * rng.standard_normal())
        values = factor * PLATEAU_AH_PER_KG * share_at_rate(np.array(RATES_PER_H) * times_h, EXPONENT)
        for rate, value in zip(RATES_PER_H, values, strict=True):
            by_rate[rate][cell] = float(value)
    return by_rate


def named_share(mass_sd, tau_sd, fault, *, alone):
    """Of the first cells of all campaigns the share that is named."""
    rng, named = np.random.default_rng(0), 0
    for _ in range(CAMPAIGNS):
        taus_h = rng.permutation(DESIGN_TAU_H)
        drawn = [
            drawn_electrode(rng, tau_h, mass_sd, tau_sd, fault if number == 0 else (1.0, 1.0))
            for number, tau_h in enumerate(taus_h)
        ]
        remarks = remarks_on_cells(drawn[0], None if alone else usual_spread(drawn))
        named += any(remark.text.split()[1] == "a" for remark in remarks)
    return named / CAMPAIGNS


def main():
    rows = [
        dict(zip(COLUMNS, (mass, tau, alone, name, named_share(mass, tau, fault, alone=alone)), strict=True))
        for mass, tau, alone in SCATTER
        for name, fault in FAULTS.items()
    ]
    write_csv(Path(__file__).with_name("0004-cells-apart.csv"), COLUMNS, rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
