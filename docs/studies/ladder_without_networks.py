"""How far each rung of the ladder errs on virtual campaigns, under all three protocols: for study 0005.

python docs/studies/ladder_without_networks.py CAMPAIGN...      a minute each; its rows replace its earlier ones
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ratescope.baselines.ladder import climb
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.folds import make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.evaluation.metrics import metrics
from ratescope.files import write_csv
from ratescope.floor import PROTOCOLS
from ratescope.ladder import look_at
from ratescope.settings import FoldSettings, Settings
from ratescope.units import CAPACITIES, RATES_PER_H

TARGET = Path(__file__).with_name("0005-ladder.csv")
COLUMNS = (
    "campaign", "electrodes", "crops", "protocol", "capacity", "rung", "mape_percent_per_electrode",
    "lowest_fold", "highest_fold", "mape_percent_per_crop", "train_mape_percent_per_crop",
)  # fmt: skip


def rows_of(folder):
    """One row per protocol, capacity and rung."""
    campaign, settings = read_campaign(folder), replace(Settings(), folds=FoldSettings(count=5))
    tests = rate_tests(campaign)
    crops = prepare_campaign(campaign, settings.prepare, jobs=2)
    seen = look_at(campaign, crops, jobs=2)
    for protocol in PROTOCOLS:
        folds = make_folds(crops.ids, protocol, settings.folds.count, np.random.default_rng(settings.train.seed))
        for capacity in CAPACITIES:
            learned = curves_to_learn(campaign, measured_curves(tests, capacity))
            curves = np.stack([learned[crop.electrode] for crop in crops.ids])
            tables = answers_of(folds, seen, curves)
            for rung, table in tables.items():
                score = metrics(table, capacity, theoretical=1.0)
                electrode, crop = score["test"]["network"]["per_electrode"], score["test"]["network"]["per_crop"]
                error = electrode["over_folds"]["mape_percent"]
                yield {
                    "campaign": campaign.facts.name, "electrodes": len(learned), "crops": len(crops.ids),
                    "protocol": protocol, "capacity": capacity, "rung": rung,
                    "mape_percent_per_electrode": round(electrode["overall"]["mape_percent"], 2),
                    "lowest_fold": round(error["lowest"], 2), "highest_fold": round(error["highest"], 2),
                    "mape_percent_per_crop": round(crop["overall"]["mape_percent"], 2),
                    "train_mape_percent_per_crop": round(
                        score["train"]["network"]["per_crop"]["overall"]["mape_percent"], 2
                    ),
                }  # fmt: skip


def answers_of(folds, seen, curves):
    """By rung: its answers as a run writes a network's."""
    rows = {}
    for number, fold in enumerate(folds):
        part_of = {crop: part for part in ("train", "validation", "test") for crop in getattr(fold, part)}
        for rung, said in climb(fold, seen, curves).items():
            for crop, truth, answer in zip(seen.ids, curves, said, strict=True):
                if crop in part_of:
                    where = {"fold": number, "network": number, "part": part_of[crop], **crop._asdict()}
                    rows.setdefault(rung, []).extend(
                        where | {"c_rate_per_h": rate, "measured": m, "predicted": p}
                        for rate, m, p in zip(RATES_PER_H, truth, answer, strict=True)
                    )
    return {rung: pd.DataFrame(of_rung) for rung, of_rung in rows.items()}


def main(folders):
    kept = list(csv.DictReader(TARGET.open(encoding="utf-8"))) if TARGET.is_file() else []
    for folder in folders:
        rows = list(rows_of(Path(folder)))
        kept = [row for row in kept if row["campaign"] != rows[0]["campaign"]] + rows
        write_csv(TARGET, COLUMNS, kept)
        for row in rows:
            print(*(row[name] for name in COLUMNS[3:]), sep="  ")


if __name__ == "__main__":
    main(sys.argv[1:])
