"""The law of Tian et al. against closed forms, a slow twin, made-up truth and simulated half cells."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from ratescope.cycling.rate_equation import (
    capacity_at_current,
    is_on_the_law,
    jacobian_at_current,
    share_at_rate,
)
from ratescope.cycling.rate_law_fit import MOST_MISFIT, fit_rate_law
from ratescope.errors import RateTestError
from ratescope.records import RateCurve

RATES = np.array([0.2, 1.0, 2.0, 3.0, 5.0])
THEORETICAL = 159.7
SET_A = {  # simulated, Ah/kg by porosity: the reference table of the virtual laboratory
    0.495: [157.3, 143.9, 132.4, 121.0, 99.5],
    0.346: [157.2, 143.7, 132.2, 120.7, 56.2],
    0.300: [157.2, 143.6, 132.0, 116.4, 38.6],
    0.254: [157.1, 143.3, 131.7, 87.0, 24.8],
    0.196: [157.0, 142.5, 94.7, 42.9, 13.1],
}
plateaus = st.floats(80.0, 400.0)
taus_h = st.floats(0.01, 0.5)
exponents = st.floats(0.3, 1.0)
quickly = settings(max_examples=25, deadline=None)


def curve(values, *, rates=RATES, spread=None, capacity="specific"):
    return RateCurve(capacity, np.asarray(rates, float), np.asarray(values, float), spread)


def made_up(plateau, tau_h, exponent, *, theoretical=THEORETICAL, rates=RATES):
    return capacity_at_current(np.asarray(rates) * theoretical, plateau, tau_h, exponent)


# --- the equation -------------------------------------------------------------------------------------------------


@given(exponents)
@quickly
def test_at_rest_all_of_the_plateau_and_far_beyond_a_power_of_the_rate(exponent):
    assert share_at_rate(1e-9 ** (1.0 / exponent), exponent) == pytest.approx(1.0, abs=1e-8)
    assert share_at_rate(1.0, exponent) == pytest.approx(1.0 / math.e)
    assert share_at_rate(1e9 ** (1.0 / exponent), exponent) == pytest.approx(0.5e-9, rel=1e-6)


def test_the_series_for_high_rates_meets_the_closed_form():
    around = np.array([1000.0 * (1 - 1e-9), 1000.0 * (1 + 1e-9)])
    below, above = share_at_rate(around, 1.0)
    assert below == pytest.approx(above, rel=1e-8)
    assert below > above


def capacity_slowly(current, plateau, tau_h, exponent):
    """The one crossing of Q and of what the law gives for the rate current/Q, found by halving."""

    def lacking(capacity):
        x = (current / capacity * tau_h) ** exponent
        return plateau * (1.0 - x * -math.expm1(-1.0 / x)) - capacity

    return brentq(lacking, 1e-3 * plateau, plateau, xtol=1e-12 * plateau)


@given(plateaus, taus_h, exponents, st.floats(0.05, 2.0))
@quickly
def test_the_capacity_at_a_current_agrees_with_halving(plateau, tau_h, exponent, currents_per_plateau):
    current = currents_per_plateau * plateau
    fast = capacity_at_current(np.array([current]), plateau, tau_h, exponent)[0]
    assume(fast > 0.01 * plateau)
    assert fast == pytest.approx(capacity_slowly(current, plateau, tau_h, exponent), rel=1e-9)


@given(plateaus, taus_h, st.floats(0.3, 1.9))
@example(80.0, 0.5, 0.99609375)  # capacities too small for a number at the high end
@quickly
def test_a_higher_current_never_gives_more(plateau, tau_h, exponent):
    currents = np.geomspace(0.01, 50.0, 60) * plateau
    assert (np.diff(capacity_at_current(currents, plateau, tau_h, exponent)) <= 0.0).all()


def test_the_rate_is_the_current_over_the_capacity_measured_at_it():
    current = 5.0 * THEORETICAL
    capacity = capacity_at_current(np.array([current]), 160.0, 0.07, 0.9)[0]
    assert capacity == pytest.approx(160.0 * share_at_rate(current / capacity * 0.07, 0.9))
    assert capacity < 0.8 * 160.0 * share_at_rate(5.0 * 0.07, 0.9)  # what the nominal C-rate would give


def test_an_exponent_above_one_has_a_highest_current():
    currents = np.array([1.0, 100.0]) * THEORETICAL
    assert is_on_the_law(currents, 160.0, 0.1, 1.3).tolist() == [True, False]
    assert is_on_the_law(currents, 160.0, 0.1, 0.9).all()


@given(plateaus, taus_h, exponents)
@quickly
def test_the_derivatives_are_those_of_small_steps(plateau, tau_h, exponent):
    logs, step = np.log([plateau, tau_h, exponent]), 1e-6
    currents = RATES * THEORETICAL
    assume(capacity_at_current(currents, plateau, tau_h, exponent).min() > 1e-3 * plateau)
    for column, shift in enumerate(step * np.eye(3)):
        up, down = (capacity_at_current(currents, *np.exp(logs + sign * shift)) for sign in (1.0, -1.0))
        jacobian = jacobian_at_current(currents, plateau, tau_h, exponent)
        assert jacobian[:, column] == pytest.approx((up - down) / (2.0 * step), rel=1e-3, abs=1e-3 * plateau)


# --- the fit ------------------------------------------------------------------------------------------------------


@given(st.floats(120.0, 200.0), st.floats(0.03, 0.1), st.floats(0.5, 0.9))
@settings(max_examples=8, deadline=None)
def test_made_up_truth_is_recovered(plateau, tau_h, exponent):
    law = fit_rate_law(curve(made_up(plateau, tau_h, exponent)), THEORETICAL)
    assert law.parameters == pytest.approx((plateau, tau_h, exponent), rel=1e-4)
    assert law.largest_misfit < 1e-5


def test_four_rates_are_enough_and_their_order_does_not_matter():
    rates = np.array([5.0, 0.2, 1.0, 3.0])
    law = fit_rate_law(curve(made_up(160.0, 0.06, 0.8, rates=rates), rates=rates), THEORETICAL)
    assert law.parameters == pytest.approx((160.0, 0.06, 0.8), rel=1e-4)
    assert law.degrees_of_freedom == 1


def test_by_volume_time_and_exponent_are_those_by_mass():
    """τ and n belong to the electrode: dividing by litres instead of kilograms scales the plateau alone."""
    kg_per_l = 1.96
    by_mass = fit_rate_law(curve(SET_A[0.495]), THEORETICAL)
    by_volume = fit_rate_law(curve(np.array(SET_A[0.495]) * kg_per_l, capacity="density"), THEORETICAL * kg_per_l)
    assert by_volume.unit == "Ah/L"
    assert by_volume.parameters[1:] == pytest.approx(by_mass.parameters[1:], rel=1e-5)
    assert by_volume.plateau == pytest.approx(kg_per_l * by_mass.plateau, rel=1e-5)


@pytest.mark.parametrize(("porosity", "misfit"), [(0.495, 0.006), (0.346, 0.023), (0.300, 0.020)])
def test_the_law_fits_simulated_half_cells_that_the_salt_does_not_starve(porosity, misfit):
    law = fit_rate_law(curve(SET_A[porosity]), THEORETICAL)
    assert law.largest_misfit < misfit < MOST_MISFIT
    assert [law.capacity_at(rate) for rate in RATES] == pytest.approx(SET_A[porosity] + law.misfit)


def test_a_law_that_ends_before_the_highest_rate_is_refused():
    """With the exponent 1 there is a highest current: beyond it the made-up capacity is zero but for a trace."""
    values = np.maximum(made_up(120.0, 0.125, 1.0), 0.05)
    with pytest.raises(
        RateTestError, match=r"ends before [35]C, where 0.[13] Ah/kg are given. Read between the rates by eye"
    ):
        fit_rate_law(curve(values), THEORETICAL)


@pytest.mark.parametrize("porosity", [0.254, 0.196])
def test_dense_electrodes_are_refused_because_the_law_does_not_fit(porosity):
    with pytest.raises(RateTestError, match=r"does not fit: at [1235]C .* of its plateau.* test more of them"):
        fit_rate_law(curve(SET_A[porosity]), THEORETICAL)


def test_a_point_that_scatters_pulls_less():
    truth = made_up(160.0, 0.06, 0.8)
    moved = truth + np.array([0.0, 0.0, 4.0, 0.0, 0.0])
    even = fit_rate_law(curve(moved), THEORETICAL)
    weighted = fit_rate_law(curve(moved, spread=np.array([1.0, 1.0, 20.0, 1.0, 1.0])), THEORETICAL)
    assert abs(weighted.tau_h - 0.06) < 0.3 * abs(even.tau_h - 0.06)


def test_the_spread_of_one_cell_is_not_known_and_does_no_harm():
    known = fit_rate_law(curve(SET_A[0.495]), THEORETICAL)
    unknown = fit_rate_law(curve(SET_A[0.495], spread=np.full(5, np.nan)), THEORETICAL)
    assert unknown.parameters == known.parameters


def test_two_degrees_of_freedom_make_wide_intervals():
    law = fit_rate_law(curve(SET_A[0.495]), THEORETICAL)
    low_h, high_h = law.intervals[1]
    assert low_h * high_h == pytest.approx(law.tau_h**2)
    assert math.log(high_h / law.tau_h) == pytest.approx(4.303 * law.standard_errors[1] / law.tau_h, rel=1e-3)
    low, high = law.interval_at(4.0)
    assert low < law.capacity_at(4.0) < high


def covered(truth, noise, fits, rng):
    """How often the 95 % intervals hold τ and the capacity at 4C."""
    clean, at_4c = made_up(*truth), made_up(*truth, rates=[4.0])[0]
    hits = []
    for _ in range(fits):
        law = fit_rate_law(curve(clean + noise * truth[0] * rng.standard_normal(5)), THEORETICAL)
        (low_h, high_h), (low, high) = law.intervals[1], law.interval_at(4.0)
        hits.append((low_h <= truth[1] <= high_h, low <= at_4c <= high))
    return np.mean(hits, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("truth", [(162.0, 0.0365, 0.69), (155.0, 0.072, 1.0), (165.0, 0.1, 0.8)])
def test_intervals_hold_what_they_say(truth):
    assert (covered(truth, 0.005, 300, np.random.default_rng(0)) > 0.91).all()


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rates", "reason"),
    [
        ([157.0, 140.0, 100.0], [0.2, 1.0, 5.0], "at least 4 C-rates; there are 3. Test more"),
        ([157.0, 140.0, 150.0, 110.0, 80.0], RATES, "rises from 1C to 2C by 6%.* Look at those cycles"),
        ([160.0, 159.5, 158.0, 156.0, 152.0], RATES, "falls by only 5% up to 5C.* Test higher rates"),
        ([157.0, 140.0, 0.0, 0.0, 0.0], RATES, "not above zero. Look at the rate table"),
        ([157.0, 140.0, math.nan, 100.0, 90.0], RATES, "not above zero. Look at the rate table"),
        (made_up(300.0, 1.0, 0.5), RATES, "the plateau would be 300 Ah/kg, .* Test lower rates"),
        ([160.0, 160.0, 160.0, 158.0, 140.0], RATES, "exponent ran into its bound, 2: .* Test more of them"),
        ([160.0, 158.0, 150.0, 148.5, 141.0], RATES, "time is not determined: between .* Test more rates"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(values, rates, reason):
    with pytest.raises(RateTestError, match=reason):
        fit_rate_law(curve(values, rates=rates), THEORETICAL)


def test_one_c_refers_to_something():
    with pytest.raises(RateTestError, match="above zero; got nan. Give theoretical_ah_per_kg"):
        fit_rate_law(curve(SET_A[0.495]), math.nan)


@pytest.mark.parametrize("rate", [0.1, 6.0])
def test_nothing_is_said_beyond_the_tested_rates(rate):
    law = fit_rate_law(curve(SET_A[0.495]), THEORETICAL)
    with pytest.raises(RateTestError, match=f"from 0.2C to 5C and says nothing of {rate:g}C. Ask between them"):
        law.capacity_at(rate)
