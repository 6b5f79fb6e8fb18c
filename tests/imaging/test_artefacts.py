"""Holes and scratches over one percent of a crop are named; pores and cracks are not."""

import numpy as np
import pytest

from ratescope.imaging.artefacts import judge_crop


@pytest.fixture
def crop(draw):
    drawn = draw(0, noise=3.0)
    middle = int(drawn.edge_rows.min()) - 180
    return drawn.micrograph.pixels[middle - 112 : middle + 112, 100:772].copy()


def test_a_sound_crop_is_not_refused(crop, settings):
    assert judge_crop(crop, 40.0, settings) == ()


def test_a_pulled_out_grain_is_named(crop, settings):
    row, column = np.mgrid[0:224, 0:672]
    crop[np.hypot(row - 100, column - 300) < 28] = 8
    (finding,) = judge_crop(crop, 40.0, settings)
    assert finding.code == "void"
    assert "1.6%" in finding.text or "1.7%" in finding.text


def test_a_small_hole_is_let_pass(crop, settings):
    row, column = np.mgrid[0:224, 0:672]
    crop[np.hypot(row - 100, column - 300) < 15] = 8
    assert judge_crop(crop, 40.0, settings) == ()


def test_a_scratch_across_the_crop_is_named(crop, settings):
    row, column = np.mgrid[0:224, 0:672]
    is_groove = np.abs(row - 40 - 0.25 * (column - 60)) < 3.5
    crop[is_groove] = (crop[is_groove] * 0.4).astype(np.uint8)
    assert [finding.code for finding in judge_crop(crop, 40.0, settings)] == ["scratch"]
