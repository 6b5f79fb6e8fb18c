"""Planting what a network should ignore into clean crops: the proxies of section 3.2, by experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.uint8]

VOID_RADIUS_PX = (40, 50)  # our choice: a pulled-out grain of 10 × 12 µm
SCRATCH_WIDTH_PX = 6  # our choice: 0.7 µm
BRIGHTNESS_STEP = 0.9  # our choice: the right half 10 % darker, as two stitched fields
STAMP_PX = (28, 84)  # our choice: a caption in the corner, 1.6 % of the crop


def void(crop: Crop) -> Crop:
    """The crop with a dark hole in its middle."""
    rows, columns = np.ogrid[: crop.shape[0], : crop.shape[1]]
    middle_row, middle_column = crop.shape[0] / 2, crop.shape[1] / 2
    inside = ((rows - middle_row) / VOID_RADIUS_PX[0]) ** 2 + ((columns - middle_column) / VOID_RADIUS_PX[1]) ** 2 < 1
    return np.where(inside[..., np.newaxis], np.uint8(12), crop)


def scratch(crop: Crop) -> Crop:
    """The crop with a dark straight scratch from corner to corner."""
    rows, columns = np.ogrid[: crop.shape[0], : crop.shape[1]]
    height, width = crop.shape[:2]
    distance = np.abs(rows * width - columns * height) / np.hypot(height, width)
    return np.where((distance < SCRATCH_WIDTH_PX / 2)[..., np.newaxis], np.uint8(25), crop)


def brightness_step(crop: Crop) -> Crop:
    """The crop with its right half darker."""
    planted = crop.copy()
    half = crop.shape[1] // 2
    planted[:, half:] = (crop[:, half:] * BRIGHTNESS_STEP).astype(np.uint8)
    return planted


def stamp(crop: Crop) -> Crop:
    """The crop with a white caption box in its lower right corner."""
    planted = crop.copy()
    planted[-STAMP_PX[0] :, -STAMP_PX[1] :] = 255
    return planted


ARTEFACTS: Mapping[str, Callable[[Crop], Crop]] = {
    "void": void,
    "scratch": scratch,
    "brightness step": brightness_step,
    "stamp": stamp,
}
