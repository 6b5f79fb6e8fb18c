"""The networks of the folds together: their mean is the prediction, their standard deviation the spread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratescope.errors import CheckpointError, InputError
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard, load_network
from ratescope.network.training_set import Facts
from ratescope.records import Prediction
from ratescope.units import CROP_COLUMNS, CROP_ROWS, Capacity

_CROPS_AT_ONCE = 2  # our choice: eight take as long per crop and four times the memory


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks that were trained alike on different folds.

    Attributes
    ----------
    c_rates_per_h : tuple of floats
    networks : tuple of RateNetwork
        In evaluation mode.
    card : NetworkCard
        Of the first network, with the mean colour averaged over all of them.
    """

    capacity: Capacity
    c_rates_per_h: tuple[float, ...]
    networks: tuple[RateNetwork, ...]
    card: NetworkCard

    def predict(self, crops: NDArray[np.uint8], facts: Facts | None = None) -> Prediction:
        """What each network says of each crop (n, 224, 672, 3), in Ah/kg or Ah/L.

        Raises
        ------
        InputError
            If the crops have another shape, or a fact that the networks were trained with is missing.
        """
        if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_ROWS, CROP_COLUMNS, 3):
            raise InputError(
                f"crops are 8-bit of shape (n, {CROP_ROWS}, {CROP_COLUMNS}, 3); got {crops.dtype} {crops.shape}. "
                "Make them with ratescope prepare."
            )
        keep_large_blocks()
        table = self._fact_table(len(crops), facts or {})
        by_network = np.empty((len(self.networks), len(crops), len(self.c_rates_per_h)))
        for start in range(0, len(crops), _CROPS_AT_ONCE):
            rows = slice(start, start + _CROPS_AT_ONCE)
            pixels = torch.from_numpy(np.ascontiguousarray(crops[rows])).permute(0, 3, 1, 2).float()
            with torch.inference_mode():
                for index, network in enumerate(self.networks):
                    by_network[index, rows] = network(pixels, None if table is None else table[rows]).numpy()
        return Prediction(self.capacity, np.asarray(self.c_rates_per_h), by_network)

    def _fact_table(self, crops: int, facts: Facts) -> Tensor | None:
        """The facts that the card names, in its order, shape (crops, facts)."""
        if not self.card.facts:
            return None
        if missing := [name for name in self.card.facts if name not in facts or facts[name].shape != (crops,)]:
            raise InputError(f"these networks need {', '.join(missing)}, one number per crop. Fill that column.")
        return torch.from_numpy(np.stack([facts[name] for name in self.card.facts], axis=1)).float()


def read_network(path: Path) -> Ensemble:
    """One network by itself, from its ``weights.safetensors``: an ensemble without spread."""
    network, card = load_network(path)
    return Ensemble(card.capacity, card.c_rates_per_h, (network,), card)


def load_ensemble(folder: Path) -> Ensemble:
    """Load ``fold_*/weights.safetensors`` of one capacity of a run, in the order of their names.

    Raises
    ------
    CheckpointError
        If there are none, one is damaged, or they were not trained for the same capacity, C-rates and facts.
    """
    paths = sorted(folder.glob("fold_*/weights.safetensors"))
    if not paths:
        raise CheckpointError(f"{folder}: no fold_*/weights.safetensors in it. Give a finished run of ratescope train.")
    networks, cards = zip(*map(load_network, paths), strict=True)
    first = cards[0]
    for path, card in zip(paths, cards, strict=True):
        if (card.capacity, card.c_rates_per_h, card.facts) != (first.capacity, first.c_rates_per_h, first.facts):
            raise CheckpointError(
                f"{path}: {_task(card)}, but {paths[0]}: {_task(first)}. Keep the folds of one training in one folder."
            )
    red, green, blue = np.mean([card.mean_colour for card in cards], axis=0).tolist()
    return Ensemble(first.capacity, first.c_rates_per_h, networks, replace(first, mean_colour=(red, green, blue)))


def _task(card: NetworkCard) -> str:
    given = ", ".join(("crops", *card.facts))
    return f"predicts {card.capacity} at {', '.join(map(str, card.c_rates_per_h))}C from {given}"
