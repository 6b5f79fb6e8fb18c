"""Where a current without sign turns: the voltage has risen and then falls, or fallen and then rises, for good.

A log without sign and without marks of steps shows a charge and the discharge after it as one run where no rest lies
between them. The voltage tells them apart: it turns at the end of the charge, which may be a hold. Where the current
does not change as a hold ends, the rows within 5 mV of it are taken for a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.log import Log
from ratescope.cycling.runs import Run

SWING_V = 0.1  # our choice: a step that moves the voltage further than this shows the direction of its current
HOLD_V = 0.005  # our choice: a cycler holds a voltage, and reads it back, within a few mV
NEW_CURRENT = 0.05  # our choice, of its logarithm: a current that rises so far at once is another step's
TIMES_FADING = 3.0  # our choice: and one that falls by so much more than within the hold
FADED = 0.99  # our choice: the current of a hold falls below this share; noise does not
# Our choice. Where a step of another current follows in the same direction, the voltage jumps and then goes on: what
# passes meanwhile is little, and the jump is less than that of a whole charge or discharge.
PASSING_SHARE, PASSING_V = 0.01, 1.0

Floats = NDArray[np.float64]


def cut_at_turns(run: Run) -> Iterator[Run]:
    """The run in pieces within which the voltage does not turn; all of it where it never does."""
    turns = _lasting(_turns(run.log.voltage_v), run.log)
    cuts = [_first_row_after(run.log, turn) for turn in turns]
    for begin, end in pairwise([0, *cuts, len(run.log)]):
        before_s = float(run.log.time_s[begin - 1]) if begin else run.before_s
        yield Run(run.begin + begin, run.direction, run.log.rows(begin, end), before_s)


def _turns(voltage_v: Floats) -> list[int]:
    """The rows of the extremes before and after which the voltage moves by more than `SWING_V`.

    >>> _turns(np.array([3.0, 3.5, 4.3, 4.3, 4.28, 4.3, 3.6, 2.6, 2.9]))
    [5, 7]
    """
    steps = np.sign(np.diff(voltage_v))
    # Only where it goes up before and down after, or the other way, or stands, can an extreme be.
    candidates = [0, *(np.flatnonzero(steps[1:] * steps[:-1] <= 0.0) + 1).tolist(), len(voltage_v) - 1]
    found: list[int] = []
    low = high = 0  # the extremes since the last turn
    going = 0
    for row in candidates:
        volts = voltage_v[row]
        if volts >= voltage_v[high]:
            high = row
        if volts <= voltage_v[low]:
            low = row
        if going >= 0 and volts < voltage_v[high] - SWING_V:
            found += [high] if going else []
            going, low = -1, row
        elif going <= 0 and volts > voltage_v[low] + SWING_V:
            found += [low] if going else []
            going, high = 1, row
    return found


def _lasting(turns: list[int], log: Log) -> list[int]:
    """Without the two turns of a piece in which the voltage only jumps, as another current of one direction begins."""
    passed_as = log.passed_as
    turns = list(turns)
    while len(turns) > 1:
        ends = [0, *turns, len(log) - 1]
        charges = np.diff(passed_as[ends])
        swings = np.abs(np.diff(log.voltage_v[ends]))
        is_passing = (charges < PASSING_SHARE * charges.max()) & (swings < PASSING_V)
        inner = [n for n in range(1, len(charges) - 1) if is_passing[n]]
        if not inner:
            break
        least = min(inner, key=lambda n: float(charges[n]))
        del turns[least - 1 : least + 1]
    return turns


def _first_row_after(log: Log, turn: int) -> int:
    """Where the step after a turn begins: at another current, else where the voltage leaves a hold, else next to it."""
    near = np.abs(log.voltage_v - log.voltage_v[turn]) <= HOLD_V
    first = turn - int(np.argmin(np.append(near[turn::-1], False))) + 1
    after = turn + int(np.argmin(np.append(near[turn:], False)))
    magnitude = np.abs(log.current_a[first : after + 1])  # the row after the plateau is there: the voltage went on
    growth = np.diff(np.log(magnitude))
    if growth.max() > NEW_CURRENT:
        return first + 1 + int(np.argmax(growth))
    least, next_to_least = np.partition(np.append(growth, [0.0, 0.0]), 1)[:2]
    if least < min(-NEW_CURRENT, TIMES_FADING * next_to_least):
        return first + 1 + int(np.argmin(growth))
    return after if magnitude[-2] < FADED * magnitude[0] else turn + 1
