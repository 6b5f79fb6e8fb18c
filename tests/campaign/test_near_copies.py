"""Crops that show one place twice are found by content; different crops of one kind of coating are not.

The likenesses of prepared crops are measured in docs/studies/0004-rate-tests.md; here the textures are drawn.
"""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from ratescope.campaign.near_copies import LEAST_OVERLAP, TURNS, _best_shift, _grids, near_copies
from ratescope.records import CropId


@pytest.fixture(scope="module")
def coating():
    """A wide area of grains of some 70 px, uint8, shape (344, 2400, 3)."""
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((344, 2400)), 14.0)
    grey = np.clip(128 + 60 * noise / noise.std(), 0, 255)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def crop(area, top, left):
    return area[top : top + 224, left : left + 672]


def as_jpeg(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


def compared(*crops, files=("a.tif", "b.tif")):
    ids = [CropId(f"e{n}", "s1", file, n) for n, file in enumerate(files)]
    return near_copies(ids, np.stack(crops))


@pytest.mark.parametrize(
    ("change", "turned"),
    [
        (lambda pixels: pixels, ""),
        (as_jpeg, ""),
        (lambda pixels: np.clip(pixels * 1.1, 0, 255).astype(np.uint8), ""),
        (lambda pixels: pixels[:, ::-1], "mirrored left to right"),
        (lambda pixels: pixels[::-1], "mirrored top to bottom"),
        (lambda pixels: pixels[::-1, ::-1], "turned by 180°"),
    ],
    ids=["copied", "jpeg", "brighter", "mirrored", "flipped", "turned"],
)
def test_a_changed_copy_in_another_electrode_is_found(change, turned, coating):
    (copy,) = compared(crop(coating, 0, 0), change(crop(coating, 0, 0)))
    assert (copy.first.electrode, copy.second.electrode) == ("e0", "e1")
    assert (copy.turned, copy.down_px, copy.right_px) == (turned, 0, 0)
    assert copy.likeness > 0.95


@pytest.mark.parametrize(("down", "right"), [(0, 20), (0, 50), (0, 100), (0, -200), (0, 336), (20, 50), (-60, 0)])
def test_overlapping_crops_are_found_with_their_shift(down, right, coating):
    """What lies at a place in the first crop lies ``down`` and ``right`` of it in the second."""
    (copy,) = compared(crop(coating, 60, 400), crop(coating, 60 - down, 400 - right))
    assert copy.down_px == pytest.approx(down, abs=4)
    assert copy.right_px == pytest.approx(right, abs=4)


def test_different_crops_of_one_coating_are_not_alike(coating):
    crops = [crop(coating, 0, left) for left in (0, 680, 1360)]
    assert compared(*crops, files="abc") == []


def test_a_blank_crop_is_like_none(coating):
    blank = np.full((224, 672, 3), 128, np.uint8)
    assert compared(crop(coating, 0, 0), blank, blank, files="abc") == []


def test_crops_of_one_micrograph_are_not_compared(coating):
    assert compared(crop(coating, 0, 0), crop(coating, 0, 0), files=("a.tif", "a.tif")) == []


def test_the_most_alike_come_first_and_the_crops_stay_as_they_are(coating):
    crops = np.stack([crop(coating, 0, 0), crop(coating, 0, 100), crop(coating, 0, 0)])
    before = crops.copy()
    ids = [CropId("e", f"s{n}", f"{n}.tif", 0) for n in range(3)]
    found = near_copies(ids, crops)
    assert (found[0].first.file, found[0].second.file) == ("0.tif", "2.tif")
    assert len(found) == 3
    assert (crops == before).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(TURNS.values())))
def test_the_best_shift_agrees_with_trying_every_shift(seed, signs):
    """The slow twin: cut the overlap out, multiply, add."""
    rng = np.random.default_rng(seed)
    grid, other = rng.standard_normal((2, 5, 8)).astype(np.float32)
    likeness, down, right = _best_shift(grid, other[None], signs)
    turned = other[:: signs[0], :: signs[1]]
    tried = {}
    for d in range(-4, 5):
        for r in range(-7, 8):
            here = grid[max(0, -d) : 5 - max(0, d), max(0, -r) : 8 - max(0, r)]
            there = turned[max(0, d) : 5 - max(0, -d), max(0, r) : 8 - max(0, -r)]
            if here.size / 40 >= LEAST_OVERLAP:
                tried[d, r] = float((here * there).sum()) / 40 / np.sqrt(here.size / 40)
    assert float(likeness[0]) == pytest.approx(max(tried.values()), abs=1e-5)
    assert tried[int(down[0]), int(right[0])] == pytest.approx(max(tried.values()), abs=1e-5)


def test_grids_forget_brightness_and_slow_shades(coating):
    pixels = crop(coating, 0, 0)[None] // 2
    shade = np.linspace(0, 60, 672).astype(np.uint8)[None, None, :, None]
    plain, shaded = _grids(pixels, 16), _grids(pixels + shade, 16)
    assert float((plain * shaded).mean()) > 0.97
