"""What preparation does wrong, at known places: voids, scratches, smears, bubbles, dust and a field out of focus.

A simulated mosaic with far more artefacts than usual; each frame is the box that the truth folder keeps.

python docs/gallery/artefacts_of_preparation.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from ratescope.evaluation.figures import draw_crop
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import Preparation
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 3000
HALO = [withStroke(linewidth=1.8, foreground="0.1")]
PIXEL_SIZE_UM = 0.123
MANY = Preparation(
    voids_per_mm=16.0,
    scratches_per_mm=12.0,
    smears_per_mm=10.0,
    bubbles_per_mm=16.0,
    dust_per_mm=8.0,
    blurred_fields_per_mm=1.5,
)
LINES = {  # colours after Okabe and Ito, and the kind of line besides: for colour-blind eyes too
    "void": ("#ff6a13", "-"),
    "scratch": ("#e8a5cb", "-"),
    "smear": ("#e69f00", "--"),
    "bubble": ("#56b4e9", "-"),
    "dust": ("#f0e442", "-"),
    "blur": ("#22d3a5", ":"),
}
SEEN_AS = {"blur": "field out of focus"}


def main(target):
    rng = np.random.default_rng(8)
    electrode = VirtualElectrode("gallery", "gallery", load_mpa=100.0, porosity=0.346)
    section = cut_cross_section(electrode, width_um=COLUMNS * PIXEL_SIZE_UM, rng=rng)
    micrograph = photograph(section, columns=COLUMNS, rng=rng, preparation=MANY)
    figure, place = plt.subplots(figsize=(10.6, 4.25), layout="constrained")
    title = "SIMULATED mosaic with far more artefacts of preparation than usual, each in the box that the truth keeps"
    draw_crop(place, micrograph.pixels, pixel_size_um=PIXEL_SIZE_UM, title=title)
    for artefact in micrograph.artefacts:
        box = artefact.box
        place.add_patch(frame(artefact.kind, box.left, box.top, box.width, box.height))
        is_at_the_top = box.top < 40  # then there is no room above the box
        place.annotate(artefact.kind, (max(box.left, 0), max(box.top, 0)), (1, -1 if is_at_the_top else 1),
                       textcoords="offset points", va="top" if is_at_the_top else "bottom", fontsize=6.5,
                       color=LINES[artefact.kind][0], path_effects=HALO)  # fmt: skip
    seen = [kind for kind in LINES if any(artefact.kind == kind for artefact in micrograph.artefacts)]
    handles = [frame(kind, 0, 0, 1, 1, label=SEEN_AS.get(kind, kind)) for kind in seen]
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9)
    legend.get_frame().set(facecolor="0.25", edgecolor="none", alpha=1.0)
    for text in legend.get_texts():
        text.set_color("white")
    figure.savefig(target, dpi=150)


def frame(kind, left, top, width, height, **label):
    colour, line = LINES[kind]
    return Rectangle((left, top), width, height, fill=False, color=colour, ls=line, lw=1.3, **label)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
