"""Does changing the light of training crops help with electrodes that were never seen? For study 0005.

    python docs/studies/other_lamps.py CAMPAIGN [JOBS]      0005-other-lamps.csv

CAMPAIGN is a continuum of 40 virtual electrodes. Networks of the recipe `fast` on an eighth of the resolution, whole
electrodes held out, with the strengths of `augmentation.light` below; the error is that of the validation part, the
test part is not looked at. A finished network is one row, and is not trained again: two and a half minutes of processor
time each.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from one_network import screen, screened

from ratescope.settings import fast_settings

TARGET = Path(__file__).with_name("0005-other-lamps.csv")
ASKED_COLUMNS = ("light", "max_steps", "fold", "seed")
ASKED = ((0.0, 1000), (0.2, 1000), (0.4, 1000), (0.2, 2000))  # light, steps
FOLDS, SEED, REDUCTION = (0, 1, 2), 0, 8


def row_of(job, folder):
    """Train one network and say how it did on the validation part."""
    light, steps, fold, seed = job
    fast = fast_settings()
    settings = replace(
        fast,
        network=replace(fast.network, input_reduction=REDUCTION),
        augmentation=replace(fast.augmentation, light=light),
        train=replace(fast.train, max_steps=steps),
    )
    return dict(zip(ASKED_COLUMNS, job, strict=True)) | screened(settings, folder, fold, seed, "by-electrode")


def main(folder, jobs=2):
    wanted = [(*asked, fold, SEED) for asked in ASKED for fold in FOLDS]
    screen(TARGET, ASKED_COLUMNS, wanted, partial(row_of, folder=folder), jobs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
