"""The best porosity depends on the rate: capacity density of set A against porosity, with the optimum of each C-rate.

Pressing the coating puts more active material into each litre but narrows the pores: the higher the rate, the more open
the best coating. Simulated; the values are those of docs/studies/capacity_against_porosity.py.

python docs/gallery/optimum_porosity.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from scipy.interpolate import PchipInterpolator

from ratescope.units import (
    ACTIVE_LOADING_MG_PER_CM2,
    POROSITIES,
    RATES_PER_H,
    areal_capacity_mah_per_cm2,
    density_from_areal,
)

TABLE = Path(__file__).parents[1] / "studies" / "0002-capacity-against-porosity.csv"


def density_ah_per_l(row, rate):
    areal = areal_capacity_mah_per_cm2(row[f"ah_per_kg_{rate:g}c"], ACTIVE_LOADING_MG_PER_CM2)
    return density_from_areal(areal, row["thickness_um"])


def main(target):
    table = pd.read_csv(TABLE)
    of_set = table[table["set"] == "A"].sort_values("porosity")
    figure, place = plt.subplots(figsize=(7.4, 5.2), layout="constrained")
    for number, rate in enumerate(RATES_PER_H):
        values = of_set.apply(density_ah_per_l, axis=1, rate=rate)
        colour = plt.get_cmap("viridis")(number / len(RATES_PER_H))
        place.plot(100 * of_set["porosity"], values, "-", color=colour, label=f"{rate:g}C")
        curve = PchipInterpolator(of_set["porosity"], values)
        grid = [of_set["porosity"].min() + 1e-3 * k for k in range(361)]
        best = max(grid, key=curve)
        is_inside = grid[2] < best < grid[-2]
        place.plot(100 * best, curve(best), "o" if is_inside else "<", color=colour, markersize=9)
        place.annotate(f"{100 * best:.0f} %" if is_inside else "", (100 * best, curve(best)), (0, 8),
                       textcoords="offset points", ha="center", color=colour)  # fmt: skip
    for porosity in POROSITIES:
        place.axvline(100 * porosity, color="0.85", linewidth=1, zorder=0)
    place.set(xlabel="porosity / %", ylabel="capacity density / Ah L⁻¹ of coating")
    place.set_title(
        "Simulated half cells, set A; points: optimum of each C-rate\n(< : at the edge of what was simulated)"
    )
    place.legend(frameon=False)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
