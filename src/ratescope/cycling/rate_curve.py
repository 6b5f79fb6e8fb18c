"""Rate tests → RateCurve: the cells of one electrode drawn together with their spread; and the rate table's rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ratescope.cycling.outliers import remarks_on_cells
from ratescope.errors import RateTestError
from ratescope.records import Discharge, RateCurve, RateTest
from ratescope.units import (
    CAPACITY_NAME,
    Capacity,
    areal_from_cell,
    capacity_density_ah_per_l,
    specific_capacity_ah_per_kg,
)

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
ByRate = dict[float, dict[str, float]]
"""C-rate → cell → capacity."""


def rate_curve(tests: Sequence[RateTest], capacity: Capacity, *, usual: float | None = None) -> RateCurve:
    """The mean over the cells of one electrode at each rate that counts, with their spread (n − 1; NaN for one cell).

    Parameters
    ----------
    usual : float, optional
        How far cells of one electrode usually lie apart (`usual_spread`): it tells outliers better than three cells
        can by themselves.

    Raises
    ------
    RateTestError
        If a cell has nothing to divide by, or no cell has a discharge that counts.
    """
    by_rate = capacities_by_rate(tests, capacity)
    if not by_rate:
        cells = ", ".join(test.cell for test in tests) or "none"
        raise RateTestError(
            f"no discharge counts for a rate curve in the cells {cells}: none is complete and at a rate of the curve. "
            "Check the active masses and that the files hold the whole rate test."
        )
    rates = sorted(by_rate)
    of_cells = [np.array(list(by_rate[rate].values())) for rate in rates]
    means = np.array([values.mean() for values in of_cells])
    return RateCurve(
        capacity,
        np.array(rates),
        means,
        np.array([np.std(values, ddof=1) if len(values) > 1 else math.nan for values in of_cells]),
        cells=np.array([len(values) for values in of_cells]),
        basis_error=means * _relative_basis_error(tests, capacity),
        remarks=tuple(remarks_on_cells(by_rate, usual)),
    )


def capacities_by_rate(tests: Sequence[RateTest], capacity: Capacity) -> ByRate:
    """What counts, by C-rate and cell; where several discharges of a cell count at one rate, their mean."""
    by_rate: dict[float, dict[str, list[float]]] = {}
    for test in tests:
        for discharge in test.discharges:
            if discharge.counts:
                of_rate = by_rate.setdefault(discharge.c_rate_per_h, {})
                of_rate.setdefault(test.cell, []).append(_basis_known(test, discharge, capacity))
    return {rate: {cell: float(np.mean(v)) for cell, v in cells.items()} for rate, cells in by_rate.items()}


def _relative_basis_error(tests: Sequence[RateTest], capacity: Capacity) -> float:
    """Of the mass or the volume, as the mean over the cells; NaN unless all are given with their errors."""
    pairs = [
        (test.active_mass_mg, test.active_mass_sd_mg)
        if capacity == "specific"
        else (test.coating_volume_mm3, test.coating_volume_sd_mm3)
        for test in tests
    ]
    return float(np.mean([sd / value if value and sd is not None else math.nan for value, sd in pairs]))


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
            "areal_capacity_mah_per_cm2": _areal(test, discharge),
            "counts": discharge.counts,
        }
        for discharge in test.discharges
    ]


def _specific(test: RateTest, discharge: Discharge) -> float | None:
    mass_mg = test.active_mass_mg
    return None if mass_mg is None else specific_capacity_ah_per_kg(discharge.capacity_ah, mass_mg)


def _density(test: RateTest, discharge: Discharge) -> float | None:
    volume_mm3 = test.coating_volume_mm3
    return None if volume_mm3 is None else capacity_density_ah_per_l(discharge.capacity_ah, volume_mm3)


def _areal(test: RateTest, discharge: Discharge) -> float | None:
    area_cm2 = test.collector_area_cm2
    return None if area_cm2 is None else areal_from_cell(discharge.capacity_ah, area_cm2)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
