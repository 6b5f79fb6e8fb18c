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
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 900
SEED = 11


def main(target):
    figure, places = plt.subplots(5, 1, figsize=(7.4, 13.6), layout="constrained")
    for place, load_mpa, porosity in zip(places, LOADS_MPA, POROSITIES, strict=True):
        rng = np.random.default_rng(SEED)
        electrode = VirtualElectrode("gallery", "gallery", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=rng)
        micrograph = photograph(section, columns=COLUMNS, rng=rng, artefacts=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "simulated.tif"
            write_micrograph(path, micrograph)
            prepared = ratescope.prepare_file(path, ratescope.Settings().prepare)
        place.imshow(prepared.crops[0])
        place.set_title(
            f"{load_mpa:g} MPa · porosity {porosity:.1%} of the volume, {micrograph.field_porosity:.1%} in this mosaic",
            fontsize=10,
        )
        place.axis("off")
    figure.suptitle("Simulated micrographs of the paper's five densifications; each crop 27.6 × 82.7 µm")
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
