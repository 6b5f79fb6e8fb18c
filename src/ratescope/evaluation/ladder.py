"""The rungs of the ladder by name: where their knowledge comes from, and what a report says of them.

`ratescope.baselines.ladder` climbs them; here is only what readers need to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratescope.evaluation.figures import Kind, Rung
from ratescope.evaluation.metrics import NETWORK

MEAN_CURVE = "mean curve"
LIGHT_ALONE = "light alone, looked up"
THRESHOLDED = "curve at thresholded porosity"
GAUSSIAN_PROCESS = "texture, Gaussian process"
BOOSTED_TREES = "texture, boosted trees"
ELECTRODE_POROSITY = "curve at the electrode's porosity"
TRUE_POROSITY = "curve at the crop's true porosity"

TWENTY_NUMBERS = "twenty numbers of the crop (shares, chords, two-point distance, granulometry, grey textures)"
LADDER: Mapping[str, tuple[Kind, str]] = {
    MEAN_CURVE: ("blind", "the mean of the training curves: what is known without looking"),
    LIGHT_ALONE: (
        "leak",
        (
            "the colour of grains and of what is dark between them, and nothing else: the curve of the training crop "
            "whose light is most like it. Where other crops of the same micrograph were trained on, this looks the "
            "curve up, and a network can too"
        ),
    ),
    THRESHOLDED: ("image", "the training curves, read at the share of the crop that is darker than grains"),
    GAUSSIAN_PROCESS: ("image", f"{TWENTY_NUMBERS}, through a Gaussian process, which is a smooth fit"),
    BOOSTED_TREES: ("image", "the same twenty numbers, through gradient-boosted trees, which are many small decisions"),
    ELECTRODE_POROSITY: (
        "told",
        "the training curves, read at the porosity that the sheets tell (mass and thickness): no image is needed",
    ),
    TRUE_POROSITY: (
        "truth",
        "the training curves, read at the true pore area of the crop's field: simulated campaigns alone know it",
    ),
}
"""Rung → (kind, words), from the bottom up."""

ORACLE_WORDS: Mapping[str, str] = {
    "crop": "is told what a perfect eye would see of grains, pores, carbon and binder in the crop",
    "field": "is told the same of all held-out crops of the electrode together",
    "electrode": "is told the electrode's true porosity, particle size and thickness",
}
"""What each oracle is told; those named "with thickness" are told the coating's thickness too."""

ORACLE_RUNGS = ("crop", "field", "electrode")  # those told the thickness too stand in the table below the figure


def best_rung(scores: Mapping[str, Any], *kinds: Kind) -> tuple[str, float] | None:
    """The rung of these kinds with the smallest error per electrode, and that error in percent; None without one.

    ``scores`` are those of one part: predictor → slices, as in ``metrics.json``. A rung that is not known here counts
    as one that looks.
    """
    errors = {
        name: score["per_electrode"]["overall"]["mape_percent"]
        for name, score in scores.items()
        if name != NETWORK and _kind_of(name) in kinds
    }
    known = {name: error for name, error in errors.items() if error is not None}
    return min(known.items(), key=lambda rung: rung[1]) if known else None


def figure_rungs(scores: Mapping[str, Any], oracles: Mapping[str, Any]) -> list[Rung]:
    """The lines of the ladder's figure: what does not look, what looks, the network, what is told; then the oracles."""
    order: dict[Kind, int] = {"blind": 0, "leak": 1, "image": 2, "network": 3, "told": 4, "truth": 5}
    rungs = [_rung(name, _kind_of(name), score) for name, score in scores.items()]
    asked = [_rung(f"oracle of the {name}", "truth", oracles[name]) for name in ORACLE_RUNGS if name in oracles]
    return sorted(rungs, key=lambda rung: order[rung.kind]) + asked


def _kind_of(name: str) -> Kind:
    return "network" if name == NETWORK else LADDER.get(name, ("image", ""))[0]


def _rung(name: str, kind: Kind, score: Mapping[str, Any]) -> Rung:
    folds = score["per_electrode"].get("over_folds", {}).get("mape_percent")
    return Rung(
        name,
        kind,
        per_electrode=score["per_electrode"]["overall"]["mape_percent"],
        per_crop=score.get("per_crop", {}).get("overall", {}).get("mape_percent"),
        over_folds=(folds["lowest"], folds["highest"]) if folds else None,
    )
