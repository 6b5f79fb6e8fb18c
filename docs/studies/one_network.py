"""One network of a study: what the scripts beside this one share."""

import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ratescope.attribution.witnesses import evenly
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.folds import make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.evaluation.scores import mape_percent
from ratescope.files import write_csv
from ratescope.jobs import run_jobs
from ratescope.network.ensemble import read_network
from ratescope.network.optimiser import warm_up_steps
from ratescope.network.training import train_network
from ratescope.settings import PrepareSettings
from ratescope.units import RATES_PER_H

SCREENED_COLUMNS = ("validation_mape_percent", "train_mape_percent", "at_step", "processor_s")


def crops_and_curves(folder, capacity):
    """The crops of a campaign, and the measured rate curve that belongs to each, shape (crops, rates)."""
    campaign = read_campaign(folder)
    crops = prepare_campaign(campaign, PrepareSettings(), jobs=2)
    curves = curves_to_learn(campaign, measured_curves(rate_tests(campaign), capacity))
    return crops, np.stack([curves[crop.electrode] for crop in crops.ids])


def places_of(crops, part):
    """Where the crops of a part of a fold stand among all."""
    return np.array([place for place, crop in enumerate(crops.ids) if crop in part], dtype=np.intp)


def spread_over_porosity(campaign, count):
    """So many electrodes, spread evenly over the porosities."""
    names = sorted(campaign.electrodes, key=lambda name: campaign.electrodes[name].porosity)
    return {names[place] for place in evenly(len(names), count)}


def errors(ensemble, crops, measured, test):
    """Per crop, and per electrode after the mean over its crops."""
    said = ensemble.predict(crops.pixels[test]).predicted
    names = np.array([crops.ids[place].electrode for place in test])
    means = [
        np.stack([values[names == name].mean(axis=0) for name in np.unique(names)]) for values in (measured[test], said)
    ]
    return {
        "test_per_crop": round(mape_percent(measured[test], said), 3),
        "test_per_electrode": round(mape_percent(*means), 3),
    }


def parts_by_specimen(crops, chosen):
    """Places to learn from, and one specimen of each electrode to stop by."""
    specimens = {name: sorted({crop.specimen for crop in crops.ids if crop.electrode == name}) for name in chosen}
    train, validation = [], []
    for place, crop in enumerate(crops.ids):
        if crop.electrode in chosen:
            last = specimens[crop.electrode][-1]
            (validation if crop.specimen == last and len(specimens[crop.electrode]) > 1 else train).append(place)
    return np.array(train), np.array(validation)


def trained(folder: Path, pixels, measured, train, validation, settings, capacity, start_from=None):
    """A network as an ensemble of one: trained now, gone on with, or, if it had ended before, read."""

    def tell(done, total, what):
        print(f"\r{folder.name}: {done} of {total}, {what}  ", end="", flush=True)

    train_network(
        pixels,
        measured,
        train=train,
        validation=validation,
        settings=settings,
        capacity=capacity,
        c_rates_per_h=RATES_PER_H,
        folder=folder,
        resume=True,
        start_from=start_from,
        trained_on="simulated micrographs",
        simulated=True,
        on_progress=tell,
    )
    print()
    return read_network(folder / "weights.safetensors")


def screened(settings, folder, fold, seed, protocol="as-published"):
    """How settings do on the validation part of a fold; the test part is not looked at.

    Returns the best validation error after the warm-up and what belongs to it, by `SCREENED_COLUMNS`.
    """
    crops, measured = crops_and_curves(folder, "specific")
    part = make_folds(crops.ids, protocol, 5, np.random.default_rng(0))[fold]
    train, validation = places_of(crops, part.train), places_of(crops, part.validation)
    settings = replace(settings, train=replace(settings.train, seed=seed))
    started = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        trained(Path(scratch), crops.pixels, measured, train, validation, settings, "specific")
        history = list(csv.DictReader((Path(scratch) / "history.csv").open(encoding="utf-8")))
    counted = [row for row in history if int(float(row["step"])) >= warm_up_steps(settings.train)]
    best = min(counted, key=lambda row: float(row["validation_mape_percent"]))
    error, train_error = (round(float(best[f"{part}_mape_percent"]), 2) for part in ("validation", "train"))
    seconds = round(time.process_time() - started)
    return dict(zip(SCREENED_COLUMNS, (error, train_error, int(float(best["step"])), seconds), strict=True))


def screen(target, asked_columns, wanted, row_of, jobs):
    """Write one row per network that was asked for; those that stand in the table already are not trained again.

    ``row_of`` gives the row of one job, a tuple in the order of ``asked_columns``.
    """
    rows = list(csv.DictReader(target.open(encoding="utf-8"))) if target.exists() else []
    done = {tuple(row[name] for name in asked_columns) for row in rows}
    missing = [job for job in wanted if tuple(map(_as_written, job)) not in done]
    for row in run_jobs(row_of, missing, jobs=jobs):
        rows.append(row)
        write_csv(target, (*asked_columns, *SCREENED_COLUMNS), rows)
        print(row, flush=True)


def _as_written(value):
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
