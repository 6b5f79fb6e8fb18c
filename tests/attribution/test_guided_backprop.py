import warnings

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop
from torch import nn

from ratescope.attribution.guided_backprop import guided, guided_backprop


def hooks_of(network):
    return [
        hook
        for module in network.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        for hook in hooks.values()
    ]


def guided_slowly(network, crop, rate):
    """Layer by layer, backwards by hand: each ReLU lets through what is above zero, where it was open."""
    x = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    kept = []
    flowing = (x - network.input_mean[:, None, None]) / network.input_scale[:, None, None]
    for layer in network.extractor:
        kept.append(flowing.detach().requires_grad_())
        flowing = layer(kept[-1])
    last = flowing.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(network.head(network.pool(last))[0, rate], last)
    for layer, entering in zip(reversed(network.extractor), reversed(kept), strict=True):
        if isinstance(layer, nn.ReLU):
            gradient = torch.where((entering > 0) & (gradient > 0), gradient, 0.0)
        else:
            (gradient,) = torch.autograd.grad(layer(entering), entering, gradient)
    return (gradient / network.input_scale[:, None, None])[0].sum(dim=0).numpy()


def test_a_map_sums_to_what_one_grey_level_everywhere_does(brightness_meter, crop):
    """Where all weights and the last gradient are above zero, the guided rule never bites: it is the gradient."""
    brightness_meter.output_scale = torch.tensor([3.0], dtype=torch.float64)
    assert guided_backprop(brightness_meter, crop[None]).sum() == pytest.approx(3.0, rel=1e-5)


def test_guided_backprop_agrees_with_going_back_layer_by_layer(random_network, crop):
    network = random_network()
    ours = guided_backprop(network, crop[None])[0]
    for rate in range(3):
        np.testing.assert_allclose(ours[rate], guided_slowly(network, crop, rate), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("reduction", [1, 2])
def test_guided_backprop_is_captums_summed_over_colours(random_network, crop, reduction):
    network = random_network(input_reduction=reduction)
    pixels = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    captum = GuidedBackprop(network)
    ours = guided_backprop(network, crop[None])[0]
    for rate in range(3):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU", category=UserWarning)
            theirs = captum.attribute(pixels.clone().requires_grad_(), target=rate)[0].sum(dim=0).detach().numpy()
        np.testing.assert_allclose(ours[rate], theirs, rtol=1e-4, atol=1e-7)


def test_maps_are_signed_and_as_fine_as_the_crop(random_network, crop):
    maps = guided_backprop(random_network(), np.stack([crop, crop]))
    assert maps.shape == (2, 3, 48, 64)
    assert maps.dtype == np.float32
    assert (maps < 0).any()
    assert (maps > 0).any()


def test_the_network_is_as_it_was_afterwards(random_network, crop):
    network = random_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    plain = network(torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None])
    guided_backprop(network, crop[None])
    assert not hooks_of(network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network(torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]), plain)


def test_no_hook_is_left_when_something_goes_wrong_on_the_way(random_network):
    network = random_network()
    with guided(network):
        assert len(hooks_of(network)) == 6
    two_colours = np.zeros((1, 48, 64, 2), np.uint8)
    with pytest.raises(RuntimeError, match="must match"):
        guided_backprop(network, two_colours)
    assert not hooks_of(network)
