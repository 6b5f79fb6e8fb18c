"""Grey values and their means over small rectangles: where the stages look for structure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def grey_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma (BT.601) of 8-bit RGB, shape (rows, columns, 3) → (rows, columns); 8 bit, so that mosaics stay small.

    >>> grey_of(np.full((1, 1, 3), 200, np.uint8)).item()
    200
    """
    return np.asarray(Image.fromarray(pixels).convert("L"))


def block_mean(grey: NDArray[np.generic], rows: int, columns: int) -> NDArray[np.float32]:
    """Means over blocks of ``rows`` × ``columns`` pixels; what does not fill a last block is left out.

    >>> block_mean(np.array([[1, 3, 9], [5, 7, 9]]), 2, 2).tolist()
    [[4.0]]
    """
    height, width = grey.shape[0] // rows, grey.shape[1] // columns
    whole = grey[: height * rows, : width * columns]
    # Whole rows are added fastest, and every so-many-th column faster than a few neighbours at a time.
    is_narrow = grey.dtype == np.uint8 and rows <= 257  # 257 × 255 is the last to fit 16 bits: twice as fast as floats
    sums: NDArray[Any] = whole[::rows].astype(np.uint16 if is_narrow else np.float32)
    for row in range(1, rows):
        sums += whole[row::rows]
    means = sums[:, ::columns].astype(np.float32)
    for column in range(1, columns):
        means += sums[:, column::columns]
    means /= np.float32(rows * columns)
    return means


def block_centres(count: int, size: int) -> NDArray[np.float64]:
    """Pixel coordinates of the centres of the first ``count`` blocks of ``size`` pixels.

    >>> block_centres(2, 4).tolist()
    [1.5, 5.5]
    """
    return np.arange(count, dtype=np.float64) * size + (size - 1) / 2


def pixels_in(length_um: float, pixel_size_um: float, *, least: int = 1) -> int:
    """A length in whole pixels, at least ``least``.

    >>> pixels_in(1.0, 0.123)
    8
    """
    return max(least, round(length_um / pixel_size_um))
