"""From a campaign to a run: measured curves and crops → folds → networks → an evaluation beside its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.baselines.ladder import RUNGS, Seen, climb
from ratescope.campaign.crop_facts import fact_remarks, fact_warnings, facts_of_crops
from ratescope.campaign.crops import CampaignCrops, prepare_campaign
from ratescope.campaign.folds import check_fold_count, make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import Campaign, read_campaign
from ratescope.errors import InputError
from ratescope.evaluate import evaluate_run
from ratescope.evaluation.metrics import FOLD_PREDICTION_COLUMNS
from ratescope.facts import FACTS, Facts
from ratescope.files import write_csv, write_json
from ratescope.floor import floor_under
from ratescope.jobs import check_cluster, finished_jobs
from ratescope.ladder import look_at, write_seen
from ratescope.network.checkpoint import load_network
from ratescope.network.ensemble import read_network
from ratescope.network.steps_file import followed, steps_file, tell_in_file
from ratescope.network.team import ALONE, Team, is_helper, is_launched, joined, team_of
from ratescope.network.training import help_out, train_network
from ratescope.records import CropId, Fold, OnProgress, no_progress
from ratescope.run_folder import (
    Inputs,
    check_free,
    check_unchanged,
    claim,
    hashes_of,
    inputs_of,
    parts_of,
)
from ratescope.settings import Settings
from ratescope.start_from import check_unseen, remembered, start_of_fold, start_remarks, weights_to_start_from
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity
from ratescope.written import Written

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
    devices: int | None = None,
    on_progress: OnProgress = no_progress,
) -> Written:
    """Train every fold of a campaign for the named capacities and evaluate them.

    Parameters
    ----------
    jobs, dask
        Folds and capacities are independent networks, all in one queue: how many at once, or on which cluster.
    devices : int, optional
        How many processes share every batch instead, on this machine's GPUs or cores. Where ``torchrun`` started this
        process beside the first one, it helps with the batches, writes nothing and returns nothing.

    Raises
    ------
    InputError
        If both were asked for at once, or what to start from does not fit what is to be trained.
    LeakError
        If it learned from what it would be tested on.
    OutputError
        If ``out`` cannot be made or written; said, as the next, before anything is read.
    TrainingError
        If ``out`` holds another run, or one that was not asked to be resumed.
    """
    if (devices is not None or is_launched()) and (jobs > 1 or dask is not None):
        raise InputError(
            "--devices and torchrun share every batch, --jobs and --dask whole networks. Ask for one of them."
        )
    if is_helper():
        with joined() as team:
            help_out(team)
        return Written(out)
    folder, out = Path(folder), Path(out)
    check_fold_count(settings.folds.protocol, settings.folds.count)
    check_cluster(dask)
    for capacity in capacities:
        check_free(out / capacity, settings, resume=resume)
    starts = {
        capacity: [] if start_from is None else weights_to_start_from(start_from, capacity, settings)
        for capacity in capacities
    }
    campaign = read_campaign(folder)
    tests = rate_tests(campaign, on_progress=on_progress)
    curves = {capacity: measured_curves(tests, capacity) for capacity in capacities}
    learned = {capacity: curves_to_learn(campaign, curves[capacity]) for capacity in capacities}
    crops = prepare_campaign(campaign, settings.prepare, jobs=jobs, on_progress=on_progress)
    if resume:  # before folds of other crops are made, of which nobody asked
        for capacity in capacities:
            check_unchanged(out / capacity, hashes_of(campaign, crops))
    folds = make_folds(
        crops.ids, settings.folds.protocol, settings.folds.count, np.random.default_rng(settings.train.seed)
    )
    for found in starts.values():
        check_unseen(found, folds, crops.hashes)
    facts = facts_of_crops(campaign, crops.ids, crops.thickness_um, settings.train.facts)
    inputs = _with_facts(inputs_of(campaign, crops, curves, folds), facts, campaign, settings)
    floor, remarks_on_floor = floor_under(folder, settings)
    inputs["remarks"] += [*_small_batches(folds, settings.train.batch), *remarks_on_floor]
    for capacity in capacities:
        start = inputs | remembered(starts[capacity])
        start["remarks"] = [*inputs["remarks"], *start_remarks(starts[capacity])]
        claim(out / capacity, settings, start, folds, resume=resume)
        if capacity in floor:
            write_json(out / capacity / "floor.json", {"schema": 1, "simulated": True, "oracles": floor[capacity]})
    seen = look_at(campaign, crops, jobs=jobs, on_progress=on_progress)
    fold_jobs = {
        capacity: [
            FoldJob(
                number,
                fold,
                capacity,
                out / capacity / f"fold_{number}",
                crops,
                learned[capacity],
                facts,
                settings,
                inputs["learned_from"],
                inputs["simulated"],
                resume,
                start_of_fold(starts[capacity], number),
            )
            for number, fold in enumerate(folds)
            if number in (settings.folds.only or range(len(folds)))
        ]
        for capacity in capacities
    }
    with team_of(devices) as team:
        _train([job for of_capacity in fold_jobs.values() for job in of_capacity], jobs, dask, team, on_progress)
    write_seen(out / "crops.csv", seen, campaign)  # now that every fold has found its crops unchanged
    for capacity in capacities:
        _predict_folds(out / capacity, fold_jobs[capacity], seen, on_progress)
    refused = {name: why for name, why in crops.refused.items() if name in crops.hashes}  # micrographs, not sections
    return Written(out, evaluate_run(out, on_progress=on_progress), len(crops.hashes), refused)


def _with_facts(inputs: Inputs, facts: Facts, campaign: Campaign, settings: Settings) -> Inputs:
    """What was read, with what the networks are told beside the crops, in words where reports quote it."""
    if not facts:
        return inputs
    ranges = {
        name: {"unit": FACTS[name].unit, "lowest": float(told.min()), "highest": float(told.max())}
        for name, told in facts.items()
    }
    remarks = [*fact_warnings(facts, settings.folds.protocol), *fact_remarks(campaign, facts)]
    return inputs | {
        "learned_from": f"{inputs['learned_from']}, told {', '.join(facts)} of each",
        "facts": ranges,
        "remarks": [*inputs["remarks"], *remarks],
    }


def _small_batches(folds: Sequence[Fold], batch: int) -> list[str]:
    """Said in the report: fewer crops in each step are another training than the recipe's."""
    fewest = min(len(fold.train) for fold in folds)
    if fewest >= batch:
        return []
    said = (
        f"The recipe learns from {batch} crops per step, but a fold has as few as {fewest} to train on: "
        "where there are fewer, each step learns from all of them."
    )
    return [said]


def _train(fold_jobs: Sequence[FoldJob], jobs: int, dask: str | None, team: Team, on_progress: OnProgress) -> None:
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


def _predict_folds(folder: Path, fold_jobs: Sequence[FoldJob], seen: Seen, on_progress: OnProgress) -> None:
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
