"""Calendering, load by load: one coating, the same particles, pressed to the five porosities of Table 1.

Thickness falls as porosity does, since mass is conserved; the surface flattens, particles move together and into the
foil, and from 300 MPa they crack and break, near foil and surface first. Everything is simulated.

python docs/gallery/calendering_step_by_step.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ratescope.evaluation.figures import draw_crop
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.cross_section import PHASES, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.mosaic_file import PALETTE
from ratescope.virtual_lab.packing import cut_cross_section

WIDTH_UM, PIXEL_UM = 80.0, 0.123
TOP_UM, BELOW_UM = 98.0, 16.0


def main(target):
    colours = np.zeros((len(PHASES), 3), np.uint8)
    for name, code in PHASES.items():
        colours[code] = PALETTE[name]
    frame = Frame(
        rows=round((TOP_UM + BELOW_UM) / PIXEL_UM),
        columns=round(WIDTH_UM / PIXEL_UM),
        pixel_size_um=PIXEL_UM,
        foil_row=TOP_UM / PIXEL_UM,
        middle_um=WIDTH_UM / 2,
    )
    figure, places = plt.subplots(1, 5, figsize=(10.6, 4.3), layout="constrained")
    for place, load_mpa, porosity in zip(places, LOADS_MPA, POROSITIES, strict=True):
        electrode = VirtualElectrode("gallery", "gallery", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=WIDTH_UM, rng=np.random.default_rng(4))
        title = f"{load_mpa:g} MPa\nporosity {100 * section.porosity:.1f} %\nthickness {electrode.thickness_um:.1f} µm"
        draw_crop(place, colours[view(section, frame).phases], pixel_size_um=PIXEL_UM, title=title)
    shown = ("particle", "crack", "pore", "carbon", "binder", "foil", "resin")
    handles = [
        plt.Rectangle((0, 0), 1, 1, fc=np.array(PALETTE[name]) / 255.0, ec="0.4", lw=0.6, label=name) for name in shown
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(shown), frameon=False, fontsize=9)
    figure.suptitle(
        "SIMULATED: the phases of one coating, the same particles, under rising load", fontsize=11, x=0.01, ha="left"
    )
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
