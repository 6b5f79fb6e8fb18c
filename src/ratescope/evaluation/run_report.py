"""The report of a training run: what was asked, what was held out, and how the network stands beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ratescope.evaluation.figures import (
    MOST_CURVES,
    SPREAD_LABEL,
    implied_porosity_svg,
    ladder_svg,
    measured_and_predicted_svg,
    ordered,
    parity_svg,
    training_svg,
)
from ratescope.evaluation.ladder import ELECTRODE_POROSITY, LADDER, best_rung, figure_rungs
from ratescope.evaluation.metrics import NETWORK, PARTS, electrode_means, mape_percent
from ratescope.evaluation.pages import template
from ratescope.evaluation.pictures import svg_uri
from ratescope.records import Protocol
from ratescope.units import CAPACITY_NAME, Capacity

HELD_OUT: Mapping[Protocol, str] = {
    "by-electrode": "Every electrode was predicted by networks that had seen no crop of it. This is the error to "
    "expect for a new electrode of the same kind.",
    "by-specimen": "Every specimen was predicted by networks that had seen no crop of it, but had seen other specimens "
    "of the same electrode and their capacities. The error for a new electrode will be larger.",
    "as-published": "Crops were drawn at random, so neighbours of each tested crop, from the same micrograph, were "
    "trained on. This is the published way; the error for a new electrode will be much larger.",
}


@dataclass(frozen=True, eq=False)
class CapacityRun:
    """One capacity's part of a training run: what stands in its folder.

    Attributes
    ----------
    metrics : dict
        As `ratescope.evaluation.metrics.metrics` gives it.
    fold_predictions : DataFrame
        The columns of ``fold_predictions.csv``.
    histories : mapping from the fold's name, such as "fold 0", to a DataFrame
        The columns ``step, train_mape_percent, validation_mape_percent`` of ``history.csv``.
    oracles : mapping from an oracle's name to its scores
        The floor of a virtual campaign under the same folds; empty where truth is unknown.
    """

    capacity: Capacity
    metrics: Mapping[str, Any]
    fold_predictions: pd.DataFrame
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    oracles: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RunSummary:
    """What was asked of a training run and what came of it.

    Attributes
    ----------
    learned_from : str
        A phrase such as "45 simulated micrographs of five electrodes".
    settings_text : str
        All settings, as TOML.
    remarks : tuple of str
        What the reader must know, such as that early stopping could not see memorising.
    name_of : mapping from electrode to the name that figures show
        In the order to show them, such as by porosity.
    limits : tuple of str
        Where not to trust these networks, a sentence each.
    implied : DataFrame, or None
        As `ratescope.evaluation.implied_porosity.implied_porosity` gives it; None unless both capacities were trained.
    """

    campaign: str
    learned_from: str
    protocol: Protocol
    capacities: tuple[CapacityRun, ...]
    settings_text: str
    simulated: bool
    remarks: tuple[str, ...] = ()
    name_of: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    implied: pd.DataFrame | None = None


def training_report(run: RunSummary) -> str:
    """The whole report as one HTML file without outside resources."""
    return template("training.html").render(
        title=f"Training run on {run.campaign}",
        run=run,
        held_out=HELD_OUT[run.protocol],
        chapters=[_chapter(run, part) for part in run.capacities],
        network=NETWORK,
        parts=PARTS,
        spread_label=SPREAD_LABEL,
        most_curves=MOST_CURVES,
        ladder=LADDER,
        looked_up=run.protocol != "by-electrode",
        implied=_implied_chapter(run),
    )


def _chapter(run: RunSummary, part: CapacityRun) -> dict[str, Any]:
    """What the template shows of one capacity."""
    test = part.fold_predictions[part.fold_predictions["part"] == "test"].dropna(subset=["measured", "predicted"])
    scores = part.metrics.get("test", {})
    return {
        "name": CAPACITY_NAME[part.capacity],
        "ladder": svg_uri(ladder_svg(figure_rungs(scores, part.oracles))) if scores else None,
        "told": scores.get(ELECTRODE_POROSITY),
        "fewer": [name for name, score in scores.items() if _values_of(score) < _values_of(scores[NETWORK])],
        "metrics": part.metrics,
        "rate_heads": [f"{rate}C" for rate in _slice_of(scores, "by_c_rate")],
        "porosity_heads": [f"{100 * float(porosity):.0f} %" for porosity in _slice_of(scores, "by_porosity")],
        "electrodes": ordered(map(str, test["electrode"].unique()), run.name_of),
        "best_rung": best_rung(scores, "blind", "image"),
        "parity": None if test.empty else svg_uri(parity_svg(test, part.capacity)),
        "curves": None if test.empty else svg_uri(measured_and_predicted_svg(test, part.capacity, name_of=run.name_of)),
        "training": svg_uri(training_svg(part.histories)) if part.histories else None,
        "folds": _fold_rows(part.fold_predictions),
        "oracles": part.oracles,
    }


def _slice_of(scores: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return dict(scores[NETWORK]["per_electrode"][name]) if scores else {}


def _values_of(score: Mapping[str, Any]) -> int:
    return int(score["per_crop"]["overall"]["values"])


def _implied_chapter(run: RunSummary) -> dict[str, Any] | None:
    """What the template shows of the porosity that both networks imply."""
    if run.implied is None or run.implied[run.implied["part"] == "test"]["implied_porosity"].dropna().empty:
        return None
    test = run.implied[run.implied["part"] == "test"]
    has_area = bool(test["area_porosity"].notna().any())
    scores = run.capacities[0].metrics["implied_porosity"]
    return {
        "figure": svg_uri(implied_porosity_svg(test)) if has_area else None,
        "scores": scores,
        "electrodes": ordered(scores["by_electrode"], run.name_of),
    }


def _fold_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Fold by fold: what was tested, and the errors of its parts in percent."""
    known = table.dropna(subset=["measured", "predicted"])
    rows = []
    for fold, of_fold in known.groupby("fold"):
        parts = {name: of_fold[of_fold["part"] == name] for name in PARTS}
        means = electrode_means(parts["test"])
        rows.append(
            {
                "fold": fold,
                "tested": sorted(map(str, parts["test"]["electrode"].unique())),
                "crops": len(parts["test"][["file", "section"]].drop_duplicates()),
                "errors": [mape_percent(part["measured"], part["predicted"]) for part in parts.values()],
                "per_electrode": mape_percent(means["measured"], means["predicted"]),
            }
        )
    return rows
