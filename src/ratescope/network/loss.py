"""The loss: the mean absolute percentage error (section 2.6), and L2 or L1 on kernels beside it (section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mape(predicted: Tensor, measured: Tensor) -> Tensor:
    """Mean absolute percentage error, in % (section 2.6): it weighs every C-rate alike, whatever its capacity.

    >>> mape(torch.tensor([[99.0, 52.0]]), torch.tensor([[100.0, 50.0]]))
    tensor(2.5000)
    """
    return 100.0 * ((predicted - measured) / measured).abs().mean()


def kernel_l2(network: nn.Module) -> Tensor:
    """Sum of the squares of all kernels, biases and batch norms left out, as Keras' ``l2`` counts (decision 0007).

    >>> layer = nn.Linear(2, 1)
    >>> _ = nn.init.constant_(layer.weight, 3.0)
    >>> kernel_l2(layer).item()
    18.0
    """
    return torch.stack([kernel.square().sum() for kernel in _kernels(network)]).sum()


def kernel_l1(network: nn.Module) -> Tensor:
    """Sum of the sizes of all kernels, biases and batch norms left out, as Keras' ``l1`` counts (section 3.2).

    >>> layer = nn.Linear(2, 1)
    >>> _ = nn.init.constant_(layer.weight, -3.0)
    >>> kernel_l1(layer).item()
    6.0
    """
    return torch.stack([kernel.abs().sum() for kernel in _kernels(network)]).sum()


def _kernels(network: nn.Module) -> list[Tensor]:
    return [part.weight for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
