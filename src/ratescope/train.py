"""From a campaign to a run: measured curves and crops → folds → networks → an evaluation beside its baselines."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ratescope
from ratescope.baselines import curve_at_porosity, mean_curve, thresholded_porosity
from ratescope.campaign.crops import CampaignCrops, file_hash, prepare_campaign
from ratescope.campaign.folds import make_folds
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import Campaign, Electrode, read_campaign
from ratescope.errors import InputError, TrainingError
from ratescope.evaluation.metrics import FOLD_PREDICTION_COLUMNS, cell_scatter, metrics
from ratescope.evaluation.run_report import CapacityRun, RunSummary, training_report
from ratescope.files import prepare_folder, write_csv, write_json, write_text
from ratescope.jobs import run_jobs
from ratescope.network.checkpoint import load_network
from ratescope.network.ensemble import read_network
from ratescope.network.training import train_network
from ratescope.predict import LIMITS
from ratescope.records import CropId, Fold, OnProgress, RateTest, no_progress
from ratescope.settings import Settings, read_settings, to_toml
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity

SCHEMA = 1
FOLD_COLUMNS = ("fold", "unit", "part", "electrode", "specimen", "file", "section")

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
    curves = {capacity: curves_to_learn(campaign, measured_curves(tests, capacity)) for capacity in capacities}
    crops = prepare_campaign(campaign, settings.prepare, jobs=jobs, on_progress=on_progress)
    folds = make_folds(
        crops.ids, settings.folds.protocol, settings.folds.count, np.random.default_rng(settings.train.seed)
    )
    inputs = _inputs(campaign, crops, tests, folds)
    for capacity in capacities:
        _claim(out / capacity, settings, inputs, folds, resume)
    for capacity in capacities:
        fold_jobs = [
            FoldJob(
                number,
                fold,
                capacity,
                out / capacity / f"fold_{number}",
                crops,
                curves[capacity],
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


def _inputs(
    campaign: Campaign, crops: CampaignCrops, tests: Sequence[RateTest], folds: Sequence[Fold]
) -> dict[str, Any]:
    """What was read, by hash: a run can be traced to its files, and is not resumed on others."""
    sheets = ("campaign.toml", "electrodes.csv", "micrographs.csv", "cells.csv")
    cyclers = {c.path.relative_to(campaign.folder).as_posix(): c.path for c in campaign.cells if c.path}
    kind = "simulated micrographs" if campaign.facts.simulated else "micrographs"
    scatter = {c: cell_scatter(list(measured_curves(tests, c).values())) for c in CAPACITIES}
    return {
        "schema": SCHEMA,
        "name": campaign.facts.name,
        "folder": str(campaign.folder),
        "simulated": campaign.facts.simulated,
        "learned_from": f"{len(campaign.micrographs)} {kind} of {len(campaign.electrodes)} electrodes",
        "electrodes": {name: _electrode_facts(electrode, campaign) for name, electrode in campaign.electrodes.items()},
        "cell_scatter": {
            c: {f"{rate:g}": spread for rate, spread in by_rate.items()} for c, by_rate in scatter.items()
        },
        "files": {name: file_hash(campaign.folder / name) for name in sheets}
        | {name: file_hash(path) for name, path in cyclers.items()}
        | crops.hashes,
        "refused": crops.refused,
        "remarks": sorted({remark for fold in folds for remark in fold.remarks}),
        "versions": {"ratescope": ratescope.__version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def _electrode_facts(electrode: Electrode, campaign: Campaign) -> dict[str, Any]:
    theoretical, per_litre = campaign.facts.theoretical_ah_per_kg, electrode.active_density_kg_per_l
    return {
        "porosity": electrode.porosity,
        "shown_as": electrode.name
        if electrode.porosity is None
        else f"{electrode.name} (ε = {electrode.porosity:.3g})",
        "theoretical": {"specific": theoretical, "density": None if per_litre is None else theoretical * per_litre},
    }


def _claim(folder: Path, settings: Settings, inputs: Mapping[str, Any], folds: Sequence[Fold], resume: bool) -> None:
    """Make the folder this run's, or check that it already is."""
    campaign_file, settings_file = folder / "campaign.json", folder / "settings.toml"
    if settings_file.is_file():
        if not resume:
            raise TrainingError(f"{folder} holds a run already. Go on with it by --resume, or choose another --out.")
        if read_settings(settings_file) != settings:
            raise TrainingError(
                f"{folder} was begun with other settings (see {settings_file}). "
                "Resume it with the same recipe, protocol and folds, or choose another --out."
            )
        earlier = json.loads(campaign_file.read_text(encoding="utf-8"))
        changed = [name for name, hashed in inputs["files"].items() if earlier["files"].get(name) != hashed]
        changed += [name for name in earlier["files"] if name not in inputs["files"]]
        if changed:
            raise TrainingError(
                f"{folder} was begun on other files: {', '.join(sorted(set(changed))[:3])} changed since. "
                "Bring them back, or choose another --out."
            )
        return
    prepare_folder(folder)
    write_csv(folder / "folds.csv", FOLD_COLUMNS, _fold_rows(folds))
    write_json(campaign_file, dict(inputs))
    write_text(settings_file, to_toml(settings))  # last: its presence says that the folder is claimed


def _fold_rows(folds: Sequence[Fold]) -> list[dict[str, Any]]:
    return [
        {"fold": number, "unit": fold.unit, "part": part, **crop._asdict()}
        for number, fold in enumerate(folds)
        for part, crops in _parts(fold).items()
        for crop in sorted(crops)
    ]


def _parts(fold: Fold) -> dict[str, frozenset[CropId]]:
    return {"train": fold.train, "validation": fold.validation, "test": fold.test}


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

    train_network(
        job.crops.pixels,
        _curves_by_crop(job),
        train=_indices(job, job.fold.train),
        validation=_indices(job, job.fold.validation),
        settings=job.settings,
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
    part_of = {crop: part for part, crops in _parts(job.fold).items() for crop in crops}
    for crop, truth, said in zip(job.crops.ids, measured, predicted, strict=True):
        if crop in part_of:
            shared = {"fold": job.number, "part": part_of[crop], **crop._asdict(), **who}
            for rate, true_value, value in zip(RATES_PER_H, truth, said, strict=True):
                yield shared | {"c_rate_per_h": rate, "measured": float(true_value), "predicted": float(value)}


def evaluate_run(run: Path, *, on_progress: OnProgress = no_progress) -> list[Path]:
    """Work out ``metrics.json`` and ``report.html`` of a run from its predictions; returns what was written.

    Raises
    ------
    InputError
        If the run is not finished.
    """
    parts = [capacity for capacity in CAPACITIES if (run / capacity / "fold_predictions.csv").is_file()]
    if not parts:
        raise InputError(
            f"{run} has no fold_predictions.csv under specific/ or density/: it is no finished run. "
            "Finish it with `ratescope train … --resume`."
        )
    evaluated = []
    for done, capacity in enumerate(parts, start=1):
        evaluated.append(_evaluate_capacity(run / capacity, capacity))
        on_progress(done, len(parts), "capacities evaluated")
    write_text(run / "report.html", training_report(_summary(run / parts[0], evaluated)))
    return [run / "report.html", *(run / capacity / "metrics.json" for capacity in parts)]


def _evaluate_capacity(folder: Path, capacity: Capacity) -> CapacityRun:
    inputs = _read_inputs(folder)
    names = {"electrode": str, "specimen": str, "file": str}
    table = pd.read_csv(folder / "fold_predictions.csv", dtype=names)
    baselines = pd.read_csv(folder / "baseline_predictions.csv", dtype=names)
    electrodes: Mapping[str, Any] = inputs["electrodes"]
    said = metrics(
        table,
        capacity,
        theoretical={name: facts["theoretical"][capacity] for name, facts in electrodes.items()},
        ladder={str(name): rung for name, rung in baselines.groupby("baseline")},
        cell_scatter={float(rate): spread for rate, spread in inputs["cell_scatter"][capacity].items()},
        porosity_of={name: facts["porosity"] for name, facts in electrodes.items() if facts["porosity"] is not None},
    )
    write_json(folder / "metrics.json", said | {"inputs": inputs["files"], "versions": inputs["versions"]})
    histories = {
        path.parent.name.replace("_", " "): pd.read_csv(path) for path in sorted(folder.glob("fold_*/history.csv"))
    }
    return CapacityRun(capacity, said, table, histories)


def _read_inputs(folder: Path) -> dict[str, Any]:
    inputs: dict[str, Any] = json.loads((folder / "campaign.json").read_text(encoding="utf-8"))
    return inputs


def _summary(folder: Path, evaluated: Sequence[CapacityRun]) -> RunSummary:
    inputs = _read_inputs(folder)
    settings = read_settings(folder / "settings.toml")
    electrodes: Mapping[str, Any] = inputs["electrodes"]
    in_order = sorted(electrodes, key=lambda name: (-(electrodes[name]["porosity"] or 0.0), name))
    return RunSummary(
        campaign=inputs["name"],
        learned_from=inputs["learned_from"],
        protocol=settings.folds.protocol,
        capacities=tuple(evaluated),
        settings_text=to_toml(settings),
        simulated=inputs["simulated"],
        remarks=tuple(inputs["remarks"]),
        name_of={name: electrodes[name]["shown_as"] for name in in_order},
        limits=LIMITS,
    )
