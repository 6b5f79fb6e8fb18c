"""Rows → discharges: steps are told from current and voltage, never from the names that a test plan gives them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.record import CURRENT, NET_CAPACITY, STEP, STEP_CAPACITY, STEP_TIME, TIME, VOLTAGE, CyclerRecord
from ratescope.errors import RateTestError
from ratescope.records import Finding

REST_SHARE = 1e-3  # our choice: rest is below a thousandth of the highest current; C/30 beside 5C is 1/150
REST_A = 1e-8  # our choice: below this every current is an instrument's offset
SWING_V = 0.1  # our choice: a step that moves the voltage further than this shows the direction of its current
CONTRADICTION_SHARE = 0.05  # our choice: of the charge passed in such steps


@dataclass(frozen=True)
class Step:
    """Consecutive rows under a current of one direction.

    Attributes
    ----------
    begin, end : int
        Its rows, the end excluded.
    direction : int
        +1 charges, −1 discharges.
    current_a : float
        Magnitude on its plateau: where half of its charge has passed.
    capacity_ah : float
        Magnitude of ∫I dt inside the step.
    counted_ah : float
        The same by the instrument's own counter; NaN where there is none.
    first_v, last_v : float
    """

    begin: int
    end: int
    direction: int
    current_a: float
    capacity_ah: float
    counted_ah: float
    first_v: float
    last_v: float


def find_steps(record: CyclerRecord) -> tuple[list[Step], list[Finding]]:
    """The steps under current in the order of time, with remarks on what had to be put right.

    Raises
    ------
    RateTestError
        If the current's sign contradicts the voltage: a reader that trusted it would report nonsense.
    """
    log = _Log.of(record)
    runs = [_step(log, begin, end) for begin, end in _runs(log.direction(), log.is_step_start)]
    steps = [step for step in runs if step.capacity_ah > 0.0]  # a single row is an instrument switching
    steps, remarks = _with_directions_from_voltage(steps, log, record.file)
    backwards = int((np.diff(log.time_s) < 0).sum())
    if backwards:
        remarks.append(Finding("time-backwards", f"Time runs backwards {backwards} times; those intervals count zero."))
    return steps, remarks


@dataclass(frozen=True, eq=False)
class _Log:
    """The columns of a record as arrays, shape (rows,) each; what is not logged is NaN."""

    time_s: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]
    step_time_s: NDArray[np.float64]
    step: NDArray[np.float64]
    net_ah: NDArray[np.float64]
    step_ah: NDArray[np.float64]

    @classmethod
    def of(cls, record: CyclerRecord) -> _Log:
        rows = record.rows
        columns = (TIME, VOLTAGE, CURRENT, STEP_TIME, STEP, NET_CAPACITY, STEP_CAPACITY)
        unknown = np.full(len(rows), np.nan)
        return cls(*(rows[name].to_numpy(np.float64) if name in rows else unknown for name in columns))

    @property
    def is_step_start(self) -> NDArray[np.bool_]:
        """Where the instrument says that a step begins: another line of the plan, or a step time that falls back."""
        # Comparisons with NaN are false: a column that is not logged starts nothing.
        moved = np.abs(np.diff(self.step, prepend=self.step[:1])) > 0
        fell = np.diff(self.step_time_s, prepend=self.step_time_s[:1]) < 0
        return np.asarray(moved | fell)

    def direction(self) -> NDArray[np.int_]:
        """+1, 0 or −1 by row."""
        magnitude = np.abs(self.current_a)
        at_rest = magnitude <= max(REST_A, REST_SHARE * float(magnitude.max(initial=0.0)))
        return np.where(at_rest, 0, np.sign(self.current_a)).astype(int)


def _runs(direction: NDArray[np.int_], is_start: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each run of rows under current of one direction, cut where the instrument begins a step.

    >>> _runs(np.array([0, 1, 1, -1, -1, 0]), np.zeros(6, dtype=bool))
    [(1, 3), (3, 5)]
    """
    changes = is_start[1:] | (np.diff(direction) != 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(direction)]
    return [(a, b) for a, b in pairwise(edges) if b > a and direction[a] != 0]


def _step(log: _Log, begin: int, end: int) -> Step:
    rows = slice(begin, end)
    magnitude = np.abs(log.current_a[rows])
    interval_s = np.clip(np.diff(log.time_s[rows]), 0.0, None)
    before_as = float(magnitude[0]) * _unlogged_s(log, begin)
    passed_as = np.concatenate([[0.0], np.cumsum((magnitude[1:] + magnitude[:-1]) / 2.0 * interval_s)]) + before_as
    return Step(
        begin=begin,
        end=end,
        direction=int(np.sign(log.current_a[begin])),
        current_a=float(np.interp(passed_as[-1] / 2.0, passed_as, magnitude)),
        capacity_ah=float(passed_as[-1]) / 3600.0,
        counted_ah=_counted_ah(log, begin, end) + before_as / 3600.0,
        first_v=float(log.voltage_v[begin]),
        last_v=float(log.voltage_v[end - 1]),
    )


def _unlogged_s(log: _Log, begin: int) -> float:
    """How long the current had run before the step's first row: some instruments log it after the first interval."""
    since_start_s = log.step_time_s[begin]
    if begin == 0 or not since_start_s > 0.0:
        return 0.0
    return float(np.clip(log.time_s[begin] - log.time_s[begin - 1], 0.0, since_start_s))


def _counted_ah(log: _Log, begin: int, end: int) -> float:
    """Within the rows alone: some test plans set the counters back at each step, others never."""
    counter = log.net_ah if np.isfinite(log.net_ah[begin]) else log.step_ah
    return abs(float(counter[end - 1] - counter[begin]))


def _with_directions_from_voltage(steps: list[Step], log: _Log, file: str) -> tuple[list[Step], list[Finding]]:
    """Steps whose directions agree with what the voltage did: charging raises it, discharging lowers it."""
    swings = [step for step in steps if abs(step.last_v - step.first_v) > SWING_V]
    against = [step for step in swings if np.sign(step.last_v - step.first_v) != step.direction]
    if not against or _charge(against) <= CONTRADICTION_SHARE * _charge(swings):
        return steps, []
    if len(against) == len(swings) and {step.direction for step in swings} == {-1, 1}:
        remark = Finding("current-inverted", "The current is above zero where it discharges; its sign is turned.")
        return [replace(step, direction=-step.direction) for step in steps], [remark]
    if len({step.direction for step in steps}) == 1 and log.is_step_start.any():
        remark = Finding("current-unsigned", "The current has no sign; the voltage tells charge from discharge.")
        return [replace(step, direction=-1 if step.last_v < step.first_v - SWING_V else 1) for step in steps], [remark]
    raise RateTestError(
        f"{file}: the sign of the current contradicts the voltage in {len(against)} of {len(swings)} steps. "
        "Export the test with a signed current, or type the capacities into cells.csv."
    )


def _charge(steps: list[Step]) -> float:
    return sum(step.capacity_ah for step in steps)
