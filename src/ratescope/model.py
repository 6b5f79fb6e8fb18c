"""A trained model: where it lies, its ensembles, and what is known of it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from ratescope.errors import CheckpointError, InputError
from ratescope.evaluation.held_out import HeldOutErrors, held_out_errors
from ratescope.evaluation.metrics import NETWORK
from ratescope.evaluation.report import ModelCard
from ratescope.facts import FACTS
from ratescope.files import read_json
from ratescope.network.ensemble import Ensemble, load_ensemble
from ratescope.network.facts import Ensembles
from ratescope.run_folder import check_is_run, check_trained
from ratescope.settings import PrepareSettings, Settings, read_settings
from ratescope.units import CAPACITIES, Capacity

BUNDLED = Path(str(files("ratescope"))) / "bundled"
"""What ratescope brings along: an ensemble, micrographs, and the answers to expect of both."""
EVALUATE_AGAIN = "Write it again with `ratescope evaluate`, or copy the run again."
LIMITS = (
    "It knows the chemistry, the loadings and the microscope of the campaign that it learned from, and no other.",
    "A crop shows some twenty grains. The curve of a whole micrograph, or of several, is steadier than a section's.",
    "No picture shows the electrolyte, the transport in the binder, or how cells of one electrode scatter.",
)


def read_model(model: Path | None) -> dict[Capacity, Ensemble]:
    """The ensembles of a run, by capacity; the bundled ones where no run is named.

    Raises
    ------
    InputError
        If there is no such run, or its training did not end.
    CheckpointError
        If there are no trained networks, or they are damaged.
    """
    if model is not None:
        model = Path(model)
        check_is_run(model)
        check_trained(model)
    folder = BUNDLED / "ensemble" if model is None else model
    parts = [capacity for capacity in CAPACITIES if any((folder / capacity).glob("fold_*/weights.safetensors"))]
    if not parts:
        raise CheckpointError(
            f"{folder} holds no trained networks (specific/fold_0/weights.safetensors and so on). "
            "Name a run that `ratescope train` finished."
        )
    return {capacity: load_ensemble(folder / capacity) for capacity in parts}


def prepare_settings(model: Path | None) -> PrepareSettings:
    """How micrographs were prepared for a model's training: as they are to be for its predictions."""
    if model is not None:
        for path in sorted(Path(model).glob("*/settings.toml")):  # a run has the same for both capacities
            return read_settings(path).prepare
    return Settings().prepare  # the bundled ensemble, or weights alone


def model_card(ensembles: Ensembles, model: Path | None) -> ModelCard:
    """What a report says of the model that it used."""
    some = next(iter(ensembles.values()))
    told = tuple(
        f"It is also told {name}, and learned it from {low:.4g} to {high:.4g} {FACTS[name].unit}".rstrip() + " only."
        for name, (low, high) in zip(some.card.facts, some.card.fact_ranges, strict=False)
    )
    return ModelCard(
        name="the bundled ensemble" if model is None else f"the run {Path(model).resolve().name}",
        learned_from=some.card.trained_on,
        networks=len(some.networks),
        capacities=tuple(ensembles),
        simulated=some.card.simulated,
        limits=(*told, *LIMITS),
        errors=tuple(known for capacity in ensembles if (known := how_far_off(model, capacity)) is not None),
        afterwards=bundled_errors("afterwards") if model is None else (),
    )


def how_far_off(model: Path | None, capacity: Capacity) -> HeldOutErrors | None:
    """How far a model erred on what was held out of its training; None where that is not known."""
    if model is None:
        return next((known for known in bundled_errors("held_out") if known.capacity == capacity), None)
    metrics, settings = (Path(model) / capacity / name for name in ("metrics.json", "settings.toml"))
    if not metrics.is_file() or not settings.is_file():
        return None
    return held_out_errors(read_metrics(metrics), capacity, read_settings(settings).folds.protocol)


def read_metrics(path: Path) -> dict[str, Any]:
    """A ``metrics.json`` in which, if anything was held out, the network's errors by C-rate stand.

    Raises
    ------
    InputError
        If it is damaged.
    """
    content = read_json(path, remedy=EVALUATE_AGAIN)
    if "test" in content and "by_c_rate" not in content["test"].get(NETWORK, {}).get("per_electrode", {}):
        raise InputError(f"{path} lacks the network's errors per electrode. {EVALUATE_AGAIN}")
    return content


def bundled_errors(asked: Literal["held_out", "afterwards"]) -> tuple[HeldOutErrors, ...]:
    """How far single networks of the bundled ensemble erred on what was held out, or their mean on later electrodes."""
    card = read_json(BUNDLED / "ensemble" / "card.json", asked, remedy="Install ratescope again.")
    return tuple(HeldOutErrors(**entry) for entry in card[asked])
