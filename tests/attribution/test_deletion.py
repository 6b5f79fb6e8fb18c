import numpy as np
import pytest
import torch

from ratescope.attribution.deletion import SHARES, deletion
from ratescope.errors import InputError

BLACK = (0.0, 0.0, 0.0)


def moved_by(capacities):
    return np.trapezoid(np.abs(capacities - capacities[0]), SHARES, axis=0)


def test_the_brightest_cells_first_lower_a_meter_of_brightness_soonest(brightness_meter):
    """Six cells of 8 × 8 px at 60, 50, … 10; the meter says −2 × their mean; black says 0."""
    brightness = np.array([[10, 60, 20], [50, 30, 40]])
    crop = np.repeat(brightness.repeat(8, 0).repeat(8, 1)[..., None], 3, axis=2).astype(np.uint8)
    shares = tuple(n / 6 for n in range(7))
    said = deletion(brightness_meter, crop, -brightness.astype(float), BLACK, shares=shares)[:, 0]
    left = np.array([210, 150, 100, 60, 30, 10, 0])
    np.testing.assert_allclose(said, -2 * left / 6, atol=1e-6)
    shown = deletion(brightness_meter, crop, -brightness.astype(float), BLACK, shares=shares, insertion=True)[:, 0]
    np.testing.assert_allclose(shown, -2 * (210 - left) / 6, atol=1e-6)


def test_all_hidden_and_all_shown_are_the_two_ends(random_network, crop):
    network, colour = random_network(), (90.0, 100.0, 110.0)
    influence = np.random.default_rng(0).normal(size=(6, 8))
    hidden = deletion(network, crop, influence, colour)
    shown = deletion(network, crop, influence, colour, insertion=True)
    with torch.no_grad():
        whole = network(torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None])[0].numpy()
    np.testing.assert_allclose(hidden[0], whole)
    np.testing.assert_allclose(shown[-1], whole)
    np.testing.assert_allclose(hidden[-1], shown[0])
    assert not np.allclose(hidden[0], hidden[-1], rtol=1e-6)


def test_a_map_that_is_right_moves_a_prediction_sooner_than_a_random_one(brightness_meter):
    rng = np.random.default_rng(0)
    brightness = rng.permutation(np.arange(5, 245, 5).astype(np.uint8)).reshape(6, 8)
    crop = np.repeat(brightness.repeat(8, 0).repeat(8, 1)[..., None], 3, axis=2)
    right = moved_by(deletion(brightness_meter, crop, brightness.astype(float), BLACK))
    for _ in range(5):
        assert right > 1.1 * moved_by(deletion(brightness_meter, crop, rng.normal(size=(6, 8)), BLACK))


def test_a_grid_that_does_not_divide_the_crop_is_refused(random_network, crop):
    with pytest.raises(InputError, match=r"5 × 8 cells does not divide a crop of 48 × 64 px"):
        deletion(random_network(), crop, np.zeros((5, 8)), BLACK)
