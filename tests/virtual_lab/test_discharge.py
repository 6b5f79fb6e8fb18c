import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ratescope.errors import LabError, SolverGaveUpError
from ratescope.protocol import RateBlock, RateProtocol
from ratescope.units import POROSITIES, RATES_PER_H
from ratescope.virtual_lab import discharge
from ratescope.virtual_lab.cell import draw_cell, nominal_cell
from ratescope.virtual_lab.design import SET_A, SET_B, VirtualElectrode
from ratescope.virtual_lab.discharge import discharge_capacities, log_times_s, simulate_rate_test
from ratescope.virtual_lab.half_cell import half_cell_parameters

# Specific capacities (Ah/kg) of set A at 0.2, 1, 2, 3 and 5C, each rate alone, by porosity: an independent computation.
REFERENCE = {
    0.495: (157.3, 143.9, 132.4, 121.0, 99.5),
    0.346: (157.2, 143.7, 132.2, 120.7, 56.2),
    0.300: (157.2, 143.6, 132.0, 116.4, 38.6),
    0.254: (157.1, 143.3, 131.7, 87.0, 24.8),
    0.196: (157.0, 142.5, 94.7, 42.9, 13.1),
}


def electrode(porosity=0.30, **changes):
    return VirtualElectrode("e", "b", load_mpa=200.0, porosity=porosity, **changes)


def one_cycle(c_rate_per_h=3.0, charge_cut_off_v=4.3):
    block = RateBlock(c_rate_per_h, 0.2, cycles=1)
    return RateProtocol((block,), block, charge_cut_off_v, 2.6, curve_rates_per_h=(c_rate_per_h,))


@pytest.fixture(scope="module")
def trace():
    return simulate_rate_test(nominal_cell(electrode()), protocol=one_cycle())


def test_a_dense_coating_gives_the_capacities_of_the_reference_table():
    assert discharge_capacities(electrode(0.196), [0.2, 5.0]) == pytest.approx([157.0, 13.1], abs=1.0)


@pytest.mark.slow
def test_all_capacities_of_the_reference_table_are_met_within_one_ampere_hour_per_kilogram():
    for porosity in POROSITIES:
        assert discharge_capacities(electrode(porosity), RATES_PER_H) == pytest.approx(REFERENCE[porosity], abs=1.0)


def test_the_capacity_of_a_discharge_is_its_current_times_its_time(trace):
    (step,) = trace.discharges
    hours = (step.time_s[-1] - step.time_s[0]) / 3600.0
    assert step.capacity_ah == pytest.approx(trace.cell.current_a(3.0) * hours, rel=1e-5)


def test_a_discharge_falls_from_the_hold_to_the_cut_off_voltage(trace):
    (step,) = trace.discharges
    assert np.all(np.diff(step.voltage_v) < 0)
    assert step.voltage_v[-1] == pytest.approx(2.6, abs=1e-3)
    assert np.all(step.current_a < 0)


def test_charge_hold_and_discharge_follow_each_other_without_a_gap(trace):
    assert [step.kind for step in trace.steps] == ["charge", "hold", "discharge"]
    for before, after in zip(trace.steps, trace.steps[1:], strict=False):
        assert after.time_s[0] == pytest.approx(before.time_s[-1], abs=2e-3)


def test_one_model_with_inputs_agrees_with_an_experiment_of_pybamm(trace):
    """Slow twin: PyBaMM's own experiment, which compiles a model for each step."""
    import pybamm

    cell = trace.cell
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.DFN({"working electrode": "positive", "contact resistance": "true"}),
        parameter_values=half_cell_parameters(cell),
        experiment=pybamm.Experiment(
            [("Charge at 3C until 4.3 V", "Hold at 4.3 V until C/5", "Discharge at 3C until 2.6 V")]
        ),
        solver=pybamm.IDAKLUSolver(),
        var_pts={"x_n": 20, "x_s": 80, "x_p": 20, "r_n": 20, "r_p": 20},
    )
    discharge = simulation.solve().cycles[0].steps[2]
    capacity_ah = cell.current_a(3.0) * (discharge.t[-1] - discharge.t[0]) / 3600.0
    assert trace.true_capacities_ah[3.0] == pytest.approx(capacity_ah, rel=2e-3)


def test_salt_leaks_through_coarse_separators_only(trace, monkeypatch):
    """No reaction makes or takes salt: what the electrolyte holds at the end is what it held at the beginning."""
    monkeypatch.setattr("ratescope.virtual_lab.discharge.MOST_SALT_DRIFT", 1.0)
    coarse = simulate_rate_test(nominal_cell(electrode()), protocol=one_cycle(), separator_points=10)
    assert abs(trace.salt_drift) < 2e-4
    assert abs(coarse.salt_drift) > 10.0 * abs(trace.salt_drift)
    assert trace.truth()["salt_drift"] == trace.salt_drift


def test_a_rate_test_that_loses_salt_is_an_error_and_not_a_result(monkeypatch):
    monkeypatch.setattr("ratescope.virtual_lab.discharge.MOST_SALT_DRIFT", 1e-6)
    with pytest.raises(LabError, match=r"cell nominal: the simulation does not conserve salt.*Take more points"):
        simulate_rate_test(nominal_cell(electrode()), protocol=one_cycle(), separator_points=10)


def test_a_test_that_the_usual_tolerance_does_not_get_through_is_done_again_with_a_strict_one(trace, monkeypatch):
    solve, tried = discharge.solve_step, []
    build, built = discharge.half_cell_simulation, []

    def building(*arguments, **options):
        built.append(build(*arguments, **options))
        return built[-1]

    def gives_up_once(*arguments):
        tried.append(arguments[-1])
        if len(tried) == 2:
            raise SolverGaveUpError(f"{arguments[-1]}: PyBaMM cannot solve it. Choose a milder cell or C-rate.")
        return solve(*arguments)

    monkeypatch.setattr(discharge, "solve_step", gives_up_once)
    monkeypatch.setattr(discharge, "half_cell_simulation", building)
    again = simulate_rate_test(nominal_cell(electrode()), protocol=one_cycle())
    assert (trace.tolerance, again.tolerance) == (1e-4, 1e-6)
    assert [simulation.solver.rtol for simulation in built] == [1e-4, 1e-6]
    assert len(tried) == 2 + 3
    ours, theirs = (list(test.true_capacities_ah.values()) for test in (again, trace))
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_set_b_has_the_other_electrolyte_and_differs_by_more_than_ten_ampere_hours_at_5c():
    """Nothing published tells A from B, yet they differ by up to 35 Ah/kg at 5C."""
    sheet = electrode(0.495)
    a, b = (discharge_capacities(sheet.with_transport(law), [5.0])[0] for law in (SET_A, SET_B))
    assert sheet.with_transport(SET_B).tortuosity == pytest.approx(1.3 * 0.495**-0.8)
    landesfeind, nyman = (half_cell_parameters(nominal_cell(sheet.with_transport(law))) for law in (SET_A, SET_B))
    assert callable(landesfeind["Cation transference number"])
    assert nyman["Cation transference number"] == 0.2594
    assert 10.0 < abs(a - b) < 35.0


def test_transport_in_the_pores_is_porosity_over_tortuosity_and_the_conductivity_is_effective():
    values = half_cell_parameters(nominal_cell(electrode(tau_exponent=-0.8, tau_factor=1.3)))
    exponent = values["Positive electrode Bruggeman coefficient (electrolyte)"]
    assert 0.30**exponent == pytest.approx(0.30 / (1.3 * 0.30**-0.8))
    assert 0.90 ** values["Separator Bruggeman coefficient (electrolyte)"] == pytest.approx(0.90 / 1.1)
    assert values["Positive electrode Bruggeman coefficient (electrode)"] == 0.0


def test_a_step_whose_end_is_passed_already_is_skipped_and_said():
    # At x = 0.97 the cell rests at 3.6 V: a charge to 3.5 V cannot begin.
    trace = simulate_rate_test(nominal_cell(electrode()), protocol=one_cycle(1.0, charge_cut_off_v=3.5))
    assert trace.skipped == ("cell nominal, cycle 1, charge at 1C: past its end before it began",)
    assert [step.kind for step in trace.steps] == ["hold", "discharge"]
    assert trace.truth()["skipped"] == list(trace.skipped)


def test_a_discharge_that_cannot_begin_is_an_error_and_not_a_zero():
    wall = replace(one_cycle(), discharge_cut_off_v=4.29)
    with pytest.raises(
        LabError, match="cycle 1, discharge at 3C: the cell is empty before it begins. Lower the C-rate"
    ):
        simulate_rate_test(nominal_cell(electrode()), protocol=wall)


def test_without_pybamm_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybamm", None)
    with pytest.raises(LabError, match=r"Install ratescope\[lab\]"):
        discharge_capacities(electrode(), [1.0])


def test_a_disc_of_ten_millimetres_carries_twelve_milligrams():
    assert nominal_cell(electrode()).active_mass_mg == pytest.approx(15.4 * np.pi / 4)


def test_the_scatter_of_many_cells_is_the_stated_one():
    rng = np.random.default_rng(5)
    cells = [draw_cell(electrode(), "c", rng) for _ in range(4000)]
    drawn = np.array([(c.porosity, c.loading_factor, c.tau_factor, c.separator_factor) for c in cells])
    design = np.array([0.30, 1.0, 1.0, 1.0])
    assert drawn.mean(axis=0) == pytest.approx(design, abs=0.004)
    assert drawn.std(axis=0) == pytest.approx([0.007, 0.015, 0.05, 0.03], rel=0.05)
    # Three deviations away a disc is thrown away.
    assert np.abs(drawn - design).max(axis=0) == pytest.approx([0.021, 0.045, 0.15, 0.09])
    assert np.corrcoef(drawn.T) == pytest.approx(np.eye(4), abs=0.06)


@given(st.floats(0.15, 0.60), st.integers(0, 2**32 - 1))
def test_every_cell_that_is_drawn_can_be_made(porosity, seed):
    cell = draw_cell(electrode(porosity), "c", np.random.default_rng(seed))
    assert cell.disc.thickness_um > 0
    assert cell.active_mass_mg > 0


@settings(deadline=None)
@given(
    arrays(float, 6, elements=st.floats(1.0, 500.0)),
    arrays(float, 6, elements=st.floats(2.6, 4.3)),
)
def test_a_row_is_logged_every_minute_and_every_five_millivolts(gaps_s, voltage_v):
    time_s = np.cumsum(gaps_s)
    rows_s = log_times_s(time_s, voltage_v)
    moved_v = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(voltage_v)))])
    assert rows_s[[0, -1]] == pytest.approx(time_s[[0, -1]], abs=1e-3)
    assert np.all(np.diff(rows_s) > 0)
    assert np.diff(rows_s).max() <= 60.0 + 2e-3
    # Times are rounded to a millisecond, in which these curves move less than 4 mV.
    assert np.diff(np.interp(rows_s, time_s, moved_v)).max() <= 0.005 + 0.004
