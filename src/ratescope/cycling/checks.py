"""What a rate test shows that its user should know: said as remarks, or refused where every number would be wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ratescope.cycling.record import TIME, CyclerRecord
from ratescope.cycling.steps import Step
from ratescope.errors import RateTestError
from ratescope.protocol import RateProtocol
from ratescope.records import Finding

COUNTER_TOLERANCE = 0.01  # our choice: more than logging costs
UNIT_FACTOR = 2.0  # our choice: counters that differ by more are in other units
ABOVE_THEORETICAL = 1.1  # our choice: scatter of masses does not reach this


def what_was_seen(record: CyclerRecord, steps: Sequence[Step]) -> str:
    """For the error of a record without a discharge: how long it is, and what its current does."""
    hours = float(np.ptp(record.rows[TIME])) / 3600.0 if len(record.rows) else 0.0
    current = "the current only charges" if steps else "no current flows"
    return f" in its {len(record.rows)} rows over {hours:.3g} h, where {current}"


def refuse_other_units(discharges: Sequence[Step], file: str) -> None:
    """Hours labelled as seconds, or mA as A: the instrument's own counter of charge shows it."""
    factors = [step.counted_ah / step.capacity_ah for step in discharges if step.counted_ah > 0 < step.capacity_ah]
    factor = float(np.median(factors)) if factors else 1.0
    if not 1.0 / UNIT_FACTOR < factor < UNIT_FACTOR:
        raise RateTestError(
            f"{file}: its own Ah counter shows {factor:.4g} times the integral of current over time. "
            "A column is in another unit than its header says (hours as seconds give 3600): mend the header."
        )


def remarks_on_capacities(discharges: Sequence[Step], is_complete: Sequence[bool], one_c_a: float) -> list[Finding]:
    """Discharges that are not whole, that the instrument counted otherwise, or that give more than theory allows."""
    remarks = []
    for cycle, (step, whole) in enumerate(zip(discharges, is_complete, strict=True), start=1):
        if not whole:
            text = f"Discharge {cycle} follows no charge or stops at {step.last_v:.2f} V: it does not count."
            remarks.append(Finding("incomplete-discharge", text))
        if step.counted_ah > 0 and abs(step.counted_ah / step.capacity_ah - 1.0) > COUNTER_TOLERANCE:
            text = (
                f"Discharge {cycle}: the integral of the current is {step.capacity_ah:.6g} Ah, the instrument's "
                f"counter {step.counted_ah:.6g} Ah. The integral is used."
            )
            remarks.append(Finding("counter-disagrees", text))
        if step.capacity_ah > ABOVE_THEORETICAL * one_c_a:
            times = step.capacity_ah / one_c_a
            text = f"Discharge {cycle} gives {times:.2f} times the theoretical capacity. Is the active mass right?"
            remarks.append(Finding("above-theoretical", text))
    return remarks


def remarks_on_rates(rates: Sequence[float], counting: set[int], protocol: RateProtocol) -> list[Finding]:
    """Which C-rates of the rate curve no discharge stands for."""
    if all(math.isnan(rate) for rate in rates):
        return [Finding("no-active-mass", "Without an active mass no C-rate is known, and no discharge counts.")]
    missing = [f"{rate:g}C" for rate in protocol.curve_rates_per_h if rate not in {rates[n] for n in counting}]
    if not missing:
        return []
    seen = ", ".join(f"{rate:.3g}C" for rate in sorted(set(rates)))
    text = f"No complete discharge at {', '.join(missing)}; discharged was at {seen}. Is the active mass right?"
    return [Finding("rates-missing", text)]
