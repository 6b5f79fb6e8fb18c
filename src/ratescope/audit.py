"""Whether a run's ensemble looks away from artefacts: they are planted into clean crops, and the answers compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import InputError
from ratescope.evaluation.planting import ARTEFACTS
from ratescope.files import write_csv
from ratescope.network.ensemble import Ensemble
from ratescope.predict import read_model
from ratescope.records import OnProgress, no_progress
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
        crops = _crops_of(run / capacity, on_progress)
        shifts = {}
        for done, (name, plant) in enumerate(ARTEFACTS.items(), start=1):
            planted = np.stack([plant(crop) for crop in crops])
            shifts[name] = (ensemble.predict(planted).predicted - ensemble.predict(crops).predicted).astype(float)
            on_progress(done, len(ARTEFACTS), f"{capacity}: artefacts planted")
        rows += _rows(ensemble, crops, shifts)
        said += _sentences(ensemble, crops, shifts)
    write_csv(run / "audit.csv", COLUMNS, rows)
    return [run / "audit.csv"], said


def _crops_of(folder: Path, on_progress: OnProgress) -> NDArray[np.uint8]:
    """Crops spread evenly over the campaign that the run learned from."""
    campaign_folder = Path(json.loads((folder / "campaign.json").read_text(encoding="utf-8"))["folder"])
    if not campaign_folder.is_dir():
        raise InputError(f"{folder} learned from {campaign_folder}, which is not there. Bring the campaign back.")
    settings = read_settings(folder / "settings.toml")
    crops = prepare_campaign(read_campaign(campaign_folder), settings.prepare, on_progress=on_progress).pixels
    return np.asarray(crops[np.unique(np.linspace(0, len(crops) - 1, CROPS).astype(int))])


def _rows(
    ensemble: Ensemble, crops: NDArray[np.uint8], shifts: Mapping[str, NDArray[np.float64]]
) -> list[dict[str, Any]]:
    clean = ensemble.predict(crops)
    return [
        {
            "capacity": ensemble.capacity,
            "artefact": name,
            "c_rate_per_h": rate,
            "predicted": float(clean.predicted[:, at].mean()),
            "mean_shift": float(shift[:, at].mean()),
            "mean_absolute_shift": float(np.abs(shift[:, at]).mean()),
            "spread": float(clean.spread[:, at].mean()) if len(ensemble.networks) > 1 else None,
            "unit": clean.unit,
        }
        for name, shift in shifts.items()
        for at, rate in enumerate(ensemble.c_rates_per_h)
    ]


def _sentences(
    ensemble: Ensemble, crops: NDArray[np.uint8], shifts: Mapping[str, NDArray[np.float64]]
) -> Sequence[str]:
    clean = ensemble.predict(crops)
    said = []
    for name, shift in shifts.items():
        worst = int(np.abs(shift).mean(axis=0).argmax())
        moved = float(np.abs(shift[:, worst]).mean())
        share = 100.0 * moved / float(clean.predicted[:, worst].mean())
        said.append(
            f"a planted {name} moves the {ensemble.capacity} prediction by {moved:.1f} {clean.unit} "
            f"({share:.0f} %) at {ensemble.c_rates_per_h[worst]:g}C, where it moves it most"
        )
    return said
