"""Another laboratory: what networks of the first make of it, and how few of its electrodes mend that. For study 0006.

    python docs/studies/transfer.py SECOND RUN WORK      0006-transfer.csv and .png

SECOND is a virtual campaign of the second laboratory (at least 16 electrodes), RUN a run on one of the first. Six
electrodes of SECOND, spread over its porosities, are held out throughout. A network of RUN answers for them as it is;
with the scaling of its input fitted to the crops of 2, 5 and 10 of the other electrodes, whose capacities it is not
told; and after training on these; beside one that learned from them alone. Each three times, with other electrodes,
another network and another seed. Errors are MAPE in %, specific capacity. The networks stay in WORK; a finished one is
not trained again.

How to tune (`TUNED`) was chosen on what no row is asked of: five electrodes learned from, the thirteen others that are
not held out predicted, three draws (decision 0030).
"""

import copy
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from one_network import crops_and_curves, errors, parts_by_specimen, places_of, spread_over_porosity, trained

from ratescope.campaign.sheets import read_campaign
from ratescope.files import write_csv
from ratescope.network.ensemble import load_ensemble
from ratescope.settings import TrainSettings, read_settings

HERE = Path(__file__).parent
LABELS = {"colours alone": "the same, told the colours of their crops"}
COLUMNS = ("start", "electrodes", "draw", "crops", "steps", "test_per_crop", "test_per_electrode")
CAPACITY, HELD_OUT, GIVEN, DRAWS = "specific", 6, (2, 5, 10), 3
TUNED = TrainSettings(max_steps=300, highest_rate=3e-4)  # our choice: a third of the way, as what is known is to stay


def main(second, run, work):
    campaign = read_campaign(second)
    crops, measured = crops_and_curves(second, CAPACITY)
    out = spread_over_porosity(campaign, HELD_OUT)
    test = places_of(crops, {crop for crop in crops.ids if crop.electrode in out})
    others = sorted({crop.electrode for crop in crops.ids} - out)
    known, base = load_ensemble(run / CAPACITY), read_settings(run / CAPACITY / "settings.toml")
    rows = []
    for draw in range(DRAWS):
        number = draw % len(known.networks)
        network = known.networks[number]
        alone = replace(known, networks=(network,))
        rows.append(
            {"start": "as it is", "electrodes": 0, "draw": draw, "crops": 0, "steps": 0}
            | errors(alone, crops, measured, test)
        )
        order = np.random.default_rng(draw).permutation(others)
        for count in GIVEN:
            train, validation = parts_by_specimen(crops, set(order[:count]))
            seen = replace(known, networks=(with_colours_of(network, crops.pixels[train]),))
            rows.append(
                {"start": "colours alone", "electrodes": count, "draw": draw, "crops": len(train), "steps": 0}
                | errors(seen, crops, measured, test)
            )
            for start, settings, source in (
                ("fine-tuned", replace(base, train=replace(TUNED, seed=draw)), network),
                ("from scratch", replace(base, train=replace(base.train, seed=draw)), None),
            ):
                folder = work / f"{start.replace(' ', '_')}_{count}_{draw}"
                ensemble = trained(
                    folder, crops.pixels, measured, train, validation, settings, CAPACITY, start_from=source
                )
                rows.append(
                    {"start": start, "electrodes": count, "draw": draw, "crops": len(train),
                     "steps": settings.train.max_steps} | errors(ensemble, crops, measured, test)
                )  # fmt: skip
                write_csv(HERE / "0006-transfer.csv", COLUMNS, rows)
                print(rows[-1], flush=True)
    draw_curves(rows, HERE / "0006-transfer.png")


def with_colours_of(network, crops):
    """A network that reads these crops as those that it learned from: mean and spread of each colour are put right."""
    adapted = copy.deepcopy(network)
    adapted.input_mean.copy_(torch.tensor(crops.mean(axis=(0, 1, 2), dtype=np.float64)))
    adapted.input_scale.copy_(torch.tensor(crops.std(axis=(0, 1, 2), dtype=np.float64)))
    return adapted


def draw_curves(rows, target):
    """Error against how many electrodes of the second laboratory were learned from."""
    figure, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    as_it_is = np.mean([row["test_per_electrode"] for row in rows if row["start"] == "as it is"])
    axes.axhline(as_it_is, color="0.4", ls=":", label="first laboratory's, as it is")
    for start, mark in (("colours alone", "^:"), ("fine-tuned", "o-"), ("from scratch", "s--")):
        own = [row for row in rows if row["start"] == start]
        means = [np.mean([row["test_per_electrode"] for row in own if row["electrodes"] == count]) for count in GIVEN]
        (line,) = axes.plot(GIVEN, means, mark, label=LABELS.get(start, start))
        each = [row["electrodes"] for row in own], [row["test_per_electrode"] for row in own]
        axes.plot(*each, mark[0], color=line.get_color(), alpha=0.3)
    axes.set(xlabel="electrodes of the second laboratory learned from", ylabel="MAPE per electrode / %", ylim=(0, None))
    axes.set_title(f"SIMULATED; {HELD_OUT} other electrodes of it, specific capacity", fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=150)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
