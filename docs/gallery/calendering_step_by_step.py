"""Calendering, load by load: one coating, the same particles, pressed to the five porosities of Table 1.

Thickness falls as porosity does, since mass is conserved; the surface flattens, particles move together and into the
foil, and from 300 MPa they crack and break, near foil and surface first. Everything is simulated.

python docs/gallery/calendering_step_by_step.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

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
    figure, places = plt.subplots(1, 5, figsize=(16, 5.2), layout="constrained")
    for place, load_mpa, porosity in zip(places, LOADS_MPA, POROSITIES, strict=True):
        electrode = VirtualElectrode("gallery", "gallery", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=WIDTH_UM, rng=np.random.default_rng(4))
        place.imshow(colours[view(section, frame).phases])
        place.set_title(
            f"{load_mpa:g} MPa\nporosity {section.porosity:.1%} (asked {porosity:.1%})\n{electrode.thickness_um:.1f} µm"
        )
        place.axis("off")
    shown = ("particle", "crack", "pore", "carbon", "binder", "foil", "resin")
    handles = [plt.Rectangle((0, 0), 1, 1, color=np.array(PALETTE[name]) / 255.0, label=name) for name in shown]
    handles[5].set_edgecolor("black")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(shown), frameon=False)
    figure.suptitle("Phases of a simulated coating under rising load, 80 µm of it")
    figure.savefig(target, dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
