import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.attribution.grad_ram import grad_ram
from ratescope.errors import InputError


def grad_ram_slowly(network, crop):
    """Word by word: every gradient at every position, their average, and the sum over features, one by one."""
    pixels = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    maps = []
    for rate in range(len(network.output_scale)):
        activation = network.activation(pixels).detach().requires_grad_()
        network.head(activation.mean(dim=(2, 3)))[0, rate].backward()
        total = torch.zeros_like(activation[0, 0])
        for feature in range(activation.shape[1]):
            total += activation.grad[0, feature].mean() * activation[0, feature]
        maps.append(total.detach().numpy())
    return np.array(maps)


def test_grad_ram_of_a_brightness_meter_is_the_brightest_pixel_of_each_cell(brightness_meter, crop):
    grey = np.repeat(crop[..., :1], 3, axis=2)
    brightest = grey[..., 0].reshape(12, 4, 16, 4).max(axis=(1, 3))
    np.testing.assert_allclose(grad_ram(brightness_meter, grey[None])[0, 0], -2.0 * brightest / (12 * 16), rtol=1e-6)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_grad_ram_agrees_with_gradients_taken_at_every_position(random_network, seed):
    network = random_network(seed % 7)
    crop = np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    np.testing.assert_allclose(grad_ram(network, crop[None])[0], grad_ram_slowly(network, crop), rtol=1e-5, atol=1e-6)


def test_grad_ram_is_captums_grad_cam_without_the_cut_at_zero(random_network, crop):
    network = random_network()
    pixels = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    captum = LayerGradCam(network, network.extractor[-1])
    ours = grad_ram(network, crop[None])[0]
    for rate in range(3):
        theirs = captum.attribute(pixels, target=rate, relu_attributions=False)[0, 0].detach().numpy()
        np.testing.assert_allclose(ours[rate], theirs, rtol=1e-5, atol=1e-6)
    assert (ours < 0).any()
    assert (ours > 0).any()


@pytest.mark.parametrize("layer", ["extractor.0", "extractor.4", "extractor.9", "extractor.14", "extractor.19"])
def test_grad_ram_of_any_layer_is_captums(random_network, crop, layer):
    network = random_network()
    pixels = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    captum = LayerGradCam(network, network.get_submodule(layer))
    ours = grad_ram(network, crop[None], layer)[0]
    for rate in range(3):
        theirs = captum.attribute(pixels, target=rate, relu_attributions=False)[0, 0].detach().numpy()
        np.testing.assert_allclose(ours[rate], theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())


def test_the_last_layer_by_its_name_is_the_default(random_network, crop):
    network = random_network(input_reduction=2)
    named, default = grad_ram(network, crop[None], "extractor.19"), grad_ram(network, crop[None])
    np.testing.assert_allclose(named, default, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", ["conv6", "regressor.0"])
def test_a_layer_without_places_is_refused_with_those_that_there_are(random_network, crop, layer):
    with pytest.raises(InputError, match=r"no layer '.*' with places to map\. Its convolutions are extractor\.0, "):
        grad_ram(random_network(), crop[None], layer)


def test_grad_ram_of_the_negative_is_the_negative_of_grad_ram(random_network, crop):
    network, negative = random_network(), random_network()
    negative.output_offset, negative.output_scale = -network.output_offset, -network.output_scale
    np.testing.assert_array_equal(grad_ram(negative, crop[None]), -grad_ram(network, crop[None]))


def test_where_the_regressor_is_linear_the_map_sums_to_the_prediction_without_its_offset(random_network, crop):
    network = random_network()
    network.regressor = torch.nn.Linear(6, 3).double()
    predicted = network(torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None])[0]
    without_offset = predicted - network.output_offset - network.output_scale * network.regressor.bias
    sums = grad_ram(network, crop[None])[0].sum(axis=(1, 2))
    np.testing.assert_allclose(sums, without_offset.detach().numpy(), rtol=1e-4)


@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_maps_of_all_networks_lie_on_one_grid_whatever_resolution_they_see(random_network, reduction):
    crops = np.random.default_rng(2).integers(0, 256, (2, 224, 672, 3), dtype=np.uint8)
    maps = grad_ram(random_network(input_reduction=reduction), crops)
    assert maps.shape == (2, 3, 56, 168)
    assert maps.dtype == np.float32
    native = maps[:, :, ::reduction, ::reduction]
    np.testing.assert_array_equal(maps, np.kron(native, np.ones((reduction, reduction), np.float32)))


def test_grad_ram_leaves_no_gradient_in_the_network(random_network, crop):
    network = random_network()
    grad_ram(network, crop[None])
    assert all(parameter.grad is None for parameter in network.parameters())
