from dataclasses import replace

import numpy as np
import pytest
import pytorch_optimizer
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ratescope.network.optimiser import Lookahead, learning_rate
from ratescope.settings import TrainSettings

SETTINGS = TrainSettings(max_steps=40, warm_up_share=0.25, lowest_rate=1e-3, highest_rate=1e-1)


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))


def set_gradients(network, step):
    """The gradients of one step of a regression on points that the step decides."""
    points = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
    network.zero_grad()
    (network(points) - points.sum(dim=1, keepdim=True)).square().mean().backward()


def weights_of(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).clone()


def radam_slowly(weight, gradients, rates, betas=(0.9, 0.999), epsilon=1e-8):
    """Liu et al. 2020, algorithm 2, in double precision; the weights after each step."""
    (beta1, beta2), longest = betas, 2 / (1 - betas[1]) - 1
    first, second, path = np.zeros_like(weight), np.zeros_like(weight), []
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        unbiased = first / (1 - beta1**step)
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        if length > 5:  # torch and TensorFlow Addons wait until 5; the paper writes 4
            top = (length - 4) * (length - 2) * longest
            rectified = np.sqrt(top / ((longest - 4) * (longest - 2) * length))
            weight = weight - rate * rectified * unbiased * np.sqrt(1 - beta2**step) / (np.sqrt(second) + epsilon)
        else:
            weight = weight - rate * unbiased
        path.append(weight)
    return np.array(path)


def test_radam_agrees_with_its_algorithm_for_hundreds_of_steps():
    """Without Lookahead (a period beyond the end), at the scheduled rates."""
    settings = TrainSettings(max_steps=300, lookahead_period=1000)
    gradients = np.random.default_rng(0).normal(0.3, 1.0, (300, 5))
    weight = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimiser = Lookahead([weight], settings)
    path = []
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient)
        optimiser.step()
        path.append(weight.detach().numpy().copy())
    rates = [learning_rate(step, settings) for step in range(300)]
    assert np.array(path) == pytest.approx(radam_slowly(np.zeros(5), gradients, rates), rel=1e-9)


@pytest.mark.parametrize("restarts", [(), (6, 101, 299)])
def test_every_step_agrees_with_the_reference(restarts):
    """pytorch_optimizer's Lookahead around torch's RAdam, over 50 periods of six, also where ours was restored."""
    ours, theirs = small_network(), small_network()
    settings = replace(SETTINGS, max_steps=302, highest_rate=1e-2)
    optimiser = Lookahead(ours.parameters(), settings)
    inner = torch.optim.RAdam(theirs.parameters(), lr=1.0)
    reference = pytorch_optimizer.Lookahead(inner, k=6, alpha=0.5)
    for step in range(302):
        if step in restarts:
            state = {name: tensor.clone() for name, tensor in optimiser.tensors().items()}
            optimiser = Lookahead(ours.parameters(), settings)
            optimiser.restore(state)
        set_gradients(ours, step)
        set_gradients(theirs, step)
        inner.param_groups[0]["lr"] = learning_rate(step, settings)
        optimiser.step()
        reference.step()
        assert torch.allclose(weights_of(ours), weights_of(theirs), rtol=1e-4, atol=1e-5), step
        if optimiser.steps % 6 == 0:  # the slow weights are the fast ones, and the reference's the same
            slow = torch.cat([weight.flatten() for weight in optimiser.slow])
            assert torch.equal(slow, weights_of(ours)), step


def test_slow_weights_go_half_of_the_way_once_in_six_steps():
    network = small_network()
    optimiser = Lookahead(network.parameters(), SETTINGS)
    twin = small_network()
    fast = torch.optim.RAdam(twin.parameters())
    start = weights_of(network)
    for step in range(6):
        assert torch.equal(torch.cat([slow.flatten() for slow in optimiser.slow]), start)
        set_gradients(network, step)
        set_gradients(twin, step)
        fast.param_groups[0]["lr"] = learning_rate(step, SETTINGS)
        optimiser.step()
        fast.step()
    assert torch.allclose(weights_of(network), (start + weights_of(twin)) / 2)


@pytest.mark.parametrize("stopped_after", [0, 3, 6, 11])
def test_a_restored_optimiser_takes_the_very_same_steps(stopped_after):
    network = small_network()
    optimiser = Lookahead(network.parameters(), SETTINGS)
    for step in range(stopped_after):
        set_gradients(network, step)
        optimiser.step()
    other = small_network()
    other.load_state_dict(network.state_dict())
    restored = Lookahead(other.parameters(), SETTINGS)
    restored.restore({name: tensor.clone() for name, tensor in optimiser.tensors().items()})
    for step in range(stopped_after, 20):
        for each, takes_step in ((network, optimiser), (other, restored)):
            set_gradients(each, step)
            takes_step.step()
    assert restored.steps == 20
    assert torch.equal(weights_of(network), weights_of(other))


@given(st.integers(1, 500), st.floats(0.0, 1.0), st.data())
def test_the_learning_rate_stays_between_its_ends(max_steps, warm_up_share, data):
    settings = TrainSettings(max_steps=max_steps, warm_up_share=warm_up_share)
    step = data.draw(st.integers(0, max_steps - 1))
    assert settings.lowest_rate <= learning_rate(step, settings) <= settings.highest_rate * (1 + 1e-12)
