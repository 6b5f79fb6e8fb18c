"""What was held out under each protocol, in the words of the reports, and how far a model erred on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratescope.evaluation.ladder import best_rung
from ratescope.evaluation.metrics import NETWORK
from ratescope.records import Protocol
from ratescope.units import Capacity

UNIT_HELD_OUT: Mapping[Protocol, str] = {
    "by-electrode": "whole electrodes",
    "by-specimen": "whole specimens",
    "as-published": "crops drawn at random",
}
HELD_OUT: Mapping[Protocol, str] = {
    "by-electrode": "Every electrode was predicted by networks that had seen no crop of it. This is the error to "
    "expect for a new electrode of the same kind.",
    "by-specimen": "Every specimen was predicted by networks that had seen no crop of it, but had seen other specimens "
    "of the same electrode and their capacities. The error for a new electrode will be larger.",
    "as-published": "Crops were drawn at random, so neighbours of each tested crop, from the same micrograph, were "
    "trained on. This is the published way; the error for a new electrode will be much larger.",
}


@dataclass(frozen=True)
class HeldOutErrors:
    """Errors on what was held out, as mean absolute percentages per electrode; what is not known is None.

    Attributes
    ----------
    electrodes : int
        How many were predicted.
    mape_percent : float
        Over all C-rates.
    by_c_rate : mapping from the C-rate in 1/h, as text, to float
    rung, rung_mape_percent : str and float
        The best of the predictors without a network that need no more than the crop, and its error.
    """

    capacity: Capacity
    protocol: Protocol
    electrodes: int
    mape_percent: float | None
    by_c_rate: Mapping[str, float | None]
    rung: str | None
    rung_mape_percent: float | None


def held_out_errors(metrics: Mapping[str, Any], capacity: Capacity, protocol: Protocol) -> HeldOutErrors | None:
    """Read it off the content of a ``metrics.json``; None where nothing was held out."""
    if "test" not in metrics:
        return None
    network = metrics["test"][NETWORK]
    slices = network["per_electrode"]
    rung, error = best_rung(metrics["test"], "blind", "image") or (None, None)
    return HeldOutErrors(
        capacity,
        protocol,
        network["electrodes"],
        slices["overall"]["mape_percent"],
        {rate: score["mape_percent"] for rate, score in slices["by_c_rate"].items()},
        rung,
        error,
    )
