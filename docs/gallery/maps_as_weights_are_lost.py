"""Is a map about what the network learned? The same crop's maps as layers get random weights, from the output down.

A bundled micrograph, which is simulated, and one network of the bundled ensemble. Below, how alike the maps stay.

python docs/gallery/maps_as_weights_are_lost.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import ratescope
from ratescope.attribution.checks import likeness_rows
from ratescope.attribution.grad_ram import grad_ram
from ratescope.attribution.guided_backprop import guided_backprop
from ratescope.attribution.maps import METHODS
from ratescope.attribution.occlusion import occlude
from ratescope.attribution.sanity import randomised
from ratescope.attribution.witnesses import AskedCrop
from ratescope.evaluation.figures import draw_crop
from ratescope.evaluation.figures.audit import draw_likeness
from ratescope.evaluation.map_caption import METHOD_NAME
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.records import CropId
from ratescope.units import NETWORK_PIXEL_SIZE_UM

RATE = 3  # place among the C-rates: 3C
SHOWN = {0: "as learned", 1: "output random", 5: "regressor random", 11: "all random"}  # by how many layers are


def main(target):
    ensemble = ratescope.read_model(None)["specific"]
    crops = [
        ratescope.prepare_file(path, ratescope.Settings().prepare).crops[0] for path in ratescope.bundled_micrographs()
    ]
    network, crop, colour = ensemble.networks[0], crops[-1], ensemble.card.mean_colour
    map_of = {
        "grad-ram": lambda network: grad_ram(network, crop[None])[0, RATE],
        "guided-backprop": lambda network: guided_backprop(network, crop[None])[0, RATE],
        "occlusion": lambda network: occlude(network, crop, colour)[RATE],
    }
    figure = plt.figure(figsize=(11.4, 6.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    axes = above.subplots(len(METHODS), len(SHOWN))
    for column, (count, words) in enumerate(SHOWN.items()):
        shown = network if count == 0 else next(net for n, (_, net) in enumerate(randomised(network), 1) if n == count)
        for row, method in enumerate(METHODS):
            influence = map_of[method](shown)
            picture = influence_over_crop(crop, influence, influence_limit(influence[None]))
            title = f"{METHOD_NAME[method]}: {words}"
            draw_crop(axes[row, column], picture, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=title)
    above.suptitle(
        f"SIMULATED crop, influence on the specific capacity at {ensemble.c_rates_per_h[RATE]:g}C; each map has its "
        "own colour scale", fontsize=9.5, x=0.01, ha="left",
    )  # fmt: skip
    asked = [AskedCrop(CropId("", "", str(number), 0), crop, ensemble) for number, crop in enumerate(crops)]
    table = pd.DataFrame(likeness_rows(asked, turns=len(crops)))
    for panel, (name, title) in zip(
        below.subplots(1, 2), {"signed": "with sign", "absolute": "size alone"}.items(), strict=True
    ):
        panel.set_ylim(-1.05, 1.05)
        draw_likeness(panel, table, name)
        panel.set_title(f"{title}: {len(crops)} crops, networks in turn", fontsize=9.5, loc="left")
    below.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(target, dpi=140)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
