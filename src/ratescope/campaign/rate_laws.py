"""Rate tests → a table of rate laws: one row per electrode or cell and capacity, fitted or refused with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ratescope.cycling.rate_curve import rate_curve
from ratescope.cycling.rate_law import RateLaw
from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.errors import RateTestError
from ratescope.files import write_csv
from ratescope.records import RateTest
from ratescope.units import CAPACITIES, UNIT_OF, Capacity, capacity_density_ah_per_l, current_a

Rows = list[dict[str, object]]
LAW_COLUMNS = (
    "level",
    "name",
    "capacity",
    "status",
    "reasons",
    "plateau",
    "plateau_low",
    "plateau_high",
    "unit",
    "tau_h",
    "tau_low_h",
    "tau_high_h",
    "exponent",
    "exponent_low",
    "exponent_high",
    "largest_misfit",
    "rates",
    "c_rate_low_per_h",
    "c_rate_high_per_h",
)
"""``…_low`` and ``…_high``: 95 % intervals. ``largest_misfit`` is a share of the plateau; ``rates`` a count."""


def write_rate_laws(groups: Sequence[tuple[Sequence[RateTest], float]], out: Path) -> dict[str, str]:
    """Write the rate law of every electrode and every cell, refusals among them.

    Parameters
    ----------
    groups : sequence of (rate tests, theoretical Ah/kg)
        Such as the cells of one campaign.

    Returns
    -------
    refused : dict
        By electrode: why it has no law. Single cells are refused in the table alone.
    """
    rows = [row for tests, theoretical_ah_per_kg in groups for row in rate_law_rows(tests, theoretical_ah_per_kg)]
    write_csv(out, LAW_COLUMNS, rows)
    refused: dict[str, str] = {}
    for row in rows:
        if row["level"] == "electrode" and row["status"] == "refused":
            refused.setdefault(str(row["name"]), str(row["reasons"]))
    return refused


def rate_law_rows(tests: Sequence[RateTest], theoretical_ah_per_kg: float) -> Rows:
    """The rows under `LAW_COLUMNS`: electrodes, then cells, whose differences show what an interval leaves out.

    Cells are fitted by mass alone: by volume a cell has the same τ and n.
    """
    return [
        {
            "level": level,
            "name": name,
            "capacity": capacity,
            "unit": UNIT_OF[capacity],
            **_fitted_or_refused(group, capacity, theoretical_ah_per_kg),
        }
        for level, name, group in _groups(tests)
        for capacity in CAPACITIES
        if capacity == "specific" or (level == "electrode" and all(test.coating_volume_mm3 for test in group))
    ]


def _groups(tests: Sequence[RateTest]) -> Iterator[tuple[str, str, list[RateTest]]]:
    by_electrode: dict[str, list[RateTest]] = {}
    for test in tests:
        if test.electrode:  # a bare file has none
            by_electrode.setdefault(test.electrode, []).append(test)
    for name in sorted(by_electrode):
        yield "electrode", name, by_electrode[name]
    for test in tests:
        yield "cell", test.cell, [test]


def _fitted_or_refused(
    tests: Sequence[RateTest], capacity: Capacity, theoretical_ah_per_kg: float
) -> Mapping[str, object]:
    try:
        theoretical = theoretical_of(tests, capacity, theoretical_ah_per_kg)
        law = fit_rate_law(rate_curve(tests, capacity), theoretical)
    except RateTestError as error:
        return {"status": "refused", "reasons": str(error)}
    return {"status": "fitted"} | _numbers(law)


def theoretical_of(tests: Sequence[RateTest], capacity: Capacity, theoretical_ah_per_kg: float) -> float:
    """What 1C refers to in the unit of a capacity, as the mean over cells; NaN where the volume is not known."""
    if capacity == "specific":
        return theoretical_ah_per_kg
    one_c = [
        capacity_density_ah_per_l(current_a(1.0, test.active_mass_mg, theoretical_ah_per_kg), test.coating_volume_mm3)
        for test in tests
        if test.active_mass_mg and test.coating_volume_mm3
    ]
    return sum(one_c) / len(one_c) if one_c else math.nan


def _numbers(law: RateLaw) -> dict[str, object]:
    (plateau, tau, exponent) = law.intervals.tolist()
    return {
        "plateau": law.plateau,
        "plateau_low": plateau[0],
        "plateau_high": plateau[1],
        "tau_h": law.tau_h,
        "tau_low_h": tau[0],
        "tau_high_h": tau[1],
        "exponent": law.exponent,
        "exponent_low": exponent[0],
        "exponent_high": exponent[1],
        "largest_misfit": law.largest_misfit,
        "rates": len(law.c_rates_per_h),
        "c_rate_low_per_h": float(law.c_rates_per_h.min()),
        "c_rate_high_per_h": float(law.c_rates_per_h.max()),
    }
