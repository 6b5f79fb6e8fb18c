"""What happens to every chunk, whatever form its file has: SI units, and only the rows that can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ratescope.cycling.readers.clock import Clock
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.record import REQUIRED, STEP_TIME, TIME
from ratescope.errors import RateTestError
from ratescope.records import Finding

UNREADABLE_SHARE = 0.01  # our choice: a few broken rows are dropped with a remark, many make the file suspect


def in_si_units(table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """A chunk in the units and with the signs of the Battery Data Format, by its layout."""
    for column in layout.columns.values():
        if column.factor != 1.0 and column.target in table:
            table[column.target] *= column.factor
    return table if layout.finish is None else layout.finish(table)


class Tally:
    """Counts the rows of a file as they pass, and those that had to be left out."""

    def __init__(self, layout: Layout, file: str) -> None:
        self.layout, self.file, self.total, self.broken = layout, file, 0, 0
        self.unread: dict[str, int] = dict.fromkeys(REQUIRED, 0)
        self.steps_s, self.step_s = 0.0, 0.0  # how long the steps before lasted, and this one so far
        self.clocks = [
            Clock(column.name, column.target) for column in layout.columns.values() if column.kind == "clock"
        ]

    def readable(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows whose time, voltage and current are numbers."""
        for clock in self.clocks:
            clock.see(rows)
        rows = rows if TIME in rows else self._with_test_time(rows)
        is_known = np.isfinite(rows[list(REQUIRED)].to_numpy(np.float64))
        is_whole = is_known.all(axis=1)
        self.total += len(rows)
        if is_whole.all():
            return rows
        self.broken += len(rows) - int(is_whole.sum())
        for name, known in zip(REQUIRED, is_known.T, strict=True):
            self.unread[name] += len(known) - int(known.sum())
        whole: pd.DataFrame = rows[is_whole].reset_index(drop=True)
        return whole

    def _with_test_time(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Where the steps alone have a clock: how long they lasted is added up, as no charge passes between them."""
        step_s = rows[STEP_TIME].ffill().fillna(self.step_s).to_numpy(np.float64)
        before_s = np.concatenate([[self.step_s], step_s])[:-1]
        ended_s = self.steps_s + np.cumsum(np.where(step_s < before_s, before_s, 0.0))
        if len(rows):
            self.steps_s, self.step_s = float(ended_s[-1]), float(step_s[-1])
        return rows.assign(**{TIME: ended_s + rows[STEP_TIME]})

    def remarks(self) -> list[Finding]:
        """At the end of the file: that rows were left out.

        Raises
        ------
        RateTestError
            If there was none, too many had to be left out, or a clock was cut off.
        """
        for clock in self.clocks:
            clock.refuse_if_cut_off(self.file)
        if self.total == 0:
            raise RateTestError(
                f"{self.file}: a {self.layout.maker} header with no row below it. Export the test again."
            )
        if self.broken == 0:
            return []
        column_of = {column.target: column for column in self.layout.columns.values()}
        unread = [column_of.get(name, column_of.get(STEP_TIME)) for name, rows in self.unread.items() if rows]
        names = " or ".join(repr(column.name) for column in unread if column)
        said = f"{self.broken} of {self.total} rows have no readable {names}"
        if self.broken > max(1.0, UNREADABLE_SHARE * self.total) or self.broken == self.total:
            are_clocks = any(column.kind == "clock" for column in unread if column)
            asked = "Are all its times as 26:03:04.5" if are_clocks else "Is the decimal sign the same throughout"
            raise RateTestError(f"{self.file}: {said}. {asked}? Export the test again.")
        return [Finding("unreadable-rows", f"{said}; they are left out.")]
