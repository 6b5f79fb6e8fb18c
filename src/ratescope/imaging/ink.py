"""Labels, arrows and measured lines in colours that a micrograph does not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.records import Box

LEAST_CHROMA = 100  # our choice: between the highest and the lowest of red, green and blue; interference has less
USUAL_SHARE, USUAL_TIMES, USUAL_MORE = 90, 2, 40  # our choice: a tinted picture's own colours, and what is beyond them
STRIDE = 2  # our choice: what can be read is two pixels wide
LEAST_PIXELS = 4  # our choice: of every second one in both directions; what is smaller is a coloured speck of dust
MOST_SHARE, MOST_PARTS = 0.1, 300  # our choice: what has more is a coloured picture, such as a map of elements


def coloured_boxes(pixels: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Boxes around what is drawn in colour: one per letter, arrow or line.

    Parameters
    ----------
    pixels : uint8 array, shape (rows, columns, 3)

    Examples
    --------
    >>> pixels = np.full((60, 80, 3), 128, np.uint8)
    >>> pixels[20:24, 30:60] = 255, 255, 0
    >>> coloured_boxes(pixels)
    (Box(top=18, bottom=26, left=28, right=62),)
    """
    few = pixels[::STRIDE, ::STRIDE]
    red, green, blue = few[..., 0], few[..., 1], few[..., 2]
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    if chroma.max() <= LEAST_CHROMA:
        return ()
    usual = float(np.percentile(chroma[::STRIDE, ::STRIDE], USUAL_SHARE))
    is_ink = chroma > max(LEAST_CHROMA, USUAL_TIMES * usual + USUAL_MORE)
    labels, count = ndimage.label(is_ink, np.ones((3, 3)))
    if count > MOST_PARTS or is_ink.mean() > MOST_SHARE:
        return ()
    sizes = np.bincount(labels.ravel())[1:]
    parts = [part for part, size in zip(ndimage.find_objects(labels), sizes, strict=True) if size >= LEAST_PIXELS]
    # Every second pixel was looked at, and JPEG spreads colour: one step more on every side.
    return tuple(
        Box(
            STRIDE * (row.start - 1),
            STRIDE * (row.stop + 1),
            STRIDE * (column.start - 1),
            STRIDE * (column.stop + 1),
        )
        for row, column in parts
    )
