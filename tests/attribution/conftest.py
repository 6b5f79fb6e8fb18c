"""Small networks in double precision, so that rounding hides nothing; and one whose maps are known in closed form."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ratescope.network.architecture import RateNetwork
from ratescope.settings import NetworkSettings

MakeNetwork = Callable[..., RateNetwork]


@pytest.fixture(scope="session")
def random_network() -> MakeNetwork:
    """A small network of the paper's shape with random weights, biases and batch-norm statistics."""

    def make(seed=0, filters=(3, 3, 4, 4, 5, 6), **settings):
        torch.manual_seed(seed)
        network = RateNetwork(NetworkSettings(filters=filters, hidden=(7, 7, 7, 7), **settings), rates=3)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.bias, std=0.5)
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
                nn.init.normal_(module.running_mean)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
        network.output_offset = torch.tensor([10.0, 0.0, -10.0])
        network.output_scale = torch.tensor([100.0, 10.0, 1.0])
        return network.double().eval()

    return make


@pytest.fixture
def brightness_meter() -> RateNetwork:
    """A network that says how bright a grey crop is: the mean over cells of 4 × 4 px of their brightest pixel.

    Its one capacity is -2 × that mean: bright places lower it.
    """
    network = RateNetwork(NetworkSettings(filters=(1,) * 6, hidden=(), batch_norm_epsilon=1e-12), rates=1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
            module.weight.data[:, :, 1, 1] = 1.0 / module.in_channels
        if isinstance(module, nn.Linear):
            nn.init.ones_(module.weight)
    network.input_mean = torch.zeros(3)
    network.input_scale = torch.ones(3)
    network.output_scale = torch.tensor([-2.0])
    return network.double().eval()


@pytest.fixture
def crop() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
