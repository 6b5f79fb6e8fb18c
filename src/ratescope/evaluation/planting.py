"""Planting what a network should ignore into clean crops: the proxies of section 3.2, by experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ratescope.units import CROP_COLUMNS, CROP_ROWS

Crop = NDArray[np.uint8]
Mask = NDArray[np.bool_]

VOID_RADIUS_PX = (40, 50)  # our choice: a pulled-out grain of 10 × 12 µm
VOID_GREY, SCRATCH_GREY, STAMP_GREY = 12, 25, 255
SCRATCH_WIDTH_PX = 6  # our choice: 0.7 µm
BRIGHTNESS_STEP = 0.9  # our choice: the right half 10 % darker, as two stitched fields
STAMP_PX = (28, 84)  # our choice: a caption in the corner, 1.6 % of the crop
MOST_PLANTED = 4  # our choice: so many voids or scratches fit beside each other


def void(crop: Crop) -> Crop:
    """The crop with a dark hole in its middle."""
    return np.where(_ellipse(crop, 0.5)[..., np.newaxis], np.uint8(VOID_GREY), crop)


def scratch(crop: Crop) -> Crop:
    """The crop with a dark straight scratch from corner to corner."""
    return np.where(_diagonal(crop, 0.0)[..., np.newaxis], np.uint8(SCRATCH_GREY), crop)


def brightness_step(crop: Crop) -> Crop:
    """The crop with its right half darker."""
    return _right_half_times(crop, BRIGHTNESS_STEP)


def stamp(crop: Crop) -> Crop:
    """The crop with a white caption box in its lower right corner."""
    return _boxed(crop, STAMP_PX[1])


ARTEFACTS: Mapping[str, Callable[[Crop], Crop]] = {
    "void": void,
    "scratch": scratch,
    "brightness step": brightness_step,
    "stamp": stamp,
}
HIDING = ("void", "scratch", "stamp")
"""Those that cover material: that the prediction then moves a little is no fault."""


def planted_where(name: str) -> Mask:
    """Which pixels of a crop an artefact changes, shape (224, 672).

    >>> round(float(planted_where("stamp").mean()), 4)
    0.0156
    """
    grey = np.full((CROP_ROWS, CROP_COLUMNS, 3), 128, np.uint8)
    return np.asarray((ARTEFACTS[name](grey) != grey).any(axis=2))


def other_material(crop: Crop, where: Mask) -> Crop:
    """The crop with some of its pixels replaced by those a quarter of its width to the left of them.

    What hides nothing but shows other grains: how far it moves a prediction is what any change of the place may do.
    """
    return np.where(where[..., np.newaxis], np.roll(crop, crop.shape[1] // 4, axis=1), crop)


def _stronger_stamp(crop: Crop, strength: float) -> Crop:
    return _boxed(crop, round(strength * STAMP_PX[1]))


def _stronger_step(crop: Crop, strength: float) -> Crop:
    return _right_half_times(crop, 1.0 - strength * (1.0 - BRIGHTNESS_STEP))


def _more_voids(crop: Crop, strength: float) -> Crop:
    where = np.zeros(crop.shape[:2], bool)
    for place in (0.5, 0.18, 0.82, 0.34)[: round(strength * MOST_PLANTED)]:
        where |= _ellipse(crop, place)
    return np.where(where[..., np.newaxis], np.uint8(VOID_GREY), crop)


def _more_scratches(crop: Crop, strength: float) -> Crop:
    where = np.zeros(crop.shape[:2], bool)
    for aside in (0.0, 0.25, -0.25, 0.5)[: round(strength * MOST_PLANTED)]:
        where |= _diagonal(crop, aside)
    return np.where(where[..., np.newaxis], np.uint8(SCRATCH_GREY), crop)


PROXIES: Mapping[str, Callable[[Crop, float], Crop]] = {
    "void": _more_voids,
    "scratch": _more_scratches,
    "brightness step": _stronger_step,
    "stamp": _stronger_stamp,
}
"""The same artefacts by strength: from 0, where the crop stays as it is, to 1; what else follows a strength is a proxy.

A stamp grows wider and a step deeper, up to those of `ARTEFACTS`; voids and scratches grow in number, up to four.
"""


def _ellipse(crop: Crop, place: float) -> Mask:
    """A hole in the middle row; its centre at this share of the width."""
    rows, columns = np.ogrid[: crop.shape[0], : crop.shape[1]]
    down, right = rows - crop.shape[0] / 2, columns - crop.shape[1] * place
    return np.asarray((down / VOID_RADIUS_PX[0]) ** 2 + (right / VOID_RADIUS_PX[1]) ** 2 < 1)


def _diagonal(crop: Crop, aside: float) -> Mask:
    """A band along the diagonal, moved to the right by this share of the width."""
    rows, columns = np.ogrid[: crop.shape[0], : crop.shape[1]]
    height, width = crop.shape[:2]
    distance = np.abs(rows * width - (columns - aside * width) * height) / np.hypot(height, width)
    return np.asarray(distance < SCRATCH_WIDTH_PX / 2)


def _right_half_times(crop: Crop, factor: float) -> Crop:
    planted = crop.copy()
    half = crop.shape[1] // 2
    planted[:, half:] = (crop[:, half:] * factor).astype(np.uint8)
    return planted


def _boxed(crop: Crop, columns: int) -> Crop:
    planted = crop.copy()
    planted[-STAMP_PX[0] :, crop.shape[1] - columns :] = STAMP_GREY
    return planted
