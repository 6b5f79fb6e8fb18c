"""From reflected light to an 8-bit picture: point spread, defocus that drifts, stitched fields, illumination, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.virtual_lab.frame import Frame

POINT_SPREAD_UM = 0.15  # deviation; 0.34 µm resolution at 550 nm and aperture 0.80 (VIRTUAL-LAB, section 2)
FIELD_COLUMNS = 1388  # of a camera with: 1388 × 1040 pixels
FIELD_OVERLAP = 138  # a tenth, as usual for mosaics
FULL_WELL = 6000.0  # electrons at 255: our choice, gives 1 % shot noise in bright grains
READ_NOISE = 0.0025  # of full scale: our choice


def expose(
    light: NDArray[np.float32], frame: Frame, illumination: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Photograph light; float32 (rows, columns, 3) in, uint8 of the same shape out. The light is used up."""
    light = _blurred(light, frame, rng)
    light *= _fields(frame, rng)[..., None]
    balance = illumination * (1.0 + 0.008 * rng.standard_normal(3))
    black = 0.012
    for channel in range(3):
        seen = light[..., channel]
        seen *= np.float32(balance[channel])
        seen += np.float32(black)
        noise = rng.standard_normal(seen.shape, np.float32)
        seen += noise * np.sqrt(np.maximum(seen, 0.0) / np.float32(FULL_WELL) + np.float32(READ_NOISE**2))
    np.clip(light, 0.0, 1.0, out=light)
    light *= 255.0
    return np.rint(light, out=light).astype(np.uint8)


def _blurred(light: NDArray[np.float32], frame: Frame, rng: np.random.Generator) -> NDArray[np.float32]:
    """Sharp where the stage is in focus, softer where it has drifted; never by more than a pixel or so."""
    sharp_px = POINT_SPREAD_UM / frame.pixel_size_um
    soft_px = sharp_px * 1.75
    x = np.arange(frame.columns) * frame.pixel_size_um
    drift = np.sin(2 * np.pi * x / rng.uniform(250, 700) + rng.uniform(0, 2 * np.pi))
    share = np.clip(0.22 + 0.22 * drift + 0.1 * rng.standard_normal(), 0.0, 0.7).astype(np.float32)
    for channel in range(3):
        # Blue is a little softer: lenses are corrected for green.
        widening = (1.0, 0.97, 1.1)[channel]
        sharp = ndimage.gaussian_filter(light[..., channel], widening * sharp_px, truncate=3.5)
        soft = ndimage.gaussian_filter(light[..., channel], widening * soft_px, truncate=3.0)
        light[..., channel] = sharp + share * (soft - sharp)
    return light


def _fields(frame: Frame, rng: np.random.Generator) -> NDArray[np.float32]:
    """Vignetting of the stitched fields, blended where they overlap."""
    step = FIELD_COLUMNS - FIELD_OVERLAP
    first = -int(rng.integers(0, step)) if frame.columns > FIELD_COLUMNS else -(FIELD_COLUMNS - frame.columns) // 2
    column, row = np.arange(frame.columns), np.arange(frame.rows)[:, None]
    gain = np.zeros((frame.rows, frame.columns), np.float32)
    total = np.zeros(frame.columns, np.float32)
    off_row, off_column = rng.normal(0.0, 80.0, 2)
    strength = rng.uniform(0.03, 0.07)
    for left in range(first, frame.columns, step):
        weight = np.clip(np.minimum(column - left + 1, left + FIELD_COLUMNS - column) / 40.0, 0.0, 1.0)
        across = (column - left - FIELD_COLUMNS / 2 - off_column) / (FIELD_COLUMNS / 2)
        upright = (row - frame.rows / 2 - off_row) / (FIELD_COLUMNS / 2)
        field = rng.normal(1.0, 0.006) * (1.0 - strength * (across**2 + upright**2))
        gain += (weight * field).astype(np.float32)
        total += weight.astype(np.float32)
    return gain / total
