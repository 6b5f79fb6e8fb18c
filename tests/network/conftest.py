"""Small networks and crops: the architecture is the same, only narrower."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ratescope.network.architecture import RateNetwork
from ratescope.settings import AugmentationSettings, NetworkSettings, Settings, TrainSettings

NARROW = NetworkSettings(filters=(4, 4, 6, 6), hidden=(8, 8), batch_norm_momentum=0.1)


@pytest.fixture
def narrow():
    return NARROW


@pytest.fixture
def network():
    """A narrow network for two rates whose buffers and batch norms are not at their start values."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = RateNetwork(NARROW, rates=2)
        network.output_offset.copy_(torch.tensor([150.0, 60.0]))
        network.output_scale.copy_(torch.tensor([2.0, 20.0]))
        network.input_mean.copy_(torch.tensor([120.0, 110.0, 100.0]))
        network.train()(torch.rand(6, 3, 16, 24) * 255)
    return network.eval()


@pytest.fixture(scope="session")
def brightness_set():
    """24 crops of 16 × 24 px; their capacities at two rates follow their brightness."""
    rng = np.random.default_rng(0)
    brightness = rng.uniform(60, 200, size=24)
    crops = np.clip(brightness[:, None, None, None] + rng.normal(0, 10, (24, 16, 24, 3)), 0, 255).astype(np.uint8)
    curves = np.stack([150 + 0.0 * brightness, 0.5 * brightness], axis=1)
    return crops, curves


@pytest.fixture(scope="session")
def brief():
    """Settings for a training of a second, with everything that is drawn by chance."""
    moves = AugmentationSettings(mirror=True, light=0.2)
    return Settings(network=NARROW, augmentation=moves, train=TrainSettings(batch=8, max_steps=24, l2=1e-3))


@pytest.fixture(scope="session")
def thorough():
    """Settings to learn what brightness says: over seeds and threads, at 7 to 20 % of the mean curve's error."""
    return Settings(
        network=replace(NARROW, dropout=0.0),
        train=TrainSettings(batch=8, max_steps=240, highest_rate=1e-2, l2=1e-3),
    )
