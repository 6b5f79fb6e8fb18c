"""Regressors that answer with what makes the expected percentage error smallest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.oracles.regressors import (
    LENGTH_ROWS,
    REGRESSORS,
    _weighted_median,
    forest,
    gaussian_process,
    quadratic,
    read_along_porosity,
)

# Ah/kg of set A, by porosity: the reference of docs/studies/capacity_against_porosity.py.
SET_A = {
    0.495: (157.3, 143.9, 132.4, 121.0, 99.5),
    0.346: (157.2, 143.7, 132.2, 120.7, 56.2),
    0.300: (157.2, 143.6, 132.0, 116.4, 38.6),
    0.254: (157.1, 143.3, 131.7, 87.0, 24.8),
    0.196: (157.0, 142.5, 94.7, 42.9, 13.1),
}


def test_reading_set_a_along_porosity_errs_as_is_known():
    """With perfect porosity, leaving one densification out errs by these percentages, from ε = 0.495 down to 0.196."""
    facts, curves = np.array(list(SET_A))[:, None], np.array(list(SET_A.values()))
    errors = []
    for out in range(5):
        rest = np.arange(5) != out
        said = read_along_porosity(facts[rest], curves[rest], facts[[out]], 0)
        errors.append(100.0 * np.abs(said / curves[out] - 1.0).mean())
    assert errors == pytest.approx([20.7, 3.4, 3.1, 6.2, 17.6], abs=0.06)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1.0, 200.0), min_size=2, max_size=9), st.integers(0, 1000))
def test_the_median_under_weights_of_one_over_the_value_is_the_least_percentage_error(values, seed):
    drawn = np.array(values)
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, len(drawn))
    ours = _weighted_median(drawn, (weights / drawn)[None])[0]
    assert expected_error(ours, drawn, weights) <= min(expected_error(v, drawn, weights) for v in drawn) + 1e-9


def expected_error(said, values, weights):
    return (weights * np.abs(said - values) / values).sum()


def test_a_forest_told_nothing_says_the_smaller_of_two_equally_likely_values():
    """Missing 100 by half costs 50 %, missing 50 by double costs 100 %: the mean would be a poor answer."""
    curves = np.tile([[100.0, 7.0], [50.0, 7.0]], (40, 1))
    said = forest(np.zeros((80, 2)), curves, np.zeros((3, 2)), 0)
    assert said == pytest.approx(np.array([[50.0, 7.0]] * 3))


def test_a_gaussian_process_shades_noise_down_by_its_variance():
    rng = np.random.default_rng(0)
    curves = np.exp(4.0 + 0.4 * rng.standard_normal((120, 1)))
    said = gaussian_process(rng.random((120, 1)), curves, np.array([[0.5]]), 0)
    assert np.log(said) == pytest.approx(4.0 - 0.4**2, abs=0.1)


@pytest.mark.parametrize("name", [name for name in REGRESSORS if name != "forest"])
def test_a_law_that_the_facts_hold_is_found(name):
    rng = np.random.default_rng(1)
    facts, asked = rng.uniform(0.2, 0.5, (60, 1)), np.linspace(0.22, 0.48, 9)[:, None]
    said = REGRESSORS[name](facts, law(facts), asked, 0)
    assert said == pytest.approx(law(asked), rel=0.02)


def test_a_forest_comes_near_a_law_that_the_facts_hold():
    rng = np.random.default_rng(1)
    facts, asked = rng.uniform(0.2, 0.5, (200, 1)), np.linspace(0.22, 0.48, 9)[:, None]
    assert forest(facts, law(facts), asked, 0) == pytest.approx(law(asked), rel=0.1)


def law(facts):
    return np.exp(np.concatenate([4.0 + 3.0 * facts, 5.0 - facts], axis=1))


def test_a_polynomial_never_leaves_the_world_of_what_was_measured():
    rng = np.random.default_rng(2)
    facts = rng.uniform(0.2, 0.5, (12, 4))
    said = quadratic(facts, law(facts[:, :1]), np.full((1, 4), 50.0), 0)
    assert (said < 3.0 * law(facts[:, :1]).max(axis=0)).all()


@pytest.mark.parametrize("name", list(REGRESSORS))
def test_the_same_question_has_the_same_answer(name):
    rng = np.random.default_rng(3)
    facts, asked = rng.random((LENGTH_ROWS + 20, 3)), rng.random((4, 3))
    curves = law(facts[:, :1])
    one, two = (REGRESSORS[name](facts, curves, asked, 7) for _ in range(2))
    np.testing.assert_array_equal(one, two)
