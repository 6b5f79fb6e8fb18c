from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ratescope.network.adversarial import disturbed
from ratescope.network.loss import mape
from ratescope.network.training import train_network

RATES = (0.2, 5.0)


@pytest.fixture
def crops():
    return torch.from_numpy(np.random.default_rng(1).uniform(20, 235, (4, 3, 16, 24))).float()


@pytest.fixture
def error_of(network):
    measured = torch.tensor([[150.0, 60.0]]).expand(4, 2)

    def error_of(crops):
        return mape(network(crops), measured)

    return error_of


def test_each_pixel_moves_by_its_crops_reach_up_or_down(network, crops, error_of):
    reach = torch.tensor([0.0, 0.5, 1.0, 2.0])
    moved = disturbed(network.train(), crops, error_of, reach) - crops
    for crop, far in zip(moved, reach, strict=True):
        sizes = crop.abs().flatten()
        assert torch.all((sizes < 1e-5) | ((sizes - far).abs() < 2e-5))
        assert (sizes >= 0.9 * far).float().mean() > 0.9
    assert (moved[3] > 0).any()
    assert (moved[3] < 0).any()


def test_the_error_grows_as_the_gradient_says(network, crops, error_of):
    """For a small step: by the step times the sum of the gradient's sizes."""
    network.double().eval()
    crops = crops.double().requires_grad_()
    (gradient,) = torch.autograd.grad(error_of(crops), crops)
    step = 1e-6
    harder = disturbed(network, crops, error_of, torch.full((4,), step, dtype=torch.float64))
    grown = (error_of(harder) - error_of(crops)).item()
    assert grown == pytest.approx(step * gradient.abs().sum().item(), rel=1e-3)


def test_pixels_stay_pixels(network, error_of):
    moved = disturbed(network, torch.tensor([0.0, 255.0]).repeat(4, 3, 16, 12), error_of, torch.full((4,), 9.0))
    assert moved.min() >= 0
    assert moved.max() <= 255
    assert (moved == 9).any()


def test_the_network_is_left_as_it_was(network, crops, error_of):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    disturbed(network, crops, error_of, torch.ones(4))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(parameter.grad is None for parameter in network.parameters())
    network(crops)
    assert not torch.equal(network.extractor[2].running_mean, before["extractor.2.running_mean"])


def losses(folder, brightness_set, settings):
    crops, curves = brightness_set
    train_network(
        crops,
        curves,
        train=np.arange(16),
        validation=np.arange(16, 20),
        settings=settings,
        capacity="specific",
        c_rates_per_h=RATES,
        folder=folder,
    )
    return np.genfromtxt(folder / "history.csv", delimiter=",", names=True)["train_mape_percent"]


def test_noise_makes_learning_harder_and_can_be_resumed_like_all_else(tmp_path, brightness_set, brief):
    noisy = replace(brief, train=replace(brief.train, adversarial_noise=0.03))
    plain, hard, again = (
        losses(tmp_path / name, brightness_set, settings)
        for name, settings in (("plain", brief), ("noisy", noisy), ("again", noisy))
    )
    assert (hard >= plain).all()
    assert hard[-1] > 1.001 * plain[-1]
    np.testing.assert_array_equal(hard, again)


def test_l1_leaves_smaller_kernels(tmp_path, brightness_set, brief):
    """Its pull does not weaken as a kernel shrinks, as L2's does: the median kernel ends below that without."""
    sizes = {}
    for l1 in (0.0, 10.0):
        settings = replace(brief, train=replace(brief.train, l2=0.0, l1=l1, max_steps=60, highest_rate=1e-2))
        losses(tmp_path / str(l1), brightness_set, settings)
        kernels = load_file(tmp_path / str(l1) / "weights.safetensors")
        sizes[l1] = np.median(np.abs(kernels["extractor.3.weight"].astype(np.float64)))
    assert sizes[10.0] < 0.8 * sizes[0.0]
