"""What speaks against a micrograph or a crop, as findings: a code and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.errors import MicrographError
from ratescope.records import Box, Finding, Micrograph
from ratescope.settings import PrepareSettings

BLACK, WHITE = 16, 239  # our choice: burnt-in boxes are black or white, as far as JPEG leaves them so


def check_field(micrograph: Micrograph, settings: PrepareSettings) -> None:
    """Refuse what no crop can come from: pixels too coarse, or a field smaller than one crop.

    Raises
    ------
    MicrographError
        ``too-coarse`` or ``too-small-field``.
    """
    size_um = micrograph.pixel_size_um
    if size_um > settings.coarsest_pixel_size_um:
        raise MicrographError(
            "too-coarse",
            f"the pixels are {size_um:g} µm large; particles are not seen above {settings.coarsest_pixel_size_um:g} µm. "
            "Take the micrograph with a stronger objective.",
        )
    height_um, width_um = (count * size_um for count in micrograph.pixels.shape[:2])
    least_um = [count * settings.network_pixel_size_um for count in (settings.crop_rows, settings.crop_columns)]
    if height_um < least_um[0] or width_um < least_um[1]:
        raise MicrographError(
            "too-small-field",
            f"the image shows {height_um:.0f} × {width_um:.0f} µm (height × width), but one crop is {least_um[0]:.1f} × "
            f"{least_um[1]:.1f} µm. Take a wider mosaic, or check the pixel size.",
        )


def find_burnt_in(grey: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Boxes that a microscope's software drew into the image: information bars, scale bars, framed letters.

    They are black or white all over but for their letters, and their edges are perfectly straight and level.
    """
    return (*_bars(grey), *_boxes(grey <= BLACK), *_boxes(grey >= WHITE))


def _bars(grey: NDArray[np.uint8]) -> list[Box]:
    """Information bars across the whole width at the lower or upper border, with letters in them."""
    rows, columns = grey.shape
    bars = []
    for is_upside_down in (False, True):
        seen = grey[::-1] if is_upside_down else grey
        colour = int(np.median(seen[-3:]))
        share = (np.abs(seen.astype(np.int16) - colour) <= 3).mean(axis=1)
        others = np.flatnonzero(share < 0.5)
        first = int(others[-1]) + 1 if others.size else 0
        if first in {0, rows} or share[first - 1] > 0.3 or share[first : first + 3].min() < 0.9:
            continue  # the image fades into it: resin or vacuum
        if (np.abs(seen[first:].astype(np.int16) - colour) > 60).mean() > 0.002:
            top, bottom = (0, rows - first) if is_upside_down else (first, rows)
            bars.append(Box(top, bottom, 0, columns))
    return bars


def _boxes(is_extreme: NDArray[np.bool_]) -> list[Box]:
    """Filled rectangles along the image's axes, with or without letters in them."""
    if not is_extreme.any():
        return []
    rows, columns = is_extreme.shape
    labels, _ = ndimage.label(is_extreme)
    boxes = []
    for number, (row, column) in enumerate(ndimage.find_objects(labels), start=1):
        height, width = row.stop - row.start, column.stop - column.start
        if height < 3 or width < 12 or height * width < 100 or width > 0.6 * columns or height > 0.6 * rows:
            continue
        # Letters may touch the border of their box; blurred box edges are two pixels wide.
        closed = ndimage.binary_closing(np.pad(labels[row, column] == number, 3, mode="edge"), np.ones((5, 5)))
        if ndimage.binary_fill_holes(closed)[3:-3, 3:-3].mean() > 0.92:
            boxes.append(Box(row.start - 2, row.stop + 2, column.start - 2, column.stop + 2))
    return boxes


def judge_crop(box: Box, burnt_in: Sequence[Box]) -> tuple[Finding, ...]:
    """What speaks against a crop."""
    if any(_overlap(box, other) > 0 for other in burnt_in):
        return (Finding("burnt-in", "letters or a scale bar are drawn into the image here. Export it without them."),)
    return ()


def _overlap(one: Box, other: Box) -> float:
    rows = min(one.bottom, other.bottom) - max(one.top, other.top)
    columns = min(one.right, other.right) - max(one.left, other.left)
    return max(rows, 0.0) * max(columns, 0.0)
