"""What makes the recipe `fast` learn more in as many steps, by what the validation folds say: for study 0005.

    python docs/studies/fast_recipe.py CAMPAIGN [JOBS]      0005-fast-recipe.csv

Networks on three folds of the published protocol, specific capacity, on an eighth of the resolution, where one takes
two and a half minutes of processor time: from the paper's output, augmentation and dropout step by step to those of
`fast`. A finished network is one row, and is not trained again. What `fast` reaches on its own quarter of the
resolution is in 0006-networks.csv, run as-published.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from one_network import screen, screened

from ratescope.settings import fast_settings

TARGET = Path(__file__).with_name("0005-fast-recipe.csv")
ASKED_COLUMNS = ("reduction", "output", "mirror", "dropout", "highest_rate", "fold", "seed")
FOLDS, SEED, REDUCTION = (0, 1, 2), 0, 8
STEPWISE = (  # output, mirror, dropout, highest rate
    ("linear", False, 0.1, 1e-2),
    ("linear", False, 0.0, 1e-2),
    ("linear", True, 0.1, 1e-2),
    ("linear", True, 0.0, 1e-2),
    ("exponential", True, 0.0, 1e-2),
    ("exponential", True, 0.0, 3e-2),
)


def row_of(job, folder):
    """Train one network and say how it did on the validation part."""
    reduction, output, mirror, dropout, rate, fold, seed = job
    fast = fast_settings()
    settings = replace(
        fast,
        network=replace(fast.network, input_reduction=reduction, output=output, dropout=dropout),
        augmentation=replace(fast.augmentation, mirror=mirror),
        train=replace(fast.train, highest_rate=rate),
    )
    return dict(zip(ASKED_COLUMNS, job, strict=True)) | screened(settings, folder, fold, seed)


def main(folder, jobs=2):
    wanted = [(REDUCTION, *values, fold, SEED) for values in STEPWISE for fold in FOLDS]
    screen(TARGET, ASKED_COLUMNS, wanted, partial(row_of, folder=folder), jobs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
