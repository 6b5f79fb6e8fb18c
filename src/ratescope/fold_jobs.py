"""The networks of a run as jobs: each is trained by itself, wherever, and says what it knows of all its crops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.baselines.ladder import RUNGS, Seen, climb
from ratescope.campaign.crops import CampaignCrops
from ratescope.evaluation.metrics import FOLD_PREDICTION_COLUMNS
from ratescope.files import write_csv
from ratescope.jobs import finished_jobs
from ratescope.network.checkpoint import load_network
from ratescope.network.ensemble import read_network
from ratescope.network.steps_file import followed, steps_file, tell_in_file
from ratescope.network.team import ALONE, Team
from ratescope.network.training import train_network
from ratescope.records import CropId, Fold, OnProgress
from ratescope.run_folder import parts_of
from ratescope.settings import Settings
from ratescope.units import RATES_PER_H, Capacity

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
    facts: Mapping[str, NDArray[np.float64]]
    settings: Settings
    learned_from: str
    simulated: bool
    resume: bool
    start_from: Path | None


def train_folds(fold_jobs: Sequence[FoldJob], jobs: int, dask: str | None, team: Team, on_progress: OnProgress) -> None:
    """Train all networks: one after the other, by a team, or several at once, here or on a cluster."""
    if jobs == 1 and dask is None:
        for job in fold_jobs:
            _train_fold(job, on_progress, team)
        return
    files = [steps_file(job.folder) for job in fold_jobs]
    with followed(files, fold_jobs[0].settings.train.max_steps, on_progress) as end:
        for place, _ in finished_jobs(_train_fold_elsewhere, fold_jobs, jobs=jobs, dask=dask):
            end(place)


def _train_fold_elsewhere(job: FoldJob) -> None:
    _train_fold(job, tell_in_file(steps_file(job.folder)))


def _train_fold(job: FoldJob, on_progress: OnProgress, team: Team = ALONE) -> None:
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
        facts=job.facts,
        start_from=None if job.start_from is None else load_network(job.start_from)[0],
        trained_on=job.learned_from,
        simulated=job.simulated,
        team=team,
        on_progress=tell,
    )


def _curves_by_crop(job: FoldJob) -> NDArray[np.float64]:
    return np.stack([job.curves[crop.electrode] for crop in job.crops.ids])


def _indices(job: FoldJob, part: frozenset[CropId]) -> NDArray[np.intp]:
    return np.array([i for i, crop in enumerate(job.crops.ids) if crop in part], dtype=np.intp)


def predict_folds(folder: Path, fold_jobs: Sequence[FoldJob], seen: Seen, on_progress: OnProgress) -> None:
    """The network of each fold on all three parts, and the rungs of the ladder on the same crops beside it.

    A rung that some folds can climb and others cannot, as their training part lacks its facts, says NaN in those.
    """
    networks: list[Row] = []
    baselines: list[Row] = []
    climbed = [climb(job.fold, seen, _curves_by_crop(job)) for job in fold_jobs]
    rungs = [name for name in RUNGS if any(name in answers for answers in climbed)]
    for done, (job, answers) in enumerate(zip(fold_jobs, climbed, strict=True), start=1):
        measured = _curves_by_crop(job)
        said = read_network(job.folder / "weights.safetensors").predict(job.crops.pixels, job.facts).by_network[0]
        networks += _prediction_rows(job, measured, said, {"network": job.number})
        for name in rungs:
            guessed = answers.get(name, np.full_like(measured, np.nan))
            baselines += _prediction_rows(job, measured, guessed, {"network": job.number, "baseline": name})
        on_progress(done, len(fold_jobs), f"{job.capacity}: folds evaluated")
    write_csv(folder / "baseline_predictions.csv", (*FOLD_PREDICTION_COLUMNS, "baseline"), baselines)
    write_csv(folder / "fold_predictions.csv", FOLD_PREDICTION_COLUMNS, networks)


def _prediction_rows(
    job: FoldJob, measured: NDArray[np.float64], predicted: NDArray[np.float64], who: Row
) -> Iterator[Row]:
    part_of = {crop: part for part, crops in parts_of(job.fold).items() for crop in crops}
    for crop, truth, said in zip(job.crops.ids, measured, predicted, strict=True):
        if crop in part_of:
            shared = {"fold": job.number, "part": part_of[crop], **crop._asdict(), **who}
            for rate, true_value, value in zip(RATES_PER_H, truth, said, strict=True):
                yield shared | {"c_rate_per_h": rate, "measured": float(true_value), "predicted": float(value)}
