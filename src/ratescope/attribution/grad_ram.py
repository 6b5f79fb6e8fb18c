"""Grad-RAM: which places of the last convolution's activation push a predicted capacity up, and which down."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratescope.attribution.pixels import as_batch
from ratescope.errors import InputError
from ratescope.network.architecture import RateNetwork


def grad_ram(network: RateNetwork, crops: NDArray[np.uint8], layer: str | None = None) -> NDArray[np.float32]:
    """Signed regression activation maps of the activation as it enters the pooling (section 2.7).

    A map is the sum over features of the activation, each weighed by its gradient averaged over positions. Nothing is
    cut off at zero: below zero a place lowers the capacity.

    Parameters
    ----------
    network : RateNetwork
        In evaluation mode.
    crops : uint8 array, shape (n, 224, 672, 3)
    layer : str, optional
        Another layer of the extractor, as torch names it ("extractor.7"): the activation that leaves it.

    Returns
    -------
    float32 array, shape (n, rates, 56, 168)
        Of another layer, with as many rows and columns as that has.
        Where the network averages its input r × r first (`input_reduction`), its native map is r times coarser; each
        native cell is then repeated r × r, so that the maps of all networks lie on one grid.

    Raises
    ------
    InputError
        If the extractor has no such layer.

    Examples
    --------
    >>> from ratescope.settings import NetworkSettings
    >>> network = RateNetwork(NetworkSettings()).eval()
    >>> grad_ram(network, np.zeros((1, 224, 672, 3), np.uint8)).shape
    (1, 5, 56, 168)
    """
    if layer is None:
        return np.concatenate([_map_of_one(network, crop) for crop in crops])
    return np.concatenate([_map_of_layer(network, crop, layer_named(network, layer)) for crop in crops])


def _map_of_one(network: RateNetwork, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.no_grad():
        activation = network.activation(as_batch(crop, network))
    return grad_ram_of_activation(network, activation)


def grad_ram_of_activation(network: RateNetwork, activation: Tensor) -> NDArray[np.float32]:
    """`grad_ram` of crops whose activation, as it enters the pooling, is at hand from their prediction."""
    return _weighed(network, _averaged_gradients(network, activation), activation)


def layer_named(network: RateNetwork, name: str) -> nn.Module:
    """A layer of the extractor by the name that torch gives it.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    layers: dict[str, nn.Module] = dict(network.extractor.named_modules(prefix="extractor"))
    if name not in layers:
        convolutions = [known for known, layer in layers.items() if isinstance(layer, nn.Conv2d)]
        raise InputError(
            f"the network has no layer {name!r} with places to map. Its convolutions are {', '.join(convolutions)}; "
            "what follows each has the numbers between."
        )
    return layers[name]


def _map_of_layer(network: RateNetwork, crop: NDArray[np.uint8], layer: nn.Module) -> NDArray[np.float32]:
    """Any layer sees its gradients differ from place to place, so that all of what follows is run backwards."""
    left: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _layer, _inputs, output: left.append(output))
    try:
        with torch.enable_grad():
            capacities = network(as_batch(crop, network).requires_grad_())[0]
            gradients = [torch.autograd.grad(capacity, left[0], retain_graph=True)[0] for capacity in capacities]
    finally:
        handle.remove()
    return _weighed(network, torch.stack(gradients, dim=1).mean(dim=(3, 4)), left[0].detach())


def _weighed(network: RateNetwork, weights: Tensor, activation: Tensor) -> NDArray[np.float32]:
    """The sum over features, each with its weight, on the grid of a network that sees every pixel."""
    native = torch.einsum("nrk,nkij->nrij", weights, activation)
    reduction = network.settings.input_reduction
    repeated = native.repeat_interleave(reduction, dim=2).repeat_interleave(reduction, dim=3)
    return np.asarray(repeated.numpy(), dtype=np.float32)


def _averaged_gradients(network: RateNetwork, activation: Tensor) -> Tensor:
    """Gradient of each capacity by each feature's activation, averaged over positions, shape (n, rates, features).

    The network reads the average over positions, so the gradient is the same everywhere: the gradient by the average,
    divided by the number of positions. Only the regressor has to be run backwards.
    """
    with torch.enable_grad():
        features = network.pool(activation).requires_grad_()
        # A crop's capacities depend on its own features alone, so gradients of a sum over crops are theirs, one by one.
        capacities = network.head(features).sum(dim=0)
        gradients = [torch.autograd.grad(capacity, features, retain_graph=True)[0] for capacity in capacities]
    positions = activation.shape[2] * activation.shape[3]
    return torch.stack(gradients, dim=1) / positions
