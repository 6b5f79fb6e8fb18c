"""The bundled ensemble on electrodes that nobody had seen when it was chosen, beside the ladder. For study 0006.

    python docs/studies/new_electrodes.py KNOWN NEW...      0006-new-electrodes.csv; earlier rows of NEW are replaced

KNOWN is the virtual campaign that the bundled ensemble learned from, each NEW another one, made with another seed. A
user's electrodes are answered for by the mean of five networks, each trained on 24 of the 40 electrodes of KNOWN; the
folds of KNOWN only say how far a single one errs. The rungs of the ladder learn from all 40. Errors are MAPE in %, per
crop and per electrode; `minus_ensemble` is how much more than the ensemble somebody errs per electrode, with the 95 %
interval over electrodes drawn anew (2000 draws, seed 0). A minute, beside the preparation of NEW.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from one_network import crops_and_curves

from ratescope.baselines.ladder import Seen, climb
from ratescope.campaign.sheets import read_campaign
from ratescope.evaluation.scores import mape_percent
from ratescope.files import write_csv
from ratescope.ladder import look_at
from ratescope.model import read_model
from ratescope.records import Fold
from ratescope.units import CAPACITIES, RATES_PER_H

TARGET = Path(__file__).with_name("0006-new-electrodes.csv")
ENSEMBLE, SINGLE = "ensemble", "one network, mean of five"
BY_RATE = [f"mape_percent_{rate:g}C" for rate in RATES_PER_H]
COLUMNS = (
    "campaign", "electrodes", "capacity", "who", "per_crop", "per_electrode", *BY_RATE,
    "minus_ensemble", "minus_ensemble_low", "minus_ensemble_high",
)  # fmt: skip
DRAWS = 2000


def seen_together(known, new):
    """What the rungs see of both campaigns; the electrodes of the second get a name of their own."""
    ids = (*known.ids, *(crop._replace(electrode=f"new {crop.electrode}") for crop in new.ids))
    columns = ("light", "texture", "electrode_porosity", "true_porosity")
    return Seen(ids, *(np.concatenate([getattr(seen, name) for seen in (known, new)]) for name in columns))


def by_electrode(names, values):
    return np.stack([values[names == name].mean(axis=0) for name in np.unique(names)])


def errors_of(said, measured, names):
    """The numbers of one row, and the error of every electrode in %, shape (electrodes,)."""
    truth, means = by_electrode(names, measured), by_electrode(names, said)
    by_rate = {name: mape_percent(truth[:, place], means[:, place]) for place, name in enumerate(BY_RATE)}
    whole = {"per_crop": mape_percent(measured, said), "per_electrode": mape_percent(truth, means)}
    return whole | by_rate, (100.0 * np.abs(means - truth) / truth).mean(axis=1)


def difference(theirs, ours):
    """How much more they err than the ensemble, in points, with its interval."""
    more, rng = theirs - ours, np.random.default_rng(0)
    means = [rng.choice(more, len(more)).mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, (0.025, 0.975))
    return {"minus_ensemble": more.mean(), "minus_ensemble_low": low, "minus_ensemble_high": high}


def rows_of(capacity, folders):
    (_, learned), (crops, measured) = pairs = [crops_and_curves(folder, capacity) for folder in folders]
    names = np.array([crop.electrode for crop in crops.ids])
    seen = [look_at(read_campaign(folder), own, jobs=2) for folder, (own, _) in zip(folders, pairs, strict=True)]
    fold = Fold("electrode", train=frozenset(seen[0].ids), validation=frozenset(), test=frozenset())
    rungs = climb(fold, seen_together(*seen), np.concatenate([learned, measured]))
    prediction = read_model(None)[capacity].predict(crops.pixels)
    answers = {who: said[len(learned) :] for who, said in rungs.items()} | {ENSEMBLE: prediction.predicted}
    found = {who: errors_of(said, measured, names) for who, said in answers.items()}
    singles = [errors_of(said, measured, names) for said in prediction.by_network]
    mean_of_five = {name: np.mean([numbers[name] for numbers, _ in singles]) for name in singles[0][0]}
    found[SINGLE] = (mean_of_five, np.mean([of_each for _, of_each in singles], axis=0))
    about = {"campaign": folders[1].name, "electrodes": len(set(names)), "capacity": capacity}
    for who, (numbers, of_each) in found.items():
        more = {} if who == ENSEMBLE else difference(of_each, found[ENSEMBLE][1])
        yield about | {"who": who} | {name: round(value, 3) for name, value in (numbers | more).items()}


def main(known, *others):
    kept = list(csv.DictReader(TARGET.open(encoding="utf-8"))) if TARGET.exists() else []
    for new in others:
        rows = [row for capacity in CAPACITIES for row in rows_of(capacity, (known, new))]
        kept = [row for row in kept if row["campaign"] != new.name] + rows
        write_csv(TARGET, COLUMNS, kept)
        for row in rows:
            print(*row.values(), sep="  ")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
