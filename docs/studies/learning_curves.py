"""How much it takes: error against the number of electrodes, and of crops of each. For study 0006.

    python docs/studies/learning_curves.py CAMPAIGN WORK      0006-learning-curves.csv and .png

CAMPAIGN is a continuum of 40 virtual electrodes. Eight, spread over the porosities, are held out throughout; networks
of the recipe `fast` learn from some or all crops of some or all of the others. MAPE in %, specific capacity. The
networks stay in WORK; a finished one is not trained again.
"""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from one_network import crops_and_curves, errors, parts_by_specimen, places_of, spread_over_porosity, trained

from ratescope.campaign.sheets import read_campaign
from ratescope.files import write_csv
from ratescope.settings import fast_settings

HERE = Path(__file__).parent
COLUMNS = ("electrodes", "crops_per_electrode", "draw", "crops", "test_per_crop", "test_per_electrode")
CAPACITY, HELD_OUT, DRAWS = "specific", 8, 2
ALL = 999
ASKED = [(4, ALL), (8, ALL), (16, ALL), (32, ALL), (32, 2), (32, 5), (32, 10)]  # electrodes, crops of each


def some_of(crops, places, count):
    """The first so many crops of each electrode, in the order of its micrographs."""
    seen, kept = {}, []
    for place in places:
        name = crops.ids[place].electrode
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= count:
            kept.append(place)
    return np.array(kept)


def main(folder, work):
    campaign = read_campaign(folder)
    crops, measured = crops_and_curves(folder, CAPACITY)
    out = spread_over_porosity(campaign, HELD_OUT)
    test = places_of(crops, {crop for crop in crops.ids if crop.electrode in out})
    others = sorted({crop.electrode for crop in crops.ids} - out)
    rows = []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(others)
        for electrodes, each in ASKED:
            train, validation = parts_by_specimen(crops, set(order[:electrodes]))
            train = some_of(crops, train, each)
            settings = replace(fast_settings(), train=replace(fast_settings().train, seed=draw))
            own = work / f"{electrodes}_{each}_{draw}"
            ensemble = trained(own, crops.pixels, measured, train, validation, settings, CAPACITY)
            asked = {"electrodes": electrodes, "crops_per_electrode": "all" if each == ALL else each, "draw": draw}
            rows.append(asked | {"crops": len(train)} | errors(ensemble, crops, measured, test))
            write_csv(HERE / "0006-learning-curves.csv", COLUMNS, rows)
            print(rows[-1], flush=True)
    draw_curves(rows, HERE / "0006-learning-curves.png")


def draw_curves(rows, target):
    """Left: all crops of more and more electrodes. Right: more and more crops of all electrodes."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained", sharey=True)
    of_electrodes = [row for row in rows if row["crops_per_electrode"] == "all"]
    of_crops = [row for row in rows if row["electrodes"] == max(row["electrodes"] for row in rows)]
    for axes, own, key, label in (
        (panels[0], of_electrodes, "electrodes", "electrodes, all crops of each"),
        (panels[1], of_crops, "crops", "crops of all electrodes"),
    ):
        for kind, mark in (("test_per_electrode", "o"), ("test_per_crop", "s")):
            label_of = kind.removeprefix("test_").replace("_", " ")
            axes.plot([row[key] for row in own], [row[kind] for row in own], mark, label=label_of)
        axes.set(xlabel=f"learned from: {label}", xscale="log", ylim=(0, None))
    panels[0].set_ylabel("MAPE of electrodes held out / %")
    panels[0].set_title("SIMULATED, specific capacity", fontsize=9, loc="left")
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
