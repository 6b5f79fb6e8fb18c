"""What sections 2.3 to 2.7 say of the network and of its training, in numbers."""

import numpy as np
import pytest
import torch

from ratescope.network.architecture import RateNetwork
from ratescope.network.learning import steps_per_epoch
from ratescope.network.optimiser import learning_rate, warm_up_steps
from ratescope.settings import NetworkSettings, Settings, TrainSettings
from ratescope.units import CROP_COLUMNS, CROP_ROWS


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_network_has_250_thousand_parameters():
    network = RateNetwork(NetworkSettings())
    assert (count(network.extractor), count(network.regressor)) == (232_512, 21_573)
    assert count(network) == 254_085


def test_the_other_reading_of_the_widths_misses_the_features():
    """Decision 0003: 32 to 96 filters would leave 96 features, where the paper has 128."""
    network = RateNetwork(NetworkSettings(filters=(32, 32, 64, 64, 96, 96)))
    assert count(network) == 224_293
    assert network.pool(network.activation(torch.zeros(1, 3, 8, 8))).shape == (1, 96)


def test_128_features_leave_the_pooling_and_five_capacities_the_head():
    network = RateNetwork(NetworkSettings()).eval()
    with torch.no_grad():
        activation = network.activation(torch.zeros(1, 3, CROP_ROWS, CROP_COLUMNS))
        features = network.pool(activation)
    assert activation.shape == (1, 128, 56, 168)
    assert features.shape == (1, 128)
    assert network.head(features).shape == (1, 5)


def test_the_paper_mirrors_no_crop_changes_no_light_and_its_last_layer_is_linear():
    assert not Settings().augmentation.mirror
    assert Settings().augmentation.light == 0.0
    assert Settings().network.output == "linear"


def test_the_learning_rate_climbs_for_a_tenth_of_the_steps_and_falls_for_the_rest():
    paper = TrainSettings()
    assert warm_up_steps(paper) == 500
    rates = [learning_rate(step, paper) for step in range(5001)]
    assert [rates[0], rates[500], rates[5000]] == pytest.approx([1e-5, 1e-3, 1e-5])
    assert np.diff(rates[:501]) == pytest.approx(0.99e-3 / 500)
    assert np.diff(rates[500:]) == pytest.approx(-0.99e-3 / 4500)


def test_lookahead_has_period_six_and_step_one_half():
    assert (TrainSettings().lookahead_period, TrainSettings().lookahead_step) == (6, 0.5)


def test_80_percent_of_314_crops_make_six_full_batches_of_38():
    assert steps_per_epoch(round(0.8 * 314), TrainSettings().batch) == 6


def test_a_crop_has_3072_places_for_the_mask():
    assert (CROP_ROWS // 7, CROP_COLUMNS // 7) == (32, 96)
    assert CROP_ROWS // 7 * (CROP_COLUMNS // 7) == 3072
