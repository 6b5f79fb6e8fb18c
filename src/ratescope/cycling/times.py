"""Times that are wrong on a single row: a digit lost on the way, a counter read while it turned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.log import Log

# Our choice. Between equal intervals the neighbours of a stray row are two intervals apart; those of a row at which the
# clock was set back are less than one.
BRIDGE = 1.5


@dataclass(frozen=True)
class Stray:
    """A row whose time lies outside those of its neighbours, which agree with each other."""

    row: int
    time_s: float
    before_s: float


def with_times_in_order(logs: Iterable[Log], strays: list[Stray]) -> Iterator[Log]:
    """The same rows with stray times mended and noted in ``strays``; a chunk's last row waits for the next chunk."""
    held: Log | None = None
    before, first = np.empty(0), 0  # the times of up to two rows before the first row of what is looked at
    for chunk in logs:
        log = chunk if held is None else Log.joined([held, chunk])
        if len(log) == 0:
            continue
        times = np.concatenate([before, log.time_s])
        mended, found = mended_times(times)
        strays += [Stray(first + row - len(before), float(times[row]), float(mended[row])) for row in found]
        log = log if not found else log.at_times(mended[len(before) :])
        yield log.rows(0, len(log) - 1)
        held, before, first = log.rows(len(log) - 1, len(log)), mended[:-1][-2:], first + len(log) - 1
    if held is not None:
        yield held


def mended_times(time_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[int]]:
    """The times with the time of the row before in place of each stray one, shape (rows,), and which these are.

    The charge passed does not depend on where between its neighbours a row is put, as long as the current is steady.

    >>> mended_times(np.array([0.0, 10.0, 20.0, 3.0, 40.0]))
    (array([ 0., 10., 20., 20., 40.]), [3])
    >>> mended_times(np.array([0.0, 10.0, 20.0, 5.0, 15.0]))[1]
    []
    """
    falls = np.flatnonzero(np.diff(time_s) < 0.0)
    if falls.size == 0:
        return time_s, []
    mended, found = time_s.copy(), []
    for row in sorted({*falls.tolist(), *(falls + 1).tolist()}):  # too late, or too early
        if 2 <= row < len(mended) - 1:
            earlier, before, here, after = mended[row - 2 : row + 2]
            if not before <= here <= after and after - before >= BRIDGE * (before - earlier) >= 0.0:
                mended[row] = before
                found.append(row)
    return mended, found
