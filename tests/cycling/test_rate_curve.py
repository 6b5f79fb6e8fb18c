from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.degradation import degradation
from ratescope.cycling.rate_curve import rate_curve, rate_rows
from ratescope.cycling.rate_test import rate_test_from_capacities
from ratescope.errors import InputError, RateTestError
from ratescope.records import Discharge, Prediction, RateCurve, RateTest
from ratescope.units import areal_from_density

RATES = (0.2, 1.0, 2.0, 3.0, 5.0)


def typed(capacities_ah, cell="c1", **more):
    test = rate_test_from_capacities(capacities_ah, cell=cell, electrode="e1", active_mass_mg=12.0)
    return replace(test, **more)


def three_cells(*capacities_mah):
    return [typed({0.2: mah * 1e-3, 5.0: 1.2e-3}, f"c{n}") for n, mah in enumerate(capacities_mah, start=1)]


def test_a_rate_curve_is_the_mean_over_the_cells_with_their_spread():
    curve = rate_curve(three_cells(1.2, 1.8, 2.4), "specific")
    assert curve.c_rates_per_h.tolist() == [0.2, 5.0]
    assert curve.values == pytest.approx([150.0, 100.0])
    assert curve.spread == pytest.approx([50.0, 0.0])  # n − 1
    assert curve.cells.tolist() == [3, 3]


def test_several_discharges_of_a_cell_that_count_are_one_value_of_that_cell():
    """Else a cell that was cycled more often would weigh more."""
    twice = RateTest(
        "c1", "e1", tuple(Discharge(n, 0.2, -1e-3, ah, counts=True) for n, ah in ((1, 1.2e-3), (2, 2.4e-3))), 12.0
    )
    curve = rate_curve([twice, typed({0.2: 2.4e-3}, "c2")], "specific")
    assert (curve.values[0], curve.cells[0]) == (pytest.approx(175.0), 2)


def test_the_spread_of_one_cell_is_unknown_and_not_zero():
    assert np.isnan(rate_curve([typed({0.2: 1.8e-3})], "specific").spread).all()


def test_specific_and_density_differ_by_the_mass_in_the_volume():
    test = typed({0.2: 1.8e-3, 5.0: 0.6e-3}, coating_volume_mm3=4.0)
    assert rate_curve([test], "density").values == pytest.approx(rate_curve([test], "specific").values * 12.0 / 4.0)


@settings(max_examples=20)
@given(st.floats(1e-5, 1e-2), st.floats(0.1, 5.0), st.floats(10.0, 300.0))
def test_areal_capacity_is_capacity_density_times_thickness(capacity_ah, area_cm2, thickness_um):
    test = typed({0.2: capacity_ah}, collector_area_cm2=area_cm2, coating_volume_mm3=area_cm2 * thickness_um * 0.1)
    (row,) = rate_rows(test)
    assert row["areal_capacity_mah_per_cm2"] == pytest.approx(
        areal_from_density(row["capacity_density_ah_per_l"], thickness_um)
    )


def test_a_curve_without_its_basis_says_what_to_fill_in():
    with pytest.raises(RateTestError, match="capacity density needs its coating volume.*Fill active_mass_mg"):
        rate_curve([typed({0.2: 1.8e-3})], "density")


def test_cells_without_a_counting_discharge_have_no_curve():
    with pytest.raises(RateTestError, match="no discharge counts for a rate curve in the cells c1.*Check the active"):
        rate_curve([typed({0.1: 1.8e-3})], "specific")


def test_more_cells_do_not_shrink_the_error_of_the_masses():
    tests = [replace(test, active_mass_sd_mg=0.12) for test in three_cells(1.8, 1.8, 1.8)]
    assert rate_curve(tests, "specific").basis_error == pytest.approx([1.5, 1.0])


def test_an_error_that_nobody_gave_is_unknown_and_not_zero():
    tests = three_cells(1.8, 1.8, 1.8)
    assert np.isnan(rate_curve([replace(tests[0], active_mass_sd_mg=0.1), *tests[1:]], "specific").basis_error).all()


def test_a_cell_apart_is_named_with_its_rates_and_stays_in_the_mean():
    curve = rate_curve(three_cells(1.8, 1.81, 1.5), "specific")
    (remark,) = curve.remarks
    assert remark.text == ("Cell c3 lies apart from the others of its electrode: -17 % at 0.2C. It stays in the mean.")
    assert curve.values[0] == pytest.approx((1.8 + 1.81 + 1.5) / 3 / 12e-3)


def test_two_cells_that_differ_cannot_show_which_is_right():
    (remark,) = rate_curve(three_cells(1.8, 1.5), "specific").remarks
    assert remark.text == "Cells c1 and c2 differ by 20 % at 0.2C. Two cells cannot show which is right."


def test_a_difference_below_five_percent_is_scatter_however_close_the_others_are():
    assert rate_curve(three_cells(1.8, 1.8, 1.72), "specific").remarks == ()


def discharges(*rates_and_roles):
    return [
        Discharge(n, rate, -1e-3, ah, counts=False, role=role)
        for n, (rate, role, ah) in enumerate(rates_and_roles, start=1)
    ]


def test_degradation_is_from_the_last_of_the_first_block_to_the_last_of_the_return():
    loss = degradation(
        discharges((0.2, "rate", 2.1e-3), (0.2, "rate", 2e-3), (5.0, "rate", 1e-3), (0.2, "return", 1.9e-3))
    )
    assert (loss.first_ah, loss.last_ah, loss.cycles) == (2e-3, 1.9e-3, 2)
    assert loss.loss_share == pytest.approx(0.05)
    assert loss.loss_share_per_cycle == pytest.approx(0.025)


def test_an_incomplete_return_shows_no_degradation():
    first, last = discharges((0.2, "rate", 2e-3), (0.2, "return", 1e-3))
    assert degradation([first, replace(last, is_complete=False)]) is None


def test_a_curve_with_fewer_numbers_than_c_rates_is_refused():
    with pytest.raises(InputError, match="one number of values for each C-rate; there are 1 for 2 C-rates"):
        RateCurve("specific", np.array([0.2, 1.0]), np.array([150.0]))
    with pytest.raises(InputError, match=r"shape \(networks, crops, 2\); it is \(3, 2\)"):
        Prediction("specific", np.array([0.2, 1.0]), np.ones((3, 2)))
