"""Which steps charge and which discharge: by the current's sign where the voltage agrees, else by the voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ratescope.cycling.record import Step
from ratescope.cycling.turns import HOLD_V, SWING_V
from ratescope.errors import RateTestError
from ratescope.records import Finding

CONTRADICTION_SHARE = 0.05  # our choice: of the charge passed in steps that the voltage contradicts, or does not tell
WAY_OUT = "Export the test with a signed current, or type the capacities into cells.csv."


def with_directions(steps: Sequence[Step], file: str, *, are_single: bool) -> tuple[list[Step], list[Finding]]:
    """Steps whose directions agree with what the voltage did: charging raises it, discharging lowers it.

    Parameters
    ----------
    are_single : bool
        Whether a charge and the discharge after it are two steps even where the current has no sign.

    Raises
    ------
    RateTestError
        If the sign of the current contradicts the voltage, or there is none and the voltage does not tell either.
    """
    swings = [step for step in steps if abs(_swing_v(step)) > SWING_V]
    against = [step for step in swings if np.sign(_swing_v(step)) != step.direction]
    if not against or _charge(against) <= CONTRADICTION_SHARE * _charge(swings):
        return list(steps), []
    directions = {step.direction for step in steps}
    if len(against) == len(swings) and {step.direction for step in swings} == {-1, 1}:
        remark = Finding("current-inverted", "The current is above zero where it discharges; its sign is turned.")
        return [replace(step, direction=-step.direction) for step in steps], [remark]
    if len(directions) == 1 and are_single:
        remark = Finding("current-unsigned", "The current has no sign; the voltage tells charge from discharge.")
        return _told_by_voltage(steps, file), [remark]
    raise RateTestError(
        f"{file}: the sign of the current contradicts the voltage in {len(against)} of {len(swings)} steps. {WAY_OUT}"
    )


def _told_by_voltage(steps: Sequence[Step], file: str) -> list[Step]:
    told: list[Step] = []
    untold: list[Step] = []
    for step in steps:
        direction = _direction(step, told[-1] if told else None)
        untold += [] if direction else [step]
        told.append(replace(step, direction=direction or 1))
    if _charge(untold) > CONTRADICTION_SHARE * _charge(steps):
        raise RateTestError(
            f"{file}: the current has no sign, and in {len(untold)} of {len(steps)} steps the voltage, which stands "
            f"still, does not tell charge from discharge. {WAY_OUT}"
        )
    return told


def _direction(step: Step, before: Step | None) -> int:
    """+1 or −1; 0 where nothing tells it."""
    swing_v = _swing_v(step)
    if abs(swing_v) > SWING_V:
        return int(np.sign(swing_v))
    # A hold goes on at the voltage to which the step before it has come, in the same direction.
    is_hold = abs(swing_v) <= HOLD_V or step.cv_capacity_ah > step.cc_capacity_ah
    if is_hold and before is not None and abs(step.last_v - before.last_v) <= 2.0 * HOLD_V:
        return before.direction
    return 0 if is_hold else int(np.sign(swing_v))


def _swing_v(step: Step) -> float:
    return step.last_v - step.first_v


def _charge(steps: Sequence[Step]) -> float:
    return sum(step.capacity_ah for step in steps)
