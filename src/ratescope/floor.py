"""The floor of a virtual campaign: how far perfect knowledge errs, under the same folds as a network.

Three oracles, each told more or less than the truth folder knows:

    electrode oracle   the electrode's true porosity, particle size and thickness; not the scatter of its cells, nor
                       what light microscopy cannot show
    field oracle       the true phases of all crops of the electrode, and in a second answer the thickness beside them
    crop oracle        the true phases of the one crop, and in a second answer the thickness beside them

What is left as their error is what no network can be expected to learn from these images.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratescope.campaign.crops import CampaignCrops, prepare_campaign
from ratescope.campaign.folds import make_folds
from ratescope.campaign.hashes import file_hash
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import Campaign, read_campaign
from ratescope.errors import CampaignError, TrainingError
from ratescope.evaluation.metrics import NETWORK, metrics
from ratescope.files import write_json
from ratescope.jobs import run_jobs
from ratescope.oracles.answers import ORACLES, OracleJob, Truth, Values, ask, regressors_of
from ratescope.records import CropId, Fold, OnProgress, Protocol, RateCurve, no_progress
from ratescope.run_folder import electrode_facts
from ratescope.settings import Settings
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity
from ratescope.virtual_lab.phase_map import FEATURES, phase_features, true_phases, true_thickness_um

SCHEMA = 1
PROTOCOLS: tuple[Protocol, ...] = ("by-electrode", "by-specimen", "as-published")
MAY_ANSWER_LIKE = (
    ("crop with thickness", "crop", "thickness ignored"),
    ("field", "crop", "crop by crop"),
    ("field with thickness", "field", "thickness ignored"),
    ("field with thickness", "crop with thickness", "crop by crop"),
    ("field with thickness", "crop", "crop by crop, thickness ignored"),
)
"""Who is told more may ignore it, and who knows all crops may answer crop by crop: (oracle, as which, in words)."""
_NOT_READ = ("floor.json", "failures.json")  # of the truth: what is written here, and what the sheets leave out
ELECTRODE_FACTS = ("porosity", "particle_d50_um", "thickness_um")


def write_floor(folder: Path, *, jobs: int = 1, on_progress: OnProgress = no_progress) -> Path:
    """Work out ``truth/floor.json`` of a virtual campaign, or leave it if nothing has changed; returns its path.

    Raises
    ------
    CampaignError
        If the campaign has no truth: it is not a virtual one.
    """
    campaign = read_campaign(folder)
    target, truth_file = folder / "truth" / "floor.json", folder / "truth" / "electrodes.json"
    if not truth_file.is_file():
        raise CampaignError(
            f"{folder} has no truth/electrodes.json: only a virtual campaign knows its floor. "
            "Make one with `ratescope lab`."
        )
    key = _key(folder)
    if _read(target).get("key") == key:
        return target
    settings = Settings()
    tests = rate_tests(campaign, on_progress=on_progress)
    measured = {capacity: measured_curves(tests, capacity) for capacity in CAPACITIES}
    crops = prepare_campaign(campaign, settings.prepare, jobs=jobs, on_progress=on_progress)
    truth = _read_truth(folder, crops, jobs, on_progress)
    write_json(
        target,
        {
            "schema": SCHEMA,
            "simulated": True,
            "key": key,
            "what": "errors of oracles on the test part of each fold: the limit for predictions from these images",
            "fold_seed": settings.train.seed,
            "cell_scatter_percent": {capacity: _cell_scatter_percent(measured[capacity]) for capacity in CAPACITIES},
            "crops": _scatter_between_crops(truth),
            "protocols": _protocols(campaign, truth, measured, settings, jobs, on_progress),
        },
    )
    return target


def floor_under(folder: Path, settings: Settings) -> tuple[dict[Capacity, Any], list[str]]:
    """The floor under networks of a campaign, by capacity and oracle, and what is to be said of it.

    It is empty where nothing is known, or what is known is of other folds or of files that have changed since.
    """
    content = _read(folder / "truth" / "floor.json")
    protocol = content.get("protocols", {}).get(settings.folds.protocol, {})
    if content.get("fold_seed") != settings.train.seed or protocol.get("folds") != settings.folds.count:
        return {}, []
    if content.get("key") != _key(folder):
        return {}, ["The oracles are left out: files of the campaign changed after truth/floor.json was worked out."]
    return {capacity: protocol[capacity] for capacity in CAPACITIES}, []


def _key(folder: Path) -> str:
    """Changes when the content of any file that the floor is worked out from does, and with nothing else.

    Not with the times of files: two campaigns of one plan have one floor, and a copy has that of its original.
    """
    patterns = ("campaign.toml", "*.csv", "micrographs/*", "cycler/*", "truth/*.json", "truth/*_phases.png")
    files = {file for pattern in patterns for file in folder.glob(pattern) if file.name not in _NOT_READ}
    seen = {file.relative_to(folder).as_posix(): file_hash(file) for file in files}
    content = json.dumps([SCHEMA, asdict(Settings().prepare), seen], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _read(target: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(target.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}  # not there yet, or cut short by other hands: worked out anew


def _read_truth(folder: Path, crops: CampaignCrops, jobs: int, on_progress: OnProgress) -> Truth:
    known = json.loads((folder / "truth" / "electrodes.json").read_text(encoding="utf-8"))["electrodes"]
    electrodes = {facts["name"]: np.array([facts[name] for name in ELECTRODE_FACTS], float) for facts in known}
    files = sorted({crop.file for crop in crops.ids})
    job = partial(_true_features, truth=folder / "truth", crops=crops)
    seen: dict[CropId, Values] = {}
    for features in run_jobs(
        job, files, jobs=jobs, on_done=lambda done: on_progress(done, len(files), "phase maps read")
    ):
        seen |= features
    return Truth(electrodes, seen)


def _true_features(file: str, truth: Path, crops: CampaignCrops) -> dict[CropId, Values]:
    """True features of all crops of one micrograph."""
    places = [place for place, crop in enumerate(crops.ids) if crop.file == file]
    phases = true_phases(truth, file, crops.level_to_file[file], [crops.boxes[place] for place in places])
    if phases is None:
        raise CampaignError(
            f"{truth} does not know the phases of {file}. Make the campaign again with `ratescope lab`."
        )
    thickness_um = true_thickness_um(truth, file)
    return {
        crops.ids[place]: np.append(phase_features(of_crop), thickness_um)
        for place, of_crop in zip(places, phases, strict=True)
    }


def _cell_scatter_percent(curves: Mapping[str, RateCurve]) -> dict[str, float | None]:
    """Deviation between cells of one electrode relative to their mean, by C-rate; None with one cell each."""
    squares: dict[float, list[float]] = {rate: [] for rate in RATES_PER_H}
    for curve in curves.values():
        spread = np.full(len(curve.c_rates_per_h), np.nan) if curve.spread is None else curve.spread
        for rate, deviation, mean in zip(curve.c_rates_per_h.tolist(), spread, curve.values, strict=True):
            if rate in squares and np.isfinite(deviation):
                squares[rate].append(float(deviation / mean) ** 2)
    return {f"{rate:g}": round(100.0 * float(np.sqrt(np.mean(of))), 3) if of else None for rate, of in squares.items()}


def _scatter_between_crops(truth: Truth) -> dict[str, Any]:
    """True area porosity of an electrode's crops beside the porosity of its volume."""
    by_electrode: dict[str, list[float]] = defaultdict(list)
    for crop, features in truth.crops.items():
        by_electrode[crop.electrode].append(float(features[FEATURES.index("area_porosity")]))
    return {
        name: {
            "crops": len(seen),
            "porosity": float(truth.electrodes[name][0]),
            "area_porosity_mean": round(float(np.mean(seen)), 5),
            "area_porosity_sd": round(float(np.std(seen, ddof=1)), 5) if len(seen) > 1 else None,
        }
        for name, seen in sorted(by_electrode.items())
    }


def _protocols(
    campaign: Campaign,
    truth: Truth,
    measured: Mapping[Capacity, Mapping[str, RateCurve]],
    settings: Settings,
    jobs: int,
    on_progress: OnProgress,
) -> dict[str, Any]:
    learned = [curves_to_learn(campaign, measured[capacity]) for capacity in CAPACITIES]
    curves = {name: np.concatenate([of_capacity[name] for of_capacity in learned]) for name in learned[0]}
    folds_of, content = _folds(truth, settings)
    todo = [
        (protocol, OracleJob(number, fold, oracle, regressor, truth, curves))
        for protocol, folds in folds_of.items()
        for oracle in ORACLES
        for number, fold in enumerate(folds)
        for regressor in regressors_of(oracle, fold)
    ]
    rows: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    answers = run_jobs(
        ask,
        [job for _, job in todo],
        jobs=jobs,
        on_done=lambda done: on_progress(done, len(todo), "oracles asked"),
    )
    for (protocol, job), (crops, said) in zip(todo, answers, strict=True):
        rows[protocol, job.oracle, job.regressor] += _rows(job, crops, said)
    for protocol, folds in folds_of.items():
        content[protocol] = {"unit": folds[0].unit, "folds": len(folds)} | {
            capacity: _scores({key[1:]: of for key, of in rows.items() if key[0] == protocol}, campaign, capacity)
            for capacity in CAPACITIES
        }
    return content


def _folds(truth: Truth, settings: Settings) -> tuple[dict[Protocol, list[Fold]], dict[str, Any]]:
    """The folds of each protocol, drawn as for a network of the paper's recipe; for the others, why there are none."""
    folds: dict[Protocol, list[Fold]] = {}
    impossible: dict[str, Any] = {}
    electrodes = len({crop.electrode for crop in truth.crops})
    for protocol in PROTOCOLS:
        count = min(settings.folds.count, electrodes) if protocol == "by-electrode" else settings.folds.count
        try:
            folds[protocol] = make_folds(list(truth.crops), protocol, count, np.random.default_rng(settings.train.seed))
        except TrainingError as error:
            impossible[protocol] = {"impossible": str(error)}
    return folds, impossible


def _rows(job: OracleJob, crops: Sequence[CropId], said: Values) -> Iterator[dict[str, Any]]:
    """An answer as rows of ``fold_predictions.csv``, with the capacity that each row is of."""
    values = [(capacity, rate) for capacity in CAPACITIES for rate in RATES_PER_H]
    for crop, curve in zip(crops, said, strict=True):
        shared = {"fold": job.number, "part": "test", **crop._asdict(), "network": job.number}
        for (capacity, rate), true_value, value in zip(values, job.curves[crop.electrode], curve, strict=True):
            known = {"capacity": capacity, "c_rate_per_h": rate, "measured": float(true_value)}
            yield shared | known | {"predicted": float(value)}


def _scores(
    rows: Mapping[tuple[str, str], Sequence[dict[str, Any]]], campaign: Campaign, capacity: Capacity
) -> dict[str, Any]:
    """Errors of each oracle with its best regressor, and those of every regressor that was tried.

    The best is the one of the smallest error on the test parts, which flatters the oracle a little: a limit may err
    to that side, not to the other.
    """
    facts = {name: electrode_facts(electrode, campaign) for name, electrode in campaign.electrodes.items()}
    theoretical = {name: fact["theoretical"][capacity] for name, fact in facts.items()}
    scores: dict[str, dict[str, Any]] = defaultdict(dict)
    for (oracle, regressor), of_all in rows.items():
        table = pd.DataFrame([row for row in of_all if row["capacity"] == capacity])
        scores[oracle][regressor] = metrics(table, capacity, theoretical=theoretical)["test"][NETWORK]
    tried = {oracle: dict(of_oracle) for oracle, of_oracle in scores.items()}
    for more, less, how in MAY_ANSWER_LIKE:
        tried[more] |= {f"{name}, {how}": score for name, score in scores[less].items()}
    return {oracle: _best(tried[oracle], per_crop=oracle.startswith("crop")) for oracle in ORACLES}


def _best(scores: Mapping[str, dict[str, Any]], *, per_crop: bool) -> dict[str, Any]:
    slices = ("per_crop", "per_electrode") if per_crop else ("per_electrode",)
    errors = {name: score[slices[0]]["overall"]["mape_percent"] for name, score in scores.items()}
    best = min(errors, key=lambda name: float(errors[name]))
    return {"regressor": best, "tried_mape_percent": errors} | {name: scores[best][name] for name in slices}
