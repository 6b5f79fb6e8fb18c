import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.baselines.regressors import (
    LENGTHS,
    MIDDLE,
    NOISES,
    _answers,
    _chosen,
    boosted_trees,
    gaussian_process,
    standardised,
)


def electrodes(rng, count=8, crops=6, noise=0.1):
    """Crops that show their electrode's porosity blurred, beside two numbers that mean nothing."""
    porosity = np.repeat(np.linspace(0.2, 0.5, count), crops)
    shown = porosity + noise * 0.3 * rng.normal(size=len(porosity))
    features = np.column_stack([shown, rng.normal(size=(len(porosity), 2))])
    curves = np.stack([150.0 + 0.0 * porosity, 20.0 + 200.0 * porosity], axis=1)
    return features, curves, np.repeat(np.arange(count), crops)


def gaussian_process_slowly(train, logs, asked, length, noise):
    """One pair after the other, one linear system: too slow to ship, too plain to be wrong."""
    count = train.shape[1]

    def covariance(a, b):
        return np.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / count / (2 * length**2)) + a @ b / count

    known = np.array([[covariance(a, b) for b in train] for a in train]) + noise * np.eye(len(train))
    across = np.array([[covariance(a, b) for b in train] for a in asked])
    return logs.mean(axis=0) + across @ np.linalg.solve(known, logs - logs.mean(axis=0))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LENGTHS), st.sampled_from(NOISES))
def test_the_gaussian_process_agrees_with_solving_it_pair_by_pair(seed, length, noise):
    rng = np.random.default_rng(seed)
    train, logs, asked = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), 0.3 * rng.normal(size=(4, 3))
    fast = _answers(train, logs, asked, length, (noise,))[0]
    slow = gaussian_process_slowly(train, logs, asked, length, noise)
    margin = 0.5 * np.ptp(logs, axis=0)
    assert fast == pytest.approx(np.clip(slow, logs.min(axis=0) - margin, logs.max(axis=0) + margin), abs=1e-9)


@pytest.mark.parametrize("regressor", ["gaussian process", "boosted trees"])
def test_a_relation_that_shows_is_learned_and_beats_the_mean(regressor):
    rng = np.random.default_rng(1)
    features, curves, groups = electrodes(rng)
    asked, truth, _ = electrodes(rng, count=13, crops=1)
    if regressor == "gaussian process":
        said = gaussian_process(features, curves, groups.tolist(), asked)
    else:
        said = boosted_trees(features, curves, asked)
    error, of_mean = (np.abs(guess / truth - 1)[:, 1].mean() for guess in (said, curves.mean(axis=0)[None]))
    assert error < 0.6 * of_mean
    assert said[:, 0] == pytest.approx(150.0, rel=1e-6)


def test_knobs_are_chosen_on_whole_groups():
    """Features that name the electrode but say nothing of its curve are worth nothing once it is left out."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(8), 5)
    names = np.repeat(rng.normal(size=(8, 3)), 5, axis=0) + 0.01 * rng.normal(size=(40, 3))
    logs = np.repeat(rng.normal(size=(8, 1)), 5, axis=0)
    train, _ = standardised(names, names)
    _, by_group = _chosen(train, logs, groups.tolist())
    _, by_crop = _chosen(train, logs, list(range(40)))
    assert by_crop == min(NOISES)
    assert by_group > by_crop


def test_with_two_groups_nothing_is_chosen():
    assert _chosen(np.zeros((4, 1)), np.zeros((4, 1)), ["a", "a", "b", "b"]) == MIDDLE


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_answer_is_further_off_than_the_training_curves_range_doubled(seed):
    rng = np.random.default_rng(seed)
    features, curves, groups = electrodes(rng, count=4, crops=3)
    said = np.log(gaussian_process(features, curves, groups.tolist(), 1e3 * rng.normal(size=(5, 3))))
    logs = np.log(curves)
    margin = 0.5 * np.ptp(logs, axis=0) + 1e-9
    assert (said >= logs.min(axis=0) - margin).all()
    assert (said <= logs.max(axis=0) + margin).all()


def test_one_training_crop_is_answered_with_its_own_curve():
    curve, asked = np.array([[150.0, 30.0]]), np.zeros((3, 2))
    assert gaussian_process(np.ones((1, 2)), curve, ["a"], asked) == pytest.approx(np.tile(curve, (3, 1)))
    assert boosted_trees(np.ones((1, 2)), curve, asked) == pytest.approx(np.tile(curve, (3, 1)))
