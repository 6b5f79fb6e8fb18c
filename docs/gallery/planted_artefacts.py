"""How far do artefacts move a prediction? Four of them planted into a clean crop, as `ratescope audit` does.

A bundled micrograph, which is simulated, and the bundled ensemble. An artefact hides material, so that some shift is no
fault; beside it stands the shift by other grains shown in the same place.

python docs/gallery/planted_artefacts.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import ratescope
from ratescope.evaluation.figures import UNIT_LABEL, draw_crop
from ratescope.evaluation.planting import ARTEFACTS, HIDING, other_material, planted_where
from ratescope.units import NETWORK_PIXEL_SIZE_UM, UNIT_OF

RATE = 3.0  # 1/h


def main(target):
    ensemble = ratescope.read_model(None)["specific"]
    path = ratescope.bundled_micrographs()[-1]
    crop = ratescope.prepare_file(path, ratescope.Settings().prepare).crops[0]
    unit, rate = UNIT_LABEL[UNIT_OF[ensemble.capacity]], ensemble.c_rates_per_h.index(RATE)

    def said(shown):
        by_network = ensemble.predict(shown[None]).by_network[:, 0, rate]
        return by_network.mean(), by_network.std(ddof=1)

    clean, spread = said(crop)
    figure, axes = plt.subplots(3, 2, figsize=(8.6, 5.4), layout="constrained")
    draw_crop(axes[0, 0], crop, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title="clean, SIMULATED",
              remark=f"{clean:.1f} {unit} at {RATE:g}C, network spread {spread:.1f}")  # fmt: skip
    for place, (name, plant) in zip(axes.flat[1:], ARTEFACTS.items(), strict=False):
        shown = plant(crop)
        remark = f"{said(shown)[0] - clean:+.1f} {unit}"
        if name in HIDING:
            remark += f"; other grains there {said(other_material(crop, planted_where(name)))[0] - clean:+.1f}"
        place.imshow(shown)  # without a scale bar, which would hide the stamp
        place.set_axis_off()
        place.set_title(name, fontsize=8.5, loc="left")
        place.set_title(remark.replace("-", "−"), fontsize=7, loc="right")
    axes.flat[-1].set_axis_off()
    words = (
        f"How far the predicted specific capacity at {RATE:g}C moves: mean of\n"
        f"{len(ensemble.networks)} networks that learned from SIMULATED electrodes.\n\n"
        "What hides grains may move it a little: beside it, the shift\nwhere other grains are shown in the same place."
    )
    axes.flat[-1].text(0.0, 0.95, words, transform=axes.flat[-1].transAxes, va="top", fontsize=8.5)
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
