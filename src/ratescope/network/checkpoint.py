"""Weights on disk: safetensors, float16 for weights and float32 for what batch norm counted, and a card of identity.

Nothing is executed when such a file is read. A checksum over all of it tells damage from a network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

import ratescope
from ratescope.errors import CheckpointError, SettingsError
from ratescope.files import write_bytes
from ratescope.network.architecture import RateNetwork
from ratescope.settings import NetworkSettings, from_table
from ratescope.units import UNIT_OF, Capacity

SCHEMA = 1
_COPY_AGAIN = "Copy it again, or remove it and train that fold again with `ratescope train … --resume`."
_TRAIN_AGAIN = "Remove it and train that fold again with `ratescope train … --resume`."


@dataclass(frozen=True)
class NetworkCard:
    """What a user of a network must know of it.

    Attributes
    ----------
    mean_colour : three floats, 0…255
        Of the training crops: occlusion covers with it (section 2.7).
    facts : tuple of str
        Names of the scalar inputs beside the crop, in their order.
    fact_ranges : tuple of two floats each
        The lowest and the highest that the training crops had of each fact; empty where it is not known.
    trained_on : str
        In words; what is simulated is called simulated.
    simulated : bool
        Whether the crops or the curves were.
    arithmetic : str
        Of the convolutions while training; predictions are always float32.
    fingerprint : str
        Of the settings and of everything that the network was trained on.
    """

    capacity: Capacity
    c_rates_per_h: tuple[float, ...]
    mean_colour: tuple[float, float, float]
    facts: tuple[str, ...] = ()
    fact_ranges: tuple[tuple[float, float], ...] = ()
    trained_on: str = "not stated"
    simulated: bool = False
    arithmetic: str = "float32"
    seed: int = 0
    fingerprint: str = ""
    ratescope_version: str = ratescope.__version__
    schema: int = SCHEMA

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L."""
        return UNIT_OF[self.capacity]


def save_network(path: Path, network: RateNetwork, card: NetworkCard) -> None:
    """Write a network and its card, whole or not at all."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    tensors |= {name: tensors[name].to(torch.float16) for name, _ in network.named_parameters()}
    about = {"card": asdict(card) | {"unit": card.unit}, "network": asdict(network.settings)}
    content = json.dumps(about | {"checksum": checksum_of(tensors, about)})
    # One key alone: safetensors writes several in a random order, and equal networks would differ in their bytes.
    write_bytes(path, save(tensors, {"ratescope": content}))


def load_network(path: Path) -> tuple[RateNetwork, NetworkCard]:
    """Read a network, in evaluation mode, and its card.

    Raises
    ------
    CheckpointError
        If the file is missing, cut short, altered, of another schema or architecture, or holds what is no number.
    """
    try:
        content = path.read_bytes()
        tensors, about = load(content), json.loads(metadata_of(content)["ratescope"])
        checksum = about.pop("checksum")
        settings = from_table(NetworkSettings, about["network"], "network")
        card = _card(path, about["card"])
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}). Give a run of ratescope train.") from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, SettingsError) as error:
        raise CheckpointError(f"{path}: not weights of ratescope, or cut short. {_COPY_AGAIN}") from error
    if checksum != checksum_of(tensors, about):
        raise CheckpointError(f"{path}: altered since it was written: its checksum differs. {_COPY_AGAIN}")
    _check_tensors(path, tensors, settings, card)
    network = RateNetwork(settings, rates=len(card.c_rates_per_h), facts=len(card.facts))
    network.load_state_dict(tensors)
    return network.eval(), card


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], settings: NetworkSettings, card: NetworkCard) -> None:
    """Refuse what does not fit before memory is asked for: a checksum proves no honesty."""
    with torch.device("meta"):
        wanted = RateNetwork(settings, rates=len(card.c_rates_per_h), facts=len(card.facts)).state_dict()
    if {name: tensor.shape for name, tensor in wanted.items()} != {n: tensor.shape for n, tensor in tensors.items()}:
        raise CheckpointError(f"{path}: weights of another architecture than its card says. {_TRAIN_AGAIN}")
    if unknown := [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]:
        raise CheckpointError(f"{path}: {unknown[0]} holds values that are no numbers. {_TRAIN_AGAIN}")


def round_weights(network: RateNetwork) -> None:
    """Round the weights in place to what a file holds, so that what is evaluated is what is saved."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(weight.to(torch.float16))


def metadata_of(content: bytes) -> dict[str, str]:
    """What stands in the header of a safetensors file beside the tensors: eight bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def _card(path: Path, table: dict[str, Any]) -> NetworkCard:
    if (schema := table["schema"]) != SCHEMA:
        raise CheckpointError(
            f"{path}: is of schema {schema}; this ratescope reads schema {SCHEMA}. "
            "Use the version of ratescope that wrote it."
        )
    known = {field.name for field in fields(NetworkCard)}
    card = from_table(NetworkCard, {key: value for key, value in table.items() if key in known}, "card")
    rates = card.c_rates_per_h
    if not rates or not all(0.0 < low < high for low, high in pairwise((*rates, inf))):
        raise CheckpointError(f"{path}: C-rates must rise from above zero, but its card names {rates}. {_TRAIN_AGAIN}")
    return card


def checksum_of(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """Of tensors with their names, and of what is said beside them: it tells damage, and proves no honesty."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].numpy().tobytes())
    total.update(json.dumps(about, sort_keys=True).encode())
    return total.hexdigest()
