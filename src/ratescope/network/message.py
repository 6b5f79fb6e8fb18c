"""What the first process of a team tells its helpers: tensors and text as safetensors, nothing to be executed."""

from __future__ import annotations

import json
import tomllib

import torch
from safetensors.torch import load, save

from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import metadata_of
from ratescope.network.progress import Progress, start_progress, take_over, tensors_of, under
from ratescope.network.training_set import TrainingSet
from ratescope.settings import Settings, from_table, to_toml


def to_message(given: TrainingSet, progress: Progress, settings: Settings) -> bytes:
    """A training as it stands, and all that it needs."""
    tensors = {f"progress.{name}": tensor.contiguous() for name, tensor in tensors_of(progress).items()}
    tensors |= {f"facts.{name}": torch.from_numpy(values) for name, values in given.facts.items()}
    for name in ("crops", "curves", "train", "validation"):
        tensors[name] = torch.from_numpy(getattr(given, name)).contiguous()
    about = {"c_rates_per_h": given.c_rates_per_h, "facts": list(given.facts), "parts": progress.parts}
    return save(tensors, {"settings": to_toml(settings), "about": json.dumps(about)})


def from_message(content: bytes) -> tuple[TrainingSet, Progress, Settings]:
    """The same training in another process."""
    said = metadata_of(content)
    about, settings = json.loads(said["about"]), from_table(Settings, tomllib.loads(said["settings"]))
    tensors = load(content)
    given = TrainingSet(
        crops=tensors["crops"].numpy(),
        curves=tensors["curves"].numpy(),
        c_rates_per_h=tuple(about["c_rates_per_h"]),
        train=tensors["train"].numpy(),
        validation=tensors["validation"].numpy(),
        facts={name: tensors[f"facts.{name}"].numpy() for name in about["facts"]},
    )
    with torch.random.fork_rng(devices=[]):
        network = RateNetwork(settings.network, rates=len(given.c_rates_per_h), facts=len(given.facts))
    progress = start_progress(network, settings.train, "", about["parts"])
    take_over(progress, under("progress.", tensors))
    return given, progress, settings
