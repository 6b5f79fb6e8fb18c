"""The five densifications of the paper as the network sees them: one crop of 224 × 672 px from each.

Cut from simulated mosaics by the image preparation, as a laboratory's own would be. Section 2.2's words for them:
bright particles, resin-filled pores, flakes of conductive additive, binder hardly visible; broken particles at high
load.

python docs/gallery/five_densifications.py [picture.png]
"""

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import ratescope
from ratescope.evaluation.figures import draw_crop
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 900
PIXEL_SIZE_UM = 0.123
SEED = 11


def main(target):
    figure, places = plt.subplots(5, 1, figsize=(7.0, 12.9), layout="constrained")
    for place, load_mpa, porosity in zip(places, LOADS_MPA, POROSITIES, strict=True):
        rng = np.random.default_rng(SEED)
        electrode = VirtualElectrode("gallery", "gallery", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=COLUMNS * PIXEL_SIZE_UM, rng=rng)
        micrograph = photograph(section, columns=COLUMNS, rng=rng, artefacts=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "simulated.tif"
            write_micrograph(path, micrograph)
            prepared = ratescope.prepare_file(path, ratescope.Settings().prepare)
        of_volume, of_mosaic = 100 * porosity, 100 * micrograph.field_porosity
        title = f"{load_mpa:g} MPa: porosity {of_volume:.1f} % of the coating, {of_mosaic:.1f} % of this mosaic"
        draw_crop(place, prepared.crops[0], pixel_size_um=PIXEL_SIZE_UM, title=title)
    figure.suptitle(
        "SIMULATED micrographs: one crop from each of the paper's five densifications", fontsize=10.5, x=0.01, ha="left"
    )
    figure.savefig(target, dpi=130)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
