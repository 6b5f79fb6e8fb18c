"""One crop and what each method shows of it: Grad-RAM, guided backpropagation and occlusion, signed, at 3C.

A bundled micrograph, which is simulated, and the bundled ensemble.

python docs/gallery/three_maps_of_a_crop.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import ratescope
from ratescope.attribution.maps import METHODS, ensemble_maps
from ratescope.evaluation.figures import draw_crop, draw_influence_bar
from ratescope.evaluation.figures.attribution import influence_label, power_of_ten
from ratescope.evaluation.map_caption import METHOD_NAME, MapCaption
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.units import NETWORK_PIXEL_SIZE_UM, UNIT_OF

RATE = 3.0  # 1/h
WORDS = {
    "grad-ram": MapCaption(influence="relative"),
    "guided-backprop": MapCaption(influence="relative", per=" per grey level"),
    "occlusion": MapCaption(),
}


def main(target):
    ensemble = ratescope.read_model(None)["specific"]
    path = ratescope.bundled_micrographs()[-1]
    crop = ratescope.prepare_file(path, ratescope.Settings().prepare).crops[0]
    figure, axes = plt.subplots(4, 2, figsize=(7.2, 9.2), width_ratios=(1, 0.035), layout="constrained")
    draw_crop(axes[0, 0], crop, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title="SIMULATED crop, 31 % porosity")
    axes[0, 1].set_axis_off()
    for (place, bar), method in zip(axes[1:], METHODS, strict=True):
        influence = ensemble_maps(ensemble, crop[None], method)[0, ensemble.c_rates_per_h.index(RATE)]
        limit = influence_limit(influence[None])
        shown = influence_over_crop(crop, influence, limit)
        title = f"{METHOD_NAME[method]}, {influence.shape[0]} × {influence.shape[1]}"
        draw_crop(place, shown, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=title)
        power = power_of_ten(limit)
        label = influence_label(WORDS[method], UNIT_OF[ensemble.capacity], power)
        draw_influence_bar(bar, limit / power, label)
    figure.suptitle(
        f"Influence on the specific capacity at {RATE:g}C: mean of the maps of {len(ensemble.networks)} networks that "
        "learned\nfrom SIMULATED electrodes. Red places raise the prediction, blue ones lower it.",
        fontsize=9, x=0.01, ha="left",
    )  # fmt: skip
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
