"""From a campaign to a run: measured curves and crops → folds → networks → an evaluation beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.crop_facts import fact_remarks, fact_warnings, facts_of_crops
from ratescope.campaign.crops import CampaignCrops, prepare_campaign
from ratescope.campaign.folds import check_fold_count, make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import Campaign, read_campaign
from ratescope.errors import InputError
from ratescope.evaluate import evaluate_run
from ratescope.facts import FACTS, Facts
from ratescope.files import write_json
from ratescope.floor import floor_under
from ratescope.fold_jobs import FoldJob, predict_folds, train_folds
from ratescope.jobs import check_cluster
from ratescope.ladder import look_at, write_seen
from ratescope.network.team import is_helper, is_launched, joined, team_of
from ratescope.network.training import help_out
from ratescope.records import Fold, OnProgress, RateCurve, no_progress
from ratescope.run_folder import (
    Inputs,
    check_free,
    check_unchanged,
    claim,
    hashes_of,
    inputs_of,
)
from ratescope.settings import Settings
from ratescope.start_from import check_unseen, remembered, start_of_fold, start_remarks, weights_to_start_from
from ratescope.units import CAPACITIES, Capacity
from ratescope.written import Written

Starts = Mapping[Capacity, Sequence[Path]]
"""The weights that each capacity's networks start from; none where they start at random."""


@dataclass(frozen=True, eq=False)
class Material:
    """What networks learn from: a campaign as it was read, and how its crops were dealt out.

    Attributes
    ----------
    curves, learned : mapping by capacity, then electrode
        As they were measured, and as float arrays (rates,) of the C-rates to be learned.
    facts : mapping of name to float array, shape (crops,)
    """

    campaign: Campaign
    crops: CampaignCrops
    curves: Mapping[Capacity, Mapping[str, RateCurve]]
    learned: Mapping[Capacity, Mapping[str, NDArray[np.float64]]]
    folds: Sequence[Fold]
    facts: Facts


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
    material = _read(folder, out, settings, capacities, resume=resume, jobs=jobs, on_progress=on_progress)
    inputs = _claim(out, material, settings, starts, resume=resume)
    seen = look_at(material.campaign, material.crops, jobs=jobs, on_progress=on_progress)
    fold_jobs = {
        capacity: _fold_jobs(out / capacity, capacity, material, settings, inputs, starts[capacity], resume=resume)
        for capacity in capacities
    }
    with team_of(devices) as team:
        train_folds([job for of_capacity in fold_jobs.values() for job in of_capacity], jobs, dask, team, on_progress)
    write_seen(out / "crops.csv", seen, material.campaign)  # now that every fold has found its crops unchanged
    for capacity in capacities:
        predict_folds(out / capacity, fold_jobs[capacity], seen, on_progress)
    micrographs = material.crops.hashes
    refused = {name: why for name, why in material.crops.refused.items() if name in micrographs}  # not sections
    return Written(out, evaluate_run(out, on_progress=on_progress), len(micrographs), refused)


def _read(
    folder: Path,
    out: Path,
    settings: Settings,
    capacities: Sequence[Capacity],
    *,
    resume: bool,
    jobs: int,
    on_progress: OnProgress,
) -> Material:
    """Read a campaign and deal its crops out; one that changed since the run was begun is refused."""
    campaign = read_campaign(folder)
    tests = rate_tests(campaign, on_progress=on_progress)
    curves = {capacity: measured_curves(tests, capacity) for capacity in capacities}
    learned = {capacity: curves_to_learn(campaign, curves[capacity]) for capacity in capacities}
    crops = prepare_campaign(campaign, settings.prepare, jobs=jobs, on_progress=on_progress)
    if resume:  # before folds of other crops are made, of which nobody asked
        for capacity in capacities:
            check_unchanged(out / capacity, hashes_of(campaign, crops))
    rng = np.random.default_rng(settings.train.seed)
    folds = make_folds(crops.ids, settings.folds.protocol, settings.folds.count, rng)
    facts = facts_of_crops(campaign, crops.ids, crops.thickness_um, settings.train.facts)
    return Material(campaign, crops, curves, learned, folds, facts)


def _claim(out: Path, material: Material, settings: Settings, starts: Starts, *, resume: bool) -> Inputs:
    """Write what was read, and the floor under it, into the run's folders; returns what all of them say."""
    for found in starts.values():
        check_unseen(found, material.folds, material.crops.hashes)
    known = inputs_of(material.campaign, material.crops, material.curves, material.folds)
    inputs = _with_facts(known, material.facts, material.campaign, settings)
    floor, remarks_on_floor = floor_under(material.campaign.folder, settings)
    inputs["remarks"] += [*_small_batches(material.folds, settings.train.batch), *remarks_on_floor]
    for capacity, found in starts.items():
        own = inputs | remembered(found) | {"remarks": [*inputs["remarks"], *start_remarks(found)]}
        claim(out / capacity, settings, own, material.folds, resume=resume)
        if capacity in floor:
            write_json(out / capacity / "floor.json", {"schema": 1, "simulated": True, "oracles": floor[capacity]})
    return inputs


def _fold_jobs(
    folder: Path,
    capacity: Capacity,
    material: Material,
    settings: Settings,
    inputs: Inputs,
    found: Sequence[Path],
    *,
    resume: bool,
) -> list[FoldJob]:
    """The networks of one capacity, those folds alone that the recipe asks for."""
    return [
        FoldJob(
            number=number,
            fold=fold,
            capacity=capacity,
            folder=folder / f"fold_{number}",
            crops=material.crops,
            curves=material.learned[capacity],
            facts=material.facts,
            settings=settings,
            learned_from=inputs["learned_from"],
            simulated=inputs["simulated"],
            resume=resume,
            start_from=start_of_fold(found, number),
        )
        for number, fold in enumerate(material.folds)
        if not settings.folds.only or number in settings.folds.only
    ]


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
