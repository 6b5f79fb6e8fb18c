"""Whether a run can be trusted: planted artefacts, maps without their weights, hidden places, maps over the truth.

read the run and its campaign → plant artefacts → check the maps → audit.html and its tables
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.attribution.checks import (
    DELETION_COLUMNS,
    LIKENESS_COLUMNS,
    deletion_rows,
    likeness_rows,
    relevance_by_crop,
    square_px,
)
from ratescope.attribution.witnesses import Witnesses, evenly, witnesses_among
from ratescope.campaign.crop_facts import facts_of_crops
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import InputError
from ratescope.evaluation.audit_report import AuditSummary, CapacityAudit, Example, audit_report, planted_verdicts
from ratescope.evaluation.audit_tables import PLANTED_COLUMNS, RELEVANCE_COLUMNS, Planted, planted_rows, relevance_rows
from ratescope.evaluation.held_out import UNIT_HELD_OUT
from ratescope.evaluation.planting import ARTEFACTS, HIDING, other_material, planted_where
from ratescope.files import write_csv, write_text
from ratescope.model import read_metrics, read_model
from ratescope.network.ensemble import Ensemble
from ratescope.records import CropId, OnProgress, Prediction, no_progress
from ratescope.run_folder import changed_since, hashes_of, read_inputs
from ratescope.settings import read_settings
from ratescope.virtual_lab.phase_map import REGIONS


@dataclass(frozen=True)
class Extent:
    """How many crops each question is asked of: a minute per capacity for five networks at a quarter of the resolution.

    Attributes
    ----------
    planted : int
        Artefacts: enough for a mean with an interval.
    cascades : int
        Random weights, the slowest question per crop: so many pairs of a network and a crop, in turn.
    hidden, random_orders : int
        Places hidden in order; each random order is as good as another.
    laid : int
        Maps over the truth: as many micrographs as give an interval, and four to each of five electrodes.
    """

    planted: int = 20
    cascades: int = 5
    hidden: int = 3
    random_orders: int = 2
    laid: int = 20


EXTENT = Extent()


def audit_run(
    run: Path, *, extent: Extent = EXTENT, on_progress: OnProgress = no_progress
) -> tuple[list[Path], list[str]]:
    """Write ``audit.html`` and its tables into a run; returns what was written, and the findings as sentences.

    Raises
    ------
    InputError
        If the campaign that the run learned from is not where it was, or no longer as it was.
    """
    parts = []
    ensembles = read_model(run)
    for capacity, ensemble in ensembles.items():
        witnesses = _witnesses(run / capacity, extent, on_progress)
        parts.append(_audit_capacity(run / capacity, ensemble, witnesses, extent, on_progress))
    said = [f"a planted {name} {words}" for part in parts for name, words in planted_verdicts(part.planted).items()]
    some = run / parts[0].capacity
    inputs, held_out = read_inputs(some), UNIT_HELD_OUT[read_settings(some / "settings.toml").folds.protocol]
    facts = ensembles[parts[0].capacity].card.facts
    summary = AuditSummary(
        run.resolve().name, inputs["learned_from"], inputs["simulated"], held_out, facts, tuple(parts)
    )
    return _write(run, summary), said


def _write(run: Path, summary: AuditSummary) -> list[Path]:
    """All at the end, the report last: a run that was audited before keeps what it has until all of it is known."""
    report = audit_report(summary)
    tables: dict[str, tuple[Sequence[str], str]] = {
        "audit.csv": (PLANTED_COLUMNS, "planted"),
        "audit_sanity.csv": (LIKENESS_COLUMNS, "likeness"),
        "audit_deletion.csv": (DELETION_COLUMNS, "hidden"),
        "audit_relevance.csv": (RELEVANCE_COLUMNS, "relevance"),
    }
    written = []
    for name, (columns, rows_of) in tables.items():
        write_csv(run / name, columns, [row for part in summary.capacities for row in getattr(part, rows_of)])
        written.append(run / name)
    write_text(run / "audit.html", report)
    return [run / "audit.html", *written]


def _witnesses(folder: Path, extent: Extent, on_progress: OnProgress) -> Witnesses:
    """Crops of the campaign that the networks learned from."""
    campaign_folder = Path(read_inputs(folder)["folder"])
    if not campaign_folder.is_dir():
        raise InputError(f"{folder} learned from {campaign_folder}, which is not there. Bring the campaign back.")
    settings = read_settings(folder / "settings.toml")
    campaign = read_campaign(campaign_folder)
    crops = prepare_campaign(campaign, settings.prepare, on_progress=on_progress)
    if changed := changed_since(folder, hashes_of(campaign, crops)):
        raise InputError(
            f"{campaign_folder} is not what {folder} learned from: {', '.join(changed[:3])} changed since. "
            "Bring these files back."
        )
    facts = facts_of_crops(campaign, crops.ids, crops.thickness_um, settings.train.facts)
    return witnesses_among(crops, facts, campaign_folder / "truth", max(extent.planted, extent.laid))


def _audit_capacity(
    folder: Path, ensemble: Ensemble, witnesses: Witnesses, extent: Extent, on_progress: OnProgress
) -> CapacityAudit:
    def tell(done: int, total: int, what: str) -> None:
        on_progress(done, total, f"{ensemble.capacity}: {what}")

    measured_error = _measured_error(folder)
    planted, example = _plant(ensemble, witnesses, extent, tell)
    cascades = witnesses.asked(ensemble, extent.cascades)
    hidden = witnesses.asked(ensemble, extent.hidden)
    return CapacityAudit(
        ensemble.capacity,
        networks=len(ensemble.networks),
        crops=len(planted.crops),
        micrographs=len({crop.file for crop in planted.crops}),
        electrodes=len({crop.electrode for crop in planted.crops}),
        cell_px=ensemble.networks[0].settings.cell_px,
        square_px=square_px(ensemble),
        planted=planted_rows(planted, measured_error),
        likeness=list(likeness_rows(cascades, extent.cascades, on_progress=tell)),
        hidden=list(deletion_rows(hidden, random_orders=extent.random_orders, on_progress=tell)),
        relevance=_relevance(folder, ensemble, witnesses, extent, tell),
        example=example,
    )


def _plant(
    ensemble: Ensemble, witnesses: Witnesses, extent: Extent, on_progress: OnProgress
) -> tuple[Planted, Example]:
    """Predictions of clean crops, with each artefact, and with other material where it hides any."""
    chosen = evenly(len(witnesses.ids), extent.planted)
    pixels, facts = witnesses.pixels[chosen], {name: values[chosen] for name, values in witnesses.facts.items()}
    clean = ensemble.predict(pixels, facts)
    planted, other = {}, {}
    for done, (name, plant) in enumerate(ARTEFACTS.items(), start=1):
        planted[name] = ensemble.predict(np.stack([plant(crop) for crop in pixels]), facts).predicted
        if name in HIDING:
            where = planted_where(name)
            swapped = np.stack([other_material(crop, where) for crop in pixels])
            other[name] = ensemble.predict(swapped, facts).predicted
        on_progress(done, len(ARTEFACTS), "artefacts planted")
    ids = tuple(witnesses.ids[place] for place in chosen)
    return Planted(ids, clean, planted, other), _example(ids, pixels, clean, planted)


def _example(
    ids: Sequence[CropId], pixels: NDArray[np.uint8], clean: Prediction, planted: dict[str, NDArray[np.float64]]
) -> Example:
    """The crop in the middle, at the C-rate in the middle."""
    crop, rate = len(ids) // 2, len(clean.c_rates_per_h) // 2
    said = {"": clean.predicted, **planted}
    name = f"{ids[crop].electrode}, {Path(ids[crop].file).name}, section {ids[crop].section}"
    predicted = {artefact: float(values[crop, rate]) for artefact, values in said.items()}
    return Example(name, pixels[crop], float(clean.c_rates_per_h[rate]), predicted)


def _measured_error(folder: Path) -> dict[float, float]:
    """Mean absolute error of what was held out, by electrode, at each C-rate; empty where that was not evaluated."""
    path = folder / "metrics.json"
    if not path.is_file():
        return {}
    metrics = read_metrics(path)
    if "test" not in metrics:
        return {}
    by_rate = metrics["test"]["network"]["per_electrode"]["by_c_rate"]
    return {float(rate): score["mae"] for rate, score in by_rate.items() if score["mae"] is not None}


def _relevance(
    folder: Path, ensemble: Ensemble, witnesses: Witnesses, extent: Extent, on_progress: OnProgress
) -> list[dict[str, Any]]:
    """What lies under the maps; nothing where the truth is unknown."""
    known = [asked for asked in witnesses.asked(ensemble, extent.laid) if asked.regions is not None]
    if not known:
        return []
    told = relevance_by_crop(known, REGIONS, on_progress=on_progress)
    electrodes = read_inputs(folder)["electrodes"]
    porosity_of = {name: facts["porosity"] for name, facts in electrodes.items()}
    ids = [asked.crop for asked in known]
    return list(relevance_rows(ensemble.capacity, ensemble.c_rates_per_h, told, ids, porosity_of, REGIONS))
