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
from ratescope.virtual_lab import fractures
from ratescope.virtual_lab.cross_section import PHASES, CrossSection, outline, view
from ratescope.virtual_lab.design import ParticleLaw, VirtualElectrode
from ratescope.virtual_lab.fields import between, draw_height_field, solid_noise
from ratescope.virtual_lab.fractures import draw_fractures
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import FARTHEST, Grains, cut_grains, draw_diameters_um, shape_grains
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import load_for_porosity
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


def test_crack_moves_the_sides_of_a_grain_apart_and_takes_nothing_from_it(monkeypatch):
    monkeypatch.setattr(fractures, "SPLINTERED_UM", 10.0)  # debris between the sides comes on top
    rng = np.random.default_rng(2)
    broken = replace(
        draw_fractures(np.array([8.0]), np.array([1.0]), 1.0, rng),
        normals=np.array([[[1.0, 0.0, 0.0]] * 3], np.float32),
        offsets_um=np.zeros((1, 3), np.float32),
        openings_um=np.array([[2.0, 0.0, 0.0]], np.float32),
        wedges_per_um=np.zeros((1, 3), np.float32),
        slips_um=np.zeros((1, 3), np.float32),
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
    grains = shape_grains(rng.uniform(0.0, 60.0, (60, 3)) * (1.0, 1.0, 0.5), radii, whole, ParticleLaw(), rng)
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
    """On planes that the recipe has not looked at."""
    section = section_at(load_mpa)
    frame, depth_um = level_frame(section, 0.5), section.period_um[1]
    planes = [view(section, frame, deeper_um=depth_um * (k + 0.3) / 30) for k in range(30)]
    seen = replace(planes[0], phases=np.concatenate([plane.phases for plane in planes], axis=1)).fractions()
    assert seen["pore"] == pytest.approx(porosity, abs=0.005)
    assert seen["particle"] == pytest.approx(section.electrode.volume_fractions["active"], abs=0.01)
    assert section.porosity == pytest.approx(seen["pore"], abs=0.005)


@pytest.mark.parametrize(
    ("porosity", "d50_um", "carbon", "loading"),
    [(0.18, 6.5, 0.05, 10.0), (0.22, 11.0, 0.03, 10.0), (0.52, 7.5, 0.05, 10.0)],
)
def test_recipes_at_the_ends_of_the_range_are_met(porosity, d50_um, carbon, loading):
    electrode = VirtualElectrode(
        "P", "B1", load_for_porosity(porosity), porosity, loading, particle_d50_um=d50_um, carbon_weight_fraction=carbon
    )
    section = cut_cross_section(electrode, width_um=30.0, rng=np.random.default_rng(1))
    assert section.porosity == pytest.approx(porosity, abs=0.005)
    assert section.volume_fractions["particle"] == pytest.approx(electrode.volume_fractions["active"], abs=0.01)


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


@pytest.mark.parametrize("tilt_deg", [0.0, 3.0])
def test_noise_asked_at_some_pixels_is_that_of_the_whole_view(tilt_deg):
    frame = Frame(60, 90, 0.2, 40.0, 8.0, tilt_deg)
    where = np.random.default_rng(0).random((60, 90)) < 0.3
    settings_of = {"spacing_um": 0.5, "seed": 9}
    whole = solid_noise(frame, 1.7, **settings_of)
    np.testing.assert_allclose(solid_noise(frame, 1.7, **settings_of, where=where), whole[where], atol=1e-5)


def test_heights_on_a_grid_are_those_at_its_points_and_repeat():
    field = draw_height_field((40.0, 30.0), (8.0, 30.0), 2.0, np.random.default_rng(1))
    x_um, y_um = np.arange(0.0, 40.0, 0.5), np.arange(0.0, 30.0, 0.5)
    grid = field.on_grid(x_um, y_um)
    np.testing.assert_allclose(grid, field(x_um[:, None], y_um[None, :]), atol=1e-9)
    at = np.random.default_rng(2).uniform(-50.0, 90.0, (2, 200))
    np.testing.assert_allclose(between(grid, (40.0, 30.0))(*at), field(*at), atol=0.1)


def test_long_grains_are_cut_whole():
    """A window that follows the radius alone would clip the ends of ellipsoids."""
    whole = draw_fractures(np.array([8.0]), np.array([0.0]), 0.0, np.random.default_rng(0))
    axes = np.diag([0.5, np.sqrt(2.0), np.sqrt(2.0)])[None]
    long = Grains(np.array([[30.0, 30.0, 20.0]]), np.array([8.0]), axes, np.zeros((1, 4, 5)), whole, seed=1)
    cut = cut_grains(long, Frame(400, 600, 0.1, 350.0, 30.0), 30.0, PERIOD_UM)
    along_um = 0.1 * np.ptp(np.flatnonzero((cut.level < 1.0).any(axis=0)))
    assert along_um == pytest.approx(2 * 8.0 / 0.5, abs=0.6)
    assert np.count_nonzero(cut.level < 1.0) * 0.1**2 == pytest.approx(np.pi * 16.0 * 8.0 / np.sqrt(2.0), rel=0.02)


def test_one_seed_gives_one_coating_at_every_load():
    radii = [section_at(load).grains.radii_um for load in LOADS_MPA]
    for pressed in radii[1:]:
        # The recipe scales all grains of a coating alike, by some thousandths.
        np.testing.assert_allclose(pressed / radii[0], (pressed / radii[0])[0], rtol=1e-9)
        assert (pressed / radii[0])[0] == pytest.approx(1.0, abs=0.03)
    loose, pressed = (section_at(load).grains.centres_um for load in (0.0, 300.0))
    moved_um = np.abs(loose[:, 0] - pressed[:, 0])
    assert np.median(np.minimum(moved_um, section_at(0.0).period_um[0] - moved_um)) < 2.0


def test_what_is_broken_stays_broken_at_higher_load():
    at_300, at_750 = (section_at(load).grains.fractures.counts > 0 for load in (300.0, 750.0))
    assert at_750[at_300].mean() > 0.9  # odds follow the place, and a few grains move away from foil and surface


def test_at_750_mpa_some_grains_lie_in_pieces_and_none_at_200():
    in_pieces = [np.abs(section_at(load).grains.fractures.slips_um).max(axis=1) > 0.0 for load in (200.0, 300.0, 750.0)]
    assert not in_pieces[0].any()
    assert in_pieces[1].mean() < in_pieces[2].mean()
    assert 0.03 < in_pieces[2].mean() < 0.3
    assert section_at(750.0).grains.fractures.openings_um.max() > 1.0


def test_debris_lies_in_wide_cracks_and_not_in_fine_ones():
    along_um, across_um = np.meshgrid(np.arange(-5.0, 5.0, 0.1), np.arange(-0.6, 0.6, 0.1))
    at = [values.astype(np.float32)[None] for values in (along_um, np.zeros_like(along_um), across_um)]
    flat = replace(
        draw_fractures(np.array([8.0]), np.array([1.0]), 1.0, np.random.default_rng(2)),
        normals=np.array([[[0.0, 0.0, 1.0]] * 3], np.float32),
        tangents=np.array([[[1.0, 0.0, 0.0]] * 3], np.float32),
        offsets_um=np.zeros((1, 3), np.float32),
        wedges_per_um=np.zeros((1, 3), np.float32),
        waves=np.zeros((1, 3, 4, 3), np.float32),
    )
    open_share = []
    for opening_um in (1.1, 2.2):
        cracked = replace(flat, openings_um=np.array([[opening_um, 0.0, 0.0]], np.float32))
        _, is_gap = fractures.close_cracks(cracked, tuple(at))
        inside = np.abs(across_um) < 0.3 * opening_um - 1e-3
        open_share.append(is_gap[0][inside].mean())
    assert open_share[0] == 1.0
    assert 0.6 < open_share[1] < 0.98


def test_pieces_slide_along_the_crack():
    rng = np.random.default_rng(2)
    broken = replace(
        draw_fractures(np.array([8.0]), np.array([1.0]), 1.0, rng),
        normals=np.array([[[1.0, 0.0, 0.0]] * 3], np.float32),
        tangents=np.array([[[0.0, 0.0, 1.0]] * 3], np.float32),
        offsets_um=np.zeros((1, 3), np.float32),
        openings_um=np.array([[0.01, 0.0, 0.0]], np.float32),
        slips_um=np.array([[2.0, 0.0, 0.0]], np.float32),
        waves=np.zeros((1, 3, 4, 3), np.float32),
    )
    ball = Grains(np.array([[30.0, 30.0, 20.0]]), np.array([8.0]), np.eye(3)[None], np.zeros((1, 4, 5)), broken, seed=1)
    is_solid = cut_grains(ball, Frame(400, 600, 0.1, 350.0, 30.0), 30.0, PERIOD_UM).level < 1.0
    assert np.count_nonzero(is_solid) * 0.1**2 == pytest.approx(np.pi * 8.0**2, rel=0.02)
    left, right = (np.flatnonzero(half.any(axis=1)).min() for half in (is_solid[:, :298], is_solid[:, 302:]))
    assert 0.1 * (left - right) == pytest.approx(2.0, abs=0.4)


def test_same_chance_gives_the_same_section():
    electrode = VirtualElectrode("P30", "B1", 200.0, 0.30, active_loading_mg_per_cm2=8.0)
    one, two = (cut_cross_section(electrode, width_um=20.0, rng=np.random.default_rng(4)) for _ in range(2))
    frame = level_frame(one)
    np.testing.assert_array_equal(view(one, frame).phases, view(two, frame).phases)


def test_diameters_are_log_normal_by_volume():
    diameters = np.sort(draw_diameters_um(3e7, 9.2, ParticleLaw(), np.random.default_rng(0)))
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
    assert overlap.max() < 0.02  # of balls 8 µm wide; 0.004 in 15,000 packings


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
