"""Discharge curves and the rate plot, as in the paper's Figure 4: simulated half cells of the five densifications.

Above: voltage of one densification at five C-rates, and of the five densifications at 3C. Below: capacity against
C-rate, by mass and by volume.

python docs/gallery/discharge_and_rate_plot.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ratescope.evaluation.figures import style_rate_axes
from ratescope.evaluation.figures.style import LEGEND, MARKERS, TITLE, colours, style_axes
from ratescope.protocol import RateBlock, RateProtocol
from ratescope.units import (
    ACTIVE_LOADING_MG_PER_CM2,
    LOADS_MPA,
    POROSITIES,
    RATES_PER_H,
    areal_capacity_mah_per_cm2,
    density_from_areal,
)
from ratescope.virtual_lab.cell import nominal_cell
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.discharge import simulate_rate_test

POINT = {"ms": 5.5, "mec": "white", "mew": 0.8, "zorder": 3}
ONCE = RateProtocol(  # each rate of the rate curve once, in the order of Table 2
    blocks=tuple(RateBlock(rate, 1 / 5 if rate >= 1 else 1 / 20, cycles=1) for rate in RATES_PER_H),
    check_up=RateBlock(1 / 10, 1 / 20, cycles=1),
    charge_cut_off_v=4.3,
    discharge_cut_off_v=2.6,
)


def discharges_of(electrode):
    """Specific capacity (Ah/kg) and voltage along the discharge at each rate."""
    trace = simulate_rate_test(nominal_cell(electrode), protocol=ONCE, separator_points=80)
    mass_kg = trace.cell.active_mass_mg * 1e-6
    curves = {}
    for step in trace.discharges:
        passed_ah = -np.concatenate([[0.0], np.cumsum(np.diff(step.time_s) * step.current_a[1:])]) / 3600.0
        curves[step.c_rate_per_h] = passed_ah / mass_kg, step.voltage_v
    return curves


def main(target):
    electrodes = [
        VirtualElectrode(f"{load:g} MPa", "gallery", load_mpa=load, porosity=porosity)
        for load, porosity in zip(LOADS_MPA, POROSITIES, strict=True)
    ]
    curves = {electrode.name: discharges_of(electrode) for electrode in electrodes}
    figure, ((by_rate, by_load), (specific, density)) = plt.subplots(2, 2, figsize=(9.6, 7.4), layout="constrained")
    for rate, colour in zip(RATES_PER_H, colours(len(RATES_PER_H)), strict=True):
        by_rate.plot(*curves["200 MPa"][rate], color=colour, label=f"{rate:g}C")
    for electrode, colour, marker in zip(electrodes, colours(len(electrodes)), MARKERS, strict=False):
        label = f"{electrode.name}, {100 * electrode.porosity:.1f} % pores"
        of_electrode = curves[electrode.name]
        by_load.plot(*of_electrode[3.0], color=colour)
        by_load.plot(*(values[-1] for values in of_electrode[3.0]), marker, color=colour, label=label, **POINT)
        ah_per_kg = np.array([of_electrode[rate][0][-1] for rate in RATES_PER_H])
        areal = areal_capacity_mah_per_cm2(ah_per_kg, ACTIVE_LOADING_MG_PER_CM2)
        for place, values in ((specific, ah_per_kg), (density, density_from_areal(areal, electrode.thickness_um))):
            place.plot(RATES_PER_H, values, marker, ls="-", color=colour, label=label, **POINT)
    for place, title in ((by_rate, "a   200 MPa at five C-rates"), (by_load, "b   five densifications at 3C")):
        style_axes(place)
        place.set(xlabel="specific capacity / Ah kg⁻¹", ylabel="voltage against lithium / V", ylim=(2.5, 4.4))
        place.set_title(title, **TITLE)
        place.legend(loc="upper right", **LEGEND)
    style_rate_axes(specific, RATES_PER_H, "specific capacity / Ah kg⁻¹")
    style_rate_axes(density, RATES_PER_H, "capacity density / Ah L⁻¹")
    specific.set_title("c   per mass of active material", **TITLE)
    density.set_title("d   per volume of coating, without the foil", **TITLE)
    specific.legend(loc="lower left", **LEGEND)
    title = "SIMULATED half cells (Doyle-Fuller-Newman model, parameter set A of the virtual laboratory)"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.savefig(target, dpi=140)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
