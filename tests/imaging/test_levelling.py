"""Turning and resampling: what a pixel is, and where."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats
from PIL import Image
from scipy import ndimage

from ratescope.imaging.collector import collector_from_edge
from ratescope.imaging.levelling import level, level_to_file, resample


@given(floats(-5.0, 5.0))
def test_a_foil_line_is_level_after_the_turn(tilt_deg):
    to_file = level_to_file((101, 201), tilt_deg)
    ends = to_file @ np.array([[70.0, 70.0], [0.0, 200.0], [1.0, 1.0]])
    fall = np.degrees(np.arctan2(ends[0, 1] - ends[0, 0], ends[1, 1] - ends[1, 0]))
    assert fall == pytest.approx(tilt_deg, abs=1e-9)
    assert to_file @ [50.0, 100.0, 1.0] == pytest.approx([50.0, 100.0])  # the centre stays


def test_resampling_a_plane_gives_the_plane():
    row, column = np.mgrid[0:60, 0:80]
    plane = (20 + 1.5 * row + 1.0 * column)[..., None].astype(np.float32)
    affine = np.array([[0.9, 0.1, 4.3], [-0.1, 0.9, 9.6]])
    row, column = affine[:, :2] @ np.mgrid[0:30, 0:40].reshape(2, -1) + affine[:, 2:]
    expected = (20 + 1.5 * row + 1.0 * column).reshape(30, 40)
    assert np.abs(resample(plane, affine, (30, 40))[..., 0] - expected).max() <= 0.5001  # to the nearest grey value


@pytest.mark.parametrize("tilt_deg", [-5.0, 0.1])
def test_resampling_in_two_passes_agrees_with_halving_the_whole_picture(tilt_deg):
    """The slow twin: Pillow's own cubic convolution to half pixels, then linear interpolation between them."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(1).random((70, 90)), 1.5, mode="wrap")
    grains = (20.0 + 200.0 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    affine = level_to_file((70, 90), tilt_deg)
    affine[:, 2] += affine[:, :2] @ [10.3, 12.8]
    halves = np.asarray(Image.fromarray(grains).resize((180, 140), Image.Resampling.BICUBIC))
    row, column = affine[:, :2] @ np.mgrid[0:50, 0:60].reshape(2, -1) + affine[:, 2:]
    expected = ndimage.map_coordinates(halves, [2 * row + 0.5, 2 * column + 0.5], order=1).reshape(50, 60)
    assert np.abs(resample(grains[..., None], affine, (50, 60))[..., 0] - expected).max() < 1.0


def test_what_lies_outside_the_input_is_as_its_border():
    columns = np.arange(40, dtype=np.float32)[None, :, None].repeat(20, axis=0)
    affine = np.array([[1.0, 0.0, -5.0], [0.0, 1.0, -3.0]])
    resampled = resample(columns, affine, (30, 46))[..., 0]
    assert (resampled == resampled[15]).all()
    assert resampled[0, [0, 3, 4, 42, 45]].tolist() == [0, 0, 1, 39, 39]


def test_the_levelled_micrograph_knows_where_the_file_is():
    grey = np.zeros((60, 90), np.uint8)
    line = 40.0 + np.tan(np.radians(2.0)) * np.arange(90)
    grey[np.arange(60)[:, None] >= line] = 200
    levelled = level(grey, 0.1, collector_from_edge(line, "above", 1.0).tilt_deg)
    rows, _ = levelled.from_file(line, np.arange(90.0))
    assert np.ptp(rows) < 1e-6
    assert levelled.grey[int(rows[0]) + 2, 10:80].min() > 190
    assert levelled.grey[int(rows[0]) - 2, 10:80].max() < 10
