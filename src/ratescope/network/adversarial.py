"""Adversarial noise (section 3.2): each crop is made a little harder before it is learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def disturbed(network: nn.Module, crops: Tensor, error_of: Callable[[Tensor], Tensor], reach: Tensor) -> Tensor:
    """Crops moved by a step each in the direction, pixel by pixel, in which the error grows.

    The paper does not name the attack: the signed gradient is our choice (Goodfellow et al., *Explaining and Harnessing
    Adversarial Examples*, 2015; decision 0023).

    Parameters
    ----------
    network : module
        Its gradients and what its batch norms counted stay as they were.
    crops : tensor, shape (n, 3, rows, columns)
        Pixel values 0…255.
    error_of : function of such crops
        The mean error of the network on them.
    reach : tensor, shape (n,)
        How far each crop's pixels move, in grey levels.

    Returns
    -------
    tensor, shape (n, 3, rows, columns)
        Still within 0…255; a colour on which the error does not depend stays.
    """
    crops = crops.detach().requires_grad_()
    with _counting_nothing(network):
        (gradient,) = torch.autograd.grad(error_of(crops), crops)
    return (crops + reach[:, None, None, None] * gradient.sign()).clamp(0.0, 255.0).detach()


@contextmanager
def _counting_nothing(network: nn.Module) -> Iterator[None]:
    """Batch norms compare the crops of the batch and forget them."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)
    layers = [layer for layer in network.modules() if isinstance(layer, kinds) and layer.training]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
