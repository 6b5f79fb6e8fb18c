"""The discharge curves behind a rate curve: voltage against the charge that has passed, as the cycler logged it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.record import VOLTAGE, CyclerRecord
from ratescope.cycling.steps import CAPACITY_SO_FAR, find_steps, rows_of
from ratescope.errors import RateTestError
from ratescope.records import RateTest

DischargeCurve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Charge in Ah and voltage in V, shape (rows,) each."""


def discharge_curves(
    record: CyclerRecord, test: RateTest, c_rates_per_h: Sequence[float] = ()
) -> dict[float, DischargeCurve]:
    """By C-rate the discharges that count; where several do, the last one.

    Parameters
    ----------
    record, test :
        A cycler file, and the rate test that was read from it.
    c_rates_per_h : sequence of float
        Which ones; all where none is named. The file is read once for each.

    Raises
    ------
    RateTestError
        If the test was not read from this file.
    """
    steps = [step for step in find_steps(record)[0] if step.direction < 0]
    if len(steps) != len(test.discharges):
        raise RateTestError(
            f"{record.file} has {len(steps)} discharges and the rate test of cell {test.cell} has "
            f"{len(test.discharges)}. Give the file that the test was read from."
        )
    curves = {}
    for step, discharge in zip(steps, test.discharges, strict=True):
        if discharge.counts and (not c_rates_per_h or discharge.c_rate_per_h in c_rates_per_h):
            rows = rows_of(record, step)
            rows = rows[rows[CAPACITY_SO_FAR] <= discharge.capacity_ah * (1.0 + 1e-9)]  # without a hold at its end
            curves[discharge.c_rate_per_h] = rows[CAPACITY_SO_FAR].to_numpy(), rows[VOLTAGE].to_numpy()
    return curves
