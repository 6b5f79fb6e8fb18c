"""Steps → RateTest: at which C-rate each discharge was, what it is for, and which of them count.

Which count is a setting of the protocol; the paper is silent. By default at each C-rate of the rate curve the **last
complete discharge of the first block** of equal cycles (in Table 2 the second). The final C/5 block shows degradation;
formation and check-ups never count. Of a discharge that ends in a hold of the voltage, what passed before it counts: a
capacity at a C-rate is one at constant current. A discharge is complete if it follows a whole charge, reaches the
cut-off voltage, and was logged without a gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ratescope.cycling.checks import (
    has_hold,
    refuse_other_units,
    remarks_on_capacities,
    remarks_on_charges,
    remarks_on_faults,
    remarks_on_holds,
    remarks_on_one_c,
    remarks_on_rates,
    remarks_on_window,
    what_was_seen,
)
from ratescope.cycling.degradation import remarks_on_degradation
from ratescope.cycling.record import CyclerRecord
from ratescope.cycling.roles import roles_of
from ratescope.cycling.steps import Step, find_steps
from ratescope.errors import RateTestError
from ratescope.protocol import TABLE_2, RateProtocol
from ratescope.records import Discharge, RateTest, Role
from ratescope.units import THEORETICAL_AH_PER_KG, current_a

SNAP = 0.05  # the contract of `ratescope rates`: nominal within 5 %
CUT_OFF_TOLERANCE_V = 0.05  # our choice: more than the last logged row is away, less than any other step's end


def rate_test(
    record: CyclerRecord,
    *,
    cell: str,
    electrode: str,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG,
    protocol: RateProtocol = TABLE_2,
) -> RateTest:
    """The discharges of a cell; what they are divided by beside the mass is for the caller to add.

    The current of a discharge is below zero, as in the Battery Data Format. Without an active mass no C-rate is known:
    it is NaN, and nothing counts.

    Raises
    ------
    RateTestError
        If there is no discharge, or the file contradicts itself.
    """
    steps, remarks = find_steps(record)
    cycles = _cycles(steps)
    discharges = [step for step, _ in cycles]
    if not discharges:
        raise RateTestError(
            f"{record.file}: no discharge was found{what_was_seen(record, steps)}. Export the whole rate test."
        )
    refuse_other_units(discharges, record.file)
    one_c_a = _one_c_a(active_mass_mg, theoretical_ah_per_kg, cell)
    rates_per_h = [step.current_a / one_c_a for step in discharges]
    window = _window(cycles, protocol)
    faults = _faults(cycles, window, protocol)
    made = _discharges(cycles, [_nominal(rate, protocol) for rate in rates_per_h], faults, protocol)
    remarks = [
        *record.remarks,
        *remarks,
        *remarks_on_faults(faults),
        *remarks_on_holds(discharges),
        *remarks_on_window(window, protocol, CUT_OFF_TOLERANCE_V),
        *remarks_on_capacities(discharges, one_c_a),
        *remarks_on_charges(made, protocol),
        *remarks_on_one_c(rates_per_h, protocol, theoretical_ah_per_kg),
        *remarks_on_rates(made, protocol),
        *remarks_on_degradation(made),
    ]
    return RateTest(cell, electrode, made, active_mass_mg, remarks=tuple(dict.fromkeys(remarks)), file=record.file)


def rate_test_from_capacities(
    capacities_ah: Mapping[float, float],
    *,
    cell: str,
    electrode: str,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG,
    protocol: RateProtocol = TABLE_2,
) -> RateTest:
    """A rate test typed in as capacities in Ah by C-rate; all at the rates of the rate curve count.

    >>> test = rate_test_from_capacities({0.2: 1.9e-3, 5.0: 0.5e-3}, cell="c1", electrode="e1", active_mass_mg=12.1)
    >>> [(d.c_rate_per_h, d.counts, round(d.current_a, 4)) for d in test.discharges]
    [(0.2, True, -0.0004), (5.0, True, -0.0097)]
    """
    one_c_a = _one_c_a(active_mass_mg, theoretical_ah_per_kg, cell)
    typed = [(_nominal(rate, protocol), ah) for rate, ah in sorted(capacities_ah.items())]
    discharges = tuple(
        Discharge(cycle, rate, -rate * one_c_a, ah, counts=rate in protocol.curve_rates_per_h, role="rate")
        for cycle, (rate, ah) in enumerate(typed, start=1)
    )
    return RateTest(cell, electrode, discharges, active_mass_mg)


def _one_c_a(active_mass_mg: float | None, theoretical_ah_per_kg: float, cell: str) -> float:
    """Current of 1C; NaN where the active mass is not known."""
    if active_mass_mg is None:
        return math.nan
    if not (active_mass_mg > 0.0 and theoretical_ah_per_kg > 0.0):
        raise RateTestError(
            f"cell {cell}: active mass and theoretical capacity are above zero; got {active_mass_mg} mg and "
            f"{theoretical_ah_per_kg} Ah/kg. Mend them, or leave the mass out."
        )
    return current_a(1.0, active_mass_mg, theoretical_ah_per_kg)


def _nominal(c_rate_per_h: float, protocol: RateProtocol) -> float:
    """The protocol's C-rate within 5 %, else the rate as it is.

    >>> _nominal(0.208, TABLE_2), _nominal(0.15, TABLE_2)
    (0.2, 0.15)
    """
    nearest = min(protocol.c_rates_per_h, key=lambda rate: abs(c_rate_per_h / rate - 1.0))
    return nearest if abs(c_rate_per_h / nearest - 1.0) <= SNAP else c_rate_per_h


Cycle = tuple[Step, list[Step]]
"""A discharge, and the steps that charged the cell since the discharge before it."""


def _cycles(steps: Sequence[Step]) -> list[Cycle]:
    cycles: list[Cycle] = []
    charges: list[Step] = []
    for step in steps:
        if step.direction > 0:
            charges.append(step)
        else:
            cycles.append((step, charges))
            charges = []
    return cycles


def _discharges(
    cycles: Sequence[Cycle], rates_per_h: Sequence[float], faults: Sequence[str], protocol: RateProtocol
) -> tuple[Discharge, ...]:
    is_complete = [not fault for fault in faults]
    roles = roles_of(rates_per_h, is_complete, protocol)
    counting = _counting(rates_per_h, roles, is_complete, protocol)
    return tuple(
        Discharge(
            cycle=n + 1,
            c_rate_per_h=rates_per_h[n],
            current_a=-step.current_a,
            capacity_ah=step.cc_capacity_ah if has_hold(step) else step.capacity_ah,
            counts=n in counting,
            role=roles[n],
            is_complete=is_complete[n],
            begin_s=step.begin_s,
            end_s=step.end_s,
            charge_cc_ah=sum(charge.cc_capacity_ah for charge in charges) if charges else math.nan,
            charge_cv_ah=sum(charge.cv_capacity_ah for charge in charges) if charges else math.nan,
        )
        for n, (step, charges) in enumerate(cycles)
    )


def _window(cycles: Sequence[Cycle], protocol: RateProtocol) -> tuple[float, float]:
    """Where charges and discharges usually end, in V: a laboratory with other cut-offs is recognised by that."""
    full_v = _usual([charges[-1].last_v for _, charges in cycles if charges], protocol.charge_cut_off_v)
    ends = [step.last_v for step, charges in cycles if charges and not step.is_last]
    return full_v, _usual(ends, protocol.discharge_cut_off_v)


def _faults(cycles: Sequence[Cycle], window: tuple[float, float], protocol: RateProtocol) -> list[str]:
    """For each discharge why it is not complete; "" where it is."""
    full_v, empty_v = window[0], max(window[1], protocol.discharge_cut_off_v)
    return [
        _fault(step, charges, full_v - CUT_OFF_TOLERANCE_V, empty_v + CUT_OFF_TOLERANCE_V) for step, charges in cycles
    ]


def _fault(step: Step, charges: Sequence[Step], least_full_v: float, most_empty_v: float) -> str:
    if not charges:
        return "no charge stands before"
    if charges[-1].last_v < least_full_v:
        return f"the charge before stopped at {charges[-1].last_v:.2f} V"
    if step.has_gap:
        return "the log has a gap"
    if step.last_v > most_empty_v:
        return f"{'the file ends' if step.is_last else 'the discharge stopped'} at {step.last_v:.2f} V"
    return ""


def _usual(voltages: Sequence[float], otherwise: float) -> float:
    return float(np.median(voltages)) if voltages else otherwise


def _counting(
    rates_per_h: Sequence[float], roles: Sequence[Role], is_complete: Sequence[bool], protocol: RateProtocol
) -> set[int]:
    """Positions of the discharges that form the rate curve.

    >>> sorted(_counting([0.2, 0.2, 5.0, 5.0], ["rate"] * 4, [True, True, True, False], TABLE_2))
    [1, 2]
    """
    blocks: dict[float, list[int]] = {rate: [] for rate in protocol.curve_rates_per_h}
    for n, rate in enumerate(rates_per_h):
        if rate in blocks and roles[n] == "rate" and is_complete[n]:
            blocks[rate].append(n)
    which = {"first": slice(0, 1), "last": slice(-1, None), "mean": slice(None)}[protocol.counts]
    return {n for block in blocks.values() for n in block[which]}
