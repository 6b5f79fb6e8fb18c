"""Cells apart: named where they are, and seldom where they are not."""

import numpy as np
import pytest

from ratescope.cycling.outliers import remarks_on_cells, usual_spread

RATES = (0.2, 1.0, 2.0, 3.0, 5.0)
DESIGN_TAU_H = (0.03, 0.06, 0.10, 0.16, 0.30)  # five densifications: the densest falls from 1C, the loosest hardly


def curve(tau_h):
    """Capacities in Ah/kg that fall with the rate as a porous electrode's do."""
    y = (np.array(RATES) * tau_h) ** -1.2
    return 160.0 * (1.0 - (1.0 - np.exp(-y)) / y)


def electrode(rng, tau_h, mass_sd, tau_sd, odd=(1.0, 1.0)):
    """C-rate → cell → capacity of three cells, of which the first is odd by factors of its mass and its time."""
    by_rate = {rate: {} for rate in RATES}
    for cell, (mass, time) in zip(("a", "b", "c"), (odd, (1.0, 1.0), (1.0, 1.0)), strict=True):
        values = curve(tau_h * time * np.exp(tau_sd * rng.standard_normal())) * mass
        values *= 1.0 + mass_sd * rng.standard_normal()
        for rate, value in zip(RATES, values, strict=True):
            by_rate[rate][cell] = value
    return by_rate


def named(by_rate, usual):
    return {finding.text.split()[1] for finding in remarks_on_cells(by_rate, usual)}


def share_named(*, mass_sd, tau_sd, odd=(1.0, 1.0), lone=False, times=50):
    """Of the first cells of fifty drawn campaigns the share that is named."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(times):
        drawn = [
            electrode(rng, tau_h, mass_sd, tau_sd, odd if number == 0 else (1.0, 1.0))
            for number, tau_h in enumerate(rng.permutation(DESIGN_TAU_H))
        ]
        found += "a" in named(drawn[0], None if lone else usual_spread(drawn))
    return found / times


@pytest.mark.parametrize("lone", [False, True])
def test_sound_cells_are_seldom_named(lone):
    assert share_named(mass_sd=0.015, tau_sd=0.05, lone=lone) <= 0.04


def test_a_mass_that_is_ten_percent_off_is_found():
    assert share_named(mass_sd=0.01, tau_sd=0.05, odd=(0.9, 1.0)) >= 0.9


def test_a_cell_with_slow_transport_is_found():
    assert share_named(mass_sd=0.01, tau_sd=0.05, odd=(1.0, 1.5)) >= 0.8


def test_where_the_curve_falls_cells_may_lie_further_apart():
    """15 % apart at each rate: on the plateau that is odd, where half of the capacity is gone it is not."""
    falling = {1.0: {"a": 150.0, "b": 150.0, "c": 127.5}, 3.0: {"a": 60.0, "b": 60.0, "c": 51.0}}
    flat = {1.0: {"a": 150.0, "b": 150.0, "c": 127.5}, 3.0: {"a": 149.0, "b": 149.0, "c": 126.7}}
    assert named(falling, None) == set()
    assert named(flat, None) == {"c"}


def test_of_three_cells_that_all_differ_none_is_apart():
    assert named({0.2: {"a": 150.0, "b": 140.0, "c": 125.0}}, None) == set()


def test_where_cells_usually_scatter_a_difference_says_less():
    cells = {0.2: {"a": 150.0, "b": 150.5, "c": 136.0}}
    assert named(cells, 0.02) == {"c"}
    assert named(cells, 0.03) == set()


def test_the_usual_spread_is_that_of_the_plateau_and_one_odd_cell_does_not_widen_it():
    rng = np.random.default_rng(1)
    electrodes = [electrode(rng, 0.001, mass_sd=0.02, tau_sd=0.0) for _ in range(100)]
    plain = usual_spread(electrodes)
    assert plain == pytest.approx(0.02, rel=0.15)
    for cells in electrodes[0].values():
        cells["a"] = 1.0
    assert usual_spread(electrodes) == pytest.approx(plain, rel=0.05)


def test_two_electrodes_do_not_make_a_spread_usual():
    assert usual_spread([{1.0: {"a": 1.0, "b": 1.1}}] * 2) is None


def test_a_cell_without_capacity_hides_nothing_and_breaks_nothing():
    assert named({1.0: {"a": 150.0, "b": 150.0, "c": 120.0}, 5.0: {"a": 0.0, "b": 0.0, "c": 0.0}}, None) <= {"c"}
