from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ratescope.network.architecture import RateNetwork
from ratescope.settings import NetworkSettings


def pixels(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 255


def convolution_slowly(image, kernel, bias):
    """Every output pixel by its nine neighbours, zero outside."""
    rows, columns = image.shape[1:]
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    out = np.empty((len(kernel), rows, columns))
    for channel in range(len(kernel)):
        for row in range(rows):
            for column in range(columns):
                window = padded[:, row : row + 3, column : column + 3]
                out[channel, row, column] = (window * kernel[channel]).sum() + bias[channel]
    return out


def normalise_slowly(values, norm):
    """Batch norm as it stands after training, channel by channel."""
    scale = norm.weight.numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
    shift = norm.bias.numpy() - norm.running_mean.numpy() * scale
    return np.stack([value * a + b for value, a, b in zip(values, scale, shift, strict=True)])


def predict_slowly(network, crop):
    """The network of section 2.5, written out with numpy for one crop (3, rows, columns)."""
    mean, scale = network.input_mean.numpy()[:, None, None], network.input_scale.numpy()[:, None, None]
    image = (crop.numpy() - mean) / scale
    for layer in network.extractor:
        if isinstance(layer, nn.Conv2d):
            image = convolution_slowly(image, layer.weight.numpy(), layer.bias.numpy())
        elif isinstance(layer, nn.ReLU):
            image = np.where(image > 0, image, 0.0)
        elif isinstance(layer, nn.BatchNorm2d):
            image = normalise_slowly(image, layer)
        else:
            image = image.reshape(len(image), image.shape[1] // 2, 2, image.shape[2] // 2, 2).max(axis=(2, 4))
    features = image.mean(axis=(1, 2))
    for layer in network.regressor:
        if isinstance(layer, nn.Linear):
            features = layer.weight.numpy() @ features + layer.bias.numpy()
        elif isinstance(layer, nn.LeakyReLU):
            features = np.where(features > 0, features, network.settings.leaky_slope * features)
        elif isinstance(layer, nn.BatchNorm1d):
            features = normalise_slowly(features, layer)
    return network.output_offset.numpy() + network.output_scale.numpy() * features


def test_the_network_is_what_section_2_5_writes(network):
    network = network.double()
    crops = pixels(2, 3, 8, 12).double()
    with torch.no_grad():
        fast = network(crops).numpy()
        slow = np.stack([predict_slowly(network, crop) for crop in crops])
    assert fast == pytest.approx(slow, rel=1e-10)


def test_order_of_layers_is_that_of_keras():
    """Convolution, ReLU, batch norm, twice, then the pooling; none after the last block (decision 0007)."""
    names = [type(layer).__name__ for layer in RateNetwork(NetworkSettings()).extractor]
    block = ["Conv2d", "ReLU", "BatchNorm2d"] * 2
    assert names == [*block, "MaxPool2d", *block, "MaxPool2d", *block]


def test_the_pooling_hands_back_its_gradient_in_the_layout_of_the_network(network):
    """Else batch norm goes through it the slow way."""
    handed_back = []
    activation = pixels(2, 4, 3, 5).requires_grad_()
    pooled = network.pool(activation)
    activation.register_hook(handed_back.append)
    pooled.sum().backward()
    assert handed_back[0].is_contiguous(memory_format=torch.channels_last)
    assert handed_back[0].numpy() == pytest.approx(1 / 15)


def test_forward_is_the_head_of_the_pooled_activation(network):
    crops = pixels(2, 3, 16, 24)
    with torch.no_grad():
        by_parts = network.head(network.pool(network.activation(crops)))
        assert torch.equal(network(crops), by_parts)


def test_capacities_come_in_the_unit_of_the_buffers(network):
    crops = pixels(2, 3, 16, 24)
    with torch.no_grad():
        before = network(crops)
        network.output_offset.add_(10.0)
        assert torch.allclose(network(crops), before + 10.0)
        network.output_scale.zero_()
        assert torch.equal(network(crops), network.output_offset.expand(2, 2))


def test_an_exponential_output_speaks_of_logarithms(network, narrow):
    exponential = RateNetwork(replace(narrow, output="exponential"), rates=2).eval()
    exponential.load_state_dict(network.state_dict())
    for buffer, values in ((network.output_offset, [5.0, 3.0]), (network.output_scale, [0.1, 0.7])):
        buffer.copy_(torch.tensor(values))
    exponential.load_state_dict(network.state_dict())
    with torch.no_grad():
        logarithms, capacities = network(pixels(4, 3, 16, 24)), exponential(pixels(4, 3, 16, 24))
    assert capacities.numpy() == pytest.approx(np.exp(logarithms.numpy()))


def test_however_large_a_logarithm_is_the_capacity_is_a_number(narrow):
    network = RateNetwork(replace(narrow, output="exponential"), rates=2).eval()
    network.output_offset.fill_(1000.0)
    with torch.no_grad():
        assert network(pixels(1, 3, 16, 24)).numpy() == pytest.approx(np.exp(8.0))


def test_brighter_pixels_and_a_brighter_mean_are_the_same_to_the_network(network):
    crops = pixels(2, 3, 16, 24)
    with torch.no_grad():
        before = network(crops)
        network.input_mean.add_(20.0)
        assert torch.allclose(network(crops + 20.0), before, rtol=1e-4)


def test_half_resolution_sees_the_mean_of_four_pixels(narrow):
    network = RateNetwork(NetworkSettings(filters=narrow.filters, hidden=narrow.hidden, input_reduction=2)).eval()
    crops = pixels(1, 3, 16, 24)
    reduced = crops.reshape(1, 3, 8, 2, 12, 2).mean(dim=(3, 5))
    with torch.no_grad():
        assert torch.allclose(network.activation(crops), network.activation_of_reduced(reduced), atol=1e-5)
    assert network.activation(crops).shape == (1, 6, 4, 6)


def test_facts_join_the_features_in_units_of_their_spread(narrow):
    network = RateNetwork(narrow, rates=2, facts=1).eval()
    network.fact_mean.fill_(60.0)
    network.fact_scale.fill_(10.0)
    crops = pixels(1, 3, 16, 24)
    with torch.no_grad():
        thin, thick = (network(crops, torch.tensor([[um]])) for um in (50.0, 70.0))
        network.fact_scale.fill_(20.0)
        assert torch.allclose(network(crops, torch.tensor([[40.0]])), thin)
    assert not torch.allclose(thin, thick)


def test_no_layer_changes_what_another_has_said(network):
    """Attributions hook layers: what a hook kept must still be true when the forward pass has ended."""
    kept = []
    for layer in [*network.extractor, *network.regressor]:
        layer.register_forward_hook(lambda _layer, _inputs, output: kept.append((output, output.detach().clone())))
    network(pixels(2, 3, 16, 24))
    assert len(kept) == len(network.extractor) + len(network.regressor)
    assert all(torch.equal(output, copy) for output, copy in kept)
