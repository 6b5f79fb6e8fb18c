import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.baselines.curves import curve_at_porosity, mean_curve
from ratescope.errors import TrainingError


def test_the_mean_curve_is_the_same_for_every_crop_and_skips_what_was_not_measured():
    curves = np.array([[150.0, np.nan, np.nan], [154.0, 30.0, np.nan]])
    assert mean_curve(curves, 3) == pytest.approx(np.array([[152.0, 30.0, np.nan]] * 3), nan_ok=True)


def test_a_straight_relation_is_read_off_between_the_knots_and_held_beyond():
    porosity = np.linspace(0.2, 0.5, 30)
    curves = np.stack([100 * porosity, 400 - 200 * porosity], axis=1)
    between = curve_at_porosity(porosity, curves, np.array([0.3, 0.41]), knots=10)
    assert between == pytest.approx(np.array([[30.0, 340.0], [41.0, 318.0]]))
    far = curve_at_porosity(porosity, curves, np.array([0.0, 0.9]), knots=10)
    assert curves.min(axis=0)[0] <= far[0, 0] < far[1, 0] <= curves.max(axis=0)[0]


def test_porosity_that_tells_nothing_gives_the_mean_curve():
    """A fair rung: where porosity is noise, it must not be worse than not looking."""
    rng = np.random.default_rng(3)
    curves = rng.normal(100, 10, size=(400, 1))
    guess = curve_at_porosity(rng.random(400), curves, rng.random(200))
    assert np.abs(guess - curves.mean()).max() < 6


def test_a_rate_measured_on_some_electrodes_is_read_off_from_them():
    curves = np.array([[100.0, np.nan], [60.0, 40.0], [20.0, np.nan]])
    guess = curve_at_porosity(np.array([0.5, 0.4, 0.3]), curves, np.array([0.45]))
    assert guess == pytest.approx(np.array([[80.0, 40.0]]))
    never = curve_at_porosity(np.array([0.5]), np.array([[np.nan]]), np.array([0.45]))
    assert np.isnan(never).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_no_baseline_leaves_the_range_of_what_it_learned_from(seed, count):
    rng = np.random.default_rng(seed)
    porosity, curves = rng.random(count), rng.uniform(0, 160, (count, 5))
    for guess in (curve_at_porosity(porosity, curves, rng.random(7)), mean_curve(curves, 7)):
        assert (guess >= curves.min(axis=0) - 1e-9).all()
        assert (guess <= curves.max(axis=0) + 1e-9).all()


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_training_crops_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    porosity, curves, asked = rng.random(30), rng.random((30, 5)), rng.random(4)
    order = rng.permutation(30)
    one, other = curve_at_porosity(porosity, curves, asked), curve_at_porosity(porosity[order], curves[order], asked)
    assert one == pytest.approx(other)


def test_nothing_to_learn_from_is_said():
    with pytest.raises(TrainingError, match=r"got \(0, 5\).*at least one crop"):
        mean_curve(np.empty((0, 5)), 1)


def test_electrodes_of_one_porosity_are_read_as_their_mean_in_any_order():
    porosity, curves = np.array([0.3, 0.3, 0.4]), np.array([[100.0], [60.0], [120.0]])
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        assert curve_at_porosity(porosity[order], curves[order], np.array([0.3, 0.2, 0.35])).ravel() == pytest.approx(
            [80.0, 80.0, 100.0]
        )
