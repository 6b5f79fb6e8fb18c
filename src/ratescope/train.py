"""From a campaign to a run: measured curves and crops → folds → networks → an evaluation beside its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.baselines import curve_at_porosity, mean_curve, thresholded_porosity
from ratescope.campaign.crops import CampaignCrops, prepare_campaign
from ratescope.campaign.folds import make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import InputError
from ratescope.evaluate import evaluate_run
from ratescope.evaluation.metrics import FOLD_PREDICTION_COLUMNS
from ratescope.files import write_csv, write_json
from ratescope.floor import floor_under
from ratescope.jobs import run_jobs
from ratescope.network.checkpoint import load_network
from ratescope.network.ensemble import read_network
from ratescope.network.training import train_network
from ratescope.records import CropId, Fold, OnProgress, no_progress
from ratescope.run_folder import claim, inputs_of, parts_of
from ratescope.settings import Settings
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class FoldJob:
    """One network to be trained: everything that another core or machine needs."""

    number: int
    fold: Fold
    capacity: Capacity
    folder: Path
    crops: CampaignCrops
    curves: Mapping[str, NDArray[np.float64]]
    settings: Settings
    learned_from: str
    simulated: bool
    resume: bool
    start_from: Path | None


def train_campaign(
    folder: Path,
    out: Path,
    settings: Settings,
    *,
    capacities: Sequence[Capacity] = CAPACITIES,
    resume: bool = False,
    start_from: Path | None = None,
    jobs: int = 1,
    dask: str | None = None,
    on_progress: OnProgress = no_progress,
) -> list[Path]:
    """Train every fold of a campaign for the named capacities and evaluate them; returns what was written.

    Raises
    ------
    TrainingError
        If ``out`` holds another run, or one that was not asked to be resumed.
    """
    campaign = read_campaign(folder)
    tests = rate_tests(campaign, on_progress=on_progress)
    curves = {capacity: measured_curves(tests, capacity) for capacity in capacities}
    learned = {capacity: curves_to_learn(campaign, curves[capacity]) for capacity in capacities}
    crops = prepare_campaign(campaign, settings.prepare, jobs=jobs, on_progress=on_progress)
    folds = make_folds(
        crops.ids, settings.folds.protocol, settings.folds.count, np.random.default_rng(settings.train.seed)
    )
    inputs = inputs_of(campaign, crops, curves, folds)
    for capacity in capacities:
        claim(out / capacity, settings, inputs, folds, resume=resume)
        if floor := floor_under(folder, settings, capacity):
            write_json(out / capacity / "floor.json", {"schema": 1, "simulated": True, "oracles": floor})
    for capacity in capacities:
        fold_jobs = [
            FoldJob(
                number,
                fold,
                capacity,
                out / capacity / f"fold_{number}",
                crops,
                learned[capacity],
                settings,
                inputs["learned_from"],
                inputs["simulated"],
                resume,
                _weights_to_start_from(start_from, capacity, number),
            )
            for number, fold in enumerate(folds)
            if number in (settings.folds.only or range(len(folds)))
        ]
        _train(fold_jobs, jobs, dask, on_progress)
        _predict_folds(out / capacity, fold_jobs, on_progress)
    return evaluate_run(out, on_progress=on_progress)


def _weights_to_start_from(run: Path | None, capacity: Capacity, number: int) -> Path | None:
    if run is None:
        return None
    found = sorted((run / capacity).glob("fold_*/weights.safetensors"))
    if not found:
        raise InputError(f"{run} has no trained networks for {capacity}. Name a run that `ratescope train` finished.")
    return found[number % len(found)]


def _train(fold_jobs: Sequence[FoldJob], jobs: int, dask: str | None, on_progress: OnProgress) -> None:
    if jobs == 1 and dask is None:
        for job in fold_jobs:
            _train_fold(job, on_progress)
        return
    what = f"{fold_jobs[0].capacity}: networks trained"
    on_progress(0, len(fold_jobs), what)
    silent = partial(_train_fold, on_progress=no_progress)
    for done, _ in enumerate(run_jobs(silent, fold_jobs, jobs=jobs, dask=dask), start=1):
        on_progress(done, len(fold_jobs), what)


def _train_fold(job: FoldJob, on_progress: OnProgress) -> None:
    def tell(done: int, total: int, what: str) -> None:
        on_progress(done, total, f"{job.capacity}, fold {job.number}: {what}")

    own_seed = replace(job.settings.train, seed=job.settings.train.seed + job.number)  # networks that start apart
    train_network(
        job.crops.pixels,
        _curves_by_crop(job),
        train=_indices(job, job.fold.train),
        validation=_indices(job, job.fold.validation),
        settings=replace(job.settings, train=own_seed),
        capacity=job.capacity,
        c_rates_per_h=np.array(RATES_PER_H),
        folder=job.folder,
        resume=job.resume,
        start_from=None if job.start_from is None else load_network(job.start_from)[0],
        trained_on=job.learned_from,
        simulated=job.simulated,
        on_progress=tell,
    )


def _curves_by_crop(job: FoldJob) -> NDArray[np.float64]:
    return np.stack([job.curves[crop.electrode] for crop in job.crops.ids])


def _indices(job: FoldJob, part: frozenset[CropId]) -> NDArray[np.intp]:
    return np.array([i for i, crop in enumerate(job.crops.ids) if crop in part], dtype=np.intp)


def _predict_folds(folder: Path, fold_jobs: Sequence[FoldJob], on_progress: OnProgress) -> None:
    """The network of each fold on all three parts, and the baselines on the same crops beside it."""
    networks: list[Row] = []
    baselines: list[Row] = []
    for done, job in enumerate(fold_jobs, start=1):
        measured = _curves_by_crop(job)
        said = read_network(job.folder / "weights.safetensors").predict(job.crops.pixels).by_network[0]
        networks += _prediction_rows(job, measured, said, {"network": job.number})
        for name, guessed in _baselines(job, measured).items():
            baselines += _prediction_rows(job, measured, guessed, {"network": job.number, "baseline": name})
        on_progress(done, len(fold_jobs), f"{job.capacity}: folds evaluated")
    write_csv(folder / "baseline_predictions.csv", (*FOLD_PREDICTION_COLUMNS, "baseline"), baselines)
    write_csv(folder / "fold_predictions.csv", FOLD_PREDICTION_COLUMNS, networks)


def _baselines(job: FoldJob, measured: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    train = _indices(job, job.fold.train)
    porosity = thresholded_porosity(job.crops.pixels)
    return {
        "mean curve": mean_curve(measured[train], len(measured)),
        "curve at thresholded porosity": curve_at_porosity(porosity[train], measured[train], porosity),
    }


def _prediction_rows(
    job: FoldJob, measured: NDArray[np.float64], predicted: NDArray[np.float64], who: Row
) -> Iterator[Row]:
    part_of = {crop: part for part, crops in parts_of(job.fold).items() for crop in crops}
    for crop, truth, said in zip(job.crops.ids, measured, predicted, strict=True):
        if crop in part_of:
            shared = {"fold": job.number, "part": part_of[crop], **crop._asdict(), **who}
            for rate, true_value, value in zip(RATES_PER_H, truth, said, strict=True):
                yield shared | {"c_rate_per_h": rate, "measured": float(true_value), "predicted": float(value)}
