"""The physics of the virtual half cell: PyBaMM's Doyle-Fuller-Newman model with the parameters of "set A".

PyBaMM is an extra: it is imported inside functions, and only here.

References
----------
NMC111: About:Energy's NMC111|graphite set in the BPX format (CC BY-SA 4.0). Electrolytes: Landesfeind & Gasteiger,
J. Electrochem. Soc. 166 (2019) A3079; Nyman, Behm & Lindbergh, Electrochim. Acta 53 (2008) 6356. Lithium metal: Xu et
al., J. Electrochem. Soc. 166 (2019) A3456. What is marked "estimate" has no source.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from typing import Any

from ratescope.errors import LabError, SolverGaveUpError
from ratescope.virtual_lab.cell import VirtualCell

TEMPERATURE_K = 293.15  # 20 °C
REFERENCE_K = 298.15
INITIAL_FILLING = 0.97  # of lithium in the active material; x = 1 is full
SEPARATOR_POROSITY = 0.90  # GF/C; estimate
SEPARATOR_TORTUOSITY = 1.1  # estimate
CONTACT_RESISTANCE_OHM_CM2 = 10.0  # estimate
HIGHEST_CONCENTRATION_MOL_PER_M3 = 49_243.0  # density over molar mass
DIFFUSION_ACTIVATION_J_PER_MOL = 15e3
REACTION_RATE_MOL_PER_M2_S = 2.305e-5
REACTION_ACTIVATION_J_PER_MOL = 35e3
ELECTRONIC_CONDUCTIVITY_S_PER_M = 0.789  # effective: of the whole coating
# Salt leaks numerically on coarse separators, and leaks add up over Table 2's 34 cycles. Set A at ε = 0.495: 2.7 % at
# 20 points, 0.19 % at 80, 0.05 % at 160; Nyman's electrolyte: 2.4 % at 80, 0.6 % at 160, 0.14 % at 320, 0.06 % at 480.
SEPARATOR_POINTS = {"landesfeind": 160, "nyman": 480}
# By default a dense cell now and then gives up in the middle of a test (1C at ε = 0.198 after 17 cycles); with patience
# it goes on, as fast, to capacities within 0.01 Ah/kg of those at a hundredfold tighter tolerance.
USUAL, STRICT = 1e-4, 1e-6  # relative tolerances: PyBaMM's default, and that of a second try of the whole test
PATIENCE = {"max_nonlinear_iterations": 100, "max_convergence_failures": 1000}
POINTS = 20  # PyBaMM's default, in electrode depth and in particle radius


@dataclass(frozen=True)
class StepInputs:
    """What a step holds and where it stops.

    Attributes
    ----------
    is_current : int
        1 holds the current, 0 the voltage.
    direction : int
        +1 discharges, −1 charges.
    current_a : float
        Held, above zero when discharging; in a step of constant voltage: the magnitude at which it stops.
    voltage_v : float
        Held; in a step of constant current: where it stops.
    """

    is_current: int
    direction: int
    current_a: float
    voltage_v: float


def half_cell_simulation(cell: VirtualCell, *, separator_points: int | None = None, tolerance: float = USUAL) -> Any:
    """A `pybamm.Simulation` that steps by constant current or constant voltage, chosen at each step by its inputs.

    Its inputs are those of `StepInputs`. One model for all steps is compiled once, where an experiment of PyBaMM
    compiles one for each kind of step.

    Parameters
    ----------
    separator_points : int, optional
        Of the mesh; `SEPARATOR_POINTS` of the electrolyte if not given.
    tolerance : float
        Relative, of the solver.
    """
    pybamm = import_pybamm()
    model = pybamm.lithium_ion.DFN(
        {"working electrode": "positive", "contact resistance": "true", "operating mode": _control_residual}
    )
    model.events = [_end_of_step(model.variables)]
    return pybamm.Simulation(
        model,
        parameter_values=half_cell_parameters(cell),
        solver=pybamm.IDAKLUSolver(rtol=tolerance, root_method="nonlinear_solver", options=PATIENCE),
        var_pts={
            "x_n": POINTS,
            "x_s": separator_points or SEPARATOR_POINTS[cell.electrode.electrolyte],
            "x_p": POINTS,
            "r_n": POINTS,
            "r_p": POINTS,
        },
    )


def solve_step(simulation: Any, state: Any, inputs: StepInputs, longest_s: float, where: str) -> Any:
    """Solve one step from a state (None: the beginning); None if the cell is past the step's end before it begins.

    Raises
    ------
    SolverGaveUpError
        If the solver fails.
    LabError
        If the step has not ended after ``longest_s``; ``where`` says which it was.
    """
    pybamm = import_pybamm()
    try:
        solution = simulation.step(longest_s, inputs=asdict(inputs), starting_solution=state, save=False)
    except pybamm.SolverError as error:
        if "non-positive at initial conditions" in str(error):
            return None
        raise SolverGaveUpError(
            f"{where}: PyBaMM cannot solve it ({error}). Choose a milder cell or C-rate."
        ) from error
    if solution.termination == "final time":
        raise LabError(f"{where}: not over after {longest_s / 3600.0:.0f} h. Choose a milder cell or C-rate.")
    return solution


def salt_mol(solution: Any) -> tuple[float, float]:
    """Lithium in the electrolyte at the beginning and at the end of a solved step, in mol: nothing may change it."""
    amount_mol = solution["Total lithium in electrolyte [mol]"].entries
    return float(amount_mol[0]), float(amount_mol[-1])


def import_pybamm() -> Any:
    """PyBaMM without its telemetry, or a sentence that says how to get it."""
    os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"  # read by PyBaMM when it is imported: nothing leaves the machine
    try:
        import pybamm
    except ImportError as error:
        raise LabError(
            f"the discharge of the virtual laboratory needs PyBaMM, which cannot be imported ({error}). "
            "Install ratescope[lab], or in a clone run `make setup`."
        ) from error
    return pybamm


def _control_residual(variables: dict[str, Any]) -> Any:
    """What the external circuit holds at zero: the current's or the voltage's distance from what is asked."""
    pybamm = import_pybamm()
    is_current = pybamm.InputParameter("is_current")
    current_off = variables["Current [A]"] - pybamm.InputParameter("current_a")
    voltage_off = variables["Voltage [V]"] - pybamm.InputParameter("voltage_v")
    # Divided by 1C so that both distances are of order one.
    return is_current * current_off / pybamm.Parameter("Nominal cell capacity [A.h]") + (1 - is_current) * voltage_off


def _end_of_step(variables: dict[str, Any]) -> Any:
    pybamm = import_pybamm()
    is_current = pybamm.InputParameter("is_current")
    volts_left = pybamm.InputParameter("direction") * (variables["Voltage [V]"] - pybamm.InputParameter("voltage_v"))
    magnitude = pybamm.sqrt(variables["Current [A]"] ** 2)
    amperes_left = magnitude - pybamm.InputParameter("current_a")
    # PyBaMM steps on past an event only where its name ends like this.
    return pybamm.Event("end of step [experiment]", is_current * volts_left + (1 - is_current) * amperes_left)


def half_cell_parameters(cell: VirtualCell) -> Any:
    """The `pybamm.ParameterValues` of a cell: set A, with the electrolyte and the scatter that are its own."""
    pybamm = import_pybamm()
    disc = cell.disc
    side_m = math.sqrt(cell.area_cm2) * 1e-2
    values = pybamm.ParameterValues("Xu2019")  # for the lithium metal and what a half cell needs besides
    values.update(
        {
            "Electrode height [m]": side_m,
            "Electrode width [m]": side_m,
            "Nominal cell capacity [A.h]": cell.current_a(1.0),
            "Contact resistance [Ohm]": CONTACT_RESISTANCE_OHM_CM2 / cell.area_cm2,
            "Ambient temperature [K]": TEMPERATURE_K,
            "Initial temperature [K]": TEMPERATURE_K,
            "Separator thickness [m]": cell.separator_um * 1e-6,
            "Separator porosity": SEPARATOR_POROSITY,
            "Separator Bruggeman coefficient (electrolyte)": _bruggeman(SEPARATOR_POROSITY, SEPARATOR_TORTUOSITY),
            "Positive electrode thickness [m]": disc.thickness_um * 1e-6,
            "Positive electrode porosity": disc.porosity,
            "Positive electrode active material volume fraction": disc.volume_fractions["active"],
            "Positive electrode Bruggeman coefficient (electrolyte)": _bruggeman(disc.porosity, disc.tortuosity),
            "Positive electrode conductivity [S.m-1]": ELECTRONIC_CONDUCTIVITY_S_PER_M,
            "Positive electrode Bruggeman coefficient (electrode)": 0.0,  # the conductivity is an effective one
            "Positive particle radius [m]": disc.particle_d50_um / 2.0 * 1e-6,
            "Positive particle diffusivity [m2.s-1]": _solid_diffusivity(disc.solid_diffusivity_m2_per_s),
            "Positive electrode OCP [V]": open_circuit_potential_v,
            "Positive electrode exchange-current density [A.m-2]": _exchange_current_density,
            "Maximum concentration in positive electrode [mol.m-3]": HIGHEST_CONCENTRATION_MOL_PER_M3,
            "Initial concentration in positive electrode [mol.m-3]": INITIAL_FILLING * HIGHEST_CONCENTRATION_MOL_PER_M3,
        }
        | _electrolyte(disc.electrolyte)
    )
    return values


def _bruggeman(porosity: float, tortuosity: float) -> float:
    """The exponent b for which ε^b = ε/τ, as PyBaMM wants its transport efficiency."""
    return math.log(porosity / tortuosity) / math.log(porosity)


def _electrolyte(name: str) -> dict[str, Any]:
    import_pybamm()
    from pybamm.input.parameters.lithium_ion import Chen2020, ORegan2022

    if name == "nyman":
        return {
            "Cation transference number": 0.2594,
            "Thermodynamic factor": 1.0,
            "Electrolyte diffusivity [m2.s-1]": Chen2020.electrolyte_diffusivity_Nyman2008,
            "Electrolyte conductivity [S.m-1]": Chen2020.electrolyte_conductivity_Nyman2008,
        }
    return {
        "Cation transference number": ORegan2022.electrolyte_transference_number_EC_EMC_3_7_Landesfeind2019,
        "Thermodynamic factor": ORegan2022.electrolyte_TDF_EC_EMC_3_7_Landesfeind2019,
        "Electrolyte diffusivity [m2.s-1]": ORegan2022.electrolyte_diffusivity_EC_EMC_3_7_Landesfeind2019,
        "Electrolyte conductivity [S.m-1]": ORegan2022.electrolyte_conductivity_EC_EMC_3_7_Landesfeind2019,
    }


def open_circuit_potential_v(filling: Any) -> Any:
    """Of NMC111 against lithium; fitted for fillings from 0.424 to 0.962, extrapolated beyond, never clipped."""
    tanh = import_pybamm().tanh
    return (
        -3.04420906 * filling
        + 10.04892207
        - 0.65637536 * tanh(-4.02134095 * (filling - 0.80063948))
        + 4.24678547 * tanh(12.17805062 * (filling - 7.57659337))
        - 0.3757068 * tanh(59.33067782 * (filling - 0.99784492))
    )


def _solid_diffusivity(at_reference_m2_per_s: float) -> Any:
    def diffusivity(_filling: Any, temperature_k: Any) -> Any:
        return at_reference_m2_per_s * _arrhenius(DIFFUSION_ACTIVATION_J_PER_MOL, temperature_k)

    return diffusivity


def _exchange_current_density(salt: Any, surface: Any, highest: Any, temperature_k: Any) -> Any:
    pybamm = import_pybamm()
    filling = surface / highest
    rate = REACTION_RATE_MOL_PER_M2_S * _arrhenius(REACTION_ACTIVATION_J_PER_MOL, temperature_k)
    return pybamm.constants.F * rate * pybamm.sqrt(salt / 1000.0) * pybamm.sqrt(filling * (1.0 - filling))


def _arrhenius(activation_j_per_mol: float, temperature_k: Any) -> Any:
    pybamm = import_pybamm()
    return pybamm.exp(activation_j_per_mol / pybamm.constants.R * (1.0 / REFERENCE_K - 1.0 / temperature_k))
