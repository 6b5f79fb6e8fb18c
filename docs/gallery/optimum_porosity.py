"""The best porosity depends on the rate: capacity density of set A against porosity, with the optimum of each C-rate.

Pressing the coating puts more active material into each litre but narrows the pores: the higher the rate, the more open
the best coating. Simulated; the values are those of docs/studies/capacity_against_porosity.py.

python docs/gallery/optimum_porosity.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patheffects import withStroke
from scipy.interpolate import PchipInterpolator

from ratescope.evaluation.figures.style import LEGEND, MARKERS, TITLE, colours, style_axes
from ratescope.units import (
    ACTIVE_LOADING_MG_PER_CM2,
    LOADS_MPA,
    POROSITIES,
    RATES_PER_H,
    areal_capacity_mah_per_cm2,
    density_from_areal,
)

HALO = [withStroke(linewidth=3, foreground="white")]
TABLE = Path(__file__).parents[1] / "studies" / "0002-capacity-against-porosity.csv"


def density_ah_per_l(row, rate):
    areal = areal_capacity_mah_per_cm2(row[f"ah_per_kg_{rate:g}c"], ACTIVE_LOADING_MG_PER_CM2)
    return density_from_areal(areal, row["thickness_um"])


def main(target):
    table = pd.read_csv(TABLE)
    of_set = table[table["set"] == "A"].sort_values("porosity")
    figure, place = plt.subplots(figsize=(7.4, 5.4), layout="constrained")
    style_axes(place)
    for rate, colour, marker in zip(RATES_PER_H, colours(len(RATES_PER_H)), MARKERS, strict=False):
        values = of_set.apply(density_ah_per_l, axis=1, rate=rate)
        place.plot(100 * of_set["porosity"], values, marker, ls="-", color=colour, label=f"{rate:g}C", ms=3.5, lw=1.3)
        curve = PchipInterpolator(of_set["porosity"], values)
        grid = [of_set["porosity"].min() + 1e-3 * k for k in range(361)]
        best = max(grid, key=curve)
        is_inside = grid[2] < best < grid[-2]
        place.plot(100 * best, curve(best), marker, color=colour, ms=11, mfc="none", mew=1.8)
        place.annotate(f"{100 * best:.0f} %" if is_inside else f"below {100 * best:.0f} %", (100 * best, curve(best)),
                       (0, 11), textcoords="offset points", ha="center" if is_inside else "left", color=colour,
                       fontweight="bold", fontsize=9.5, path_effects=HALO)  # fmt: skip
    for porosity, load_mpa in zip(POROSITIES, LOADS_MPA, strict=True):
        place.axvline(100 * porosity, color="0.6", ls=":", lw=1, zorder=0)
        place.annotate(f"{load_mpa:g} MPa", (100 * porosity, 0), (3, 4), textcoords="offset points", rotation=90,
                       fontsize=7.5, color="0.35", path_effects=HALO)  # fmt: skip
    place.set(xlabel="porosity / %", ylabel="capacity density / Ah L⁻¹ of coating", ylim=(0, 570))
    place.legend(loc="upper right", **LEGEND)
    place.set_title(
        "SIMULATED half cells (parameter set A of the virtual laboratory)\n"
        "large marks: best porosity of each C-rate; dotted: the five densifications of the paper",
        **TITLE,
    )
    figure.savefig(target, dpi=140)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
