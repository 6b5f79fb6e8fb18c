"""What `ratescope prepare` draws of each micrograph: one that is prepared, with refused sections, and a refused one.

Above, a simulated mosaic with more artefacts than usual: foil line and edges, surface, clean rectangle, the crops that
are used and those that are refused with the reason. Below, the same mosaic as if the foil had been left out of view.

python docs/gallery/preparation_picture.py [picture.png]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import ratescope
from ratescope.imaging.prepare import prepare
from ratescope.imaging.sketch import draw_preparation
from ratescope.records import Micrograph
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import Preparation
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 2000
PIXEL_SIZE_UM = 0.123
WIDTH_PX = 1400
MANY = Preparation(voids_per_mm=22.0, scratches_per_mm=12.0, smears_per_mm=10.0, bubbles_per_mm=12.0)


def main(target):
    rng = np.random.default_rng(5)
    electrode = VirtualElectrode("gallery", "gallery", load_mpa=100.0, porosity=0.346)
    section = cut_cross_section(electrode, width_um=COLUMNS * PIXEL_SIZE_UM, rng=rng)
    pixels = photograph(section, columns=COLUMNS, rng=rng, preparation=MANY).pixels
    settings = ratescope.Settings().prepare
    pictures = []
    for name, shown in (("simulated.tif", pixels), ("simulated_without_foil.tif", pixels[:600])):
        prepared = prepare(Micrograph(np.ascontiguousarray(shown), PIXEL_SIZE_UM, name), settings)
        pictures.append(draw_preparation(prepared, shown))
    first, second = (
        picture.resize((WIDTH_PX, round(WIDTH_PX * picture.height / picture.width)), Image.Resampling.LANCZOS)
        for picture in pictures
    )
    both = Image.new("RGB", (WIDTH_PX, first.height + 30 + second.height), "white")
    both.paste(first, (0, 0))
    both.paste(second, (0, first.height + 30))
    both.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
