"""Rows of a cycler's log as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CUMULATIVE_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_CAPACITY,
    STEP_COUNT,
    STEP_TIME,
    TIME,
    VOLTAGE,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Log:
    """Rows as arrays, shape (rows,) each; what is not logged is NaN.

    Attributes
    ----------
    net_ah : float array
        Signed charge since the beginning.
    passed_ah : float array
        Charge of either sign, which only grows but where it is set back: by step, by cycle or never.
    """

    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    step_time_s: Floats
    step: Floats
    step_count: Floats
    cycle: Floats
    net_ah: Floats
    passed_ah: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Log:
        """The columns of a chunk."""
        columns = (TIME, VOLTAGE, CURRENT, STEP_TIME, STEP, STEP_COUNT, CYCLE, NET_CAPACITY)
        return cls(*(*(_column(rows, name) for name in columns), _passed_ah(rows)))

    @classmethod
    def joined(cls, logs: Sequence[Log]) -> Log:
        """Pieces that follow each other as one."""
        return cls(*(np.concatenate([getattr(log, field.name) for log in logs]) for field in fields(cls)))

    def rows(self, begin: int, end: int) -> Log:
        """Some of its rows, as views."""
        return Log(*(getattr(self, field.name)[begin:end] for field in fields(self)))

    def at_times(self, time_s: Floats) -> Log:
        """The same rows at other times."""
        return replace(self, time_s=time_s)

    @property
    def passed_as(self) -> Floats:
        """The charge since the first row by the trapezoidal rule, shape (rows,); a time that runs backwards counts 0.

        Without regard to the current's sign: a log is looked at where that does not change.
        """
        magnitude = np.abs(self.current_a)
        intervals_s = np.clip(np.diff(self.time_s), 0.0, None)
        return np.concatenate([[0.0], np.cumsum((magnitude[1:] + magnitude[:-1]) / 2.0 * intervals_s)])

    def __len__(self) -> int:
        return len(self.time_s)


def _column(rows: pd.DataFrame, name: str) -> Floats:
    return rows[name].to_numpy(np.float64) if name in rows else np.full(len(rows), np.nan)


def _passed_ah(rows: pd.DataFrame) -> Floats:
    """The counter nearest to the step: its own, else the sum over both directions."""
    for name in (STEP_CAPACITY, CUMULATIVE_CAPACITY):
        if name in rows:
            return np.abs(_column(rows, name))  # some makers sign it
    both = [np.abs(_column(rows, name)) for name in (CHARGING_CAPACITY, DISCHARGING_CAPACITY) if name in rows]
    return np.nansum(both, axis=0) if both else np.full(len(rows), np.nan)
