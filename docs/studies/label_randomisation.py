"""Are maps of a network that learned nonsense other maps? For study 0007.

    python docs/studies/label_randomisation.py CAMPAIGN WORK      0007-label-randomisation.csv

Three networks of the recipe `fast` on one fold, specific capacity: two with other seeds, and one whose curves were
dealt out to the crops at random (Adebayo et al., 2018). By each method, the likeness (Spearman's rank correlation over
places, mean over C-rates and test crops) of the first network's maps to those of the second, the level that can be
expected of networks that learned the same, and to those of the third. The networks stay in WORK.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from one_network import crops_and_curves, errors, places_of, trained

from ratescope.attribution.maps import METHODS, ensemble_maps
from ratescope.attribution.sanity import likeness
from ratescope.campaign.folds import make_folds
from ratescope.files import write_csv
from ratescope.settings import fast_settings

TARGET = Path(__file__).with_name("0007-label-randomisation.csv")
COLUMNS = ("method", "compared_with", "crops", "signed", "absolute", "test_per_crop", "test_per_crop_compared")
CROPS = 12  # of the test part, spread over it: our choice, some minutes


def main(folder, work):
    crops, measured = crops_and_curves(folder, "specific")
    fold = make_folds(crops.ids, "as-published", 5, np.random.default_rng(0))[0]
    train, validation, test = (places_of(crops, part) for part in (fold.train, fold.validation, fold.test))
    dealt_out = measured[np.random.default_rng(0).permutation(len(measured))]
    networks = {}
    for name, curves, seed in (("first", measured, 0), ("another seed", measured, 1), ("random curves", dealt_out, 0)):
        settings = replace(fast_settings(), train=replace(fast_settings().train, seed=seed))
        own = work / name.replace(" ", "_")
        networks[name] = trained(own, crops.pixels, curves, train, validation, settings, "specific")
    asked = crops.pixels[test[np.linspace(0, len(test) - 1, CROPS).round().astype(int)]]
    error = {name: errors(ensemble, crops, measured, test)["test_per_crop"] for name, ensemble in networks.items()}
    rows = []
    for method in METHODS:
        maps = {name: ensemble_maps(ensemble, asked, method) for name, ensemble in networks.items()}
        for other in ("another seed", "random curves"):
            alike = np.mean([likeness(*pair) for pair in zip(maps["first"], maps[other], strict=True)], axis=0)
            rows.append(
                {"method": method, "compared_with": other, "crops": CROPS, "signed": round(alike[0], 3),
                 "absolute": round(alike[1], 3), "test_per_crop": error["first"],
                 "test_per_crop_compared": error[other]}
            )  # fmt: skip
            print(rows[-1], flush=True)
    write_csv(TARGET, COLUMNS, rows)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
