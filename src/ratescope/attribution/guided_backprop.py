"""Guided backpropagation: how the pixels would have to change, along paths that speak for the capacity only.

Its maps look much the same for a network with random weights (Adebayo et al., NeurIPS 2018): decision 0008.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratescope.attribution.pixels import as_batch
from ratescope.network.architecture import RateNetwork


def guided_backprop(network: RateNetwork, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Signed gradient of each capacity by the pixels, with the guided rule at every ReLU (section 2.7).

    The guided rule (Springenberg et al., 2015) lets a gradient pass a ReLU only where the ReLU was open and the
    gradient is above zero. It holds for the convolutions. The leaky ReLUs of the regressor keep their own gradient:
    the paper chose them so that negative gradients reach the convolutions (section 2.5).

    Parameters
    ----------
    network : RateNetwork
        In evaluation mode; it is left as it was.
    crops : uint8 array, shape (n, 224, 672, 3)

    Returns
    -------
    float32 array, shape (n, rates, 224, 672)
        Summed over the three colours: what a change of brightness would do. In the capacity's unit per grey level.

    Examples
    --------
    >>> from ratescope.settings import NetworkSettings
    >>> network = RateNetwork(NetworkSettings()).eval()
    >>> guided_backprop(network, np.zeros((1, 224, 672, 3), np.uint8)).shape
    (1, 5, 224, 672)
    """
    with guided(network):
        return np.stack([_map_of_one(network, crop) for crop in crops])


@contextmanager
def guided(network: nn.Module) -> Iterator[None]:
    """Hold every ReLU of the network to the guided rule during the block; the network is as it was afterwards."""
    handles = [
        layer.register_forward_hook(_pass_positive_gradients)
        for layer in network.modules()
        if isinstance(layer, nn.ReLU)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _pass_positive_gradients(_layer: nn.Module, _inputs: Any, output: Tensor) -> None:
    # The ReLU's own gradient closes where its input was below zero: the other half of the rule.
    output.register_hook(lambda gradient: gradient.clamp(min=0.0))  # type: ignore[no-untyped-call]  # so in torch


def _map_of_one(network: RateNetwork, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.enable_grad():
        pixels = as_batch(crop, network).requires_grad_()
        capacities = network(pixels)[0]
        gradients = [torch.autograd.grad(capacity, pixels, retain_graph=True)[0][0] for capacity in capacities]
    return np.asarray(torch.stack(gradients).sum(dim=1).numpy(), dtype=np.float32)
