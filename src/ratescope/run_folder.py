"""The folder of a run: what was read and asked stands beside what came of it, to be traced and resumed."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ratescope
from ratescope.campaign.crops import CampaignCrops, file_hash
from ratescope.campaign.sheets import Campaign, Electrode
from ratescope.errors import TrainingError
from ratescope.evaluation.metrics import cell_scatter
from ratescope.files import prepare_folder, write_csv, write_json, write_text
from ratescope.records import CropId, Fold, RateCurve
from ratescope.settings import Settings, read_settings, to_toml
from ratescope.units import Capacity

SCHEMA = 1
FOLD_COLUMNS = ("fold", "unit", "part", "electrode", "specimen", "file", "section")

Inputs = dict[str, Any]
"""What ``campaign.json`` holds."""


def inputs_of(
    campaign: Campaign, crops: CampaignCrops, curves: Mapping[Capacity, Mapping[str, RateCurve]], folds: Sequence[Fold]
) -> Inputs:
    """What was read, by hash: a run can be traced to its files, and is not resumed on others."""
    sheets = ("campaign.toml", "electrodes.csv", "micrographs.csv", "cells.csv")
    cyclers = {c.path.relative_to(campaign.folder).as_posix(): c.path for c in campaign.cells if c.path}
    kind = "simulated micrographs" if campaign.facts.simulated else "micrographs"
    scatter = {capacity: cell_scatter(list(of_all.values())) for capacity, of_all in curves.items()}
    return {
        "schema": SCHEMA,
        "name": campaign.facts.name,
        "folder": str(campaign.folder),
        "simulated": campaign.facts.simulated,
        "learned_from": f"{len(campaign.micrographs)} {kind} of {len(campaign.electrodes)} electrodes",
        "electrodes": {name: electrode_facts(electrode, campaign) for name, electrode in campaign.electrodes.items()},
        "cell_scatter": {
            capacity: {f"{rate:g}": spread for rate, spread in by_rate.items()} for capacity, by_rate in scatter.items()
        },
        "files": {name: file_hash(campaign.folder / name) for name in sheets}
        | {name: file_hash(path) for name, path in cyclers.items()}
        | crops.hashes,
        "refused": crops.refused,
        "remarks": sorted({remark for fold in folds for remark in fold.remarks}),
        "versions": {"ratescope": ratescope.__version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def electrode_facts(electrode: Electrode, campaign: Campaign) -> dict[str, Any]:
    """What scores need to know of an electrode: its porosity, what to call it, its theoretical capacities."""
    theoretical, per_litre = campaign.facts.theoretical_ah_per_kg, electrode.active_density_kg_per_l
    return {
        "porosity": electrode.porosity,
        "shown_as": electrode.name + ("" if electrode.porosity is None else f" (ε = {electrode.porosity:.3g})"),
        "theoretical": {"specific": theoretical, "density": None if per_litre is None else theoretical * per_litre},
    }


def claim(folder: Path, settings: Settings, inputs: Inputs, folds: Sequence[Fold], *, resume: bool) -> None:
    """Make a folder this run's, or check that it already is.

    Raises
    ------
    TrainingError
        If it holds another run, or one that was not asked to be resumed.
    """
    settings_file = folder / "settings.toml"
    if settings_file.is_file():
        if not resume:
            raise TrainingError(f"{folder} holds a run already. Go on with it by --resume, or choose another --out.")
        if read_settings(settings_file) != settings:
            raise TrainingError(
                f"{folder} was begun with other settings (see {settings_file}). "
                "Resume it with the same recipe, protocol and folds, or choose another --out."
            )
        earlier = read_inputs(folder)["files"]
        if changed := [name for name in earlier | inputs["files"] if earlier.get(name) != inputs["files"].get(name)]:
            raise TrainingError(
                f"{folder} was begun on other files: {', '.join(sorted(changed)[:3])} changed since. "
                "Bring them back, or choose another --out."
            )
        return
    prepare_folder(folder)
    write_csv(folder / "folds.csv", FOLD_COLUMNS, _fold_rows(folds))
    write_json(folder / "campaign.json", inputs)
    write_text(settings_file, to_toml(settings))  # last: its presence says that the folder is claimed


def read_inputs(folder: Path) -> Inputs:
    """The ``campaign.json`` of one capacity's part of a run."""
    inputs: Inputs = json.loads((folder / "campaign.json").read_text(encoding="utf-8"))
    return inputs


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
