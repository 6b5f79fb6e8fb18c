"""The networks of the folds together: their mean is the prediction, their standard deviation the spread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratescope.errors import CheckpointError, InputError
from ratescope.facts import Facts
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard, load_network
from ratescope.records import Prediction
from ratescope.units import CAPACITIES, CROP_COLUMNS, CROP_ROWS, Capacity

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
        Of the first network, with the mean colour averaged over all of them, and the widest range of each fact.
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
        table = self._fact_table(len(crops), facts or {})
        by_network = np.empty((len(self.networks), len(crops), len(self.c_rates_per_h)))
        with torch.no_grad():
            for index, rows, activation in self.activations(crops):
                network, told = self.networks[index], None if table is None else table[rows]
                by_network[index, rows] = network.head(network.pool(activation), told).numpy()
        return Prediction(self.capacity, np.asarray(self.c_rates_per_h), by_network)

    def activations(self, crops: NDArray[np.uint8]) -> Iterator[tuple[int, slice, Tensor]]:
        """What each network makes of a few crops at a time, for all that is read off it: predictions and maps.

        Yields
        ------
        int, slice, tensor
            Which network, which crops, and its activation of them as it enters the pooling.

        Raises
        ------
        InputError
            If the crops are not 8-bit of shape (n, 224, 672, 3).
        """
        if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_ROWS, CROP_COLUMNS, 3):
            raise InputError(
                f"crops are 8-bit of shape (n, {CROP_ROWS}, {CROP_COLUMNS}, 3); got {crops.dtype} {crops.shape}. "
                "Make them with ratescope prepare."
            )
        keep_large_blocks()
        for start in range(0, len(crops), _CROPS_AT_ONCE):
            rows = slice(start, start + _CROPS_AT_ONCE)
            pixels = torch.from_numpy(np.ascontiguousarray(crops[rows])).permute(0, 3, 1, 2).float()
            for index, network in enumerate(self.networks):
                with torch.no_grad():  # not around the yield: it would hold for the caller too
                    activation = network.activation(pixels)
                yield index, rows, activation

    def _fact_table(self, crops: int, facts: Facts) -> Tensor | None:
        """The facts that the card names, in its order, shape (crops, facts)."""
        if not self.card.facts:
            return None
        if missing := [
            name
            for name in self.card.facts
            if name not in facts or facts[name].shape != (crops,) or not np.isfinite(facts[name]).all()
        ]:
            raise InputError(
                f"these networks also read {', '.join(missing)}, which is not there as one finite number per crop. "
                "Give it in facts, by its name."
            )
        return torch.from_numpy(np.stack([facts[name] for name in self.card.facts], axis=1)).float()

    def told(self, known: Mapping[str, float]) -> Ensemble:
        """The ensemble once it is told the facts of one micrograph: it then reads its crops alone.

        ``known`` may hold more than is read.

        Raises
        ------
        InputError
            If a fact that the networks read is not known.
        """
        if not self.card.facts:
            return self
        if missing := [name for name in self.card.facts if name not in known]:
            raise InputError(f"these networks also read {', '.join(missing)}, which is not known. Give its number.")
        values = torch.tensor([known[name] for name in self.card.facts])
        networks = tuple(told(network, values) for network in self.networks)
        return replace(self, networks=networks, card=replace(self.card, facts=(), fact_ranges=()))


def told(network: RateNetwork, facts: Tensor) -> RateNetwork:
    """A network that reads crops alone and says of each what this one says with these facts, shape (facts,).

    Facts enter the first layer of the regressor, so numbers that stay the same are part of its bias.
    """
    folded = deepcopy(network, {id(network.extractor): network.extractor})  # what facts do not touch is shared
    first = cast("nn.Linear", folded.regressor[0])
    features = first.in_features - len(facts)
    standardised = (facts.to(first.weight) - network.fact_mean) / network.fact_scale
    with torch.no_grad():
        first.bias.add_(first.weight[:, features:] @ standardised)
        first.weight = nn.Parameter(first.weight[:, :features].clone())
    first.in_features = features
    folded.fact_mean, folded.fact_scale = network.fact_mean[:0], network.fact_scale[:0]
    return folded


def read_network(path: Path) -> Ensemble:
    """One network by itself, from its ``weights.safetensors``: an ensemble without spread."""
    network, card = load_network(path)
    return Ensemble(card.capacity, card.c_rates_per_h, (network,), card)


def weights_by_fold(folder: Path) -> list[Path]:
    """Where the networks of one capacity of a run lie, fold 10 after fold 9."""
    found = folder.glob("fold_*/weights.safetensors")
    return sorted(found, key=lambda path: (len(path.parent.name), path.parent.name))


def load_ensemble(folder: Path) -> Ensemble:
    """Load ``fold_*/weights.safetensors`` of one capacity of a run, in the order of the folds.

    Raises
    ------
    CheckpointError
        If there are none, one is damaged, or they were not trained for the same capacity, C-rates and facts, or for
        another capacity than the folder is named after.
    """
    paths = weights_by_fold(folder)
    if not paths:
        raise CheckpointError(f"{folder}: no fold_*/weights.safetensors in it. Give a finished run of ratescope train.")
    networks, cards = zip(*map(load_network, paths), strict=True)
    first = cards[0]
    for path, card in zip(paths, cards, strict=True):
        if (card.capacity, card.c_rates_per_h, card.facts) != (first.capacity, first.c_rates_per_h, first.facts):
            raise CheckpointError(
                f"{path}: {_task(card)}, but {paths[0]}: {_task(first)}. Keep the folds of one training in one folder."
            )
    if folder.name in CAPACITIES and folder.name != first.capacity:
        raise CheckpointError(f"{folder}: its networks predict {first.capacity}. Move them to {first.capacity}/.")
    red, green, blue = np.mean([card.mean_colour for card in cards], axis=0).tolist()
    card = replace(first, mean_colour=(red, green, blue), fact_ranges=_widest(cards))
    return Ensemble(first.capacity, first.c_rates_per_h, networks, card)


def _widest(cards: Sequence[NetworkCard]) -> tuple[tuple[float, float], ...]:
    """By fact: the lowest and the highest that any of the networks learned from."""
    by_fact = zip(*(card.fact_ranges for card in cards), strict=False)  # none, where one card does not know them
    return tuple((min(low for low, _ in ranges), max(high for _, high in ranges)) for ranges in by_fact)


def _task(card: NetworkCard) -> str:
    given = ", ".join(("crops", *card.facts))
    return f"predicts {card.capacity} at {', '.join(map(str, card.c_rates_per_h))}C from {given}"
