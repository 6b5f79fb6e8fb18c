"""Lens and camera against what is known in closed form."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.instrument import REFERENCE_MICROSCOPE
from ratescope.virtual_lab.optics import (
    BlurredField,
    Focus,
    StitchedField,
    Stitching,
    add_noise,
    blurred,
    digitised,
    draw_focus,
    draw_stitching,
    field_gain,
)


def focus_of(columns: int, *, softness: float = 0.0, fields: tuple[BlurredField, ...] = ()) -> Focus:
    return Focus(1.3, 2.2, np.full(columns, softness, np.float32), fields)


def test_a_point_becomes_a_gaussian():
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1.0
    at = np.arange(41) - 20
    expected = np.exp(-(at[:, None] ** 2 + at[None, :] ** 2) / (2 * 1.3**2)) / (2 * np.pi * 1.3**2)
    np.testing.assert_allclose(blurred(point, focus_of(41)), expected, atol=2e-4)


@pytest.mark.parametrize("softness", [0.0, 0.4, 1.0])
def test_width_of_a_line_is_the_blur_that_the_truth_names(softness):
    focus = focus_of(61, softness=softness, fields=(BlurredField(-100, 161, 2.0),))
    line = np.zeros((61, 61), np.float32)
    line[30] = 1.0
    profile = blurred(line, focus)[:, 30].astype(float)
    variance = (profile * (np.arange(61) - 30) ** 2).sum() / profile.sum()
    assert np.sqrt(variance) == pytest.approx(focus.blur_px[30], rel=0.02)


def test_a_blurred_field_leaves_its_neighbours_as_they_were():
    light = np.random.default_rng(0).random((40, 400), np.float32)
    whole = blurred(light, focus_of(400))
    part = blurred(light, focus_of(400, fields=(BlurredField(150, 250, 2.5),)))
    np.testing.assert_array_equal(part[:, :150], whole[:, :150])
    np.testing.assert_array_equal(part[:, 250:], whole[:, 250:])
    sharpness = [float(np.abs(np.diff(part[:, a:b], axis=0)).mean()) for a, b in ((0, 150), (180, 220))]
    assert sharpness[1] < 0.5 * sharpness[0]
    # In the middle it is what one filter over everything would show.
    expected = ndimage.gaussian_filter(whole, 2.5, truncate=3.5)
    np.testing.assert_allclose(part[:, 200], expected[:, 200], atol=1e-5)


@pytest.mark.parametrize("level", [0.02, 0.5])
def test_noise_has_the_variance_of_shot_and_readout(level):
    microscope = replace(REFERENCE_MICROSCOPE, full_well=4000.0, read_noise=0.004)
    plane = np.full((400, 500), level, np.float32)
    add_noise(plane, microscope, np.random.default_rng(1))
    assert plane.mean() == pytest.approx(level, abs=1e-4)
    assert plane.var() == pytest.approx(level / 4000.0 + 0.004**2, rel=0.03)


def test_light_falls_with_the_square_of_the_distance_from_the_axis():
    stitching = Stitching((StitchedField(0, 200, 1.0),), vignetting=0.1, axis_px=(0.0, 0.0))
    gain = field_gain(stitching, 100, 200)
    assert gain[50, 100] == pytest.approx(1.0)
    assert gain[50, 150] == pytest.approx(1.0 - 0.1 * 0.25)
    assert gain[0, 100] == pytest.approx(1.0 - 0.1 * 0.25)


def test_fields_cover_every_column_and_overlap_their_neighbours():
    for seed in range(20):
        columns = int(np.random.default_rng(seed).integers(200, 5000))
        frame = Frame(10, columns, 0.123, 5.0, 100.0)
        fields = draw_stitching(frame, REFERENCE_MICROSCOPE, np.random.default_rng(seed)).fields
        assert fields[0].left <= 0
        assert fields[-1].right >= columns
        for left, right in pairwise(fields):
            assert left.right - right.left == REFERENCE_MICROSCOPE.overlap_columns


def test_focus_drifts_between_sharp_and_soft():
    frame = Frame(10, 5000, 0.123, 5.0, 100.0)
    blur_px = draw_focus(frame, REFERENCE_MICROSCOPE, (), np.random.default_rng(0)).blur_px
    sharp_px = 0.97 * 0.15 / 0.123
    assert blur_px.min() >= sharp_px - 1e-6
    assert sharp_px * 1.1 < blur_px.max() <= sharp_px * REFERENCE_MICROSCOPE.softest


def test_camera_stores_its_full_scale_at_either_depth():
    light = np.zeros((3, 1, 2), np.float32)
    light[1, 0] = (0.5, 1.0)
    assert digitised(light, 8).tolist() == [[[0, 128, 0], [0, 255, 0]]]
    assert digitised(light, 16).tolist() == [[[0, 32768, 0], [0, 65535, 0]]]
