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
from ratescope.evaluation.held_out import HELD_OUT, UNIT_HELD_OUT
from ratescope.evaluation.ladder import (
    ELECTRODE_POROSITY,
    LADDER,
    LIGHT_ALONE,
    ORACLE_WORDS,
    best_rung,
    figure_rungs,
)
from ratescope.evaluation.metrics import NETWORK, PARTS, electrode_means
from ratescope.evaluation.pages import template
from ratescope.evaluation.pictures import svg_uri
from ratescope.evaluation.scores import mape_percent
from ratescope.records import Protocol
from ratescope.units import CAPACITY_NAME, Capacity

CROP = ["electrode", "specimen", "file", "section"]  # what names a crop


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
        unit_held_out=UNIT_HELD_OUT[run.protocol],
        held_out=HELD_OUT[run.protocol],
        counts=_counts(run.capacities[0].fold_predictions),
        chapters=[_chapter(run, part) for part in run.capacities],
        network=NETWORK,
        parts=PARTS,
        spread_label=SPREAD_LABEL,
        most_curves=MOST_CURVES,
        ladder=LADDER,
        told_rung=ELECTRODE_POROSITY,
        oracle_words=ORACLE_WORDS,
        looked_up=run.protocol != "by-electrode",
        implied=_implied_chapter(run),
    )


def _counts(table: pd.DataFrame) -> dict[str, Any]:
    """How much there was to learn from, and how the folds dealt it out: crops by part as (fewest, most) of a fold."""
    crops = table.drop_duplicates(["fold", "part", *CROP])
    by_fold = crops.groupby(["part", "fold"]).size()
    return {
        "electrodes": table["electrode"].nunique(),
        "specimens": len(table.drop_duplicates(CROP[:2])),
        "micrographs": table["file"].nunique(),
        "crops": len(crops.drop_duplicates(CROP)),
        "tested": len(crops[crops["part"] == "test"].drop_duplicates(CROP)),
        "rates": [f"{rate:g}" for rate in sorted(table["c_rate_per_h"].unique())],
        "folds": table["fold"].nunique(),
        "by_part": {part: (of.min(), of.max()) for part, of in by_fold.groupby(level="part")},
    }


def _chapter(run: RunSummary, part: CapacityRun) -> dict[str, Any]:
    """What the template shows of one capacity."""
    test = part.fold_predictions[part.fold_predictions["part"] == "test"].dropna(subset=["measured", "predicted"])
    scores = part.metrics.get("test", {})
    electrodes = map(str, part.fold_predictions["electrode"].unique())
    return {
        "name": CAPACITY_NAME[part.capacity],
        "ladder": svg_uri(ladder_svg(figure_rungs(scores, part.oracles))) if scores else None,
        "told": scores.get(ELECTRODE_POROSITY),
        "light": scores.get(LIGHT_ALONE),
        "fewer": [name for name, score in scores.items() if _values_of(score) < _values_of(scores[NETWORK])],
        "metrics": part.metrics,
        "rate_heads": [f"{rate}C" for rate in _slice_of(scores, "by_c_rate")],
        "porosity_heads": [f"{100 * float(porosity):.0f} %" for porosity in _slice_of(scores, "by_porosity")],
        "rates": [(rate, f"{rate}C") for rate in _slice_of(scores, "by_c_rate")],
        "porosities": [(key, f"{100 * float(key):.0f} % porosity") for key in _porosities(part.metrics)],
        "electrodes": [(name, run.name_of.get(name, name)) for name in ordered(electrodes, run.name_of)],
        "best_rung": best_rung(scores, "blind", "image"),
        "parity": None if test.empty else svg_uri(parity_svg(test, part.capacity)),
        "curves": None if test.empty else svg_uri(measured_and_predicted_svg(test, part.capacity, name_of=run.name_of)),
        "training": svg_uri(training_svg(part.histories)) if part.histories else None,
        "folds": _fold_rows(part.fold_predictions, run.name_of),
        "oracles": part.oracles,
    }


def _slice_of(scores: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return dict(scores[NETWORK]["per_electrode"][name]) if scores else {}


def _porosities(metrics: Mapping[str, Any]) -> list[str]:
    """Those of every part: a run of some folds alone tests fewer than it trains on."""
    return sorted({key for part in PARTS for key in _slice_of(metrics.get(part, {}), "by_porosity")})


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


def _fold_rows(table: pd.DataFrame, name_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """Fold by fold: what was tested, the crops of its parts, and their errors in percent."""
    known = table.dropna(subset=["measured", "predicted"])
    every = known["electrode"].nunique()
    rows = []
    for fold, of_fold in known.groupby("fold"):
        parts = {name: of_fold[of_fold["part"] == name] for name in PARTS}
        means = electrode_means(parts["test"])
        tested = ordered(map(str, parts["test"]["electrode"].unique()), name_of)
        rows.append(
            {
                "fold": fold,
                "tested": [name_of.get(name, name) for name in tested],
                "tests_all": len(tested) == every > 1,
                "crops": [len(part[CROP].drop_duplicates()) for part in parts.values()],
                "errors": [mape_percent(part["measured"], part["predicted"]) for part in parts.values()],
                "per_electrode": mape_percent(means["measured"], means["predicted"]),
            }
        )
    return rows
