"""What a rate test shows that its user should know: said as remarks, or refused where every number would be wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ratescope.cycling.record import CURRENT, TIME, CyclerRecord
from ratescope.cycling.runs import REST_A
from ratescope.cycling.steps import Step
from ratescope.errors import RateTestError
from ratescope.protocol import RateProtocol
from ratescope.records import Discharge, Finding

COUNTER_TOLERANCE = 0.01  # our choice: more than logging costs
UNIT_FACTOR = 2.0  # our choice: counters that differ by more are in other units
ABOVE_THEORETICAL = 1.1  # our choice: scatter of masses does not reach this
NO_HOLD = 1e-3  # our choice, of the charge before it: what one row at the cut-off voltage passes
SAME_RATE = 0.02  # our choice: cyclers hold a current to well below this
MOST_OTHER_ONE_C = 1.45  # our choice: what one material is rated at differs by less; 1, 1.5, 2 … fit by chance
LEAST_RATES_FOR_ONE_C = 3  # our choice: two rates may fit by chance


def what_was_seen(record: CyclerRecord, steps: Sequence[Step]) -> str:
    """For the error of a record without a discharge: how long it is, and what its current does."""
    rows, ends_s, has_current = 0, [], False
    for chunk in record.chunks():
        if len(chunk.rows):
            rows += len(chunk.rows)
            has_current |= bool((chunk.rows[CURRENT].abs() > REST_A).any())
            ends_s += [float(chunk.rows[TIME].min()), float(chunk.rows[TIME].max())]
    hours = (max(ends_s) - min(ends_s)) / 3600.0 if ends_s else 0.0
    if steps:
        current = "the current only charges"
    else:
        current = "no current flows" + (" for two rows on end, as in a table of cycles or steps" if has_current else "")
    return f" in its {rows} rows over {hours:.3g} h, where {current}"


def refuse_other_units(discharges: Sequence[Step], file: str) -> None:
    """Hours labelled as seconds, or mA as A: the instrument's own counter of charge shows it."""
    factors = [step.counted_ah / step.capacity_ah for step in discharges if step.counted_ah > 0 < step.capacity_ah]
    factor = float(np.median(factors)) if factors else 1.0
    if not 1.0 / UNIT_FACTOR < factor < UNIT_FACTOR:
        raise RateTestError(
            f"{file}: its own Ah counter shows {factor:.4g} times the integral of current over time. "
            "A column is in another unit than its header says (hours as seconds give 3600): mend the header."
        )


def remarks_on_faults(faults: Sequence[str]) -> list[Finding]:
    """Which discharges are not complete, and why; those with one reason are said together."""
    by_fault: dict[str, list[int]] = {}
    for cycle, fault in enumerate(faults, start=1):
        if fault:
            by_fault.setdefault(fault, []).append(cycle)
    return [
        Finding("incomplete-discharge", f"{_named(cycles)} {_do(cycles)} not count: {fault}.")
        for fault, cycles in by_fault.items()
    ]


def has_hold(discharge: Step) -> bool:
    """Whether a discharge went on at constant voltage, for more than switching off takes."""
    return discharge.cv_capacity_ah > NO_HOLD * discharge.cc_capacity_ah > 0.0


def remarks_on_holds(discharges: Sequence[Step]) -> list[Finding]:
    """Discharges at constant current, then constant voltage: only the first part is a capacity at a C-rate."""
    held = [cycle for cycle, step in enumerate(discharges, start=1) if has_hold(step)]
    if not held:
        return []
    most = max(step.cv_capacity_ah / step.cc_capacity_ah for step in discharges if has_hold(step))
    text = (
        f"{_named(held)} {'go' if len(held) > 1 else 'goes'} on at constant voltage, which gave up to "
        f"{100 * most:.2g} % more: only what passed at constant current counts."
    )
    return [Finding("discharge-hold", text)]


def remarks_on_capacities(steps: Sequence[Step], one_c_a: float) -> list[Finding]:
    """Discharges that the instrument counted otherwise, or that give more than theory allows."""
    remarks = []
    for cycle, step in enumerate(steps, start=1):
        if step.counted_ah > 0 and abs(step.counted_ah / step.capacity_ah - 1.0) > COUNTER_TOLERANCE:
            text = (
                f"Discharge {cycle}: the integral of the current is {step.capacity_ah:.6g} Ah, the instrument's "
                f"counter {step.counted_ah:.6g} Ah. The integral is used."
            )
            remarks.append(Finding("counter-disagrees", text))
    above = [n for n, step in enumerate(steps, start=1) if step.capacity_ah > ABOVE_THEORETICAL * one_c_a]
    if above:
        times = max(step.capacity_ah for step in steps) / one_c_a
        gives = f"{'give' if len(above) > 1 else 'gives'} up to {times:.2f} times the theoretical capacity"
        remarks.append(Finding("above-theoretical", f"{_named(above)} {gives}. Is the active mass right?"))
    return remarks


def _named(cycles: Sequence[int]) -> str:
    """Discharges in the order of counting, neighbours drawn together.

    >>> _named([3]), _named([1, 2, 3, 7])
    ('Discharge 3', 'Discharges 1 to 3, 7')
    """
    runs: list[list[int]] = []
    for cycle in cycles:
        if runs and cycle == runs[-1][-1] + 1:
            runs[-1].append(cycle)
        else:
            runs.append([cycle])
    said = ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
    return f"Discharge{'s' if len(cycles) > 1 else ''} {said}"


def _do(cycles: Sequence[int]) -> str:
    return "do" if len(cycles) > 1 else "does"


def remarks_on_charges(discharges: Sequence[Discharge], protocol: RateProtocol) -> list[Finding]:
    """Charges that ended without the hold that the protocol has: the cell may not have been full."""
    held = {block.c_rate_per_h for block in protocol.sequence if block.hold_until_c_rate_per_h}
    without = [d.cycle for d in discharges if d.c_rate_per_h in held and d.charge_cv_ah <= NO_HOLD * d.charge_cc_ah]
    if not without:
        return []
    text = (
        f"{_named(without)} {'follow' if len(without) > 1 else 'follows'} a charge without a constant-voltage part, "
        "though the protocol has one: the cell may not have been full."
    )
    return [Finding("no-hold", text)]


def remarks_on_window(window: tuple[float, float], protocol: RateProtocol, tolerance_v: float) -> list[Finding]:
    """Charges and discharges that usually end elsewhere than the protocol says: they count, but are another capacity.

    ``window`` is where they usually end, in V, charges first.
    """
    full_v, empty_v = window
    if max(abs(full_v - protocol.charge_cut_off_v), abs(empty_v - protocol.discharge_cut_off_v)) <= tolerance_v:
        return []
    text = (
        f"Charges usually end at {full_v:.2f} V and discharges at {empty_v:.2f} V; the protocol says "
        f"{protocol.charge_cut_off_v:.2f} and {protocol.discharge_cut_off_v:.2f} V. They count by the cell's own "
        "window, and compare only with cells of the same one. Put its cut-offs into a protocol file."
    )
    return [Finding("other-window", text)]


def remarks_on_one_c(
    rates_per_h: Sequence[float], protocol: RateProtocol, theoretical_ah_per_kg: float
) -> list[Finding]:
    """Currents that are all the same factor away from the protocol: the laboratory has another 1C, or another mass.

    Nothing is changed by it: which of the two is wrong only its user knows.
    """
    seen = distinct_rates(rates_per_h)
    plain = _fitting(seen, 1.0, protocol)
    factors = {rate / nominal for rate in seen for nominal in protocol.c_rates_per_h}
    likely = [factor for factor in factors if 1.0 / MOST_OTHER_ONE_C < factor < MOST_OTHER_ONE_C]
    best = max(likely, key=lambda factor: (_fitting(seen, factor, protocol), -abs(math.log(factor))), default=1.0)
    fitting = _fitting(seen, best, protocol)
    if fitting < max(LEAST_RATES_FOR_ONE_C, plain + 1, 0.8 * len(seen)):
        return []
    text = (
        f"The currents fit {fitting} C-rates of the protocol if all are {best:.3g} times what 1C is here: the "
        f"laboratory's 1C is {best * theoretical_ah_per_kg:.4g} Ah/kg, or the active mass is {best:.3g} times what is "
        "given. Give theoretical_ah_per_kg (--theoretical-ah-per-kg), or mend the mass."
    )
    return [Finding("other-1c", text)]


def distinct_rates(rates_per_h: Sequence[float]) -> list[float]:
    """The rates that differ by more than 2 %, ascending.

    >>> distinct_rates([1.0, 0.2, 0.201, 1.01, math.nan])
    [0.2, 1.0]
    """
    seen: list[float] = []
    for rate in sorted(rate for rate in rates_per_h if rate > 0.0):
        if not seen or rate / seen[-1] - 1.0 > SAME_RATE:
            seen.append(rate)
    return seen


def _fitting(rates_per_h: Sequence[float], factor: float, protocol: RateProtocol) -> int:
    """How many rates are one of the protocol's when divided by the factor."""
    nominal = np.array(protocol.c_rates_per_h)
    return sum(bool(np.min(np.abs(rate / factor / nominal - 1.0)) <= SAME_RATE) for rate in rates_per_h)


def remarks_on_rates(discharges: Sequence[Discharge], protocol: RateProtocol) -> list[Finding]:
    """Which C-rates of the rate curve no discharge stands for."""
    rates = {d.c_rate_per_h for d in discharges if not math.isnan(d.c_rate_per_h)}
    if not rates:
        text = (
            "Without an active mass no C-rate is known, and no discharge counts. "
            "Give --active-mass-mg, or the column active_mass_mg."
        )
        return [Finding("no-active-mass", text)]
    counted = {d.c_rate_per_h for d in discharges if d.counts}
    missing = [f"{rate:g}C" for rate in protocol.curve_rates_per_h if rate not in counted]
    if not missing:
        return []
    seen = ", ".join(f"{rate:.3g}C" for rate in distinct_rates(sorted(rates)))
    text = f"No complete discharge at {', '.join(missing)}; discharged was at {seen}. Is the active mass right?"
    return [Finding("rates-missing", text)]
