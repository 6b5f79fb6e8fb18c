"""Weights on disk: safetensors, float16 for weights and float32 for what batch norm counted, and a card of identity.

Nothing is executed when such a file is read. A checksum over all of it tells damage from a network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
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


@dataclass(frozen=True)
class NetworkCard:
    """What a user of a network must know of it.

    Attributes
    ----------
    mean_colour : three floats, 0…255
        Of the training crops: occlusion covers with it (section 2.7).
    facts : tuple of str
        Names of the scalar inputs beside the crop, in their order.
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
    content = json.dumps(about | {"checksum": _checksum(tensors, about)})
    # One key alone: safetensors writes several in a random order, and equal networks would differ in their bytes.
    write_bytes(path, save(tensors, {"ratescope": content}))


def load_network(path: Path) -> tuple[RateNetwork, NetworkCard]:
    """Read a network, in evaluation mode, and its card.

    Raises
    ------
    CheckpointError
        If the file is missing, cut short, altered, or of another schema or architecture.
    """
    try:
        content = path.read_bytes()
        tensors, about = load(content), _about(content)
        checksum = about.pop("checksum")
        settings = from_table(NetworkSettings, about["network"], "network")
        card = _card(path, about["card"])
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}). Give a run of ratescope train.") from error
    except (SafetensorError, ValueError, KeyError, TypeError, SettingsError) as error:
        raise CheckpointError(f"{path}: not weights of ratescope, or cut short. Copy it again.") from error
    if checksum != _checksum(tensors, about):
        raise CheckpointError(f"{path}: altered since it was written: its checksum differs. Copy it again.")
    network = RateNetwork(settings, rates=len(card.c_rates_per_h), facts=len(card.facts))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: weights of another architecture than its card says. Train it again.") from error
    return network.eval(), card


def round_weights(network: RateNetwork) -> None:
    """Round the weights in place to what a file holds, so that what is evaluated is what is saved."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(weight.to(torch.float16))


def _about(content: bytes) -> dict[str, Any]:
    """What stands in the header of a safetensors file beside the tensors: eight bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    about: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ratescope"])
    return about


def _card(path: Path, table: dict[str, Any]) -> NetworkCard:
    if (schema := table["schema"]) != SCHEMA:
        raise CheckpointError(
            f"{path}: is of schema {schema}; this ratescope reads schema {SCHEMA}. "
            "Use the version of ratescope that wrote it."
        )
    known = {field.name for field in fields(NetworkCard)}
    return from_table(NetworkCard, {key: value for key, value in table.items() if key in known}, "card")


def _checksum(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].numpy().tobytes())
    total.update(json.dumps(about, sort_keys=True).encode())
    return total.hexdigest()
