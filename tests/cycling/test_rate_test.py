import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.cycling.rate_test import (
    RATE_COLUMNS,
    _nominal,
    rate_curve,
    rate_rows,
    rate_test,
    rate_test_from_capacities,
)
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.basytec import read_basytec
from ratescope.errors import RateTestError
from ratescope.protocol import TABLE_2

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
ACTIVE_MASS_MG = 12.0
ONE_C_A = ACTIVE_MASS_MG * 1e-6 * 159.7


@dataclass(frozen=True)
class Phase:
    """Seconds under a current (below zero: discharge), while the voltage goes straight from one value to another."""

    current_a: float
    seconds: float
    from_v: float
    to_v: float


def charge(c_rate=1.0):
    return Phase(c_rate * ONE_C_A, 0.9 / c_rate * 3600.0, 3.0, 4.3)


def discharge(c_rate=1.0, share=0.8, to_v=2.6):
    """A discharge that gives a share of the theoretical capacity."""
    return Phase(-c_rate * ONE_C_A, share / c_rate * 3600.0, 4.2, to_v)


def rest():
    return Phase(0.0, 600.0, 3.5, 3.5)


def cycles(*rates_and_shares):
    return [phase for rate, share in rates_and_shares for phase in (charge(rate), discharge(rate, share))]


def record_of(phases, *, time_factor=1.0, counter_factor=1.0):
    """The record of an export with a row every minute; the factors spoil its time or its counter of charge."""
    lines, start_s, net_ah = ["~Resultfile from Basytec", "~Time[s]\tLine\tU[V]\tI[A]\tAh[Ah]"], 0.0, 0.0
    for line, phase in enumerate(phases):
        times_s = np.append(np.arange(0.0, phase.seconds, 60.0), phase.seconds)
        for t in times_s:
            voltage_v = phase.from_v + (phase.to_v - phase.from_v) * t / phase.seconds
            ah = (net_ah + phase.current_a * t / 3600.0) * counter_factor
            lines.append(
                f"{(start_s + t) * time_factor:.9g}\t{line}\t{voltage_v:.9g}\t{phase.current_a:.12g}\t{ah:.12g}"
            )
        start_s, net_ah = start_s + phase.seconds, net_ah + phase.current_a * phase.seconds / 3600.0
    return read_basytec("\n".join([*lines, ""]), "cell.txt")


def rate_test_of(phases, **more):
    known = {"active_mass_mg": ACTIVE_MASS_MG} | more
    return rate_test(record_of(phases), cell="c1", electrode="e1", **known)


def codes(test):
    return [finding.code for finding in test.remarks]


TABLE_2_IN_LITTLE = cycles(
    (0.05, 0.95), (0.05, 0.95), (0.1, 0.93), (0.1, 0.92), (0.2, 0.91), (0.2, 0.9), (0.1, 0.92), (0.5, 0.88),
    (0.5, 0.87), (1.0, 0.85), (1.0, 0.84), (0.1, 0.92), (2.0, 0.8), (2.0, 0.79), (3.0, 0.7), (3.0, 0.69),
    (5.0, 0.3), (5.0, 0.29), (0.1, 0.92), (0.2, 0.86), (0.2, 0.85),
)  # fmt: skip


def test_the_second_discharge_of_the_first_block_at_each_rate_counts():
    test = rate_test_of(TABLE_2_IN_LITTLE)
    counting = {d.c_rate_per_h: d.capacity_ah / ONE_C_A for d in test.discharges if d.counts}
    assert counting == pytest.approx({0.2: 0.9, 1.0: 0.84, 2.0: 0.79, 3.0: 0.69, 5.0: 0.29}, rel=1e-6)
    assert [d.cycle for d in test.discharges] == list(range(1, 22))
    assert test.remarks == ()


def test_currents_of_discharges_are_below_zero():
    assert [d.current_a for d in rate_test_of(cycles((2.0, 0.8))).discharges] == pytest.approx([-2.0 * ONE_C_A])


@given(st.sampled_from(TABLE_2.c_rates_per_h), st.floats(-0.049, 0.049))
def test_a_rate_within_five_percent_of_the_protocol_is_nominal(rate, off):
    assert _nominal(rate * (1.0 + off), TABLE_2) == rate


@given(
    st.sampled_from([(0.05, 0.06), (0.3, 0.4), (0.6, 0.9), (1.1, 1.8), (2.2, 2.8), (3.2, 4.7), (5.3, 50.0)]),
    st.floats(0, 1),
)
def test_a_rate_farther_away_stays_as_it_was_measured(gap, share):
    low, high = gap
    rate = max(low * 1.06, low + (high - low) * share)
    assert _nominal(rate, TABLE_2) == rate


def test_a_discharge_that_stops_early_does_not_count_but_the_one_before_it_does():
    test = rate_test_of([*cycles((1.0, 0.85), (1.0, 0.84)), charge(), discharge(1.0, 0.4, to_v=3.4)])
    assert [d.counts for d in test.discharges] == [False, True, False]
    assert "Discharge 3 follows no charge or stops at 3.40 V: it does not count." in [f.text for f in test.remarks]


def test_a_discharge_that_was_interrupted_does_not_count():
    halves = [discharge(1.0, 0.4, to_v=3.4), rest(), Phase(-ONE_C_A, 1440.0, 3.4, 2.6)]
    test = rate_test_of([*cycles((1.0, 0.85)), charge(), *halves])
    assert [d.counts for d in test.discharges] == [True, False, False]
    assert codes(test).count("incomplete-discharge") == 2


def test_a_laboratory_with_another_cut_off_voltage_is_understood():
    phases = [phase for _ in range(3) for phase in (charge(), discharge(to_v=3.0))]
    assert [d.counts for d in rate_test_of(phases).discharges] == [False, False, True]


def test_rests_between_the_steps_change_nothing():
    phases = [part for phase in cycles((1.0, 0.85), (1.0, 0.84)) for part in (phase, rest())]
    assert [d.capacity_ah for d in rate_test_of(phases).discharges] == pytest.approx([0.85 * ONE_C_A, 0.84 * ONE_C_A])


def test_a_counter_that_disagrees_is_said_with_both_numbers_and_the_integral_is_used():
    test = rate_test(
        record_of(cycles((1.0, 0.8)), counter_factor=1.02), cell="c", electrode="e", active_mass_mg=ACTIVE_MASS_MG
    )
    (text,) = [finding.text for finding in test.remarks if finding.code == "counter-disagrees"]
    assert "0.00153312 Ah, the instrument's counter 0.00156378 Ah" in text
    assert test.discharges[0].capacity_ah == pytest.approx(0.8 * ONE_C_A)


def test_hours_labelled_as_seconds_are_refused():
    with pytest.raises(RateTestError, match="counter shows 3600 times the integral.*mend the header"):
        rate_test(record_of(cycles((1.0, 0.8)), time_factor=1 / 3600), cell="c", electrode="e")


def test_more_than_the_theoretical_capacity_makes_the_mass_suspect():
    # Half the mass: twice the C-rate and twice the specific capacity.
    assert "above-theoretical" in codes(rate_test_of(cycles((1.0, 0.9)), active_mass_mg=ACTIVE_MASS_MG / 2))


def test_missing_rates_are_said_with_those_that_were_seen():
    (remark,) = rate_test_of(cycles((0.2, 0.9), (0.7, 0.85))).remarks
    assert remark.text.startswith("No complete discharge at 1C, 2C, 3C, 5C; discharged was at 0.2C, 0.7C.")


def test_without_an_active_mass_capacities_are_known_and_rates_are_not():
    test = rate_test_of(cycles((1.0, 0.8)), active_mass_mg=None)
    (row,) = rate_rows(test)
    assert row["capacity_ah"] == pytest.approx(0.8 * ONE_C_A)
    assert row["c_rate_per_h"] is row["specific_capacity_ah_per_kg"] is row["capacity_density_ah_per_l"] is None
    assert row["counts"] is False
    assert codes(test) == ["no-active-mass"]


@pytest.mark.parametrize("mass", [0.0, -1.0, math.nan])
def test_a_mass_that_is_none_is_refused(mass):
    with pytest.raises(RateTestError, match="above zero; got .* Mend them, or leave the mass out"):
        rate_test_of(cycles((1.0, 0.8)), active_mass_mg=mass)


@pytest.mark.parametrize(
    ("phases", "match"),
    [
        ([charge()], r"no discharge was found in its 55 rows over 0.9 h, where the current only charges. Export the"),
        ([rest()], "no current flows. Export the whole rate test"),
    ],
)
def test_a_record_without_a_discharge_says_what_it_holds(phases, match):
    with pytest.raises(RateTestError, match=match):
        rate_test_of(phases)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cycler files are not beside this checkout")
def test_a_genuine_export_that_stops_in_its_first_charge_is_refused():
    with pytest.raises(RateTestError, match="no discharge was found in its 74 rows over 0.0195 h.*only charges"):
        rate_test(read_cycler_file(REAL / "basytec_xcts.txt"), cell="c", electrode="e", active_mass_mg=ACTIVE_MASS_MG)


def test_rows_have_the_columns_of_the_contract_and_its_units():
    test = rate_test_of(cycles((1.0, 0.8)), coating_volume_mm3=4.4, collector_area_cm2=0.785)
    (row,) = rate_rows(test)
    capacity_ah = 0.8 * ONE_C_A
    assert tuple(row) == RATE_COLUMNS
    assert row == pytest.approx(
        {
            "cell": "c1",
            "electrode": "e1",
            "cycle": 1,
            "c_rate_per_h": 1.0,
            "current_a": -ONE_C_A,
            "capacity_ah": capacity_ah,
            "specific_capacity_ah_per_kg": 0.8 * 159.7,
            "capacity_density_ah_per_l": capacity_ah / 4.4e-6,
            "areal_capacity_mah_per_cm2": capacity_ah * 1e3 / 0.785,
            "counts": True,
        }
    )


def typed(capacities_ah, cell="c1", **more):
    return rate_test_from_capacities(capacities_ah, cell=cell, electrode="e1", **{"active_mass_mg": 12.0} | more)


def test_a_rate_curve_is_the_mean_over_the_cells_with_their_spread():
    cells = [typed({0.2: ah * 1e-3, 5.0: 0.6e-3}, cell) for cell, ah in (("c1", 1.2), ("c2", 1.8), ("c3", 2.4))]
    curve = rate_curve(cells, "specific")
    assert curve.c_rates_per_h.tolist() == [0.2, 5.0]
    assert curve.values == pytest.approx([150.0, 50.0])
    assert curve.spread == pytest.approx([50.0, 0.0])  # n − 1


def test_the_spread_of_one_cell_is_unknown_and_not_zero():
    assert np.isnan(rate_curve([typed({0.2: 1.8e-3})], "specific").spread).all()


def test_specific_and_density_differ_by_the_mass_in_the_volume():
    test = typed({0.2: 1.8e-3, 5.0: 0.6e-3}, coating_volume_mm3=4.0)
    assert rate_curve([test], "density").values == pytest.approx(rate_curve([test], "specific").values * 12.0 / 4.0)


def test_typed_capacities_count_at_the_rates_of_the_curve_alone():
    assert [d.counts for d in typed({0.1: 2e-3, 0.2: 1.9e-3, 0.5: 1.8e-3}).discharges] == [False, True, False]


def test_a_curve_without_its_basis_says_what_to_fill_in():
    with pytest.raises(RateTestError, match="capacity density needs its coating volume.*Fill active_mass_mg"):
        rate_curve([typed({0.2: 1.8e-3})], "density")


def test_cells_without_a_counting_discharge_have_no_curve():
    with pytest.raises(RateTestError, match="no discharge counts for a rate curve in the cells c1.*Check the active"):
        rate_curve([typed({0.1: 1.8e-3})], "specific")
