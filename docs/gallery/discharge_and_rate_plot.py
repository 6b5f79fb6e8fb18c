"""Discharge curves and the rate plot, as in the paper's Figure 4: simulated half cells of the five densifications.

Left: voltage of one densification at five C-rates. Middle: the five densifications at 3C. Right: capacity against
C-rate, by mass and by volume.

python docs/gallery/discharge_and_rate_plot.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

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
    figure, (by_rate, by_load, specific, density) = plt.subplots(1, 4, figsize=(17, 4.4), layout="constrained")
    for number, rate in enumerate(RATES_PER_H):
        by_rate.plot(*curves["200 MPa"][rate], color=plt.get_cmap("viridis")(number / 5), label=f"{rate:g}C")
    for number, electrode in enumerate(electrodes):
        colour = plt.get_cmap("plasma")(number / 5)
        label = f"{electrode.name}, {electrode.porosity:.1%}"
        of_electrode = curves[electrode.name]
        by_load.plot(*of_electrode[3.0], color=colour, label=label)
        ah_per_kg = np.array([of_electrode[rate][0][-1] for rate in RATES_PER_H])
        areal = areal_capacity_mah_per_cm2(ah_per_kg, ACTIVE_LOADING_MG_PER_CM2)
        specific.semilogx(RATES_PER_H, ah_per_kg, "o-", color=colour, label=label)
        density.semilogx(RATES_PER_H, density_from_areal(areal, electrode.thickness_um), "o-", color=colour)
    by_rate.set(title="200 MPa at five C-rates", xlabel="specific capacity / Ah kg⁻¹", ylabel="voltage / V")
    by_load.set(title="five densifications at 3C", xlabel="specific capacity / Ah kg⁻¹", ylabel="voltage / V")
    specific.set(xlabel="C-rate / h⁻¹", ylabel="specific capacity / Ah kg⁻¹")
    density.set(xlabel="C-rate / h⁻¹", ylabel="capacity density / Ah L⁻¹")
    for place in (specific, density):
        place.set_xticks(RATES_PER_H, [f"{rate:g}" for rate in RATES_PER_H])
        place.minorticks_off()
        place.set_ylim(bottom=0)
    by_rate.legend(frameon=False)
    by_load.legend(frameon=False, fontsize=8)
    figure.suptitle("Simulated half cells (set A)")
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
