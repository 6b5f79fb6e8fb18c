"""The folder of a run: what was read and asked stands beside what came of it, to be traced and resumed."""

from __future__ import annotations

import csv
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import ratescope
from ratescope.campaign.crops import CampaignCrops
from ratescope.campaign.entries import CampaignFacts
from ratescope.campaign.hashes import file_hash
from ratescope.campaign.sheets import Campaign, Electrode
from ratescope.counted import counted
from ratescope.errors import InputError, TrainingError
from ratescope.evaluation.metrics import cell_scatter
from ratescope.files import check_folder, prepare_folder, read_json, write_csv, write_json, write_text
from ratescope.records import CropId, Fold, RateCurve
from ratescope.settings import Settings, read_settings, to_toml
from ratescope.units import CAPACITIES, Capacity, skeletal_density_g_per_cm3

SCHEMA = 1
FOLD_COLUMNS = ("fold", "unit", "part", "electrode", "specimen", "file", "section")

Inputs = dict[str, Any]
"""What ``campaign.json`` holds."""
INPUT_KEYS = (
    "schema", "name", "folder", "simulated", "learned_from", "electrodes", "solid_active_kg_per_l", "cell_scatter",
    "files", "refused", "remarks", "versions",
)  # fmt: skip
_COPY_AGAIN = "Copy the run again, or train into another --out."


def inputs_of(
    campaign: Campaign, crops: CampaignCrops, curves: Mapping[Capacity, Mapping[str, RateCurve]], folds: Sequence[Fold]
) -> Inputs:
    """What was read, by hash: a run can be traced to its files, and is not resumed on others."""
    kind = "simulated micrographs" if campaign.facts.simulated else "micrographs"
    scatter = {capacity: cell_scatter(list(of_all.values())) for capacity, of_all in curves.items()}
    return {
        "schema": SCHEMA,
        "name": campaign.facts.name,
        "folder": str(campaign.folder.resolve()),
        "simulated": campaign.facts.simulated,
        "learned_from": f"{len(campaign.micrographs)} {kind} of {len(campaign.electrodes)} electrodes",
        "electrodes": {name: electrode_facts(electrode, campaign) for name, electrode in campaign.electrodes.items()},
        "solid_active_kg_per_l": solid_active_kg_per_l(campaign.facts),
        "cell_scatter": {
            capacity: {f"{rate:g}": spread for rate, spread in by_rate.items()} for capacity, by_rate in scatter.items()
        },
        "files": hashes_of(campaign, crops),
        "refused": crops.refused,
        "remarks": sorted({remark for fold in folds for remark in fold.remarks}),
        "versions": {
            "ratescope": ratescope.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": version("torch"),
        },
    }


def hashes_of(campaign: Campaign, crops: CampaignCrops) -> dict[str, str]:
    """Of every file that a run is made from: sheets, cycler files and micrographs, by name."""
    names = ("campaign.toml", "electrodes.csv", "micrographs.csv", "cells.csv")
    sheets = {name: campaign.folder / name for name in names}
    cyclers = {_name_in(campaign.folder, cell.path): cell.path for cell in campaign.cells if cell.path}
    return {name: file_hash(path) for name, path in (sheets | cyclers).items()} | crops.hashes


def _name_in(folder: Path, path: Path) -> str:
    """A file as its campaign's folder sees it; one that lies elsewhere by its whole path."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def solid_active_kg_per_l(facts: CampaignFacts) -> float:
    """Active material per litre of the coating's solid without pores: skeletal density × active fraction by weight."""
    fractions = facts.weight_fractions
    skeletal = skeletal_density_g_per_cm3(fractions, facts.densities_g_per_cm3)
    return skeletal * fractions["active"] / sum(fractions.values())


def electrode_facts(electrode: Electrode, campaign: Campaign) -> dict[str, Any]:
    """What scores need to know of an electrode: its porosity, what to call it, its theoretical capacities."""
    theoretical, per_litre = campaign.facts.theoretical_ah_per_kg, electrode.active_density_kg_per_l
    return {
        "porosity": electrode.porosity,
        "shown_as": electrode.name
        + ("" if electrode.porosity is None else f" (ε = {100.0 * electrode.porosity:.1f} %)"),
        "theoretical": {"specific": theoretical, "density": None if per_litre is None else theoretical * per_litre},
    }


def claim(folder: Path, settings: Settings, inputs: Inputs, folds: Sequence[Fold], *, resume: bool) -> None:
    """Make a folder this run's, or check that it already is.

    Raises
    ------
    TrainingError
        If it holds another run, or one that was not asked to be resumed, or the other capacity beside it was learned
        from other files.
    """
    check_free(folder, settings, resume=resume)
    settings_file = folder / "settings.toml"
    if settings_file.is_file():
        check_unchanged(folder, inputs["files"])
        _note_versions(folder, read_inputs(folder), inputs["versions"])
        return
    for other in _others(folder):
        if changed := changed_since(other, inputs["files"]):
            raise TrainingError(
                f"{other} beside it learned from other files: {', '.join(changed[:3])}. Both capacities of a run are "
                "of one campaign: choose another --out."
            )
    prepare_folder(folder)
    write_csv(folder / "folds.csv", FOLD_COLUMNS, _fold_rows(folds))
    write_json(folder / "campaign.json", inputs)
    write_text(settings_file, to_toml(settings))  # last: its presence says that the folder is claimed


def check_free(folder: Path, settings: Settings, *, resume: bool) -> None:
    """What `claim` can refuse before anything was read: a campaign takes minutes to prepare.

    Raises
    ------
    OutputError
        If the folder cannot be made or written.
    TrainingError
        If it holds a run with other settings, or one that was not asked to be resumed, or the other capacity beside it
        was trained with other settings.
    """
    check_folder(folder)
    settings_file = folder / "settings.toml"
    if not settings_file.is_file():
        for other in _others(folder):
            if read_settings(other / "settings.toml") != settings:
                raise TrainingError(
                    f"{other} beside it was trained with other settings (see its settings.toml). Both capacities of a "
                    "run share recipe, protocol and folds: ask for the same, or choose another --out."
                )
        return
    if not resume:
        raise TrainingError(f"{folder} holds a run already. Go on with it by --resume, or choose another --out.")
    if read_settings(settings_file) != settings:
        raise TrainingError(
            f"{folder} was begun with other settings (see {settings_file}). "
            "Resume it with the same recipe, protocol and folds, or choose another --out."
        )


def check_unchanged(folder: Path, files: Mapping[str, str]) -> None:
    """Refuse to go on with a run that was begun on other files, given by name and hash.

    Raises
    ------
    TrainingError
        If it was; a folder that holds no run yet was not.
    """
    if not (folder / "settings.toml").is_file():
        return
    if changed := changed_since(folder, files):
        raise TrainingError(
            f"{folder} was begun on other files: {', '.join(changed[:3])} changed since. "
            "Bring them back, or choose another --out."
        )


def changed_since(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Which files, given by name and hash, are not as a run found them when it was begun."""
    return sorted(_unlike(read_inputs(folder)["files"], files))


def _others(folder: Path) -> list[Path]:
    """The other capacities of the same run that were begun."""
    beside = [folder.parent / capacity for capacity in CAPACITIES if capacity != folder.name]
    return [other for other in beside if (other / "settings.toml").is_file()]


def _unlike(earlier: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name in {**earlier, **now} if earlier.get(name) != now.get(name)]


def _note_versions(folder: Path, earlier: Inputs, now: Mapping[str, str]) -> None:
    """Other versions are no reason to refuse, but the report shall say that they were mixed."""
    if changed := _unlike(earlier["versions"], now):
        said = ", ".join(f"{name} {earlier['versions'].get(name, '(not noted)')}" for name in changed)
        remark = (
            f"Begun with {said}, resumed with {', '.join(f'{name} {now[name]}' for name in changed if name in now)}: "
            "the networks may differ in their last digits from those of an undisturbed training."
        )
        remarks = list(dict.fromkeys([*earlier["remarks"], remark]))
        write_json(folder / "campaign.json", earlier | {"remarks": remarks})


def provenance(folder: Path) -> dict[str, Any]:
    """Where the numbers of one capacity's part of a run come from: input hashes, settings, seed, versions."""
    inputs, settings = read_inputs(folder), read_settings(folder / "settings.toml")
    return {
        "inputs": inputs["files"],
        "settings": asdict(settings),
        "seed": settings.train.seed,
        "versions": inputs["versions"],
    }


def check_is_run(run: Path) -> None:
    """Say of a path that it is no folder, before its content is found wanting.

    Raises
    ------
    InputError
        If it does not exist, or is a file.
    """
    if not run.is_dir():
        seen = "is a file" if run.exists() else "does not exist"
        raise InputError(f"{run} {seen}, but a run is a folder: what `ratescope train` was given as --out. Name that.")


def check_trained(run: Path) -> None:
    """Refuse a run whose training did not end: fewer networks than were asked for are another ensemble.

    Folds that the recipe leaves out (``folds.only``) are no gap, and a folder of weights alone, without
    ``settings.toml``, is taken as it is.

    Raises
    ------
    InputError
        If networks of a capacity that was begun are not trained yet.
    TrainingError
        If it cannot be read how many there were to be.
    """
    trained, wanted = {}, {}
    for capacity in CAPACITIES:
        folder = run / capacity
        if not (folder / "settings.toml").is_file():
            continue
        folds = _folds_asked_for(folder)
        wanted[capacity] = len(folds)
        trained[capacity] = sum((folder / f"fold_{fold}" / "weights.safetensors").is_file() for fold in folds)
    if trained != wanted:
        counts = " and ".join(f"{trained[name]} of {counted(wanted[name], f'{name} network')}" for name in wanted)
        raise InputError(
            f"{run} is not finished: it holds {counts}. "
            f"Finish it with `ratescope train CAMPAIGN --out {run} --resume` and the options that it was begun with."
        )


def _folds_asked_for(folder: Path) -> set[int]:
    if only := read_settings(folder / "settings.toml").folds.only:
        return set(only)
    try:
        with (folder / "folds.csv").open(encoding="utf-8", newline="") as file:
            folds = {int(row["fold"]) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder / 'folds.csv'} cannot be read ({error!r}). {_COPY_AGAIN}") from error
    if not folds:
        raise TrainingError(f"{folder / 'folds.csv'} is empty. {_COPY_AGAIN}")
    return folds


def read_inputs(folder: Path) -> Inputs:
    """The ``campaign.json`` of one capacity's part of a run.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    return read_json(folder / "campaign.json", *INPUT_KEYS, remedy=_COPY_AGAIN)


def _fold_rows(folds: Sequence[Fold]) -> list[dict[str, Any]]:
    return [
        {"fold": number, "unit": fold.unit, "part": part, **crop._asdict()}
        for number, fold in enumerate(folds)
        for part, crops in parts_of(fold).items()
        for crop in sorted(crops)
    ]


def parts_of(fold: Fold) -> dict[str, frozenset[CropId]]:
    """A fold's parts by name."""
    return {"train": fold.train, "validation": fold.validation, "test": fold.test}
