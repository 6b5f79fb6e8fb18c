"""Steps that a test plan cuts a charge or a discharge into → one step: it is what the cell sees that counts.

Two steps of one direction that follow each other without a rest are one where the current goes on as it was, or where
the second holds the voltage to which the first has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ratescope.cycling.record import Step
from ratescope.cycling.turns import HOLD_V

SAME_CURRENT = 0.02  # our choice: cyclers hold a current to well below this
# Our choice: what may have passed between the rows of two steps, as a share of their charge or in usual intervals.
MOST_BETWEEN, MOST_INTERVALS = 0.01, 3.0


def with_splits_joined(steps: Sequence[Step]) -> list[Step]:
    """Steps in the order of time, neighbours that are parts of one joined."""
    joined: list[Step] = []
    for step in steps:
        if joined and _goes_on(joined[-1], step):
            joined[-1] = _together(joined[-1], step)
        else:
            joined.append(step)
    return joined


def _goes_on(first: Step, second: Step) -> bool:
    if second.begin != first.end or second.direction != first.direction or second.begin_s < first.end_s:
        return False
    if _is_gap(first, second):
        return False
    goes_on = abs(second.current_a / first.current_a - 1.0) <= SAME_CURRENT and _moves_on(first, second)
    return goes_on or _holds(first, second)


def _is_gap(first: Step, second: Step) -> bool:
    usual_s = max((step.end_s - step.begin_s) / max(step.end - step.begin - 1, 1) for step in (first, second))
    if second.since_s - first.end_s <= MOST_INTERVALS * usual_s:
        return False
    return _between_ah(first, second) > MOST_BETWEEN * (first.capacity_ah + second.capacity_ah)


def _moves_on(first: Step, second: Step) -> bool:
    """The voltage goes on from where the first step ended: two discharges with an unlogged charge between do not."""
    return (second.last_v - first.last_v) * first.direction > -HOLD_V and first.cv_capacity_ah <= first.cc_capacity_ah


def _holds(first: Step, second: Step) -> bool:
    away_v = np.abs(np.array([second.first_v, second.last_v]) - first.last_v)
    return bool(away_v.max() <= 2.0 * HOLD_V) and second.current_a < first.current_a


def _together(first: Step, second: Step) -> Step:
    between_ah = _between_ah(first, second)
    is_hold = _holds(first, second)
    return replace(
        first,
        end=second.end,
        capacity_ah=first.capacity_ah + between_ah + second.capacity_ah,
        counted_ah=first.counted_ah + second.counted_ah,
        last_v=second.last_v,
        end_s=second.end_s,
        cc_capacity_ah=first.cc_capacity_ah + (0.0 if is_hold else between_ah + second.cc_capacity_ah),
        cv_capacity_ah=first.cv_capacity_ah + (between_ah + second.capacity_ah if is_hold else second.cv_capacity_ah),
        has_gap=first.has_gap or second.has_gap,
        gap_s=max(first.gap_s, second.gap_s),
    )


def _between_ah(first: Step, second: Step) -> float:
    """What passed between the last row of one and the beginning of the other, whose own charge may reach back."""
    return first.current_a * max(second.since_s - first.end_s, 0.0) / 3600.0
