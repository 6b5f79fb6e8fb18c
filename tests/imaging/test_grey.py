"""Means over blocks are exact, whatever the kind of the pixels and the height of the blocks."""

import numpy as np
import pytest

from ratescope.imaging.grey import block_mean


@pytest.mark.parametrize("rows", [2, 257, 258, 300])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_means_of_white_blocks_are_white_however_high_they_are(rows, kind):
    white = np.full((601, 7), 255, kind)
    means = block_mean(white, rows, 3)
    assert means.shape == (601 // rows, 2)
    assert (means == 255.0).all()


def test_block_means_agree_with_adding_pixel_by_pixel():
    grey = np.random.default_rng(1).integers(0, 256, (13, 22)).astype(np.uint8)
    slow = [[grey[row : row + 4, column : column + 5].mean() for column in (0, 5, 10, 15)] for row in (0, 4, 8)]
    assert block_mean(grey, 4, 5) == pytest.approx(np.array(slow))
