"""A column of clocks that lost its hours or days: a spreadsheet programme saves ``1:10:00`` as ``10:00``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ratescope.cycling.record import STEP_TIME
from ratescope.errors import RateTestError

# The most that is shown, and what is lost, of a clock that starts again after so many seconds.
PERIODS = {3600.0: ("59:59", "hours"), 86_400.0: ("23:59:59", "days")}
NEAR = 0.05  # our choice, of the period: how near to its end and beginning the rows before and after are


class Clock:
    """One such column, as its rows pass."""

    def __init__(self, name: str, target: str) -> None:
        self.name, self.target = name, target
        self.greatest_s, self.last_s = 0.0, 0.0
        self.starts_again = dict.fromkeys(PERIODS, 0)

    def see(self, rows: pd.DataFrame) -> None:
        """Count where it starts again."""
        told_s = rows[self.target].dropna().to_numpy(np.float64)
        before_s = np.concatenate([[self.last_s], told_s])[:-1]
        for period_s in PERIODS:
            is_start = (before_s > (1.0 - NEAR) * period_s) & (before_s < period_s) & (told_s < NEAR * period_s)
            self.starts_again[period_s] += int(is_start.sum())
        if len(told_s):
            self.greatest_s, self.last_s = max(self.greatest_s, float(told_s.max())), float(told_s[-1])

    def refuse_if_cut_off(self, file: str) -> None:
        """Once may be chance for the clock of steps, as a step may end just within the hour.

        Raises
        ------
        RateTestError
            If it starts again and again where an hour, or a day, is full, and never shows more.
        """
        for period_s, (most, lost) in PERIODS.items():
            times = self.starts_again[period_s]
            if self.greatest_s < period_s and times > (self.target == STEP_TIME):
                raise RateTestError(
                    f"{file}: {self.name!r} never shows more than {most} and starts again near it {times} times: its "
                    f"{lost} were cut off, as spreadsheet programmes do. Export the test again, and save it in no "
                    "other program."
                )
