"""The discharge of the virtual laboratory: a rate test of a half cell, performed in PyBaMM. Everything is simulated.

    draw_cell → simulate_rate_test → RateTestTrace → cycler_file.write_basytec

Each step's states are let go as soon as its rows are taken: the whole of Table 2 needs megabytes, not gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError, SolverGaveUpError
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol
from ratescope.units import RATES_PER_H
from ratescope.virtual_lab.cell import VirtualCell, draw_cell, nominal_cell
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.half_cell import STRICT, USUAL, StepInputs, half_cell_simulation, salt_mol, solve_step

__all__ = ["RateTestTrace", "TraceStep", "VirtualCell", "discharge_capacities", "draw_cell", "simulate_rate_test"]

StepKind = Literal["charge", "hold", "discharge"]
CYCLE: tuple[StepKind, ...] = ("charge", "hold", "discharge")  # Table 2, no rests

ROW_EVERY_S = 60.0  # our choice: what cyclers log; one row per second would be 1.75 million rows per cell
ROW_EVERY_V = 0.005  # our choice: steep parts of the curve get their rows by voltage
LONGEST_HOLD_S = 72 * 3600.0  # our choice: a cell that holds for three days never fills
LONGEST_FILLING = 1.5  # our choice: a current that would pass 1.5 theoretical capacities never ends
# Our choice: at 0.2 % of salt leaked over the whole of Table 2, no capacity of its rate curve is off by 0.1 Ah/kg.
MOST_SALT_DRIFT = 2e-3
MAKE_IT_EASIER = "Lower the C-rate, or raise the porosity."


@dataclass(frozen=True, eq=False)
class TraceStep:
    """One step of a simulated rate test.

    Attributes
    ----------
    kind : "charge", "hold" or "discharge"
    cycle : int
        Counted from 1.
    block : int
        Which run of equal cycles of the protocol's sequence it belongs to, counted from 0; check-ups are runs too.
    c_rate_per_h : float
        Of the cycle.
    time_s : float array, shape (rows,)
        Since the beginning of the test.
    voltage_v, current_a : float array, shape (rows,)
        A current above zero charges, one below zero discharges, as cyclers write it.
    capacity_ah : float
        Magnitude of the charge that the step passes, free of noise and of logging.
    """

    kind: StepKind
    cycle: int
    block: int
    c_rate_per_h: float
    time_s: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]
    capacity_ah: float


@dataclass(frozen=True, eq=False)
class RateTestTrace:
    """A simulated rate test: the truth behind a cycler file.

    ``skipped`` says in words which steps could not begin because the cell was past their end already; ``salt_drift`` is
    what the electrolyte's lithium gained from the first step to the last, relative to what it was; ``tolerance`` is the
    solver's: the strict one where the usual one did not get through.
    """

    cell: VirtualCell
    protocol: RateProtocol
    steps: tuple[TraceStep, ...]
    skipped: tuple[str, ...] = ()
    salt_drift: float = 0.0
    tolerance: float = USUAL

    @property
    def discharges(self) -> tuple[TraceStep, ...]:
        """Its discharges in the order of time."""
        return tuple(step for step in self.steps if step.kind == "discharge")

    @property
    def true_capacities_ah(self) -> dict[float, float]:
        """By C-rate of the rate curve, without noise: the last discharge of the first block at that rate."""
        return {rate: self._last_discharge_of_first_block(rate) for rate in self.protocol.curve_rates_per_h}

    def _last_discharge_of_first_block(self, c_rate_per_h: float) -> float:
        run = self.protocol.run_of(c_rate_per_h)
        return [step.capacity_ah for step in self.discharges if step.block == run][-1]

    def truth(self) -> dict[str, object]:
        """What the truth folder keeps of it, ready for JSON: masses, every capacity, what was skipped."""
        mass_kg = self.cell.active_mass_mg * 1e-6
        return {
            "simulated": True,
            "active_mass_mg": self.cell.active_mass_mg,
            "c_rates_per_h": list(self.true_capacities_ah),
            "capacities_ah": list(self.true_capacities_ah.values()),
            "specific_capacities_ah_per_kg": [ah / mass_kg for ah in self.true_capacities_ah.values()],
            "discharges": [
                {"cycle": step.cycle, "c_rate_per_h": step.c_rate_per_h, "capacity_ah": step.capacity_ah}
                for step in self.discharges
            ],
            "skipped": list(self.skipped),
            "salt_drift": self.salt_drift,
            "solver_tolerance": self.tolerance,
        }


def simulate_rate_test(
    cell: VirtualCell, *, protocol: RateProtocol = TABLE_2, separator_points: int | None = None
) -> RateTestTrace:
    """Perform a rate test on a virtual half cell: Table 2 with the C/10 check-ups between its rates.

    Parameters
    ----------
    separator_points : int, optional
        Of the mesh, to see what fewer do; enough for the electrolyte if not given.

    Raises
    ------
    LabError
        If PyBaMM is missing or cannot solve a step (it says which cell, cycle and step), or if salt was not conserved.

    Examples
    --------
    >>> sheet = VirtualElectrode("e30", "b1", load_mpa=200.0, porosity=0.30)
    >>> trace = simulate_rate_test(draw_cell(sheet, "e30-1", np.random.default_rng(1)))  # doctest: +SKIP
    """
    try:
        return _performed(cell, protocol, half_cell_simulation(cell, separator_points=separator_points), USUAL)
    except SolverGaveUpError:
        # Now and then an error of one step grows until a later one cannot be solved: smaller steps from the beginning.
        strict = half_cell_simulation(cell, separator_points=separator_points, tolerance=STRICT)
        return _performed(cell, protocol, strict, STRICT)


def _performed(cell: VirtualCell, protocol: RateProtocol, simulation: Any, tolerance: float) -> RateTestTrace:
    """The whole test, step after step."""
    state = None
    salt: list[float] = []
    steps: list[TraceStep] = []
    skipped: list[str] = []
    for cycle, (block, run) in enumerate(_runs_by_cycle(protocol), start=1):
        for kind in _kinds(run):
            where = f"cell {cell.name}, cycle {cycle}, {kind} at {run.c_rate_per_h:g}C"
            solution = solve_step(simulation, state, _inputs(kind, run, protocol, cell), _longest_s(kind, run), where)
            if solution is not None:
                steps.append(_logged(solution, kind, cycle, block, run.c_rate_per_h))
                salt.extend(salt_mol(solution))
                state = solution.last_state
            elif kind == "discharge":
                raise LabError(f"{where}: the cell is empty before it begins. {MAKE_IT_EASIER}")
            else:
                skipped.append(f"{where}: past its end before it began")
    return RateTestTrace(cell, protocol, tuple(steps), tuple(skipped), _salt_drift(salt, cell), tolerance)


def _salt_drift(salt_mol: Sequence[float], cell: VirtualCell) -> float:
    """By how much the electrolyte's lithium has changed, relative to the beginning; an error if by too much."""
    drift = salt_mol[-1] / salt_mol[0] - 1.0
    if abs(drift) > MOST_SALT_DRIFT:
        raise LabError(
            f"cell {cell.name}: the simulation does not conserve salt: its amount changed by {100 * drift:+.2f} %, "
            f"more than {100 * MOST_SALT_DRIFT:g} %. Take more points in the separator."
        )
    return drift


def discharge_capacities(
    electrode: VirtualElectrode, rates_per_h: Sequence[float] = RATES_PER_H, *, protocol: RateProtocol = TABLE_2
) -> NDArray[np.float64]:
    """Specific capacities of an electrode exactly as designed, each C-rate alone and from the same state.

    From x = 0.97: charge at the rate, hold to the cut-off of Table 2, discharge at the rate, no rest.

    Returns
    -------
    float array, shape (rates,)
        In Ah kg⁻¹ of active material.
    """
    cell = nominal_cell(electrode)
    simulation = half_cell_simulation(cell)
    capacities_ah = [_capacity_alone_ah(simulation, cell, protocol, rate) for rate in rates_per_h]
    return np.array(capacities_ah) / (cell.active_mass_mg * 1e-6)


def _capacity_alone_ah(simulation: Any, cell: VirtualCell, protocol: RateProtocol, c_rate_per_h: float) -> float:
    state = solution = None
    run = protocol.block_of(c_rate_per_h)
    for kind in _kinds(run):
        where = f"electrode {cell.electrode.name}, {kind} at {c_rate_per_h:g}C alone"
        solution = solve_step(simulation, state, _inputs(kind, run, protocol, cell), _longest_s(kind, run), where)
        state = state if solution is None else solution.last_state
    if solution is None:
        raise LabError(f"{where}: the cell is empty before it begins. {MAKE_IT_EASIER}")
    return cell.current_a(c_rate_per_h) * float(solution.t[-1] - solution.t[0]) / 3600.0


def _runs_by_cycle(protocol: RateProtocol) -> Iterator[tuple[int, RateBlock]]:
    """For each cycle the number of its run in the sequence, and the run."""
    for block, run in enumerate(protocol.sequence):
        for _ in range(run.cycles):
            yield block, run


def _kinds(run: RateBlock) -> tuple[StepKind, ...]:
    """The steps of each of its cycles: not every protocol holds the voltage."""
    return CYCLE if run.hold_until_c_rate_per_h else ("charge", "discharge")


def _inputs(kind: StepKind, run: RateBlock, protocol: RateProtocol, cell: VirtualCell) -> StepInputs:
    """What the bench holds, and where it stops; PyBaMM counts the current of a discharge above zero."""
    if kind == "charge":
        current_a = -cell.current_a(run.charged_at_per_h)
        return StepInputs(is_current=1, direction=-1, current_a=current_a, voltage_v=protocol.charge_cut_off_v)
    if kind == "discharge":
        current_a = cell.current_a(run.c_rate_per_h)
        return StepInputs(is_current=1, direction=1, current_a=current_a, voltage_v=protocol.discharge_cut_off_v)
    ends_at_a = cell.current_a(run.hold_until_c_rate_per_h or 0.0)
    return StepInputs(is_current=0, direction=-1, current_a=ends_at_a, voltage_v=protocol.charge_cut_off_v)


def _longest_s(kind: StepKind, run: RateBlock) -> float:
    if kind == "hold":
        return LONGEST_HOLD_S
    return LONGEST_FILLING * 3600.0 / (run.charged_at_per_h if kind == "charge" else run.c_rate_per_h)


def _logged(solution: Any, kind: StepKind, cycle: int, block: int, c_rate_per_h: float) -> TraceStep:
    """The rows that a cycler would log of a solved step: one every 60 s or 5 mV, the first and the last besides."""
    solved_s = np.asarray(solution.t, dtype=np.float64)
    voltage_v = np.asarray(solution["Voltage [V]"].entries, dtype=np.float64)
    current_a = -np.asarray(solution["Current [A]"].entries, dtype=np.float64)
    rows_s = log_times_s(solved_s, voltage_v)
    return TraceStep(
        kind=kind,
        cycle=cycle,
        block=block,
        c_rate_per_h=c_rate_per_h,
        time_s=rows_s,
        voltage_v=np.interp(rows_s, solved_s, voltage_v),
        current_a=np.interp(rows_s, solved_s, current_a),
        capacity_ah=abs(float(np.trapezoid(current_a, solved_s))) / 3600.0,
    )


def log_times_s(time_s: NDArray[np.float64], voltage_v: NDArray[np.float64]) -> NDArray[np.float64]:
    """When a cycler writes a row: every 60 s, whenever the voltage has moved by 5 mV, and at both ends.

    >>> log_times_s(np.array([0.0, 100.0]), np.array([4.0, 3.98])).tolist()
    [0.0, 25.0, 50.0, 60.0, 75.0, 100.0]
    """
    moved_v = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(voltage_v)))])
    # A flat stretch repeats a path length; np.interp then gives one of its ends, which is as good as any.
    by_voltage = np.interp(np.arange(0.0, moved_v[-1], ROW_EVERY_V), moved_v, time_s)
    by_time = np.arange(time_s[0], time_s[-1], ROW_EVERY_S)
    rows_s = np.unique(np.concatenate([by_voltage, by_time, time_s[[0, -1]]]).round(3))
    return np.asarray(np.clip(rows_s, time_s[0], time_s[-1]))
