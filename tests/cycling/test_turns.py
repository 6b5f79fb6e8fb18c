"""A current without sign and without marks of steps: charges and discharges are told by where the voltage turns."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import CURRENT, TIME, VOLTAGE, CyclerRecord
from ratescope.cycling.steps import find_steps
from ratescope.cycling.turns import SWING_V, _turns
from ratescope.errors import RateTestError

VIRTUAL = Path(__file__).parents[2] / "docs/gallery/simulated_cells"
GENUINE = Path(__file__).parents[2] / "../shared/real/cycler/rate_unsigned_current_maccor.bdf.csv"


def bare(rows, *, signed=False):
    """Time, voltage and current alone."""
    current_a = rows[CURRENT] if signed else rows[CURRENT].abs()
    return CyclerRecord.of_rows("cell.txt", rows[[TIME, VOLTAGE]].assign(**{CURRENT: current_a}))


def made_up(cycles, *, rests, noise_v, rng):
    """Cycles of (charge rate, whether a hold follows, discharge rate), each step in 40 rows."""
    parts, now_s = [], 0.0
    for charged_at, has_hold, discharged_at in cycles:
        share = np.linspace(0.0, 1.0, 40)
        hold_a = charged_at * np.geomspace(1.0, 0.1, 40)
        steps = [(3.0 + 1.3 * share + 0.1 * charged_at * (1 - share), np.full(40, charged_at), 3600.0 / charged_at)]
        steps += [(np.full(40, 4.3), hold_a, 1200.0)] if has_hold else []
        steps += [(np.full(3, 4.2), np.zeros(3), 600.0)] if rests else []
        steps += [(4.3 - 0.1 * discharged_at - 1.5 * share, np.full(40, -discharged_at), 3600.0 / discharged_at)]
        steps += [(np.full(3, 3.2), np.zeros(3), 600.0)] if rests else []
        for volts, amperes, lasts_s in steps:
            time_s = now_s + np.linspace(0.0, lasts_s, len(volts))
            parts.append(pd.DataFrame({TIME: time_s, VOLTAGE: volts, CURRENT: amperes}))
            now_s = float(time_s[-1]) + 0.01
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(**{VOLTAGE: rows[VOLTAGE] + noise_v * rng.standard_normal(len(rows))})


RATE = st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0, 5.0])


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(RATE, st.booleans(), RATE), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([0.0, 2e-4]),
    st.integers(0, 99),
)
def test_without_signs_and_marks_the_discharges_are_those_of_the_signed_log(cycles, rests, noise_v, seed):
    rows = made_up(cycles, rests=rests, noise_v=noise_v, rng=np.random.default_rng(seed))
    signed, _ = find_steps(bare(rows, signed=True))
    steps, remarks = find_steps(bare(rows))
    assert remarks[0].code == "current-unsigned"
    assert [step.direction for step in steps] == [step.direction for step in signed]
    assert [s.capacity_ah for s in steps] == pytest.approx([s.capacity_ah for s in signed], rel=5e-3)


@pytest.mark.parametrize("name", ["0MPa_c1", "750MPa_c1"])
def test_a_virtual_export_without_signs_and_marks_gives_the_same_capacities(name):
    """No rest stands between its steps."""
    record = read_cycler_file(VIRTUAL / f"{name}.bdf.csv")
    discharges, truth = (
        [step.capacity_ah for step in find_steps(of)[0] if step.direction < 0] for of in (bare(record.rows), record)
    )
    assert discharges == pytest.approx(truth, rel=5e-3)
    assert len(truth) == 5


@pytest.mark.skipif(not GENUINE.is_file(), reason="the real cycler files are not beside this checkout")
def test_a_genuine_file_without_its_marks_gives_the_same_capacities():
    record = read_cycler_file(GENUINE)
    discharges, truth = (
        [step.capacity_ah for step in find_steps(of)[0] if step.direction < 0] for of in (bare(record.rows), record)
    )
    assert discharges == pytest.approx(truth, rel=5e-3)
    assert len(truth) == 5


@pytest.mark.parametrize(("discharged_at", "begins_v"), [(0.5, 4.299), (0.1, 4.28), (0.05, 4.299)])
def test_a_discharge_begins_where_the_hold_before_it_ends(discharged_at, begins_v):
    """At a higher or lower current, even if the voltage hardly moves; at the same current where the voltage leaves."""
    noise_v = 1e-4 * np.random.default_rng(0).standard_normal(40)
    noise_v[20] = 1e-3  # the extreme lies amid the hold
    volts = np.concatenate([np.linspace(3.0, 4.3, 40), 4.3 + noise_v, np.linspace(begins_v, begins_v - 0.05, 40)])
    amperes = np.concatenate([np.ones(40), np.geomspace(1.0, 0.1, 40), np.full(80, discharged_at)])
    rows = {TIME: np.arange(160) * 60.0, VOLTAGE: np.append(volts, np.linspace(4.2, 2.6, 40)), CURRENT: amperes}
    charge, discharge = find_steps(bare(pd.DataFrame(rows)))[0]
    assert (charge.direction, charge.end, discharge.begin) == (1, 80, 80)
    assert charge.cv_capacity_ah > 0.1


def test_a_voltage_that_jumps_where_another_current_charges_on_is_no_turn():
    """1C to 4.3 V, then C/10 to 4.3 V: the voltage jumps by 0.2 V and goes on rising."""
    volts = np.concatenate([np.linspace(3.0, 4.3, 40), [4.15, 4.11, 4.1], np.linspace(4.11, 4.3, 40)])
    amperes = np.concatenate([np.full(40, 1.0), np.full(43, 0.1)])
    time_s = np.concatenate([np.arange(40) * 90.0, 3511.0 + np.arange(3), 3600.0 + np.arange(40) * 90.0])
    down = np.linspace(4.2, 2.6, 40)
    rows = {
        TIME: np.concatenate([time_s, 7200.0 + np.arange(40) * 90.0]),
        VOLTAGE: np.concatenate([volts, down]),
        CURRENT: np.concatenate([amperes, np.full(40, 1.0)]),
    }
    steps, _ = find_steps(bare(pd.DataFrame(rows)))
    assert [(step.direction, step.begin) for step in steps] == [(1, 0), (-1, 83)]


def test_a_log_without_sign_in_which_the_voltage_mostly_stands_is_refused():
    rows = made_up([(1.0, False, 1.0)], rests=True, noise_v=0.0, rng=np.random.default_rng(0))
    flat = pd.DataFrame({TIME: 20_000.0 + np.arange(40) * 600.0, VOLTAGE: 3.7, CURRENT: 1.0})
    with pytest.raises(
        RateTestError, match=r"has no sign, and in 1 of 3 steps the voltage.*Export the test with a sig"
    ):
        find_steps(bare(pd.concat([rows, flat], ignore_index=True)))


def turns_slowly(voltage_v):
    """Row by row, without looking for candidates."""
    found, going, low, high = [], 0, 0, 0
    for row, volts in enumerate(voltage_v):
        low = row if volts <= voltage_v[low] else low
        high = row if volts >= voltage_v[high] else high
        if going != -1 and voltage_v[high] - volts > SWING_V:
            found += [high] if going == 1 else []
            going, low = -1, row
        elif going != 1 and volts - voltage_v[low] > SWING_V:
            found += [low] if going == -1 else []
            going, high = 1, row
    return found


@settings(max_examples=30)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60))
def test_turns_agree_with_looking_at_every_row(moves):
    voltage_v = 3.5 + 0.03 * np.cumsum(moves)
    assert _turns(voltage_v) == turns_slowly(voltage_v)
