"""Chunks of rows → runs: consecutive rows under a current of one direction, cut where the instrument begins a step.

A run may go on through many chunks; its rows are kept until it ends, and no others. Where a run begins and ends does
not depend on where the chunks are cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.log import Log

REST_SHARE = 1e-3  # our choice: rest is below a thousandth of the highest current; C/30 beside 5C is 1/150
REST_A = 1e-8  # our choice: below this every current is an instrument's offset
RESTART_S, RESTART_SHARE = 60.0, 0.01  # our choice: a time that falls below both its share and this begins a new test


@dataclass(frozen=True, eq=False)
class Run:
    """Consecutive rows under a current of one direction.

    Attributes
    ----------
    begin : int
        Its first row in the file.
    direction : int
        +1 or −1, by the current's sign.
    log : Log
        Its rows.
    before_s : float
        Test time of the row before it; NaN at the beginning of the file.
    has_stale_row : bool
        The row before it is the first of its step, and still shows the rest before that.
    """

    begin: int
    direction: int
    log: Log
    before_s: float
    has_stale_row: bool = False


@dataclass(frozen=True)
class Fall:
    """A time below that of the row before it.

    Attributes
    ----------
    row : int
        In the file.
    from_s, to_s : float
    """

    row: int
    from_s: float
    to_s: float

    @property
    def is_restart(self) -> bool:
        """Whether the time begins anew."""
        return self.to_s <= max(RESTART_S, RESTART_SHARE * self.from_s) and self.to_s < self.from_s / 2.0


class RunCutter:
    """Cuts the rows of a file into runs, chunk by chunk.

    Attributes
    ----------
    rows : int
        How many have passed.
    greatest_a : float
        The greatest magnitude of the current so far.
    marks_steps : bool
        Whether the instrument has said anywhere that a step begins.
    falls : list of Fall
        Where the time ran backwards.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.greatest_a = 0.0
        self.marks_steps = False
        self.falls: list[Fall] = []
        self._last: Log | None = None
        self._last_direction = 0
        self._pieces: list[Log] = []
        self._begin, self._before_s, self._has_stale_row, self._last_starts = 0, np.nan, False, False

    def add(self, log: Log) -> Iterator[Run]:
        """The runs that end in these rows."""
        if len(log) == 0:
            return
        direction = self._direction(log)
        is_start = self._is_step_start(log)
        edges = np.flatnonzero(is_start | (np.diff(direction, prepend=self._last_direction) != 0))
        for begin, end in pairwise([0, *edges[edges > 0].tolist(), len(log)]):
            if begin > 0 or 0 in edges[:1]:
                yield from self._finished(self._last_direction if begin == 0 else int(direction[begin - 1]))
            if direction[begin] == 0:
                continue
            if not self._pieces:
                before = self._last if begin == 0 else log.rows(begin - 1, begin)
                self._begin = self.rows + begin
                self._before_s = np.nan if before is None else float(before.time_s[0])
                began = bool(is_start[begin - 1]) if begin else self._last_starts
                self._has_stale_row = began and not is_start[begin]
            self._pieces.append(log.rows(begin, end))
        self.rows += len(log)
        self._last, self._last_direction = log.rows(len(log) - 1, len(log)), int(direction[-1])
        self._last_starts = bool(is_start[-1])

    def finish(self) -> Iterator[Run]:
        """The run in which the file ends, if it ends in one."""
        return self._finished(self._last_direction)

    def _finished(self, direction: int) -> Iterator[Run]:
        if self._pieces:
            log = Log.joined(self._pieces)
            yield _without_rest(Run(self._begin, direction, log, self._before_s, self._has_stale_row))
            self._pieces = []

    def _direction(self, log: Log) -> NDArray[np.int_]:
        """+1, 0 or −1 by row: rest is relative to the greatest current so far, whichever chunk it was in."""
        magnitude = np.abs(log.current_a)
        so_far = np.maximum(np.maximum.accumulate(magnitude), self.greatest_a)
        self.greatest_a = float(so_far[-1])
        return np.where(magnitude <= np.maximum(REST_A, REST_SHARE * so_far), 0, np.sign(log.current_a)).astype(int)

    def _is_step_start(self, log: Log) -> NDArray[np.bool_]:
        """Where the instrument says that a step begins, or a new test does."""
        before = log if self._last is None else self._last
        # Comparisons with NaN are false: a column that is not logged starts nothing.
        starts = np.diff(log.step_time_s, prepend=before.step_time_s[:1]) < 0
        for counter, first in ((log.step, before.step), (log.step_count, before.step_count)):
            starts |= np.abs(np.diff(counter, prepend=first[:1])) > 0
        self.marks_steps |= bool(starts.any())
        time_s = np.concatenate([before.time_s[:1], log.time_s])
        for row in np.flatnonzero(np.diff(time_s) < 0).tolist():
            self.falls.append(Fall(self.rows + row, float(time_s[row]), float(time_s[row + 1])))
            starts[row] |= self.falls[-1].is_restart
        return starts


def _without_rest(run: Run) -> Run:
    """Without leading rows that are rest beside the run's own current: no greater one had passed when they came."""
    magnitude = np.abs(run.log.current_a)
    first = int(np.argmax(magnitude > REST_SHARE * float(magnitude.max())))
    if first == 0:
        return run
    rest = float(run.log.time_s[first - 1])
    return Run(run.begin + first, run.direction, run.log.rows(first, len(run.log)), rest)
