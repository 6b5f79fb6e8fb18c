"""One micrograph, all stages: what is prepared, what is refused, what is written."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw
from scipy import ndimage

from ratescope.facts import shows_whole_thickness
from ratescope.imaging.collector import find_collector, seen_from_behind
from ratescope.imaging.prepare import _coatings, prepare, prepare_file
from ratescope.imaging.prepared_file import write_crops
from ratescope.imaging.reading import read_crop
from ratescope.records import Micrograph, Prepared

REAL = Path(__file__).parents[2] / "../shared/real/micrographs"
needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real micrographs are not in this checkout's surroundings"
)
COATING_PHASES = (1, 2, 3, 4, 5, 7, 8)  # of the virtual laboratory: all but resin and foil


def from_levelled(prepared, rows, columns):
    return prepared.level_to_file @ np.stack([rows, columns, np.ones_like(rows)])


def test_a_virtual_micrograph_is_prepared_as_its_truth_says(virtual, settings):
    prepared = prepare(Micrograph(virtual.pixels, virtual.pixel_size_um, "v.tif"), settings)
    columns = np.arange(virtual.foil_rows.size)
    line = np.polyfit(columns, virtual.foil_rows - 0.5, 1)
    assert prepared.status == "prepared"
    assert prepared.collector.row_left == pytest.approx(np.polyval(line, 0), abs=2.0)
    assert prepared.collector.row_right == pytest.approx(np.polyval(line, columns[-1]), abs=2.0)
    thickness = (np.polyval(line, columns) - (virtual.surface_rows - 0.5)) * virtual.pixel_size_um
    assert prepared.coating.thickness_um == pytest.approx(thickness.mean(), abs=1.0)
    # One stray flake over the surface is a twentieth of so narrow a field.
    assert prepared.coating.thickness_p95_um == pytest.approx(np.percentile(thickness, 95), abs=3.0)
    (section,) = prepared.sections
    box = section.box
    row, column = np.mgrid[box.top : box.bottom : 2, box.left : box.right : 2]
    at = np.rint(from_levelled(prepared, row.ravel(), column.ravel())).astype(int)
    assert np.isin(virtual.phases[at[0], at[1]], COATING_PHASES).mean() > 0.995
    assert section.crop.shape == (224, 672, 3)


def test_of_a_coating_that_leaves_the_image_the_thickness_is_not_known(draw, settings):
    """Whether it is known, the codes of the findings say: they stand in prepared.json too."""
    drawn = draw(7)
    whole, cut = (
        prepare(replace(drawn.micrograph, pixels=drawn.micrograph.pixels[top:]), settings)
        for top in (0, int(drawn.edge_rows.min()) - 270)
    )
    assert [prepared.status for prepared in (whole, cut)] == ["prepared", "prepared"]
    seen = [shows_whole_thickness(finding.code for finding in prepared.findings) for prepared in (whole, cut)]
    assert seen == [not prepared.coating.is_cut for prepared in (whole, cut)] == [True, False]


def test_the_crop_is_the_file_at_the_place_that_is_said(drawn, settings):
    prepared = prepare(drawn.micrograph, settings)
    section = prepared.sections[0]
    row, column = np.mgrid[0:224, 0:672].reshape(2, -1)
    at = np.rint(from_levelled(prepared, section.box.top + row, section.box.left + column)).astype(int)
    there = drawn.micrograph.pixels[at[0], at[1], 0].reshape(224, 672)
    assert np.corrcoef(there.ravel(), section.crop[..., 0].ravel())[0, 1] > 0.98


def test_upside_down_gives_the_same_coating(draw, settings):
    upright, turned = (prepare(draw(2, upside_down=flag).micrograph, settings) for flag in (False, True))
    assert turned.collector.coating_side == "below"
    assert turned.collector.row_left == pytest.approx(619 - upright.collector.row_left, abs=0.5)
    assert turned.coating.thickness_um == pytest.approx(upright.coating.thickness_um, abs=0.2)
    assert turned.coating.box.height == pytest.approx(upright.coating.box.height, abs=3)


def test_of_two_coatings_the_thicker_one_counts(draw, settings):
    above = prepare(draw(8, both_sides=True, rows=1000, thickness_um=50.0, other_um=35.0).micrograph, settings)
    below = prepare(draw(8, both_sides=True, rows=1000, thickness_um=35.0, other_um=50.0).micrograph, settings)
    assert (above.collector.coating_side, below.collector.coating_side) == ("above", "below")
    for prepared in (above, below):
        assert prepared.coating.thickness_p95_um == pytest.approx(50.0, abs=1.0)
        assert prepared.other_coating.thickness_p95_um == pytest.approx(35.0, abs=1.0)


def test_the_thicker_coating_counts_from_whichever_side_one_starts(draw, settings):
    grey = draw(8, both_sides=True, rows=1000, thickness_um=50.0, other_um=35.0).grey
    found = find_collector(grey, 0.123, settings)
    for start in (found, seen_from_behind(found)):
        collector, _, coating, other = _coatings(grey, 0.123, start, settings, ())
        assert collector.coating_side == "above"
        assert coating.thickness_um > other.thickness_um + 10


def test_a_bare_far_side_is_no_second_coating(drawn, settings):
    assert prepare(drawn.micrograph, settings).other_coating is None


def test_a_bar_above_shifts_nothing_in_the_file(draw, settings):
    plain = draw(2, columns=760).micrograph
    bar = np.zeros((48, 760, 3), np.uint8)
    bar[10:30, 40:200:6] = 255
    barred = prepare(replace(plain, pixels=np.concatenate([bar, plain.pixels])), settings)
    without = prepare(plain, settings)
    assert barred.collector.row_left == pytest.approx(without.collector.row_left + 48, abs=0.01)
    assert np.array_equal(barred.sections[0].crop, without.sections[0].crop)
    assert barred.level_to_file[0, 2] == pytest.approx(without.level_to_file[0, 2] + 48)


@pytest.mark.parametrize("colour", [0, 255])
def test_page_margins_shift_nothing_in_the_file(virtual, settings, colour):
    plain = Micrograph(virtual.pixels, virtual.pixel_size_um, "v.tif")
    page = np.pad(virtual.pixels, ((30, 20), (40, 25), (0, 0)), constant_values=colour)
    within, without = (prepare(one, settings) for one in (replace(plain, pixels=page), plain))
    assert np.array_equal(within.crops, without.crops)
    slope = np.tan(np.radians(without.collector.tilt_deg))
    assert within.collector.row_left == pytest.approx(without.collector.row_left + 30 - 40 * slope)
    assert within.collector.row_right == pytest.approx(without.collector.row_right + 30 + 25 * slope)
    assert within.collector.edge_rows.size == page.shape[1]
    assert np.array_equal(np.flatnonzero(np.isfinite(within.collector.edge_rows)), np.arange(40, page.shape[1] - 25))
    assert within.level_to_file[:, 2] == pytest.approx(without.level_to_file[:, 2] + [30, 40])


def test_what_is_left_within_the_margins_may_be_too_small(draw, settings):
    page = np.pad(draw(2).micrograph.pixels[:, :600], ((0, 0), (200, 200), (0, 0)), constant_values=255)
    prepared = prepare(Micrograph(page, 0.123, "page.png"), settings)
    assert (prepared.status, prepared.reasons[0].code) == ("refused", "too-small-field")


def test_an_arrow_in_colour_never_stands_in_a_crop(draw, settings):
    drawn = draw(2, columns=1450)
    picture = Image.fromarray(drawn.micrograph.pixels.copy())
    ImageDraw.Draw(picture).line([400, 80, 400, 455], fill=(255, 255, 0), width=3)
    prepared = prepare(replace(drawn.micrograph, pixels=np.asarray(picture)), settings)
    assert prepared.status == "prepared"
    assert np.ptp(prepared.crops.astype(int), axis=-1).max() == 0


def test_a_scale_bar_never_stands_in_a_crop(draw, settings):
    drawn = draw(2)
    picture = Image.fromarray(drawn.micrograph.pixels.copy())
    lowest = int(drawn.edge_rows.min())
    ImageDraw.Draw(picture).rectangle([700, lowest - 70, 860, lowest - 30], fill=(255, 0, 255))
    ImageDraw.Draw(picture).rectangle([704, lowest - 66, 856, lowest - 34], fill=(0, 0, 0))
    prepared = prepare(replace(drawn.micrograph, pixels=np.asarray(picture)), settings)
    assert prepared.status == "prepared"
    for section in prepared.sections:
        assert section.crop[..., 0].min() > 15


def test_what_was_found_before_a_refusal_is_kept(draw, settings):
    prepared = prepare(draw(3, thickness_um=24.0).micrograph, settings)
    assert prepared.status == "refused"
    assert prepared.reasons[0].code == "no-section"
    assert "a crop needs 224" in prepared.reasons[0].text
    assert prepared.coating.thickness_p95_um == pytest.approx(24.0, abs=1.0)


def test_a_file_that_cannot_be_read_is_a_refusal(tmp_path, settings):
    (tmp_path / "a.tif").write_text("nothing")
    prepared = prepare_file(tmp_path / "a.tif", settings)
    assert (prepared.status, prepared.reasons[0].code) == ("refused", "unknown-format")


def test_an_entry_of_prepared_json_says_what_the_contract_says(draw, settings, tmp_path):
    pixels = draw(2, tilt_deg=1.0).micrograph.pixels
    resolution = {"resolution": (1e4 / 0.123,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "area.tif", pixels, photometric="rgb", **resolution)
    entry = write_crops(tmp_path / "out", prepare_file(tmp_path / "area.tif", settings), "area")
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert set(entry) >= {"file", "status", "reasons", "findings", "pixel_size_um", "collector", "coating"}
    assert entry["collector"]["row_right"] > entry["collector"]["row_left"]
    assert entry["collector"]["tilt_deg"] == pytest.approx(1.0, abs=0.05)
    assert entry["collector"]["coating_side"] == "above"
    assert np.shape(entry["level_to_file"]) == (2, 3)
    assert entry["sections"][0]["crop"] == "area_s0.png"
    assert read_crop(tmp_path / "out" / "area_s0.png").pixels.shape == (224, 672, 3)
    box = entry["coating"]
    on_foil = np.array(entry["level_to_file"]) @ [box["bottom"], (box["left"] + box["right"]) / 2, 1.0]
    middle = (entry["collector"]["row_left"] + entry["collector"]["row_right"]) / 2
    assert on_foil[0] == pytest.approx(middle, abs=12)


def test_what_is_measured_in_the_crops_stands_in_the_entry(virtual, settings, tmp_path):
    prepared = prepare(Micrograph(virtual.pixels, virtual.pixel_size_um, "v.tif"), settings)
    bare = write_crops(tmp_path, prepared, "v")
    told = write_crops(tmp_path, prepared, "v", active_volume_share=0.8)
    assert bare["descriptors"]["dark_share"] == pytest.approx(bare["sections"][0]["dark_share"])
    assert "porosity" not in bare["descriptors"]
    dark, error = told["descriptors"]["dark_share"], told["descriptors"]["dark_share_se"]
    assert told["descriptors"]["porosity"] == pytest.approx(1 - (1 - dark) / 0.8, abs=1e-4)
    assert told["descriptors"]["porosity_se"] == pytest.approx(error / 0.8, abs=1e-4)
    assert told["descriptors"]["micrographs_needed"] == told["descriptors"]["crops_needed"] > 30


def test_an_entry_of_what_was_refused_is_complete_too(tmp_path):
    entry = write_crops(tmp_path, Prepared("a.tif", "refused", None), "a")
    assert (entry["status"], entry["coating"], entry["sections"]) == ("refused", None, [])


@needs_real
@pytest.mark.parametrize(
    ("pixel_size_um", "every"),
    [(0.3, 6), *(pytest.param(size_um, 1, marks=pytest.mark.slow) for size_um in (0.1, 0.2, 0.35))],
)
def test_real_pictures_of_other_things_are_refused(settings, pixel_size_um, every):
    for file in sorted((REAL / "must_refuse").iterdir())[::every]:
        prepared = prepare_file(file, settings, pixel_size_um)
        assert prepared.status == "refused", file.name
        assert prepared.reasons[0].code in {"no-collector", "no-grains", "too-small-field"}, file.name


@needs_real
def test_a_real_electrode_is_prepared_without_its_scale_bar(settings):
    prepared = prepare_file(REAL / "coating_on_foil/graphite_siox_on_copper_sem.jpg", settings, 0.294)
    assert prepared.status == "prepared"
    assert prepared.collector.row_left == pytest.approx(346, abs=4)
    assert prepared.collector.row_right == pytest.approx(357, abs=4)
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)
    corners = from_levelled(
        prepared,
        *np.array(
            [[b, c] for s in prepared.sections for b in (s.box.top, s.box.bottom) for c in (s.box.left, s.box.right)]
        ).T,
    )
    assert corners[0].min() > 22  # below the panel's letter
    assert corners[0].max() < 345  # above foil and scale bar


def real_grey(name):
    return np.asarray(Image.open(REAL / name).convert("L"))


def prepared_as(grey, pixel_size_um, settings):
    pixels = np.repeat(np.ascontiguousarray(grey)[..., None], 3, axis=2)
    return prepare(Micrograph(pixels, pixel_size_um, "real.png"), settings)


ELECTRODE, NO_FOIL = "coating_on_foil/graphite_siox_on_copper_sem.jpg", "must_refuse/nca_without_foil_sem.jpg"


@needs_real
@pytest.mark.parametrize("colour", [0, 255])
@pytest.mark.parametrize("poor", [False, True])
def test_a_page_margin_around_a_real_electrode_is_no_foil(settings, colour, poor):
    page = np.pad(real_grey(ELECTRODE), ((20, 30), (15, 25)), constant_values=colour)
    prepared = prepared_as(as_poor_jpeg(page, 75) if poor else page, 0.294, settings)
    assert prepared.status == "prepared", prepared.reasons
    assert prepared.collector.row_left == pytest.approx(346 + 20, abs=4)
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)


@needs_real
@pytest.mark.parametrize("drawn", ["margin", "gap", "grey gap"])
@pytest.mark.parametrize("name", [NO_FOIL, ELECTRODE])
def test_what_was_drawn_around_a_real_coating_is_no_foil(settings, drawn, name):
    grey = real_grey(name)[: 250 if name == NO_FOIL else 330]  # above the foil
    colour = 128 if drawn == "grey gap" else 255
    gap = np.full((40, grey.shape[1]), colour, np.uint8)
    page = np.pad(grey, 30, constant_values=255) if drawn == "margin" else np.concatenate([grey, gap, grey[:, ::-1]])
    prepared = prepared_as(page, 0.294, settings)
    assert prepared.status == "refused"
    assert prepared.reasons[0].code in {"no-collector", "no-grains"}


@needs_real
def test_of_two_real_electrodes_over_one_another_one_is_prepared(settings):
    grey = real_grey(ELECTRODE)
    page = np.concatenate([grey, np.full((14, grey.shape[1]), 255, np.uint8), grey])
    prepared = prepared_as(page, 0.294, settings)
    assert prepared.status == "prepared"
    assert prepared.collector.row_left == pytest.approx(346, abs=4)
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)


@needs_real
def test_a_real_foil_is_found_though_the_resin_looks_more_like_one(settings):
    prepared = prepared_as(255 - real_grey(ELECTRODE), 0.294, settings)
    assert prepared.collector.coating_side == "above"
    assert prepared.collector.row_left == pytest.approx(346, abs=4)
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)


@needs_real
def test_a_real_cathode_of_large_grains_is_a_coating_of_grains(settings):
    """Its foil is drawn: rough, a little askew, darker than the grains."""
    rng = np.random.default_rng(0)
    coating = np.concatenate([real_grey(NO_FOIL)[6:262, :362]] * 2, axis=1)
    coating[:, 362:] = coating[:, :362][:, ::-1]
    rows, columns = coating.shape
    page = np.full((rows + 200, columns), 6.0)
    page[70 : 70 + rows] = coating
    edge = 60 + rows + np.linspace(-2, 2, columns) + ndimage.gaussian_filter1d(rng.normal(0, 4, columns), 10)
    below = np.arange(len(page))[:, None] - edge
    page = np.where(below < 0, page, np.where(below < 48, 95.0, 6.0))
    page = ndimage.gaussian_filter(page, 0.5) + rng.normal(0, 4, page.shape)
    prepared = prepared_as(page.clip(0, 255).astype(np.uint8), 0.25, settings)
    assert prepared.status == "prepared", prepared.reasons
    assert prepared.coating.thickness_um == pytest.approx((rows - 10) * 0.25, abs=2)


@needs_real
def test_noise_does_not_hide_a_real_surface_under_a_thin_strip_of_resin(settings):
    grey = real_grey(ELECTRODE) + np.random.default_rng(0).normal(0, 12, (400, 463))
    prepared = prepared_as(grey.clip(0, 255).astype(np.uint8), 0.294, settings)
    assert not prepared.coating.is_cut
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)


def turned(grey):
    """By 3°, what comes in over the edges mirrored."""
    return ndimage.rotate(grey, 3.0, reshape=False, mode="reflect")


def dimmed(grey):
    return grey * 0.5


def flat(grey):
    """Half of the contrast."""
    return 0.5 * grey + 60.0


def as_poor_jpeg(grey, quality=20):
    buffer = BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@needs_real
@pytest.mark.parametrize("kept_as", [np.flipud, np.fliplr, turned, dimmed, flat, as_poor_jpeg])
def test_a_real_electrode_is_prepared_however_its_picture_was_kept(settings, tmp_path, kept_as):
    grey = np.asarray(Image.open(REAL / "coating_on_foil/graphite_siox_on_copper_sem.jpg").convert("L"), float)
    Image.fromarray(np.clip(kept_as(grey), 0, 255).astype(np.uint8)).save(tmp_path / "kept.png")
    prepared = prepare_file(tmp_path / "kept.png", settings, 0.294)
    assert prepared.status == "prepared", prepared.reasons
    assert prepared.coating.thickness_um == pytest.approx(97, abs=3)
