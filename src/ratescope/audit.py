"""Whether a run's ensemble looks away from artefacts: they are planted into clean crops, and the answers compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.crop_facts import facts_of_crops
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import InputError
from ratescope.evaluation.planting import ARTEFACTS
from ratescope.facts import Facts
from ratescope.files import write_csv
from ratescope.predict import read_model
from ratescope.records import OnProgress, Prediction, no_progress
from ratescope.settings import read_settings

CROPS = 20  # our choice: enough for a mean, quick on a laptop
COLUMNS = ("capacity", "artefact", "c_rate_per_h", "predicted", "mean_shift", "mean_absolute_shift", "spread", "unit")


def audit_run(run: Path, *, on_progress: OnProgress = no_progress) -> tuple[list[Path], list[str]]:
    """Write ``audit.csv`` into a run; returns what was written, and the findings as sentences.

    Raises
    ------
    InputError
        If the campaign that the run learned from is not where it was.
    """
    rows: list[dict[str, Any]] = []
    said: list[str] = []
    ensembles = read_model(run)
    for capacity, ensemble in ensembles.items():
        crops, facts = _crops_of(run / capacity, on_progress)
        clean = ensemble.predict(crops, facts)
        shifts = {}
        for done, (name, plant) in enumerate(ARTEFACTS.items(), start=1):
            planted = np.stack([plant(crop) for crop in crops])
            shifts[name] = ensemble.predict(planted, facts).predicted - clean.predicted
            on_progress(done, len(ARTEFACTS), f"{capacity}: artefacts planted")
        rows += _rows(clean, shifts)
        said += _sentences(clean, shifts)
    write_csv(run / "audit.csv", COLUMNS, rows)
    return [run / "audit.csv"], said


def _crops_of(folder: Path, on_progress: OnProgress) -> tuple[NDArray[np.uint8], Facts]:
    """Crops spread evenly over the campaign that the run learned from, and what its networks were told of them."""
    campaign_folder = Path(json.loads((folder / "campaign.json").read_text(encoding="utf-8"))["folder"])
    if not campaign_folder.is_dir():
        raise InputError(f"{folder} learned from {campaign_folder}, which is not there. Bring the campaign back.")
    settings = read_settings(folder / "settings.toml")
    campaign = read_campaign(campaign_folder)
    crops = prepare_campaign(campaign, settings.prepare, on_progress=on_progress)
    facts = facts_of_crops(campaign, crops.ids, crops.thickness_um, settings.train.facts)
    chosen = np.unique(np.linspace(0, len(crops.ids) - 1, CROPS).astype(int))
    return crops.pixels[chosen], {name: values[chosen] for name, values in facts.items()}


def _rows(clean: Prediction, shifts: Mapping[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    return [
        {
            "capacity": clean.capacity,
            "artefact": name,
            "c_rate_per_h": float(rate),
            "predicted": float(clean.predicted[:, at].mean()),
            "mean_shift": float(shift[:, at].mean()),
            "mean_absolute_shift": float(np.abs(shift[:, at]).mean()),
            "spread": float(clean.spread[:, at].mean()) if len(clean.by_network) > 1 else None,
            "unit": clean.unit,
        }
        for name, shift in shifts.items()
        for at, rate in enumerate(clean.c_rates_per_h)
    ]


def _sentences(clean: Prediction, shifts: Mapping[str, NDArray[np.float64]]) -> Sequence[str]:
    said = []
    for name, shift in shifts.items():
        worst = int(np.abs(shift).mean(axis=0).argmax())
        moved = float(np.abs(shift[:, worst]).mean())
        share = 100.0 * moved / float(clean.predicted[:, worst].mean())
        said.append(
            f"a planted {name} moves the {clean.capacity} prediction by {moved:.1f} {clean.unit} "
            f"({share:.0f} %) at {clean.c_rates_per_h[worst]:g}C, where it moves it most"
        )
    return said
