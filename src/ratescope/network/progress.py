"""Where a training stands, all of it, and the one file that lets it go on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ratescope.errors import TrainingError
from ratescope.files import write_bytes
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import checksum_of
from ratescope.network.optimiser import Lookahead
from ratescope.settings import TrainSettings

_BEGIN_ANEW = "Remove the folder of this fold, then --resume: the fold is trained anew, the others stay."
HISTORY_COLUMNS = ("step", "epoch", "learning_rate", "train_loss", "train_mape_percent", "validation_mape_percent")


@dataclass(eq=False)
class Progress:
    """A training between two steps; the only thing here that changes while it lives.

    Attributes
    ----------
    best : dict of tensors
        The network's state when it did best on the validation part.
    fingerprint : str
        Of the settings and the training set.
    parts : int
        In how many parts a batch was cut when the training began: batch norm compares the crops of each by itself.
    epochs_since_best : int
    sums : list of two floats
        Loss and MAPE added up over the steps of the running epoch.
    history : list of rows
        One per epoch, as `HISTORY_COLUMNS` names them.
    """

    network: RateNetwork
    optimiser: Lookahead
    best: dict[str, Tensor]
    fingerprint: str
    parts: int = 1
    best_mape: float = float("inf")
    epochs_since_best: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    history: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Updates so far."""
        return self.optimiser.steps

    def move_to(self, device: torch.device) -> None:
        """Go on there: the network, and what the optimiser keeps of its weights."""
        tensors = self.optimiser.tensors()
        self.network.to(device)
        self.optimiser = Lookahead(self.network.parameters(), self.optimiser.settings)
        self.optimiser.restore(tensors)

    def count_step(self, loss: float, error: float) -> None:
        """Add one step to the running epoch."""
        self.sums = [self.sums[0] + loss, self.sums[1] + error]

    def close_epoch(self, epoch: int, rate: float, validation_mape: float, *, counts: bool) -> None:
        """Write the epoch into the history; if it counts, keep the weights where they are the best so far."""
        steps = self.steps - (int(self.history[-1][0]) if self.history else 0)
        means = [total / steps for total in self.sums]
        self.history.append((self.steps, epoch, rate, *means, validation_mape))
        self.sums = [0.0, 0.0]
        if not counts:
            return
        self.epochs_since_best += 1
        if validation_mape < self.best_mape:
            self.best_mape, self.epochs_since_best, self.best = validation_mape, 0, copy_of_state(self.network)


def start_progress(network: RateNetwork, settings: TrainSettings, fingerprint: str, parts: int = 1) -> Progress:
    """Before the first step."""
    return Progress(network, Lookahead(network.parameters(), settings), copy_of_state(network), fingerprint, parts)


def copy_of_state(network: RateNetwork) -> dict[str, Tensor]:
    """The network's state, which the next step does not change."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def write_progress(path: Path, progress: Progress) -> None:
    """Write everything that the next step depends on, whole or not at all."""
    whole = {name: tensor.contiguous() for name, tensor in tensors_of(progress).items()}
    about: dict[str, Any] = {"fingerprint": progress.fingerprint, "parts": progress.parts}
    content = json.dumps(about | {"checksum": checksum_of(whole, about)})
    # One key alone: safetensors writes several in a random order, and equal states would differ in their bytes. Not
    # its `save_file`: that leaves a file of a random name behind when it is killed.
    write_bytes(path, save(whole, {"training": content}))


def tensors_of(progress: Progress) -> dict[str, Tensor]:
    """Everything that the next step depends on, as it stands and not copied."""
    tensors = {f"network.{name}": tensor for name, tensor in progress.network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best.items()}
    tensors |= {f"optimiser.{name}": tensor for name, tensor in progress.optimiser.tensors().items()}
    marks = [progress.best_mape, progress.epochs_since_best, *progress.sums]
    tensors["marks"] = torch.tensor(marks, dtype=torch.float64)
    tensors["history"] = torch.tensor(progress.history, dtype=torch.float64).reshape(-1, len(HISTORY_COLUMNS))
    return tensors


def read_progress(path: Path, progress: Progress) -> None:
    """Bring a training that was just started to where the file left it.

    Raises
    ------
    TrainingError
        If the file is damaged, or belongs to other settings or other crops.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["training"])
            checksum, found, parts = about.pop("checksum"), str(about["fingerprint"]), int(about["parts"])
            # Copied, because the mapped file is soon replaced by the next one.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  it is no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path}: damaged ({error}). {_BEGIN_ANEW}") from error
    if checksum != checksum_of(tensors, about):
        raise TrainingError(f"{path}: altered since it was written: its checksum differs. {_BEGIN_ANEW}")
    check_same_training(path, found, progress.fingerprint)
    try:
        take_over(progress, tensors)
        progress.network.load_state_dict(progress.best)  # would else be missed only when the training ends
        progress.network.load_state_dict(under("network.", tensors))
    except (KeyError, RuntimeError, ValueError, OverflowError) as error:
        raise TrainingError(f"{path}: lacks tensors. {_BEGIN_ANEW}") from error
    progress.parts = parts


def take_over(progress: Progress, tensors: Mapping[str, Tensor]) -> None:
    """Bring a training that was just started to where `tensors_of` found another one."""
    progress.network.load_state_dict(under("network.", tensors))
    progress.optimiser.restore(under("optimiser.", tensors))
    progress.best = under("best.", tensors)
    progress.best_mape, since_best, *progress.sums = tensors["marks"].tolist()
    progress.epochs_since_best = int(since_best)
    progress.history = [tuple(row) for row in tensors["history"].tolist()]


def check_same_training(path: Path, found: str, wanted: str) -> None:
    """Refuse to go on with other settings or other crops than a training began with."""
    if found != wanted:
        raise TrainingError(
            f"{path}: was begun with other settings, crops or capacities (fingerprint {found[:8]}, now {wanted[:8]}). "
            "Resume with the same campaign, recipe and --start-from, or train into another --out; "
            "a file that was copied here by mistake: remove it, then --resume."
        )


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
