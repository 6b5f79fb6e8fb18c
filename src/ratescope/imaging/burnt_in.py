"""Boxes that a microscope's software drew into the image: information bars, scale bars, framed letters.

They are black or white all over but for their letters, and their edges are perfectly straight and along the image's
axes, which nothing in an embedded electrode is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.records import Box, Micrograph

BLACK, WHITE = 16, 239  # our choice: as far as JPEG leaves them black and white
LEAST_ROWS, LEAST_COLUMNS, LEAST_PIXELS = 3, 12, 100  # our choice: smaller ones may be pores
FULLEST_PORE = 0.92  # our choice: a disc fills 0.785 of its bounding box
BLUR_PX = 2  # our choice: edges of drawn boxes are blurred by JPEG and by resizing


def without_bars(micrograph: Micrograph, grey: NDArray[np.uint8]) -> tuple[Micrograph, int]:
    """The micrograph without information bars at its upper and lower border, and the first row that was kept."""
    rows = len(grey)
    first, stop = bar_rows(grey[::-1]), rows - bar_rows(grey)
    if stop - first == rows:
        return micrograph, 0
    return replace(micrograph, pixels=micrograph.pixels[first:stop]), first


def bar_rows(grey: NDArray[np.uint8]) -> int:
    """Rows of an information bar at the lower border: one colour, letters in it, one straight upper edge; 0 if none.

    >>> grey = np.random.default_rng(0).integers(40, 200, (60, 80)).astype(np.uint8)
    >>> grey[50:] = 0
    >>> grey[54:58, 20:40:2] = 255
    >>> bar_rows(grey)
    10
    """
    colour = int(np.median(grey[-3:]))
    share = (np.abs(grey.astype(np.int16) - colour) <= 3).mean(axis=1)
    others = np.flatnonzero(share < 0.5)  # letters fill less than half of a row
    first = int(others[-1]) + 1 if others.size else 0
    is_sharp = 0 < first < len(grey) - 2 and share[first - 1] < 0.3 and share[first : first + 3].max() > 0.9
    if not is_sharp:
        return 0  # the image fades into it: resin, vacuum or foil
    has_letters = (np.abs(grey[first:].astype(np.int16) - colour) > 60).mean() > 0.002
    return len(grey) - first if has_letters else 0


def find_boxes(grey: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Filled black or white rectangles, with or without letters in them.

    >>> grey = np.full((60, 80), 128, np.uint8)
    >>> grey[40:50, 50:70] = 0
    >>> find_boxes(grey)
    (Box(top=38, bottom=52, left=48, right=72),)
    """
    return (*_filled_rectangles(grey <= BLACK), *_filled_rectangles(grey >= WHITE))


def _filled_rectangles(is_extreme: NDArray[np.bool_]) -> list[Box]:
    labels, _ = ndimage.label(is_extreme)
    most_rows, most_columns = 0.6 * is_extreme.shape[0], 0.6 * is_extreme.shape[1]  # larger ones are resin or foil
    boxes = []
    for number, (row, column) in enumerate(ndimage.find_objects(labels), start=1):
        height, width = row.stop - row.start, column.stop - column.start
        is_large = height >= LEAST_ROWS and width >= LEAST_COLUMNS and height * width >= LEAST_PIXELS
        if not is_large or height > most_rows or width > most_columns:
            continue
        shape = labels[row, column] == number
        if shape.mean() > 0.4 and _fill(shape) > FULLEST_PORE:  # letters leave at least that much of a box
            boxes.append(Box(row.start - BLUR_PX, row.stop + BLUR_PX, column.start - BLUR_PX, column.stop + BLUR_PX))
    return boxes


def _fill(shape: NDArray[np.bool_]) -> float:
    """Share of its bounding box that a shape fills, letters inside it and letters that touch its border included."""
    closed = ndimage.binary_closing(np.pad(shape, 3, mode="edge"), np.ones((5, 5), bool))
    return float(ndimage.binary_fill_holes(closed)[3:-3, 3:-3].mean())
