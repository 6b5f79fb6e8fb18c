"""Does an audit catch a network that cheats? Networks learn from crops in which an artefact follows the porosity.

    python docs/studies/planted_proxy.py CAMPAIGN WORK [STEPS]      0007-planted-proxy.csv; for study 0007

Of each kind of artefact, the denser an electrode, the more is planted into all of its crops (`PROXIES`): a wider stamp,
a deeper step in brightness, more voids, more scratches. A network that learned from such crops may read the artefact
instead of the coating. Beside it stand networks that learned from the crops as they are. One fold of the published
protocol, specific capacity, a quarter of the resolution, some hundred steps; two seeds each.

A finished network is one row, and is not trained again; the networks stay in WORK, and one that was interrupted goes
on. Two to four minutes per network on two cores. On the crops of the test part:

- `as_learned`, `clean`, `swapped`: MAPE / % with the artefact as in training, without any, and with the artefact of the
  electrode at the other end: an honest network errs alike by all three, a cheat by much more on the last two;
- `…_ah_per_kg`: what `ratescope audit` asks, how far each of its artefacts, planted into clean crops, moves the
  prediction: mean absolute shift at the C-rate where it is largest.

The audit catches a cheat if its own artefact moves it much more than it moves networks that learned from clean crops.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from one_network import crops_and_curves, places_of, trained

from ratescope.campaign.folds import make_folds
from ratescope.campaign.sheets import read_campaign
from ratescope.evaluation.planting import ARTEFACTS, PROXIES
from ratescope.evaluation.scores import mape_percent
from ratescope.files import write_csv
from ratescope.settings import NetworkSettings, Settings, TrainSettings

TARGET = Path(__file__).with_name("0007-planted-proxy.csv")
CLEAN = "none"
KINDS = (CLEAN, *PROXIES)
SEEDS = (0, 1)
STEPS = 500
SHIFTS = {name: f"{name.replace(' ', '_')}_ah_per_kg" for name in ARTEFACTS}
COLUMNS = ("learned_with", "seed", "steps", "as_learned", "clean", "swapped", *SHIFTS.values())


def settings_of(seed, steps):
    """A quarter of the resolution and a tenth of the paper's steps."""
    return Settings(
        network=NetworkSettings(input_reduction=4, batch_norm_momentum=0.1),
        train=TrainSettings(batch=16, max_steps=steps, highest_rate=1e-2, seed=seed),
    )


def read(folder):
    """Crops, their curves, how dense the electrode of each is (0 to 1), a fold's parts as places."""
    campaign = read_campaign(folder)
    crops, measured = crops_and_curves(folder, "specific")
    fold = make_folds(crops.ids, "as-published", 5, np.random.default_rng(0))[0]
    porosity = np.array([campaign.electrodes[crop.electrode].porosity for crop in crops.ids], float)
    if not np.isfinite(porosity).all():
        raise SystemExit(f"{folder}: electrodes.csv tells no porosity of some electrodes. Fill it in.")
    density = (porosity.max() - porosity) / np.ptp(porosity)
    parts = {name: places_of(crops, getattr(fold, name)) for name in ("train", "validation", "test")}
    return crops.pixels, measured, density, parts


def with_artefact(kind, crops, strengths):
    """All crops with an artefact of a strength each; as they are where none is to be planted."""
    if kind == CLEAN:
        return crops
    return np.stack([PROXIES[kind](crop, strength) for crop, strength in zip(crops, strengths, strict=True)])


def row_of(kind, seed, steps, campaign, work):
    """Train one network, or read it where it is finished, and ask it."""
    pixels, curves, density, parts = campaign
    own = work / f"{kind.replace(' ', '-')}_{seed}_{steps}"
    shown = with_artefact(kind, pixels, density)
    settings = settings_of(seed, steps)
    ensemble = trained(own, shown, curves, parts["train"], parts["validation"], settings, "specific")
    crops, measured, strengths = (values[parts["test"]] for values in (pixels, curves, density))

    def said(shown):
        return ensemble.predict(shown).predicted

    clean = said(crops)
    shown = {"as_learned": strengths, "swapped": 1.0 - strengths}
    errors = {how: mape_percent(measured, said(with_artefact(kind, crops, by))) for how, by in shown.items()}
    shifts = {
        column: np.abs(said(np.stack([ARTEFACTS[artefact](crop) for crop in crops])) - clean).mean(axis=0).max()
        for artefact, column in SHIFTS.items()
    }
    numbers = {**errors, "clean": mape_percent(measured, clean), **shifts}
    about = {"learned_with": kind, "seed": seed, "steps": steps}
    return about | {name: round(float(value), 3) for name, value in numbers.items()}


def main(folder, work, steps=STEPS, target=TARGET):
    """All networks that have no row yet, the clean ones first."""
    rows = list(csv.DictReader(target.open(encoding="utf-8"))) if target.exists() else []
    done = {(row["learned_with"], int(row["seed"]), int(row["steps"])) for row in rows}
    wanted = [(kind, seed, steps) for seed in SEEDS for kind in KINDS]
    campaign = read(folder)
    for job in [job for job in wanted if job not in done]:
        rows.append(row_of(*job, campaign, work))
        write_csv(target, COLUMNS, rows)
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
