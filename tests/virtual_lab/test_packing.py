"""The virtual cross-section: what stereology, mass and the press demand of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.errors import LabError
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.cross_section import PHASES, CrossSection, outline, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.fields import solid_noise
from ratescope.virtual_lab.fractures import draw_fractures
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import FARTHEST, Grains, cut_grains, draw_diameters_um, shape_grains
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.relaxation import Walls, relax

PERIOD_UM = (60.0, 60.0)


@cache
def section_at(load_mpa: float) -> CrossSection:
    porosity = POROSITIES[LOADS_MPA.index(load_mpa)]
    electrode = VirtualElectrode(f"P{load_mpa:.0f}", "B1", load_mpa, porosity)
    return cut_cross_section(electrode, width_um=30.0, rng=np.random.default_rng(7))


def level_frame(section: CrossSection, pixel_size_um: float = 0.25) -> Frame:
    columns = round(section.period_um[0] / pixel_size_um)
    return Frame(round(115.0 / pixel_size_um), columns, pixel_size_um, 100.0 / pixel_size_um, section.period_um[0] / 2)


def test_plane_cuts_ball_in_a_circle_of_known_area():
    whole = draw_fractures(np.array([8.0]), np.array([0.0]), 0.0, np.random.default_rng(0))
    ball = Grains(np.array([[30.0, 30.0, 20.0]]), np.array([8.0]), np.eye(3)[None], np.zeros((1, 4, 5)), whole, seed=1)
    frame = Frame(400, 600, 0.1, 350.0, 30.0)
    for off_um in (0.0, 3.0, 6.5):
        cut = cut_grains(ball, frame, 30.0 + off_um, PERIOD_UM)
        area_um2 = np.count_nonzero(cut.level < 1.0) * 0.1**2
        assert area_um2 == pytest.approx(np.pi * (8.0**2 - off_um**2), rel=0.02), off_um


def test_crack_moves_the_sides_of_a_grain_apart_and_takes_nothing_from_it():
    rng = np.random.default_rng(2)
    broken = replace(
        draw_fractures(np.array([8.0]), np.array([1.0]), 1.0, rng),
        normals=np.array([[[1.0, 0.0, 0.0]] * 3], np.float32),
        offsets_um=np.zeros((1, 3), np.float32),
        openings_um=np.array([[2.0, 0.0, 0.0]], np.float32),
        wedges_per_um=np.zeros((1, 3), np.float32),
        waves=np.zeros((1, 3, 4, 3), np.float32),
    )
    ball = Grains(np.array([[30.0, 30.0, 20.0]]), np.array([8.0]), np.eye(3)[None], np.zeros((1, 4, 5)), broken, seed=1)
    cut = cut_grains(ball, Frame(400, 600, 0.1, 350.0, 30.0), 30.0, PERIOD_UM)
    is_solid = (cut.level < 1.0) & ~cut.is_gap
    assert np.count_nonzero(is_solid) * 0.1**2 == pytest.approx(np.pi * 8.0**2, rel=0.02)
    width_um = 0.1 * np.flatnonzero(is_solid.any(axis=0))
    gap_um = np.diff(width_um).max()
    assert gap_um == pytest.approx(1.2, abs=0.15)  # a crack without a wedge stands open by 60 %
    assert np.ptp(width_um) == pytest.approx(16.0 + 1.2, abs=0.4)


def test_cut_agrees_with_asking_every_grain_at_every_pixel():
    rng = np.random.default_rng(3)
    radii = rng.uniform(2.0, 6.0, 60)
    whole = draw_fractures(radii, np.zeros(60), 0.0, rng)
    grains = shape_grains(rng.uniform(0.0, 60.0, (60, 3)) * (1.0, 1.0, 0.5), radii, whole, rng)
    frame = Frame(60, 120, 0.5, 55.0, 30.0, tilt_deg=2.0)
    cut = cut_grains(grains, frame, 12.0, PERIOD_UM)
    slow = [[nearest_slowly(grains, frame, row, column) for column in range(120)] for row in range(60)]
    owners, levels = np.array(slow).transpose(2, 0, 1)
    # Surfaces are rough in one and smooth in the other: inside, and well outside, both must say the same.
    inside, outside = levels < 0.9, levels > FARTHEST
    assert inside.sum() > 500
    np.testing.assert_array_equal(cut.owner[inside], owners[inside])
    assert (cut.owner[outside] == -1).all()


def nearest_slowly(grains: Grains, frame: Frame, row: int, column: int) -> tuple[int, float]:
    """Every grain's nearest image: too slow to ship, too plain to be wrong."""
    x_um, z_um = frame.to_um(np.array(float(row)), np.array(float(column)))
    apart = np.array([x_um, 12.0, z_um]) - grains.centres_um
    apart[:, :2] -= 60.0 * np.rint(apart[:, :2] / 60.0)
    q = np.einsum("nij,nj->ni", grains.axes, apart) / grains.radii_um[:, None]
    distance = np.linalg.norm(q, axis=1)
    turns = np.einsum("nki,ni->nk", grains.bumps[:, :, :3], q / distance[:, None]) + grains.bumps[:, :, 3]
    level = distance / (1.0 + (grains.bumps[:, :, 4] * np.cos(turns)).sum(axis=1))
    return int(level.argmin()), float(level.min())


@pytest.mark.parametrize(("load_mpa", "porosity"), list(zip(LOADS_MPA, POROSITIES, strict=True)))
def test_porosity_of_the_volume_is_the_one_asked_for(load_mpa, porosity):
    section = section_at(load_mpa)
    assert section.porosity == pytest.approx(porosity, abs=0.005)
    assert section.volume_fractions["particle"] == pytest.approx(section.electrode.volume_fractions["active"], abs=0.01)


def test_area_fraction_on_random_planes_is_the_volume_fraction():
    """Delesse 1847; the tolerance is three standard errors of these planes."""
    section = section_at(200.0)
    depths_um = np.random.default_rng(5).uniform(0.0, section.period_um[1], 20)
    frame = level_frame(section, 0.5)
    seen = [view(section, frame, deeper_um=float(depth)).fractions() for depth in depths_um]
    for ours, recipe in (("particle", "active"), ("carbon", "carbon"), ("binder", "binder"), ("pore", "pore")):
        areas = np.array([fractions[ours] for fractions in seen])
        error = areas.std(ddof=1) / np.sqrt(len(areas))
        assert areas.mean() == pytest.approx(section.electrode.volume_fractions[recipe], abs=3.0 * error), ours


def test_calendering_lowers_thickness_and_never_changes_mass():
    sections = [section_at(load) for load in LOADS_MPA]
    masses = [thickness_um(section) * section.volume_fractions["particle"] for section in sections]
    thicknesses = [thickness_um(section) for section in sections]
    assert thicknesses == sorted(thicknesses, reverse=True)
    assert thicknesses == pytest.approx([section.electrode.thickness_um for section in sections], rel=0.02)
    assert masses == pytest.approx([masses[0]] * 5, rel=0.03)


def thickness_um(section: CrossSection) -> float:
    frame = level_frame(section, 0.5)
    planes = [view(section, frame, deeper_um=float(y)) for y in np.arange(0.0, section.period_um[1], 4.0)]
    return float(np.mean([seen.foil_rows - seen.surface_rows for seen in planes])) * frame.pixel_size_um


def test_grains_break_from_300_mpa_on_and_more_at_750():
    broken = [section_at(load).grains.fractures.counts.mean() for load in LOADS_MPA]
    assert broken[:3] == [0.0, 0.0, 0.0]
    assert 0.0 < broken[3] < broken[4]


def test_load_presses_grains_into_the_foil():
    def deepest_um(section: CrossSection) -> float:
        grains = section.grains
        return float(np.quantile(grains.centres_um[:, 2] - grains.radii_um, 0.02))

    # The foil itself is wavy and rough by some tenths of a µm.
    assert deepest_um(section_at(750.0)) < -1.0 < deepest_um(section_at(0.0)) < 0.3


def test_finer_pixels_show_the_same_grains_and_flakes():
    section = section_at(300.0)
    coarse = Frame(200, 150, 0.4, 150.0, 20.0, tilt_deg=1.5)
    fine = Frame(399, 299, 0.2, 300.0, 20.0, tilt_deg=1.5)
    shown, expected = view(section, fine).phases[::2, ::2], view(section, coarse).phases
    for name in ("particle", "crack", "carbon", "foil"):
        assert np.mean((shown == PHASES[name]) != (expected == PHASES[name])) < 1e-3, name


def test_noise_has_one_value_at_each_point_whatever_the_view():
    level = Frame(81, 81, 0.2, 40.0, 8.0)
    tilted = replace(level, tilt_deg=20.0)
    settings_of = {"spacing_um": 1.1, "seed": 4}
    assert solid_noise(level, 3.3, **settings_of)[40, 40] == pytest.approx(
        solid_noise(tilted, 3.3, **settings_of)[40, 40], abs=1e-5
    )
    wide = solid_noise(Frame(800, 800, 0.4, 400.0, 0.0), 3.3, **settings_of)
    assert abs(wide.mean()) < 0.03
    assert wide.std() == pytest.approx(1.0, abs=0.05)


def test_same_chance_gives_the_same_section():
    electrode = VirtualElectrode("P30", "B1", 200.0, 0.30, active_loading_mg_per_cm2=8.0)
    one, two = (cut_cross_section(electrode, width_um=20.0, rng=np.random.default_rng(4)) for _ in range(2))
    frame = level_frame(one)
    np.testing.assert_array_equal(view(one, frame).phases, view(two, frame).phases)


def test_diameters_are_log_normal_by_volume():
    diameters = np.sort(draw_diameters_um(3e7, 9.2, np.random.default_rng(0)))
    share = np.cumsum(diameters**3) / (diameters**3).sum()
    d10, d50, d90 = (diameters[np.searchsorted(share, quantile)] for quantile in (0.1, 0.5, 0.9))
    assert (d10, d50, d90) == pytest.approx((5.0, 9.2, 16.0), rel=0.06)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_relaxed_balls_lie_between_the_walls_and_hardly_overlap(seed, count):
    rng = np.random.default_rng(seed)
    radii = rng.uniform(1.0, 4.0, count)
    walls = Walls((40.0, 40.0), lambda x, _y: np.zeros_like(x), lambda x, _y: np.full_like(x, 30.0))
    centres = relax(rng.uniform(0.0, 30.0, (count, 3)), radii, np.zeros(count, bool), walls)
    assert (centres[:, 2] - radii >= -1e-9).all()
    assert (centres[:, 2] + radii <= 30.0 + 1e-9).all()
    apart = centres[:, None] - centres[None]
    apart[..., :2] -= 40.0 * np.rint(apart[..., :2] / 40.0)
    overlap = radii[:, None] + radii[None] - np.linalg.norm(apart, axis=2)
    np.fill_diagonal(overlap, 0.0)
    assert overlap.max() < 0.5


def test_outline_closes_narrow_gaps_and_keeps_valleys():
    frame = Frame(100, 200, 0.5, 90.0, 50.0)
    solid = np.zeros((100, 200), bool)
    solid[40:] = True
    solid[40:70, 50:60] = False  # 5 µm wide
    solid[40:70, 120:140] = False  # 10 µm wide
    surface = outline(solid, frame)
    assert (surface[45:65] == 40.0).all()
    assert (surface[120:140] == 70.0).all()


def test_senseless_width_is_refused_with_the_way_out():
    electrode = VirtualElectrode("P30", "B1", 200.0, 0.30)
    with pytest.raises(LabError, match=r"asked for -1\.0\. Choose one inside"):
        cut_cross_section(electrode, width_um=-1.0, rng=np.random.default_rng(0))
