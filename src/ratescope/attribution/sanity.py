"""Is a map about what the network learned? Layers are made random one after the other, and the map should change.

Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018: a map that stays as it was shows the picture, not what
the network knows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

from ratescope.network.architecture import RateNetwork, initialise
from ratescope.network.ensemble import Ensemble

MapOf = Callable[[RateNetwork, NDArray[np.uint8]], NDArray[np.floating]]


@dataclass(frozen=True)
class Likeness:
    """How much a map is still like that of the learned network, once some layers are random.

    Attributes
    ----------
    random_layers : int
        How many layers were made random, counted from the output.
    layer : str
        The last of them, as torch names it.
    signed, absolute : float
        Spearman's rank correlation over places, of the maps and of their absolute values, mean over C-rates: 1 for
        the same order of places, 0 for none in common.
    """

    random_layers: int
    layer: str
    signed: float
    absolute: float


def cascade(network: RateNetwork, crop: NDArray[np.uint8], map_of: MapOf, *, seed: int = 0) -> list[Likeness]:
    """Likeness of a map to itself as layers are made random, from the output down to the first convolution.

    Parameters
    ----------
    network : RateNetwork
        In evaluation mode; it is left as it was.
    crop : uint8 array, shape (224, 672, 3)
    map_of : function of a network and a crop
        Gives a signed map, shape (rates, rows, columns).

    Returns
    -------
    list of Likeness
        One for each layer with weights; the last has none left that was learned.
    """
    learned = map_of(network, crop)
    return [
        Likeness(number, name, *likeness(learned, map_of(random, crop)))
        for number, (name, random) in enumerate(randomised(network, seed), start=1)
    ]


def randomised(network: RateNetwork, seed: int = 0) -> Iterator[tuple[str, RateNetwork]]:
    """The network with one more layer at its start values each time, and that layer's name; a copy, changed in place.

    What a batch norm counted goes with the layer before it. The scalings of input and output stay: they are no
    weights.
    """
    copied = copy.deepcopy(network)
    layers = [
        (name, layer) for name, layer in copied.named_modules() if not isinstance(layer, RateNetwork | nn.Sequential)
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        following: list[nn.Module] = []
        for name, layer in reversed(layers):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                for part in (layer, *following):
                    _start_anew(part)
                following = []
                yield name, copied
            else:
                following.append(layer)


def unlearned(ensemble: Ensemble, seed: int = 0) -> Ensemble:
    """The same ensemble with every layer of every network at start values."""
    fresh = []
    for number, network in enumerate(ensemble.networks):
        *_, (_, random) = randomised(network, seed + number)
        fresh.append(random)
    return replace(ensemble, networks=tuple(fresh))


def _start_anew(layer: nn.Module) -> None:
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        layer.reset_parameters()
    initialise(layer)


def likeness(one: NDArray[np.floating], other: NDArray[np.floating]) -> tuple[float, float]:
    """Rank correlations of two maps (rates, rows, columns) and of their absolute values, each a mean over C-rates.

    >>> signed, absolute = likeness(np.array([[[1.0, 2.0, 3.0]]]), np.array([[[-1.0, -2.0, -3.0]]]))
    >>> round(signed, 9), round(absolute, 9)
    (-1.0, 1.0)
    """
    signed = [_rank_correlation(a, b) for a, b in zip(one, other, strict=True)]
    absolute = [_rank_correlation(np.abs(a), np.abs(b)) for a, b in zip(one, other, strict=True)]
    return float(np.mean(signed)), float(np.mean(absolute))


def _rank_correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Spearman's; 0 where a map is the same everywhere, which has no order of places to agree with."""
    ranks = [rankdata(values, axis=None) for values in (one, other)]
    centred: Sequence[NDArray[np.float64]] = [rank - rank.mean() for rank in ranks]
    norm = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    return float(np.dot(*centred)) / norm if norm > 0 else 0.0
