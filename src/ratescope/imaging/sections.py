"""Coating → sections: slices as wide as the network sees, and the crop at the centre of each (sections 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.levelling import resample
from ratescope.records import Box, Coating, Finding, Micrograph, Section
from ratescope.settings import PrepareSettings

Floats = NDArray[np.float64]
Judge = Callable[[NDArray[np.uint8]], tuple[Finding, ...]]
"""What speaks against a crop."""


def cut_sections(
    micrograph: Micrograph, coating: Coating, level_to_file: Floats, settings: PrepareSettings, judge: Judge
) -> tuple[Section, ...]:
    """Slice the coating's usable width evenly, as often as a crop's width fits, and cut the crop of each slice.

    In a slice the crop stands where the clean rectangle of its width is highest, and in the middle of its height.
    """
    scale = settings.network_pixel_size_um / micrograph.pixel_size_um
    width, height = settings.crop_columns * scale, settings.crop_rows * scale
    upper, lower = coating.clean_rows
    usable = np.flatnonzero(np.isfinite(lower - upper))
    count = int(usable.size // width)
    edges = np.linspace(usable[0], usable[-1] + 1, count + 1) if count else np.empty(0)
    sections = []
    for index in range(count):
        box, clean_rows = place_crop(upper, lower, (edges[index], edges[index + 1]), (height, width))
        if clean_rows < height:
            said = (
                f"the clean coating is {clean_rows / scale:.0f} network pixels high; a crop needs {settings.crop_rows}."
            )
            sections.append(Section(index, "refused", (Finding("too-thin", said),)))
            continue
        crop = sample_crop(micrograph, level_to_file, box, settings)
        reasons = judge(crop)
        sections.append(
            Section(index, "refused", reasons, box) if reasons else Section(index, "prepared", (), box, crop)
        )
    return tuple(sections)


def place_crop(
    upper: Floats, lower: Floats, slice_columns: tuple[float, float], size: tuple[float, float]
) -> tuple[Box, float]:
    """The crop of ``size`` (rows, columns) in a slice, and the rows that are clean over its whole width.

    >>> place_crop(np.array([9.0, 2.0, 2.0, 2.0]), np.full(4, 9.0), (0.0, 4.0), (4.0, 3.0))
    (Box(top=4.0, bottom=8.0, left=1.0, right=4.0), 8.0)
    """
    height, width = size
    left, right = int(np.ceil(slice_columns[0])), int(np.floor(slice_columns[1]))
    window = min(int(np.ceil(width)), right - left)
    first = sliding_window_view(upper[left:right], window).max(axis=1)
    last = sliding_window_view(lower[left:right], window).min(axis=1)
    clean = np.nan_to_num(last - first + 1.0, nan=0.0)
    # Of equally high places the one nearest to the middle of the slice.
    places = np.flatnonzero(clean >= clean.max() - 0.5)
    best = int(places[np.abs(places - (clean.size - 1) / 2).argmin()])
    middle = (first[best] + last[best] + 1.0) / 2.0
    start = left + best + (window - width) / 2.0
    return Box(float(middle - height / 2), float(middle + height / 2), start, start + width), float(clean[best])


def sample_crop(
    micrograph: Micrograph, level_to_file: Floats, box: Box, settings: PrepareSettings
) -> NDArray[np.uint8]:
    """A crop, sampled once from the file's pixels: turn and scale are one affine.

    Where the file is finer than the network's pixels it is smoothed first, so that nothing folds back (anti-alias).
    """
    scale = box.width / settings.crop_columns
    # The first pixel's centre lies half a network pixel inside the box, whose edges are pixel edges (centre − ½).
    corner = np.array([box.top, box.left]) - 0.5 + scale / 2.0
    to_file = np.column_stack([level_to_file[:, :2] * scale, level_to_file[:, :2] @ corner + level_to_file[:, 2]])
    # Our choice: a pixel of the file blurred to a pixel of the crop.
    sigma = np.sqrt(max(scale**2 - 1.0, 0.0)) / 2.0
    margin = 4 + int(np.ceil(4.0 * sigma))
    window, offset = _window(micrograph.pixels, to_file, (settings.crop_rows, settings.crop_columns), margin)
    to_file[:, 2] -= offset
    if sigma > 0.0:
        window = ndimage.gaussian_filter(window, (sigma, sigma, 0.0))
    return resample(window, to_file, (settings.crop_rows, settings.crop_columns))


def _window(
    pixels: NDArray[np.uint8], to_file: Floats, shape: tuple[int, int], margin: int
) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """The part of the file that a crop of this shape needs, with a margin, and the row and column it begins at."""
    rows, columns = shape
    corners = to_file @ np.array([[0, 0, rows, rows], [0, columns, 0, columns], [1, 1, 1, 1]])
    first = np.maximum(np.floor(corners.min(axis=1)).astype(int) - margin, 0)
    stop = np.ceil(corners.max(axis=1)).astype(int) + margin
    return pixels[first[0] : stop[0], first[1] : stop[1]].astype(np.float32), first
