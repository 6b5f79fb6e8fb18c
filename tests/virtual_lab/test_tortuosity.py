"""Diffusion through voxels: closed forms first, then what a denser coating must do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.errors import LabError
from ratescope.virtual_lab import tortuosity
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.tortuosity import effective_diffusivity, geometric_tortuosity


def test_straight_channel_has_a_tortuosity_of_one():
    channel = np.zeros((12, 6, 8))
    channel[:, 2:4, 1:5] = 1.0
    relative, _ = effective_diffusivity(channel, (0.8, 0.7, 0.8))
    assert channel.mean() / relative == pytest.approx(1.0, abs=1e-6)


def test_layers_in_series_have_the_harmonic_mean():
    layers = np.array([1.0, 0.2, 0.5, 0.2])
    relative, _ = effective_diffusivity(layers.repeat(3)[:, None, None] * np.ones((12, 4, 5)), (0.5, 1.0, 2.0))
    assert relative == pytest.approx(1.0 / np.mean(1.0 / layers), rel=1e-5)


def test_layers_side_by_side_have_the_mean():
    layers = np.array([1.0, 0.2, 0.5, 0.0])
    relative, _ = effective_diffusivity(layers[None, :, None] * np.ones((9, 4, 5)), (0.5, 1.0, 2.0))
    assert relative == pytest.approx(layers.mean(), rel=1e-5)


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_balls_on_a_cubic_lattice_follow_maxwell(fraction):
    """Maxwell 1873: (1 − φ) / (1 + φ/2); on this lattice it holds to 1 % below a quarter; stairs of voxels cost 2 %."""
    count = 28
    at = (np.arange(count) + 0.5) / count - 0.5
    distance = np.sqrt(at[:, None, None] ** 2 + at[:, None] ** 2 + at**2)
    open_ = (distance > np.cbrt(3.0 * fraction / (4.0 * np.pi))).astype(float)
    solid = 1.0 - open_.mean()
    relative, _ = effective_diffusivity(open_)
    assert relative == pytest.approx((1.0 - solid) / (1.0 + solid / 2.0), rel=0.03)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_flux_agrees_with_solving_every_voxel_at_once(seed):
    rng = np.random.default_rng(seed)
    diffusivity = np.where(rng.random((4, 3, 4)) < 0.8, rng.uniform(0.1, 1.0, (4, 3, 4)), 0.0)
    diffusivity[:, 1, 1] = 0.5  # something leads through
    edges_um = (0.7, 1.1, 0.9)
    assert effective_diffusivity(diffusivity, edges_um)[0] == pytest.approx(
        solved_slowly(diffusivity, edges_um), rel=1e-4
    )


def solved_slowly(diffusivity: np.ndarray, edges_um: tuple[float, float, float]) -> float:
    """A balance for each voxel, one by one, as a full matrix: too slow to ship, too plain to be wrong."""
    shape, volume_um3 = diffusivity.shape, np.prod(edges_um)
    matrix, source = np.zeros((diffusivity.size,) * 2), np.zeros(diffusivity.size)
    for here in np.ndindex(shape):
        i, mine = np.ravel_multi_index(here, shape), diffusivity[here]
        if mine == 0.0:
            matrix[i, i] = 1.0
            continue
        matrix[i, i] += 1e-12  # closed pores, which nothing else fixes
        for axis in range(3):
            for step in (-1, 1):
                there = list(here)
                there[axis] += step
                if axis == 0 and not 0 <= there[0] < shape[0]:
                    conductance = 2.0 * mine * volume_um3 / edges_um[0] ** 2
                    source[i] += conductance * (there[0] < 0)
                    matrix[i, i] += conductance
                    continue
                there = tuple(np.mod(there, shape))
                if diffusivity[there] > 0.0:
                    mean = 2.0 / (1.0 / mine + 1.0 / diffusivity[there])
                    conductance = mean * volume_um3 / edges_um[axis] ** 2
                    matrix[i, i] += conductance
                    matrix[i, np.ravel_multi_index(there, shape)] -= conductance
    concentration = np.linalg.solve(matrix, source).reshape(shape)
    flux = (2.0 * diffusivity[-1] * concentration[-1]).sum() * volume_um3 / edges_um[0] ** 2
    return float(flux * shape[0] * edges_um[0] / (shape[1] * shape[2] * edges_um[1] * edges_um[2]))


def test_blind_pores_carry_nothing():
    channel = np.zeros((10, 5, 5))
    channel[:, 2, 2] = 1.0
    blind = channel.copy()
    blind[:6, 0, 0] = 1.0  # open at one end
    blind[3:5, 4, 4] = 1.0  # closed at both
    assert effective_diffusivity(blind)[0] == pytest.approx(effective_diffusivity(channel)[0], rel=1e-6)


def test_wall_without_pores_is_refused_with_the_way_out():
    wall = np.ones((6, 4, 4))
    wall[3] = 0.0
    with pytest.raises(LabError, match=r"no pore leads .* porosity of 0\.833\. Choose smaller voxels"):
        effective_diffusivity(wall)


def test_denser_coating_is_more_tortuous_and_an_open_binder_less(monkeypatch):
    monkeypatch.setattr(tortuosity, "BASE_UM", 20.0)  # small, and of fine grains: a test must be quick
    loose, dense = (
        VirtualElectrode("P", "B1", load, porosity, active_loading_mg_per_cm2=8.0, particle_d50_um=6.5)
        for load, porosity in ((0.0, 0.495), (200.0, 0.30))
    )
    found = [geometric_tortuosity(one, np.random.default_rng(1), voxel_um=1.0) for one in (loose, dense)]
    assert 1.2 < found[0].tau_through < found[1].tau_through
    assert found[0].porosity == pytest.approx(0.495, abs=0.06)
    assert found[1].formation_factor == pytest.approx(found[1].tau_through / found[1].porosity)
    opened = geometric_tortuosity(dense, np.random.default_rng(1), voxel_um=1.0, binder_diffusivity=0.3)
    assert opened.tau_through < found[1].tau_through
