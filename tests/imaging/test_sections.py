"""Crops: where they stand, and that they are sampled once and rightly."""

import numpy as np
import pytest

from ratescope.imaging.levelling import level_to_file
from ratescope.imaging.sections import cut_sections, place_crop, sample_crop
from ratescope.records import Box, Coating, Finding, Micrograph


def coating_between(upper, lower):
    clean = np.stack([upper, lower]).astype(float)
    return Coating(Box(0, 0, 0, 0), 40.0, 1.0, 42.0, clean[1], clean[0], clean)


def plane(rows, columns):
    row, column = np.mgrid[0:rows, 0:columns]
    grey = np.rint(10 + 0.4 * row + 0.05 * column).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize(("pixel_size_um", "tilt_deg"), [(0.123, 0.0), (0.123, 2.0), (0.3, -1.0), (0.08, 1.0)])
def test_a_crop_of_a_plane_shows_the_plane_at_network_scale(settings, pixel_size_um, tilt_deg):
    scale = 0.123 / pixel_size_um
    rows, columns = int(300 * scale), int(800 * scale)
    micrograph = Micrograph(plane(rows, columns), pixel_size_um)
    to_file = level_to_file((rows, columns), tilt_deg)
    box = Box(30.5 * scale, (30.5 + 224) * scale, 60.25 * scale, (60.25 + 672) * scale)
    crop = sample_crop(micrograph, to_file, box, settings)
    row, column = np.mgrid[0:224, 0:672]
    # Centres of network pixels; the box's edges are pixel edges, half a pixel before pixel centres.
    at = np.stack([box.top - 0.5 + (row + 0.5) * scale, box.left - 0.5 + (column + 0.5) * scale])
    file_row, file_column = np.tensordot(to_file[:, :2], at, 1) + to_file[:, 2][:, None, None]
    expected = 10 + 0.4 * file_row + 0.05 * file_column
    assert crop.shape == (224, 672, 3)
    assert abs((crop[..., 0] - expected).mean()) < 0.05  # a shift by half a pixel would show as 0.2
    assert np.abs(crop[..., 0] - expected).max() < 2.5


def test_what_is_finer_than_the_network_does_not_fold_back(settings):
    stripes = np.broadcast_to(((np.arange(3000) % 4 < 2) * 200)[None, :, None], (1000, 3000, 3)).astype(np.uint8)
    micrograph = Micrograph(np.ascontiguousarray(stripes), 0.04)
    crop = sample_crop(micrograph, level_to_file((1000, 3000), 0.0), Box(100, 788.8, 100, 2166.4), settings)
    assert crop[10:-10, 10:-10].astype(float).std() < 25  # 100 in the file


def wave_in_the_crop(settings, pixel_size_um, waves_per_pixel, axis):
    """Amplitude (of 1), shift in network pixels and mean of a wave of grey, as it is found in a crop."""
    scale = 0.123 / pixel_size_um
    box = Box(20.3, 20.3 + 224 * scale, 41.7, 41.7 + 672 * scale)
    rows, columns = int(box.bottom) + 30, int(box.right) + 40
    centres = [(np.arange(rows)[:, None] + 0.5 - box.top) / scale, (np.arange(columns) + 0.5 - box.left) / scale]
    grey = 127.5 + 100 * np.cos(2 * np.pi * waves_per_pixel * np.broadcast_to(centres[axis], (rows, columns)))
    micrograph = Micrograph(np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2), pixel_size_um)
    crop = sample_crop(micrograph, level_to_file((rows, columns), 0.0), box, settings)
    profile = crop[..., 1].mean(axis=1 - axis)[8:-8]
    turns = 2 * np.pi * waves_per_pixel * (np.arange(profile.size) + 8.5)
    parts = np.column_stack([np.cos(turns), np.sin(turns), np.ones_like(turns)])
    cosine, sine, mean = np.linalg.lstsq(parts, profile, rcond=None)[0]
    return np.hypot(cosine, sine) / 100, np.arctan2(sine, cosine) / (2 * np.pi * waves_per_pixel), mean


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("pixel_size_um", [0.04, 0.08, 0.123, 0.2, 0.39])
def test_a_wave_that_the_network_can_see_stays_in_its_place(settings, pixel_size_um, axis):
    amplitude, shift_px, mean = wave_in_the_crop(settings, pixel_size_um, 0.05, axis)
    assert amplitude > 0.96
    assert abs(shift_px) < 0.03  # half a pixel of the finest file would be 0.16
    assert abs(mean - 127.5) < 0.3


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("waves_per_pixel", "most"), [(0.6, 0.25), (0.8, 0.1), (1.3, 0.02), (2.1, 0.02)])
def test_a_wave_that_is_too_fine_for_the_network_does_not_become_a_coarse_one(settings, waves_per_pixel, most, axis):
    """A network pixel is 3 of the file: sampled without smoothing, each of these would come out as high as it was."""
    amplitude, _, mean = wave_in_the_crop(settings, 0.04, waves_per_pixel, axis)
    assert amplitude < most
    assert abs(mean - 127.5) < 0.3


def test_sections_share_the_usable_width_evenly(settings):
    upper, lower = np.full(2100, 50.0), np.full(2100, 400.0)
    upper[:30] = np.nan
    micrograph = Micrograph(plane(450, 2100), 0.123)
    sections = cut_sections(
        micrograph, coating_between(upper, lower), level_to_file((450, 2100), 0.0), settings, lambda _crop: ()
    )
    assert [section.status for section in sections] == ["prepared"] * 3
    assert [section.box.left for section in sections] == pytest.approx([39, 729, 1419], abs=1.5)
    assert all(section.box.top - 50 == pytest.approx(401 - section.box.bottom) for section in sections)


def test_a_thin_section_is_refused_beside_good_ones(settings):
    upper, lower = np.full(1400, 50.0), np.full(1400, 400.0)
    upper[900] = 250.0
    sections = cut_sections(
        Micrograph(plane(450, 1400), 0.123),
        coating_between(upper, lower),
        level_to_file((450, 1400), 0.0),
        settings,
        lambda _crop: (),
    )
    assert [section.status for section in sections] == ["prepared", "refused"]
    assert "151 network pixels high; a crop needs 224" in sections[1].reasons[0].text
    assert sections[1].crop is None


def test_a_judge_can_refuse_a_crop(settings):
    sections = cut_sections(
        Micrograph(plane(450, 700), 0.123),
        coating_between(np.full(700, 50.0), np.full(700, 400.0)),
        level_to_file((450, 700), 0.0),
        settings,
        lambda crop: (Finding("void", f"{crop.shape}"),),
    )
    assert [section.status for section in sections] == ["refused"]
    assert sections[0].box is not None
    assert sections[0].crop is None


def test_the_crop_stands_where_the_clean_rectangle_is_highest():
    upper, lower = np.zeros(100), np.full(100, 50.0)
    upper[:40] = 30.0
    box, clean_rows = place_crop(upper, lower, (0.0, 100.0), (20.0, 50.0))
    assert clean_rows == 51.0
    assert (box.left, box.right) == (40.0, 90.0)  # of all clean places, the nearest to the middle
    assert (box.top, box.bottom) == (15.5, 35.5)
