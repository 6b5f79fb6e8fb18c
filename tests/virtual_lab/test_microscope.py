"""The simulated micrograph: its truth belongs to its pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ratescope.errors import LabError
from ratescope.virtual_lab.cross_section import PHASES, CrossSection
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import (
    FLAWLESS_PREPARATION,
    REFERENCE_MICROSCOPE,
    SECOND_MICROSCOPE,
    Microscope,
    Preparation,
)
from ratescope.virtual_lab.microscope import NARROW_COLUMNS, VirtualMicrograph, _aim, photograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 320


@cache
def section_at(porosity: float, load_mpa: float) -> CrossSection:
    electrode = VirtualElectrode("P", "B1", load_mpa, porosity)
    return cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=np.random.default_rng(11))


@cache
def micrograph_at(porosity: float = 0.30, load_mpa: float = 200.0) -> VirtualMicrograph:
    rng = np.random.default_rng(1)
    return photograph(section_at(porosity, load_mpa), columns=COLUMNS, rng=rng, artefacts=False, illumination=1.0)


def test_foil_edge_is_where_the_phase_map_says():
    seen = micrograph_at()
    columns, rows = np.arange(COLUMNS), seen.foil_rows.astype(int)
    is_foil = seen.phases == PHASES["foil"]
    assert is_foil[rows, columns].all()
    assert (is_foil.argmax(axis=0) == rows).all()


def test_tilt_is_above_zero_when_the_foil_falls_to_the_right():
    tilts = []
    for seed in range(4):
        seen = photograph(section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(seed), artefacts=False)
        falls_px = seen.foil_rows[-60:].mean() - seen.foil_rows[:60].mean()
        expected_px = np.tan(np.deg2rad(seen.tilt_deg)) * (COLUMNS - 60)
        assert falls_px == pytest.approx(expected_px, abs=4.0)
        tilts.append(seen.tilt_deg)
    assert min(tilts) < 0.0 < max(tilts)


def test_no_solid_lies_above_the_surface():
    seen = micrograph_at()
    above = np.arange(975)[:, None] < np.rint(seen.surface_rows)[None, :]
    assert (seen.phases[above] == PHASES["resin"]).all()


def test_field_porosity_is_that_of_the_phase_map():
    seen = micrograph_at(0.196, 750.0)
    pixels = {name: int((seen.phases == code).sum()) for name, code in PHASES.items()}
    assert pixels["crack"] > 0
    pores = pixels["pore"] + pixels["crack"]
    solid = pixels["particle"] + pixels["carbon"] + pixels["binder"]
    assert seen.field_porosity == pytest.approx(pores / (pores + solid))
    assert seen.volume_porosity == pytest.approx(0.196, abs=0.005)


def test_bright_field_order_is_foil_particle_carbon_binder_resin():
    seen = micrograph_at()
    light = [brightness(seen, name) for name in ("foil", "particle", "carbon", "binder", "resin")]
    assert light == sorted(light, reverse=True)
    assert light[0] - light[1] > 30.0
    assert light[2] < 0.75 * light[1]
    assert light[1] - light[-1] > 80.0


def test_brightness_of_a_material_does_not_tell_the_porosity():
    loose, dense = micrograph_at(0.495, 0.0), micrograph_at(0.196, 750.0)
    for name in ("foil", "particle"):
        assert brightness(loose, name) == pytest.approx(brightness(dense, name), rel=0.04), name


def brightness(seen: VirtualMicrograph, phase: str) -> float:
    return float(np.median(seen.pixels[seen.phases == PHASES[phase]]))


def test_same_chance_gives_the_same_picture():
    again = photograph(
        section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(1), artefacts=False, illumination=1.0
    )
    np.testing.assert_array_equal(again.pixels, micrograph_at().pixels)


def test_too_few_rows_are_refused_with_the_way_out():
    with pytest.raises(LabError, match=r"300 rows of 0\.123 µm show 37 µm.*Ask for more rows"):
        photograph(section_at(0.30, 200.0), rows=300, columns=COLUMNS, rng=np.random.default_rng(0))


@pytest.mark.parametrize("tilt_deg", [-5.0, 5.0])
def test_foil_and_surface_stay_in_the_frame_at_five_degrees(tilt_deg):
    columns = 1400
    electrode = VirtualElectrode("P", "B1", load_mpa=0.0, porosity=0.495)  # the thickest coating of the paper
    section = cut_cross_section(electrode, width_um=60.0, rng=np.random.default_rng(4))
    wide = replace(section, width_um=columns * 0.123)  # the coating repeats
    seen = photograph(wide, columns=columns, rng=np.random.default_rng(5), tilt_deg=tilt_deg, artefacts=False)
    assert np.isfinite(seen.foil_rows).all()
    assert seen.foil_rows.max() < 975 - 1
    assert seen.surface_rows.min() > 1
    assert seen.tilt_deg == pytest.approx(tilt_deg, abs=0.6)  # the foil is wavy


def test_wide_mosaics_are_turned_by_one_degree_at_most_and_narrow_ones_by_five():
    section = section_at(0.30, 200.0)
    for columns, largest_deg in ((NARROW_COLUMNS, 5.0), (NARROW_COLUMNS + 1, 1.0)):
        tilts = [_aim(section, 975, columns, 0.123, None, np.random.default_rng(seed)).tilt_deg for seed in range(100)]
        assert 0.9 * largest_deg < np.abs(tilts).max() <= largest_deg


def test_a_tilt_that_loses_the_foil_is_refused_with_the_way_out():
    with pytest.raises(LabError, match=r"at a tilt of 60° the foil or the surface leaves.*Ask for more rows"):
        photograph(section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(0), tilt_deg=60.0)


def test_foil_line_is_the_least_squares_line_of_the_edge():
    seen = micrograph_at()
    line = np.linspace(*seen.foil_line, COLUMNS)
    residual = seen.foil_rows - line
    assert residual.sum() == pytest.approx(0.0, abs=1e-6)
    assert (residual * np.arange(COLUMNS)).sum() == pytest.approx(0.0, abs=1e-4)
    assert np.rad2deg(np.arctan((line[-1] - line[0]) / (COLUMNS - 1))) == pytest.approx(seen.tilt_deg)


def test_porosity_of_each_field_is_that_of_its_columns():
    microscope = replace(REFERENCE_MICROSCOPE, field_columns=120, overlap_columns=20)
    seen = photograph(
        section_at(0.196, 750.0),
        columns=COLUMNS,
        rng=np.random.default_rng(2),
        microscope=microscope,
        artefacts=False,
    )
    assert (seen.phases == PHASES["crack"]).any()
    assert len(seen.fields) >= 3
    assert seen.fields[0].left == 0
    assert seen.fields[-1].right == COLUMNS
    for field in seen.fields:
        part = seen.phases[:, field.left : field.right]
        pores = np.isin(part, (PHASES["pore"], PHASES["crack"])).sum()
        solid = np.isin(part, (PHASES["particle"], PHASES["carbon"], PHASES["binder"])).sum()
        assert field.porosity == pytest.approx(pores / (pores + solid))


def test_leaving_artefacts_out_is_a_flawless_preparation():
    section, columns = section_at(0.30, 200.0), COLUMNS
    without = photograph(section, columns=columns, rng=np.random.default_rng(9), artefacts=False)
    flawless = photograph(section, columns=columns, rng=np.random.default_rng(9), preparation=FLAWLESS_PREPARATION)
    np.testing.assert_array_equal(without.pixels, flawless.pixels)
    assert flawless.artefacts == ()


def test_second_laboratory_sees_the_same_coating_with_larger_pixels_and_less_contrast():
    section = section_at(0.30, 200.0)
    there = photograph(
        section, columns=240, rng=np.random.default_rng(1), microscope=SECOND_MICROSCOPE, artefacts=False, tilt_deg=0.0
    )
    assert there.pixel_size_um == SECOND_MICROSCOPE.pixel_size_um
    thickness_um = (there.foil_rows - there.surface_rows).mean() * there.pixel_size_um
    here = micrograph_at()
    assert thickness_um == pytest.approx((here.foil_rows - here.surface_rows).mean() * 0.123, rel=0.05)
    assert brightness(there, "particle") / brightness(there, "resin") < 0.85 * (
        brightness(here, "particle") / brightness(here, "resin")
    )


def test_sixteen_and_eight_bits_agree_to_rounding():
    deep = photograph(
        section_at(0.30, 200.0),
        columns=COLUMNS,
        rng=np.random.default_rng(1),
        artefacts=False,
        illumination=1.0,
        bits=16,
    )
    assert deep.pixels.dtype == np.uint16
    assert np.abs(deep.pixels / 257.0 - micrograph_at().pixels).max() <= 0.51
    assert len(np.unique(deep.pixels[..., 1])) > 10_000  # not 8 bits made longer


def test_a_bench_that_cannot_be_is_refused_with_the_way_out():
    with pytest.raises(LabError, match=r"pixels from 0\.02 to 0\.4 µm; asked for 0\.5\. Choose a size inside"):
        Microscope(pixel_size_um=0.5)
    with pytest.raises(LabError, match=r"no light or tint for resin\. Give each phase both"):
        Microscope(reflected={k: v for k, v in REFERENCE_MICROSCOPE.reflected.items() if k != "resin"})
    with pytest.raises(LabError, match=r"rates from 0 to 10000 per mm; got voids_per_mm -1\.0\. Choose others"):
        Preparation(voids_per_mm=-1.0)
