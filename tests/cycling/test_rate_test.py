import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_rows
from ratescope.cycling.rate_test import _nominal, rate_test, rate_test_from_capacities
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import CURRENT, NET_CAPACITY, STEP, TIME, VOLTAGE, CyclerRecord
from ratescope.errors import RateTestError
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol
from ratescope.records import Finding

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
ACTIVE_MASS_MG = 12.0
ONE_C_A = ACTIVE_MASS_MG * 1e-6 * 159.7


@dataclass(frozen=True)
class Phase:
    """Seconds in which current and voltage go straight from one value to another; a current below zero discharges."""

    current_a: float
    seconds: float
    from_v: float
    to_v: float
    to_a: float | None = None

    def rows(self, every_s=60.0):
        time_s = np.append(np.arange(0.0, self.seconds, every_s), self.seconds)
        share = time_s / self.seconds
        end_a = self.current_a if self.to_a is None else self.to_a
        voltage_v = self.from_v + (self.to_v - self.from_v) * share
        return time_s, voltage_v, self.current_a + (end_a - self.current_a) * share


def charge(c_rate=1.0, to_v=4.3):
    return Phase(c_rate * ONE_C_A, 0.9 / c_rate * 3600.0, 3.0, to_v)


def hold(c_rate=1.0, share=0.06):
    """A hold at 4.3 V whose current fades to a fifth and passes a share of the theoretical capacity."""
    return Phase(c_rate * ONE_C_A, share / (0.6 * c_rate) * 3600.0, 4.3, 4.3, to_a=0.2 * c_rate * ONE_C_A)


def discharge(c_rate=1.0, share=0.8, to_v=2.6):
    """A discharge that gives a share of the theoretical capacity."""
    return Phase(-c_rate * ONE_C_A, share / c_rate * 3600.0, 4.2, to_v)


def rest():
    return Phase(0.0, 600.0, 3.5, 3.5)


def cycles(*rates_and_shares):
    return [p for rate, share in rates_and_shares for p in (charge(rate), hold(rate), discharge(rate, share))]


def record_of(phases, *, time_factor=1.0, counter_factor=1.0, drop=slice(0, 0)):
    """A record with a row every minute; the factors spoil its time or its counter of charge, ``drop`` makes a gap."""
    parts, start_s, net_ah = [], 0.0, 0.0
    for line, phase in enumerate(phases):
        time_s, voltage_v, current_a = phase.rows()
        passed = np.concatenate([[0.0], np.cumsum(np.diff(time_s) * (current_a[1:] + current_a[:-1]) / 2.0)]) / 3600.0
        ah = (net_ah + passed) * counter_factor
        columns = {TIME: (start_s + time_s) * time_factor, VOLTAGE: voltage_v, CURRENT: current_a, NET_CAPACITY: ah}
        parts.append(pd.DataFrame(columns).assign(**{STEP: line}))
        start_s, net_ah = start_s + phase.seconds, net_ah + passed[-1]
    rows = pd.concat(parts, ignore_index=True)
    return CyclerRecord.of_rows("cell.txt", rows.drop(rows.index[drop]).reset_index(drop=True))


def rate_test_of(phases, drop=slice(0, 0), **more):
    known = {"active_mass_mg": ACTIVE_MASS_MG} | more
    return rate_test(record_of(phases, drop=drop), cell="c1", electrode="e1", **known)


def codes(test):
    return [finding.code for finding in test.remarks]


TABLE_2_IN_LITTLE = cycles(
    *[(0.05, 0.95)] * 2, *[(0.1, 0.92)] * 2, *[(0.1, 0.93)] * 2, *[(0.1, 0.92)] * 2, (0.2, 0.91), (0.2, 0.9),
    *[(0.1, 0.92)] * 2, (0.5, 0.88), (0.5, 0.87), *[(0.1, 0.92)] * 2, (1.0, 0.85), (1.0, 0.84), *[(0.1, 0.92)] * 2,
    (2.0, 0.8), (2.0, 0.79), *[(0.1, 0.92)] * 2, (3.0, 0.7), (3.0, 0.69), *[(0.1, 0.92)] * 2, (5.0, 0.3), (5.0, 0.29),
    *[(0.1, 0.91)] * 2, (0.2, 0.88), (0.2, 0.87),
)  # fmt: skip


@pytest.fixture(scope="module")
def whole_test():
    return rate_test_of(TABLE_2_IN_LITTLE)


def test_the_second_discharge_of_the_first_block_at_each_rate_counts(whole_test):
    counting = {d.c_rate_per_h: d.capacity_ah / ONE_C_A for d in whole_test.discharges if d.counts}
    assert counting == pytest.approx({0.2: 0.9, 1.0: 0.84, 2.0: 0.79, 3.0: 0.69, 5.0: 0.29}, rel=1e-6)
    assert [d.cycle for d in whole_test.discharges] == list(range(1, 35))
    assert whole_test.remarks == ()


def test_each_discharge_of_table_2_has_the_role_that_the_table_gives_it(whole_test):
    expected = [role for role, block in TABLE_2.planned for _ in range(block.cycles)]
    assert [d.role for d in whole_test.discharges] == expected
    assert expected.count("check-up") == 16


@pytest.mark.parametrize(("counts", "share"), [("first", 0.91), ("last", 0.9), ("mean", 0.905)])
def test_which_of_the_repeated_cycles_count_is_a_setting(counts, share):
    test = rate_test_of(cycles((0.2, 0.91), (0.2, 0.9)), protocol=replace(TABLE_2, counts=counts))
    counting = [d.capacity_ah / ONE_C_A for d in test.discharges if d.counts]
    assert np.mean(counting) == pytest.approx(share)
    assert len(counting) == (2 if counts == "mean" else 1)


def test_the_parts_of_a_charge_at_constant_current_and_voltage_are_kept_apart(whole_test):
    for discharge_ in whole_test.discharges:
        # Where in the first interval of a hold the current begins to fade, a log does not say.
        assert discharge_.charge_cc_ah == pytest.approx(0.9 * ONE_C_A, rel=0.01)
        assert discharge_.charge_cv_ah == pytest.approx(0.06 * ONE_C_A, rel=0.1)
    assert whole_test.discharges[-1].coulombic_efficiency == pytest.approx(0.87 / 0.96, rel=1e-6)


def test_a_charge_without_the_hold_of_its_protocol_is_said():
    phases = [*cycles((1.0, 0.85)), charge(), discharge(1.0, 0.8), charge(), discharge(1.0, 0.8)]
    (text,) = [f.text for f in rate_test_of(phases).remarks if f.code == "no-hold"]
    assert text.startswith("Discharges 2 to 3 follow a charge without a constant-voltage part, though the protocol has")


def test_a_protocol_without_a_hold_misses_none():
    protocol = RateProtocol((RateBlock(1.0),), None, 4.3, 2.6)
    assert rate_test_of([charge(), discharge()] * 2, protocol=protocol).remarks == ()


def test_another_voltage_window_counts_and_is_said():
    phases = [phase for _ in range(3) for phase in (charge(to_v=4.2), discharge(1.0, 0.7, to_v=3.0))]
    protocol = RateProtocol((RateBlock(1.0),), None, 4.3, 2.6)
    test = rate_test_of(phases, protocol=protocol)
    (text,) = [f.text for f in test.remarks if f.code == "other-window"]
    assert "discharges at 3.00 V; the protocol says 4.30 and 2.60 V" in text
    assert any(discharge_.counts for discharge_ in test.discharges)
    told = rate_test_of(phases, protocol=RateProtocol((RateBlock(1.0),), None, 4.2, 3.0))
    assert "other-window" not in codes(told)


def test_charging_always_slowly_changes_nothing_for_the_discharges():
    blocks = tuple(RateBlock(rate, 0.05, cycles=1, charge_c_rate_per_h=0.2) for rate in (0.2, 1.0, 5.0))
    phases = [p for block in blocks for p in (charge(0.2), hold(0.2), discharge(block.c_rate_per_h, 0.7))]
    test = rate_test_of(phases, protocol=RateProtocol(blocks, None, 4.3, 2.6))
    assert [(d.c_rate_per_h, d.counts) for d in test.discharges] == [(0.2, True), (1.0, True), (5.0, True)]
    assert test.remarks == ()


def test_every_number_can_be_traced_to_its_file_and_its_time_there(whole_test):
    first = whole_test.discharges[0]
    charged_s = (0.9 / 0.05 + 0.06 / 0.03) * 3600.0
    assert (whole_test.file, first.begin_s) == ("cell.txt", pytest.approx(charged_s))
    assert first.end_s == pytest.approx(charged_s + 0.95 / 0.05 * 3600.0)


def test_a_discharge_with_a_gap_in_its_log_does_not_count():
    phases = cycles((1.0, 0.85), (1.0, 0.84))
    rows = len(record_of(phases).rows)
    test = rate_test_of(phases, drop=slice(rows - 30, rows - 10))
    assert [d.counts for d in test.discharges] == [True, False]
    assert "Discharge 2 does not count: the log has a gap." in [f.text for f in test.remarks]


def test_a_discharge_that_the_end_of_the_file_cuts_does_not_count():
    phases = cycles((1.0, 0.85), (1.0, 0.84))
    rows = len(record_of(phases).rows)
    test = rate_test_of(phases, drop=slice(rows - 10, rows))
    assert [d.counts for d in test.discharges] == [True, False]
    assert any(f.text.startswith("Discharge 2 does not count: the file ends at 2.") for f in test.remarks)


def test_the_only_discharge_is_cut_by_the_end_of_the_file_and_does_not_count():
    """Where discharges usually end cannot be learned from one that did not."""
    assert [d.counts for d in rate_test_of([charge(), hold(), discharge(1.0, 0.4, to_v=3.4)]).discharges] == [False]


def test_a_discharge_after_a_charge_that_was_broken_off_does_not_count():
    test = rate_test_of([*cycles((1.0, 0.85), (1.0, 0.84)), charge(to_v=3.9), discharge(1.0, 0.5)])
    assert [d.counts for d in test.discharges] == [False, True, False]
    assert "Discharge 3 does not count: the charge before stopped at 3.90 V." in [f.text for f in test.remarks]


@pytest.mark.parametrize(("lab_ah_per_kg", "said"), [(180.0, "1C is 180 Ah/kg"), (140.0, "1C is 140 Ah/kg")])
def test_a_laboratory_that_counts_its_c_rates_from_another_capacity_is_recognised(lab_ah_per_kg, said):
    factor = lab_ah_per_kg / 159.7
    phases = cycles(*[(rate * factor, 0.5) for rate in (0.2, 0.5, 1.0, 2.0, 3.0, 5.0)])
    test = rate_test_of(phases)
    (text,) = [f.text for f in test.remarks if f.code == "other-1c"]
    assert said in text
    assert "Give theoretical_ah_per_kg (--theoretical-ah-per-kg), or mend the mass." in text
    told = rate_test_of(phases, theoretical_ah_per_kg=lab_ah_per_kg)
    assert "other-1c" not in codes(told)
    assert sum(d.counts for d in told.discharges) == 5


def test_other_rates_than_the_protocol_s_are_no_other_1c():
    """0.1C, 0.5C, 1C and 1.5C would all fit Table 2 if 1C were half of what it is."""
    assert "other-1c" not in codes(rate_test_of(cycles(*[(rate, 0.8) for rate in (0.1, 0.5, 1.0, 1.5)])))


def test_a_factor_that_fits_only_some_of_the_rates_is_chance():
    rates = [*(1.13 * nominal for nominal in (0.2, 1.0, 2.0)), 0.03, 0.08, 0.15, 0.35, 0.75]
    assert "other-1c" not in codes(rate_test_of(cycles(*[(rate, 0.8) for rate in rates])))


def test_what_was_remarked_in_every_part_of_a_file_is_said_once():
    same = Finding("degree-sign", "A degree sign is damaged.")
    record = replace(record_of(cycles((1.0, 0.8))), remarks=(same, same))
    test = rate_test(record, cell="c1", electrode="e1", active_mass_mg=ACTIVE_MASS_MG)
    assert codes(test).count("degree-sign") == 1


def test_discharges_with_the_same_fault_are_said_together():
    short = [p for _ in range(3) for p in (charge(), discharge(1.0, 0.4, to_v=3.4))]
    remarks = rate_test_of([*short, *cycles(*[(1.0, 0.8)] * 4)]).remarks
    assert "Discharges 1 to 3 do not count: the discharge stopped at 3.40 V." in [f.text for f in remarks]


def test_a_loss_that_spoils_the_high_rates_is_said():
    test = rate_test_of(cycles((0.2, 0.9), (0.2, 0.9), (5.0, 0.3), (0.2, 0.8)))
    (text,) = [f.text for f in test.remarks if f.code == "degraded"]
    assert text.startswith("At 0.2C 1.725 mAh became 1.533 mAh over 2 cycles: a loss of 11.1 %, 5.556 % per cycle.")


def test_currents_of_discharges_are_below_zero():
    assert [d.current_a for d in rate_test_of(cycles((2.0, 0.8))).discharges] == pytest.approx([-2.0 * ONE_C_A])


@settings(max_examples=30)
@given(st.sampled_from(TABLE_2.c_rates_per_h), st.floats(-0.049, 0.049))
def test_a_rate_within_five_percent_of_the_protocol_is_nominal(rate, off):
    assert _nominal(rate * (1.0 + off), TABLE_2) == rate


@settings(max_examples=30)
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
    assert "Discharge 3 does not count: the file ends at 3.40 V." in [f.text for f in test.remarks]


def test_a_discharge_that_was_interrupted_does_not_count():
    halves = [discharge(1.0, 0.4, to_v=3.4), rest(), Phase(-ONE_C_A, 1440.0, 3.4, 2.6)]
    test = rate_test_of([*cycles((1.0, 0.85)), charge(), *halves])
    assert [d.counts for d in test.discharges] == [True, False, False]
    said = [f.text for f in test.remarks if f.code == "incomplete-discharge"]
    assert said == [
        "Discharge 2 does not count: the discharge stopped at 3.40 V.",
        "Discharge 3 does not count: no charge stands before.",
    ]


def test_a_laboratory_with_another_cut_off_voltage_is_understood():
    phases = [phase for _ in range(3) for phase in (charge(to_v=4.1), discharge(to_v=3.0))]
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
    test = replace(rate_test_of(cycles((1.0, 0.8))), coating_volume_mm3=4.4, collector_area_cm2=0.785)
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


def typed(capacities_ah):
    return rate_test_from_capacities(capacities_ah, cell="c1", electrode="e1", active_mass_mg=12.0)


def test_typed_capacities_count_at_the_rates_of_the_curve_alone():
    assert [d.counts for d in typed({0.1: 2e-3, 0.2: 1.9e-3, 0.5: 1.8e-3}).discharges] == [False, True, False]
