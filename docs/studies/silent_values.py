"""What the paper does not say, by what the validation folds say: for study 0005.

    python docs/studies/silent_values.py CAMPAIGN [JOBS]

One network per value on a fold of the published protocol, on a quarter of the resolution and in a fifth of the steps;
the test part is never looked at. A finished network is one row of 0005-silent-values.csv, and is not trained again.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from one_network import screen, screened

from ratescope.settings import NetworkSettings, Settings, TrainSettings

TARGET = Path(__file__).with_name("0005-silent-values.csv")
ASKED_COLUMNS = ("setting", "value", "fold", "seed")
SCREENING_FOLD, FURTHER_FOLDS = (
    0,
    (1, 2),
)  # a value that does better on the first than two seeds differ is tried on others
BETTER_ON_THE_FIRST = ("network.leaky_slope",)
BASE = Settings(  # with the slope of before decision 0022
    network=NetworkSettings(input_reduction=4, batch_norm_momentum=0.1, leaky_slope=0.3),
    train=TrainSettings(max_steps=1000, highest_rate=1e-2, patience_epochs=1000),
)
VALUES = {
    "network.dropout": (0.0, 0.3),
    "network.leaky_slope": (0.01, 0.1),
    "train.l2": (0.0, 1e-3, 1e-2),
    "augmentation.shift": (0.0, 0.5, 1.5),  # times what it is
    "augmentation.rotation_deg": (0.0, 15.0),
}


def with_value(setting, value):
    """The settings with one value changed."""
    if setting == "as it is":
        return BASE
    if setting == "augmentation.shift":
        was = BASE.augmentation
        shift = replace(was, shift_rows_px=was.shift_rows_px * value, shift_columns_px=was.shift_columns_px * value)
        return replace(BASE, augmentation=shift)
    table, name = setting.split(".")
    return replace(BASE, **{table: replace(getattr(BASE, table), **{name: value})})


def row_of(job, folder):
    """Train one network and say how it did on the validation part."""
    setting, value, fold, seed = job
    return dict(zip(ASKED_COLUMNS, job, strict=True)) | screened(with_value(setting, value), folder, fold, seed)


def main(folder, jobs=2):
    wanted = [("as it is", 0.0, SCREENING_FOLD, seed) for seed in (0, 1)]
    wanted += [(setting, value, SCREENING_FOLD, 0) for setting in VALUES for value in VALUES[setting]]
    for fold in FURTHER_FOLDS:
        wanted += [("as it is", 0.0, fold, 0)]
        wanted += [(setting, value, fold, 0) for setting in BETTER_ON_THE_FIRST for value in VALUES[setting]]
    wanted.sort(key=lambda job: job[0] not in ("as it is", *BETTER_ON_THE_FIRST))
    screen(TARGET, ASKED_COLUMNS, wanted, partial(row_of, folder=folder), jobs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
