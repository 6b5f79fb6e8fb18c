"""The loss of section 2.6: the mean absolute percentage error, and L2 on kernels beside it."""

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
    kernels = [part.weight for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    return torch.stack([kernel.square().sum() for kernel in kernels]).sum()
