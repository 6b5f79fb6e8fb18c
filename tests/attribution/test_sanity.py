import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr
from torch import nn

from ratescope.attribution.grad_ram import grad_ram
from ratescope.attribution.sanity import cascade, likeness, randomised, unlearned
from ratescope.model import read_model

maps = arrays(np.float64, (2, 3, 4), elements=st.floats(-5, 5).map(lambda x: round(x, 3)))


def ram(network, crop):
    return grad_ram(network, crop[None])[0]


def test_a_map_of_the_picture_alone_never_changes(random_network, crop):
    steps = cascade(random_network(), crop, lambda _network, seen: seen.transpose(2, 0, 1).astype(float))
    assert {(step.signed, step.absolute) for step in steps} == {(1.0, 1.0)}


def test_layers_are_made_random_from_the_output_to_the_first_convolution(random_network, crop):
    steps = cascade(random_network(), crop, ram)
    assert [step.random_layers for step in steps] == list(range(1, 12))
    assert steps[0].layer == "regressor.16"
    assert [step.layer for step in steps[-6:]] == [f"extractor.{n}" for n in (17, 14, 10, 7, 3, 0)]


def test_each_step_leaves_the_layers_before_it_learned_and_none_after_it(random_network):
    network = random_network()
    kinds = nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d
    learned = {name: layer for name, layer in network.named_modules() if isinstance(layer, kinds)}
    order = list(learned)
    for name, copied in randomised(network):
        for other, layer in copied.named_modules():
            if other in learned:
                same = torch.equal(layer.weight, learned[other].weight)
                assert same == (order.index(other) < order.index(name)), (name, other)
    assert all(torch.equal(layer.running_mean, torch.zeros_like(layer.running_mean)) for layer in norms_of(copied))


def norms_of(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]


def test_the_network_and_the_global_generator_are_left_as_they_were(random_network, crop):
    network = random_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.random.get_rng_state()
    cascade(network, crop, ram)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_same_seed_gives_the_same_likeness_and_another_another(random_network, crop):
    network = random_network()
    assert cascade(network, crop, ram, seed=1) == cascade(network, crop, ram, seed=1)
    assert cascade(network, crop, ram, seed=1) != cascade(network, crop, ram, seed=2)


def test_an_ensemble_unlearns_in_every_network_and_each_in_its_own_way():
    ensemble = read_model(None)["specific"]
    fresh = unlearned(ensemble)
    assert (fresh.capacity, fresh.card) == (ensemble.capacity, ensemble.card)
    kernels = [network.extractor[0].weight for network in (*ensemble.networks, *fresh.networks)]
    for number, kernel in enumerate(kernels):
        assert not any(torch.equal(kernel, other) for other in kernels[:number])
    assert all(torch.equal(net.extractor[2].bias, torch.zeros(32)) for net in fresh.networks)


@given(maps, maps)
def test_likeness_is_spearmans(one, other):
    expected = [
        spearmanr(a.ravel(), b.ravel()).statistic if np.ptp(a) and np.ptp(b) else 0.0
        for a, b in zip(one, other, strict=True)
    ]
    assert likeness(one, other)[0] == pytest.approx(np.mean(expected), abs=1e-12)
    assert likeness(one, other)[1] == pytest.approx(likeness(np.abs(one), np.abs(other))[0], abs=1e-12)


@given(maps)
def test_likeness_sees_order_alone(one):
    assert likeness(one, 3 * one + 1)[0] == pytest.approx(likeness(one, one)[0])
    assert likeness(one, -one) == pytest.approx((-likeness(one, one)[0], likeness(one, one)[1]))
