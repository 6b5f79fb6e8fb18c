"""One row per network of finished runs, into a committed table: how it was trained and how far it errs.

    python docs/studies/networks_of_runs.py TABLE.csv RUN...       rows of a run replace its earlier ones

A run is known by the name of its folder. MAPE in %; `best_step` is the one whose weights were kept, `steps` the last.
"""

import csv
import sys
from pathlib import Path

import pandas as pd

from ratescope.evaluation.scores import mape_percent
from ratescope.files import write_csv
from ratescope.network.checkpoint import load_network
from ratescope.network.optimiser import warm_up_steps
from ratescope.settings import read_settings
from ratescope.units import CAPACITIES

SEVERAL = ("fold", "part", "electrode", "c_rate_per_h")
COLUMNS = (
    "run", "protocol", "capacity", "fold", "seed", "input_reduction", "batch", "max_steps", "steps", "best_step",
    "train_per_crop", "validation_per_crop", "test_per_crop", "test_per_electrode", "test_crops", "arithmetic",
)  # fmt: skip


def rows_of(run):
    """One row per capacity and fold."""
    for folder in (run / capacity for capacity in CAPACITIES if (run / capacity / "fold_predictions.csv").is_file()):
        settings = read_settings(folder / "settings.toml")
        predictions = pd.read_csv(folder / "fold_predictions.csv")
        for fold, own in predictions.groupby("fold"):
            _, card = load_network(folder / f"fold_{fold}" / "weights.safetensors")
            history = pd.read_csv(folder / f"fold_{fold}" / "history.csv")
            counted = history[history["step"] >= warm_up_steps(settings.train)]  # as in the training
            best = counted.loc[counted["validation_mape_percent"].idxmin()]
            test = own[own["part"] == "test"]
            yield {
                "run": run.name, "protocol": settings.folds.protocol, "capacity": folder.name, "fold": fold,
                "seed": card.seed, "input_reduction": settings.network.input_reduction,
                "batch": settings.train.batch, "max_steps": settings.train.max_steps,
                "steps": int(history["step"].iloc[-1]), "best_step": int(best["step"]),
                **{f"{part}_per_crop": error_of(own[own["part"] == part]) for part in ("train", "validation", "test")},
                "test_per_electrode": error_of(test.groupby(list(SEVERAL))[["measured", "predicted"]].mean()),
                "test_crops": len(test[["file", "section"]].drop_duplicates()), "arithmetic": card.arithmetic,
            }  # fmt: skip


def error_of(table):
    return round(mape_percent(table["measured"], table["predicted"]), 3)


def write_rows(target, *runs):
    """Add the rows of finished runs to a table."""
    rows = list(csv.DictReader(target.open(encoding="utf-8"))) if target.exists() else []
    names = {run.name for run in runs}
    kept = [row for row in rows if row["run"] not in names]
    write_csv(target, COLUMNS, [*kept, *(row for run in runs for row in rows_of(run))])


if __name__ == "__main__":
    write_rows(*map(Path, sys.argv[1:]))
