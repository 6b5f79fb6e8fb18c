import numpy as np
import pytest
import torch
from torch import nn

from ratescope.attribution.windows import Span, stages_of, windows_along
from ratescope.errors import InputError
from ratescope.network.architecture import RateNetwork
from ratescope.settings import NetworkSettings


def windows_of(square, network=None):
    _, stages = stages_of(network or RateNetwork(NetworkSettings()).eval())
    return windows_along(stages, 0, square)


def test_the_smallest_windows_of_the_papers_network():
    """Two convolutions see 2 px further; a pooling halves what changed, rounding to whole cells."""
    windows, changed = windows_of(Span(28, 35))
    assert [window.changed for window in windows] == [
        (28, 35), (27, 36), (26, 37), (13, 19), (12, 20), (11, 21), (5, 11), (4, 12)
    ]  # fmt: skip
    assert [window.seen for window in windows[:3]] == [(26, 37), (25, 38), (26, 38)]
    assert changed == (3, 13)


def test_an_averaged_input_is_a_stage_of_its_own():
    windows, _ = windows_of(Span(7, 14), RateNetwork(NetworkSettings(input_reduction=4)).eval())
    assert windows[0].seen == (4, 16)
    assert windows[1].changed == (1, 4)


@pytest.mark.parametrize("start", range(20, 28))
def test_all_that_changes_lies_within_the_span_and_reaches_its_ends(random_network, start):
    """Measured: cells of the activation that a change of the square's rows reaches, whatever ReLU and maximum hide."""
    network = random_network()
    network.extractor = nn.Sequential(
        *(
            nn.AvgPool2d(2) if isinstance(layer, nn.MaxPool2d) else layer
            for layer in network.extractor
            if not isinstance(layer, nn.ReLU)
        )
    )
    rng = np.random.default_rng(start)
    crop = torch.tensor(rng.uniform(0, 255, (1, 3, 64, 24)))
    other = crop.clone()
    other[:, :, start : start + 7] = torch.tensor(rng.uniform(0, 255, (1, 3, 7, 24)))
    with torch.no_grad():
        moved = (network.activation(crop) - network.activation(other)).abs().amax(dim=(0, 1, 3)).numpy()
    _, changed = windows_of(Span(start, start + 7), network)
    rows = np.flatnonzero(moved > 1e-12)
    assert (rows[0], rows[-1] + 1) == changed


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.InstanceNorm2d(3), "cannot be told"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"), "cannot be told"),
        (nn.MaxPool2d(2, ceil_mode=True), "cannot be told"),
        (nn.MaxPool2d(3, padding=1), "cannot be told"),
        (nn.AdaptiveAvgPool2d(4), "cannot be told"),
        (nn.Conv2d(3, 3, 1, stride=2), "skips cells"),
    ],
)
def test_a_layer_whose_reach_cannot_be_told_is_refused(random_network, layer, reason):
    network = random_network()
    network.extractor.insert(0, layer)
    with pytest.raises(InputError, match=rf"no exact occlusion for the layer .*{reason}.* Use another method\."):
        stages_of(network.eval())


def test_a_network_in_training_is_refused(random_network):
    network = random_network().train()
    try:
        with pytest.raises(InputError, match="only a network in evaluation mode can be explained"):
            stages_of(network)
    finally:
        network.eval()
