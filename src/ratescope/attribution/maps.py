"""The maps of an ensemble: the mean of its networks' maps, by one of three methods, or beside its prediction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ratescope.attribution.grad_ram import grad_ram, grad_ram_of_activation
from ratescope.attribution.guided_backprop import guided_backprop
from ratescope.attribution.occlusion import occlude
from ratescope.errors import InputError
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.ensemble import Ensemble
from ratescope.records import OnProgress, Prediction, no_progress

Method = Literal["grad-ram", "guided-backprop", "occlusion"]
METHODS: tuple[Method, ...] = ("grad-ram", "guided-backprop", "occlusion")

Crop = NDArray[np.uint8]
Map = NDArray[np.float32]


def ensemble_maps(
    ensemble: Ensemble,
    crops: NDArray[np.uint8],
    method: Method,
    *,
    size_px: int = 7,
    stride_px: int = 7,
    layer: str | None = None,
    on_progress: OnProgress = no_progress,
) -> NDArray[np.float32]:
    """The mean of the networks' maps by one method, shape (n, rates, rows, columns).

    Parameters
    ----------
    crops : uint8 array, shape (n, 224, 672, 3)
    method : "grad-ram", "guided-backprop" or "occlusion"
        Its maps have 56 × 168, 224 × 672, or by default 32 × 96 rows and columns.
    size_px, stride_px : int
        Of the occluding square; the other methods have none.
    layer : str, optional
        For Grad-RAM, another layer than the last.
    on_progress : callable
        Told while the squares move, and after each map of each network.

    Raises
    ------
    InputError
        If there is no crop, the networks read facts beside it, or there is no such layer.
    """
    _check(ensemble, crops)
    keep_large_blocks()
    networks, runs = ensemble.networks, len(crops) * len(ensemble.networks)
    hide = partial(occlude, mean_colour=ensemble.card.mean_colour, size_px=size_px, stride_px=stride_px)
    means = []
    for number, crop in enumerate(crops):
        maps: list[Map] = []
        for network in networks:
            said = _one_of(runs, number * len(networks) + len(maps), on_progress)
            maps.append(_map(network, crop, method, layer, partial(hide, on_progress=said)))
            if method != "occlusion":  # which says its own end
                said(1, 1, method)
        means.append(np.mean(maps, axis=0, dtype=np.float32))
    return np.stack(means)


def predict_with_maps(ensemble: Ensemble, crops: NDArray[np.uint8]) -> tuple[Prediction, NDArray[np.float32]]:
    """`Ensemble.predict` and the Grad-RAM maps of `ensemble_maps`, both read off one run of each network.

    Raises
    ------
    InputError
        As both.
    """
    _check(ensemble, crops)
    networks, rates = ensemble.networks, ensemble.c_rates_per_h
    by_network = np.empty((len(networks), len(crops), len(rates)))
    maps: list[list[Map]] = [[] for _ in networks]
    for index, rows, activation in ensemble.activations(crops):
        network = networks[index]
        with torch.no_grad():
            by_network[index, rows] = network.head(network.pool(activation)).numpy()
        maps[index].append(grad_ram_of_activation(network, activation))
    mean: Map = np.mean([np.concatenate(own) for own in maps], axis=0, dtype=np.float32)
    return Prediction(ensemble.capacity, np.asarray(rates), by_network), mean


def _check(ensemble: Ensemble, crops: NDArray[np.uint8]) -> None:
    if not len(crops):
        raise InputError("there is nothing to explain: no crop was given. See why the sections were refused.")
    if ensemble.card.facts:
        raise InputError(
            f"only networks that read crops alone can be explained; these also read {', '.join(ensemble.card.facts)}. "
            "Tell them the facts of the micrograph first, with Ensemble.told."
        )


def _one_of(runs: int, finished: int, on_progress: OnProgress) -> OnProgress:
    """Progress of one map, told as progress of all of them."""

    def said(done: int, total: int, what: str) -> None:
        on_progress(finished * total + done, runs * total, what)

    return said


def _map(
    network: RateNetwork,
    crop: Crop,
    method: Method,
    layer: str | None,
    hide: Callable[[RateNetwork, Crop], NDArray[np.float64]],
) -> Map:
    match method:
        case "grad-ram":
            return grad_ram(network, crop[None], layer).squeeze(axis=0)
        case "guided-backprop":
            return guided_backprop(network, crop[None]).squeeze(axis=0)
        case "occlusion":
            return hide(network, crop).astype(np.float32)
