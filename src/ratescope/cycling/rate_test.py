"""Steps → RateTest → RateCurve: which discharge counts, at which C-rate, divided by what.

Which counts is our choice, as the paper is silent: at each C-rate of the rate curve the **last complete discharge of
the first block** of equal cycles (in Table 2 the second). The final C/5 block shows degradation; formation and
check-ups are at other rates. A discharge is complete if it follows a charge and reaches the cut-off voltage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from ratescope.cycling.checks import refuse_other_units, remarks_on_capacities, remarks_on_rates, what_was_seen
from ratescope.cycling.record import CyclerRecord
from ratescope.cycling.steps import Step, find_steps
from ratescope.errors import RateTestError
from ratescope.protocol import TABLE_2, RateProtocol
from ratescope.records import Discharge, RateCurve, RateTest
from ratescope.units import CAPACITY_NAME, THEORETICAL_AH_PER_KG, Capacity, current_a

SNAP = 0.05  # the contract of `ratescope rates`: nominal within 5 %
CUT_OFF_TOLERANCE_V = 0.05  # our choice: more than the last logged row is away, less than any other step's end

RATE_COLUMNS = (
    "cell",
    "electrode",
    "cycle",
    "c_rate_per_h",
    "current_a",
    "capacity_ah",
    "specific_capacity_ah_per_kg",
    "capacity_density_ah_per_l",
    "areal_capacity_mah_per_cm2",
    "counts",
)


def rate_test(
    record: CyclerRecord,
    *,
    cell: str,
    electrode: str,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG,
    coating_volume_mm3: float | None = None,
    collector_area_cm2: float | None = None,
    protocol: RateProtocol = TABLE_2,
) -> RateTest:
    """The discharges of a cell.

    The current of a discharge is below zero, as in the Battery Data Format. Without an active mass no C-rate is known:
    it is NaN, and nothing counts.

    Raises
    ------
    RateTestError
        If there is no discharge, or the file contradicts itself.
    """
    steps, remarks = find_steps(record)
    discharges = [step for step in steps if step.direction < 0]
    if not discharges:
        raise RateTestError(
            f"{record.file}: no discharge was found{what_was_seen(record, steps)}. Export the whole rate test."
        )
    refuse_other_units(discharges, record.file)
    one_c_a = _one_c_a(active_mass_mg, theoretical_ah_per_kg, cell)
    rates = [_nominal(step.current_a / one_c_a, protocol) for step in discharges]
    is_complete = _are_complete(steps, len(record.rows), protocol)
    counting = _last_of_first_blocks(rates, is_complete, protocol)
    remarks += [
        *record.remarks,
        *remarks_on_capacities(discharges, is_complete, one_c_a),
        *remarks_on_rates(rates, counting, protocol),
    ]
    return RateTest(
        cell=cell,
        electrode=electrode,
        discharges=tuple(
            Discharge(n + 1, rates[n], -step.current_a, step.capacity_ah, counts=n in counting)
            for n, step in enumerate(discharges)
        ),
        active_mass_mg=active_mass_mg,
        coating_volume_mm3=coating_volume_mm3,
        collector_area_cm2=collector_area_cm2,
        remarks=tuple(remarks),
    )


def rate_test_from_capacities(
    capacities_ah: Mapping[float, float],
    *,
    cell: str,
    electrode: str,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG,
    coating_volume_mm3: float | None = None,
    collector_area_cm2: float | None = None,
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
        Discharge(cycle, rate, -rate * one_c_a, ah, counts=rate in protocol.curve_rates_per_h)
        for cycle, (rate, ah) in enumerate(typed, start=1)
    )
    return RateTest(cell, electrode, discharges, active_mass_mg, coating_volume_mm3, collector_area_cm2)


def rate_curve(tests: Sequence[RateTest], capacity: Capacity) -> RateCurve:
    """The mean over the cells of one electrode at each rate that counts, with their spread (n − 1; NaN for one cell).

    Raises
    ------
    RateTestError
        If a cell has nothing to divide by, or no cell has a discharge that counts.
    """
    by_rate: dict[float, list[float]] = {}
    for test in tests:
        for discharge in test.discharges:
            if discharge.counts:
                by_rate.setdefault(discharge.c_rate_per_h, []).append(_basis_known(test, discharge, capacity))
    if not by_rate:
        cells = ", ".join(test.cell for test in tests) or "none"
        raise RateTestError(
            f"no discharge counts for a rate curve in the cells {cells}: none is complete and at a rate of the curve. "
            "Check the active masses and that the files hold the whole rate test."
        )
    rates = sorted(by_rate)
    spread = [float(np.std(by_rate[rate], ddof=1)) if len(by_rate[rate]) > 1 else math.nan for rate in rates]
    means = [float(np.mean(by_rate[rate])) for rate in rates]
    return RateCurve(capacity, np.array(rates), np.array(means), np.array(spread))


def _basis_known(test: RateTest, discharge: Discharge, capacity: Capacity) -> float:
    value = _specific(test, discharge) if capacity == "specific" else _density(test, discharge)
    if value is None:
        wanted = "active mass" if capacity == "specific" else "coating volume"
        raise RateTestError(
            f"cell {test.cell}: the {CAPACITY_NAME[capacity]} needs its {wanted}, which is not known. "
            "Fill active_mass_mg in cells.csv, and loading and thickness in electrodes.csv."
        )
    return value


def rate_rows(test: RateTest) -> list[dict[str, object]]:
    """The rows of a rate test under `RATE_COLUMNS`; None where a value cannot be known."""
    return [
        {
            "cell": test.cell,
            "electrode": test.electrode,
            "cycle": discharge.cycle,
            "c_rate_per_h": _known(discharge.c_rate_per_h),
            "current_a": _known(discharge.current_a),
            "capacity_ah": discharge.capacity_ah,
            "specific_capacity_ah_per_kg": _specific(test, discharge),
            "capacity_density_ah_per_l": _density(test, discharge),
            "areal_capacity_mah_per_cm2": _over(discharge.capacity_ah, test.collector_area_cm2, 1e3),
            "counts": discharge.counts,
        }
        for discharge in test.discharges
    ]


def _specific(test: RateTest, discharge: Discharge) -> float | None:
    return _over(discharge.capacity_ah, test.active_mass_mg, 1e6)


def _density(test: RateTest, discharge: Discharge) -> float | None:
    return _over(discharge.capacity_ah, test.coating_volume_mm3, 1e6)


def _over(capacity_ah: float, basis: float | None, factor: float) -> float | None:
    return None if basis is None else capacity_ah / basis * factor


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


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


def _are_complete(steps: Sequence[Step], rows: int, protocol: RateProtocol) -> list[bool]:
    """For each discharge whether it follows a charge and reaches the cut-off voltage.

    A laboratory with another cut-off than the protocol's is recognised by where its discharges usually end.
    """
    after_charge = [
        step.direction < 0 and before is not None and before.direction > 0
        for before, step in zip([None, *steps], steps, strict=False)
    ]
    ends = [step.last_v for step, full in zip(steps, after_charge, strict=True) if full and step.end < rows]
    usual_v = float(np.median(ends)) if ends else protocol.discharge_cut_off_v
    limit_v = max(usual_v, protocol.discharge_cut_off_v) + CUT_OFF_TOLERANCE_V
    return [
        full and step.last_v <= limit_v for step, full in zip(steps, after_charge, strict=True) if step.direction < 0
    ]


def _last_of_first_blocks(rates: Sequence[float], is_complete: Sequence[bool], protocol: RateProtocol) -> set[int]:
    """Positions of the discharges that form the rate curve.

    >>> sorted(_last_of_first_blocks([0.2, 0.2, 0.1, 5.0, 5.0, 0.2], [True, True, True, True, False, True], TABLE_2))
    [1, 3]
    """
    complete = [n for n, whole in enumerate(is_complete) if whole]
    counting: dict[float, int] = {}
    for rate, block in groupby(complete, key=lambda n: rates[n]):
        if rate in protocol.curve_rates_per_h:
            counting.setdefault(rate, list(block)[-1])
    return set(counting.values())
