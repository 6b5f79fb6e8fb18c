"""The six networks of section 3.2: L1 or L2, and adversarial noise up to 0, 1 and 3 % of the mean pixel value.

    python docs/studies/six_networks.py CAMPAIGN WORK      0007-six-networks.csv and .png; for study 0007

One fold of the published protocol, capacity density as in the paper, the recipe `fast`. The networks stay in WORK, a
finished one is not trained again, and one that was interrupted goes on. Some ten to twenty minutes each and core.

What section 3.2 says of the maps by eye stands here as numbers, means over the test crops and C-rates of Grad-RAM:

- concentration: the share of the influence that the tenth of the cells with most influence has (0.1: even);
- checkerboard: the share of the map's variance that changes sign from each cell to the next in both directions, within
  blocks of 2 × 2 cells (white noise 0.25, a smooth map 0, a checkerboard 1).
"""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from one_network import crops_and_curves, places_of, trained

from ratescope.attribution.maps import Map, ensemble_maps
from ratescope.campaign.folds import make_folds
from ratescope.evaluation.figures import draw_crop
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.evaluation.scores import mae, mape_percent
from ratescope.files import write_csv
from ratescope.settings import fast_settings
from ratescope.units import NETWORK_PIXEL_SIZE_UM, RATES_PER_H

HERE = Path(__file__).parent
COLUMNS = (
    "regulariser", "strength", "noise", "seed", "validation_mape_percent", "test_mape_percent", "test_mae_ah_per_l",
    "concentration", "checkerboard", "kernels_below_0.001",
)  # fmt: skip
STRENGTHS = {"l2": 1e-4, "l1": 1e-5}  # the same penalty at the start, 0.07; the paper is silent
NOISES = (0.0, 0.01, 0.03)
SHOWN_C_RATE_PER_H = 3.0


def settings_of(regulariser, noise):
    fast = fast_settings()
    penalty = dict.fromkeys(STRENGTHS, 0.0) | {regulariser: STRENGTHS[regulariser]}
    return replace(fast, train=replace(fast.train, **penalty, adversarial_noise=noise))


def fold_of(crops):
    """The places of one fold's parts."""
    fold = make_folds(crops.ids, "as-published", 5, np.random.default_rng(0))[0]
    return {part: places_of(crops, getattr(fold, part)) for part in ("train", "validation", "test")}


def concentration(influence: Map) -> float:
    """Share of the influence in the tenth of the cells that has most."""
    sizes = np.sort(np.abs(influence), axis=None)[::-1]
    return float(sizes[: round(0.1 * sizes.size)].sum() / sizes.sum())


def checkerboard(influence: Map) -> float:
    """Share of the variance within blocks of 2 × 2 that alternates in both directions."""
    rows, columns = (length // 2 * 2 for length in influence.shape)
    a, b = influence[:rows:2, :columns:2], influence[:rows:2, 1:columns:2]
    c, d = influence[1:rows:2, :columns:2], influence[1:rows:2, 1:columns:2]
    return float(((a - b - c + d) ** 2).mean() / 4 / max(influence[:rows, :columns].var(), 1e-30))


def native(maps, ensemble):
    """Grad-RAM on the network's own grid: `grad_ram` repeats the cells of one that averages its input."""
    reduction = ensemble.networks[0].settings.input_reduction
    return maps[..., ::reduction, ::reduction]


def row_of(ensemble, crops, measured, places):
    """How far it errs, and what its maps and its kernels are like."""
    said = {part: ensemble.predict(crops.pixels[places[part]]).predicted for part in ("validation", "test")}
    maps = native(ensemble_maps(ensemble, crops.pixels[places["test"]], "grad-ram"), ensemble)
    kernels = np.concatenate([p.detach().numpy().ravel() for p in ensemble.networks[0].parameters() if p.dim() > 1])
    return {
        **{f"{part}_mape_percent": round(mape_percent(measured[places[part]], said[part]), 3) for part in said},
        "test_mae_ah_per_l": round(mae(measured[places["test"]], said["test"]), 3),
        "concentration": round(float(np.mean([concentration(one) for of_crop in maps for one in of_crop])), 3),
        "checkerboard": round(float(np.mean([checkerboard(one) for of_crop in maps for one in of_crop])), 3),
        "kernels_below_0.001": round(float((np.abs(kernels) < 1e-3).mean()), 3),
    }


def draw(shown, crops, places, target):
    """The paper's Figure 9: two crops, and over each what the six networks map at one C-rate."""
    electrodes = [crops.ids[place].electrode for place in places["test"]]
    chosen = [places["test"][electrodes.index(name)] for name in (min(electrodes, key=load), max(electrodes, key=load))]
    figure, axes = plt.subplots(1 + len(shown), 2, figsize=(9.0, 1.75 * (1 + len(shown))), layout="constrained")
    for column, place in enumerate(chosen):
        crop = crops.pixels[place]
        draw_crop(axes[0, column], crop, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=f"{crops.ids[place].electrode}")
        for row, (name, ensemble) in enumerate(shown.items(), start=1):
            influence = ensemble_maps(ensemble, crop[None], "grad-ram")[0, RATES_PER_H.index(SHOWN_C_RATE_PER_H)]
            picture = influence_over_crop(crop, influence, influence_limit(influence[None]))
            draw_crop(axes[row, column], picture, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=name)
    figure.suptitle(
        f"SIMULATED micrographs; Grad-RAM of the capacity density at {SHOWN_C_RATE_PER_H:g}C, each on its own scale:\n"
        "red places raise it, blue ones lower it",
        fontsize=10, ha="left", x=0.01,
    )  # fmt: skip
    figure.savefig(target, dpi=110)


def load(electrode):
    return float(electrode.removesuffix("MPa"))


def main(folder, work):
    crops, measured = crops_and_curves(folder, "density")
    places = fold_of(crops)
    rows, shown = [], {}
    for regulariser, strength in STRENGTHS.items():
        for noise in NOISES:
            name = f"{regulariser.upper()}, {f'noise up to {noise:.0%}' if noise else 'no noise'}"
            settings = settings_of(regulariser, noise)
            parts = (places["train"], places["validation"])
            own = work / f"{regulariser}_{noise:g}"
            shown[name] = trained(own, crops.pixels, measured, *parts, settings, "density")
            made = {"regulariser": regulariser, "strength": strength, "noise": noise, "seed": 0}
            rows.append(made | row_of(shown[name], crops, measured, places))
            write_csv(HERE / "0007-six-networks.csv", COLUMNS, rows)
            print(rows[-1])
    draw(shown, crops, places, HERE / "0007-six-networks.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
