"""Flaws on over one percent of a crop are named, whatever drew them; what clean coatings show is not."""

import numpy as np
import pytest
from scipy import ndimage

from ratescope.imaging.artefacts import grey_levels, judge_crop
from ratescope.imaging.grey import grey_of
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import FLAWLESS_PREPARATION
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import load_for_porosity

ROW, COLUMN = np.mgrid[0:224, 0:672].astype(float)
POROSITIES = (0.20, 0.27, 0.33, 0.41, 0.50)


def photographed(porosity):
    """A clean crop of a simulated coating, and the grey of its pores."""
    rng = np.random.default_rng(3)
    electrode = VirtualElectrode("P", "B", load_mpa=load_for_porosity(porosity), porosity=porosity)
    section = cut_cross_section(electrode, width_um=90.0, rng=rng)
    one = photograph(section, columns=730, rng=rng, preparation=FLAWLESS_PREPARATION, tilt_deg=0.0)
    middle = int((np.nanmax(one.surface_rows) + np.nanmin(one.foil_rows)) / 2)
    crop = grey_of(one.pixels[middle - 112 : middle + 112, 29:701]).astype(float)
    return crop, float(np.percentile(ndimage.uniform_filter(crop, 3), 5))


@pytest.fixture(scope="module")
def clean():
    return {porosity: photographed(porosity) for porosity in POROSITIES}


def codes(crop, pore_grey, settings):
    pixels = np.repeat(np.clip(np.rint(crop), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return [finding.code for finding in judge_crop(pixels, pore_grey, settings)]


def along_and_across(degrees, row=112.0, column=336.0):
    turn = np.radians(degrees)
    right, down = COLUMN - column, ROW - row
    return right * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - right * np.sin(turn)


def painted(crop, where, paint, blur=1.3):
    cover = ndimage.gaussian_filter(where.astype(float), blur)
    return crop * (1 - cover) + paint * cover


@pytest.mark.parametrize("porosity", POROSITIES)
def test_clean_crops_of_every_porosity_pass(clean, settings, porosity):
    assert codes(*clean[porosity], settings) == []


@pytest.mark.parametrize("porosity", [0.20, 0.33, 0.50])
def test_noise_some_blur_and_uneven_light_are_no_reason_to_refuse(clean, settings, porosity):
    crop, pore = clean[porosity]
    rng = np.random.default_rng(0)
    assert codes(crop + rng.normal(0, 16, crop.shape), pore, settings) == []
    assert codes(ndimage.gaussian_filter(crop, 2.0), pore, settings) == []
    # ± 40 % over the narrowest images, two crops wide.
    assert codes(crop * np.linspace(1.0, 1.5, 672), pore, settings) == []


@pytest.mark.parametrize("degrees", [0, 22, 45, 90, 147])
def test_scratches_of_any_direction_are_named(clean, settings, degrees):
    crop, pore = clean[0.33]
    along, across = along_and_across(degrees)
    twice = np.abs(np.abs(across) - 40.0)
    groove = (twice < 3.5) & (np.abs(along) < 320)
    lip = (np.abs(twice - 6.0) < 1.5) & (np.abs(along) < 320)
    scratched = painted(painted(crop, groove, 0.5 * crop), lip, 1.2 * crop)
    assert "scratch" in codes(scratched, pore, settings)


@pytest.mark.parametrize("relief", [0.0, 110.0])
def test_a_pulled_out_grain_is_named_with_its_share(clean, settings, relief):
    crop, pore = clean[0.33]
    distance = np.hypot(ROW - 100, COLUMN - 300)
    wall = relief * ((distance > 22) & (COLUMN > 310))
    hole = painted(crop, distance < 32, 0.4 * pore + wall)
    pixels = np.repeat(np.clip(np.rint(hole), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    (finding,) = judge_crop(pixels, pore, settings)
    assert finding.code in {"void", "bubble"}
    share = float(finding.text.split("fills ")[1].split("%")[0])
    is_seen = (distance < 32) & (wall == 0.0)  # a lit wall is as bright as a grain
    assert share == pytest.approx(100 * is_seen.mean(), abs=0.2)
    assert finding.text.endswith("Polish and clean again.")


def test_a_small_hole_is_let_pass(clean, settings):
    crop, pore = clean[0.33]
    assert codes(painted(crop, np.hypot(ROW - 100, COLUMN - 300) < 15, 0.4 * pore), pore, settings) == []


def test_several_small_flaws_add_up(clean, settings):
    crop, pore = clean[0.33]
    for column in (100, 300, 500):
        crop = painted(crop, np.hypot(ROW - 100, COLUMN - column) < 17, 0.4 * pore)
    assert codes(crop, pore, settings) == ["void"]


@pytest.mark.parametrize("degrees", [10, 70, 130])
def test_streaks_over_grains_and_pores_are_a_smear(clean, settings, degrees):
    crop, pore = clean[0.41]
    along, across = along_and_across(degrees)
    cover = np.clip(1.6 * np.exp(-((along / 75) ** 2) - (across / 26) ** 2), 0, 0.92)
    lines = ndimage.gaussian_filter1d(np.random.default_rng(2).normal(0, 1, 400), 2.0)
    film = 95.0 + 40.0 * np.interp(across, np.arange(400) - 200, lines)
    assert codes(crop * (1 - cover) + film * cover, pore, settings) == ["smear"]


def test_streaks_of_milling_in_a_coating_that_is_mid_grey_itself_are_no_smear(settings):
    rng = np.random.default_rng(4)
    rough = ndimage.gaussian_filter(rng.normal(0, 1, (224, 672)), 6.0)
    bright, dark = rough > np.quantile(rough, 0.9), rough < np.quantile(rough, 0.08)
    graphite = painted(painted(np.full((224, 672), 120.0), bright, 200.0), dark, 70.0)
    grain = ndimage.gaussian_filter(rng.normal(0, 12, (224, 672)), 1.5)
    curtains = 12.0 * ndimage.gaussian_filter1d(rng.normal(0, 1, 672), 2.0) * (np.abs(COLUMN - 250) < 60)
    assert codes(graphite + grain + curtains, 60.0, settings) == []


def test_a_bubble_in_the_resin_is_named(settings):
    crop = np.full((224, 672), 38.0)
    for row, column in ((30, 60), (40, 200), (190, 90), (60, 520), (180, 450), (150, 610), (35, 390), (195, 240)):
        crop = painted(crop, np.hypot(ROW - row, COLUMN - column) < 28, 160.0)
    distance = np.hypot(ROW - 115, COLUMN - 320)
    bubble = painted(painted(crop, distance < 34, 12.0), distance < 20, 40.0)
    assert codes(bubble, 38.0, settings) == ["bubble"]


@pytest.mark.parametrize(("light", "code"), [(255.0, "debris"), (5.0, "void")])
def test_dirt_out_of_the_range_of_greys_is_named(clean, settings, light, code):
    crop, pore = clean[0.33]
    dirt = (np.abs(ROW - 120) < 24) & (np.abs(COLUMN - 300 - 0.3 * ROW) < 30)
    assert code in codes(painted(crop, dirt, light, blur=2.0), pore, settings)


def test_a_half_out_of_focus_is_refused_and_says_by_how_much(clean, settings):
    crop, pore = clean[0.33]
    half = np.where(COLUMN < 336, crop, ndimage.gaussian_filter(crop, 4.0))
    pixels = np.repeat(np.rint(half).astype(np.uint8)[..., None], 3, axis=2)
    (finding,) = judge_crop(pixels, pore, settings)
    assert finding.code == "out-of-focus"
    assert "blurred by 0.5" in finding.text
    assert "take the field again" in finding.text


def test_grey_binder_beside_black_resin_says_nothing_of_the_resin():
    """Else all of the resin would be darker than pores, and so a hole."""
    resin, binder, grains = np.float32(10), np.float32(70), np.float32(180)
    half = np.repeat([resin, binder, grains], [100, 200, 300])[None]
    pore, _ = grey_levels(half, pore_grey=10.0)
    assert pore <= 1.25 * 10.0
