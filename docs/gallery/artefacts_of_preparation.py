"""What preparation does wrong, at known places: voids, scratches, smears, bubbles, dust and a field out of focus.

A simulated mosaic with far more artefacts than usual; each frame is the box that the truth folder keeps.

python docs/gallery/artefacts_of_preparation.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import Preparation
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 3000
MANY = Preparation(
    voids_per_mm=16.0,
    scratches_per_mm=12.0,
    smears_per_mm=10.0,
    bubbles_per_mm=16.0,
    dust_per_mm=8.0,
    blurred_fields_per_mm=1.5,
)
COLOURS = {
    "void": "tab:red",
    "scratch": "magenta",
    "smear": "orange",
    "bubble": "deepskyblue",
    "dust": "yellow",
    "blur": "lime",
}


def main(target):
    rng = np.random.default_rng(8)
    electrode = VirtualElectrode("gallery", "gallery", load_mpa=100.0, porosity=0.346)
    section = cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=rng)
    micrograph = photograph(section, columns=COLUMNS, rng=rng, preparation=MANY)
    figure, place = plt.subplots(figsize=(16, 6.2), layout="constrained")
    place.imshow(micrograph.pixels)
    for artefact in micrograph.artefacts:
        box = artefact.box
        frame = Rectangle((box.left, box.top), box.width, box.height, fill=False, color=COLOURS[artefact.kind])
        frame.set_linewidth(1.6)
        place.add_patch(frame)
    seen = [kind for kind in COLOURS if any(artefact.kind == kind for artefact in micrograph.artefacts)]
    handles = [Rectangle((0, 0), 1, 1, fill=False, color=COLOURS[kind], label=kind) for kind in seen]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    place.axis("off")
    place.set_title(
        "Artefacts of a simulated mosaic, with the boxes that are true of them (rates raised for the picture)"
    )
    figure.savefig(target, dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
