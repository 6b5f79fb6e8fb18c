"""From reflected light to a picture: point spread, focus that drifts, stitched fields, illumination, noise.

Chance is drawn first, into records that can be shown and tested; then it is applied. Light has its colours first,
shape (3, rows, columns), so that each colour is one plane of memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.instrument import Microscope

Light = NDArray[np.float32]

WIDENING = (1.0, 0.97, 1.1)  # our choice: lenses are corrected for green; blue is a little softer
FADE_PX = 24  # our choice: over so many columns a blurred field is blended into its neighbours


@dataclass(frozen=True)
class StitchedField:
    """One field of the mosaic: its columns, the ends excluded and maybe out of the frame, and its brightness."""

    left: int
    right: int
    gain: float


@dataclass(frozen=True)
class Stitching:
    """How the mosaic was put together.

    Attributes
    ----------
    fields : tuple of StitchedField
    vignetting : float
        Light lost at half a field's width from the optical axis.
    axis_px : (float, float)
        The optical axis, rows and columns away from each field's middle.
    """

    fields: tuple[StitchedField, ...]
    vignetting: float
    axis_px: tuple[float, float]


@dataclass(frozen=True)
class BlurredField:
    """Columns that were photographed out of focus: the deviation of the blur that was added, in pixels."""

    left: int
    right: int
    deviation_px: float


@dataclass(frozen=True, eq=False)
class Focus:
    """How sharp each column is.

    Attributes
    ----------
    sharp_px, soft_px : float
        Deviation of a point's image in green in perfect focus, and where the stage has drifted farthest.
    softness : float32 array, shape (columns,)
        From 0, sharp, to 1, soft.
    blurred : tuple of BlurredField
    """

    sharp_px: float
    soft_px: float
    softness: NDArray[np.float32]
    blurred: tuple[BlurredField, ...] = ()

    @property
    def blur_px(self) -> NDArray[np.float64]:
        """Deviation of a point's image in green, column by column."""
        variance = self.sharp_px**2 + self.softness.astype(np.float64) * (self.soft_px**2 - self.sharp_px**2)
        for field in self.blurred:
            variance += field.deviation_px**2 * _within(field, len(variance))
        return np.asarray(np.sqrt(variance))


def draw_stitching(frame: Frame, microscope: Microscope, rng: np.random.Generator) -> Stitching:
    """Where the stitched fields lie, and how they differ in brightness."""
    width = microscope.field_columns
    step = width - microscope.overlap_columns
    first = -int(rng.integers(0, step)) if frame.columns > width else -(width - frame.columns) // 2
    # The last field that would show only its overlap was not taken.
    lefts = [left for left in range(first, frame.columns, step) if left == first or left + FADE_PX < frame.columns]
    fields = tuple(StitchedField(left, left + width, float(rng.normal(1.0, microscope.seams))) for left in lefts)
    axis_px = rng.normal(0.0, 80.0, 2)
    return Stitching(fields, float(rng.uniform(*microscope.vignetting)), (float(axis_px[0]), float(axis_px[1])))


def draw_focus(
    frame: Frame, microscope: Microscope, blurred: tuple[BlurredField, ...], rng: np.random.Generator
) -> Focus:
    """Sharp where the stage is in focus, softer where it has drifted; by a pixel or so, but for blurred fields."""
    sharp_px = WIDENING[1] * microscope.point_spread_um / frame.pixel_size_um
    x_um = np.arange(frame.columns) * frame.pixel_size_um
    drift = np.sin(2 * np.pi * x_um / rng.uniform(250, 700) + rng.uniform(0, 2 * np.pi))
    softness = np.clip(0.22 + 0.22 * drift + 0.1 * rng.standard_normal(), 0.0, 0.7).astype(np.float32)
    return Focus(sharp_px, microscope.softest * sharp_px, softness, blurred)


def expose(
    light: Light,
    stitching: Stitching,
    focus: Focus,
    illumination: float,
    microscope: Microscope,
    rng: np.random.Generator,
) -> Light:
    """Photograph light: float32, shape (3, rows, columns), full scale at 1. The light is used up."""
    shading = field_gain(stitching, light.shape[1], light.shape[2])
    balance = illumination * np.array(microscope.light_colour) * (1.0 + 0.008 * rng.standard_normal(3))
    for channel, (widening, brightness) in enumerate(zip(WIDENING, balance, strict=True)):
        plane = blurred(light[channel], focus, widening / WIDENING[1])
        plane *= shading
        plane *= np.float32(brightness)
        plane += np.float32(microscope.black_level)
        add_noise(plane, microscope, rng)
        np.clip(plane, 0.0, 1.0, out=light[channel])
    return light


def digitised(light: Light, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """What the camera stores of light from 0 to 1: shape (3, rows, columns) in, (rows, columns, 3) out."""
    kind = np.uint8 if bits == 8 else np.uint16
    pixels = np.empty((*light.shape[1:], 3), kind)
    for channel, plane in enumerate(light):
        pixels[..., channel] = np.rint(plane * np.float32(np.iinfo(kind).max))
    return pixels


def blurred(plane: Light, focus: Focus, widening: float = 1.0) -> Light:
    """One plane as the lens shows it, column by column between sharp and soft."""
    image = ndimage.gaussian_filter(plane, widening * focus.sharp_px, truncate=3.5)
    if focus.softness.any():
        soft = ndimage.gaussian_filter(plane, widening * focus.soft_px, truncate=3.0)
        soft -= image
        soft *= focus.softness
        image += soft
    for field in focus.blurred:
        _blur_field(image, field)
    return image


def _blur_field(image: Light, field: BlurredField) -> None:
    left, right = max(field.left - 4 * FADE_PX, 0), min(field.right + 4 * FADE_PX, image.shape[1])
    part = image[:, left:right]
    soft = ndimage.gaussian_filter(part, field.deviation_px, truncate=3.5)
    soft -= part
    soft *= _within(field, image.shape[1])[left:right].astype(np.float32)
    part += soft


def _within(field: BlurredField, columns: int) -> NDArray[np.float64]:
    """1 inside a blurred field, 0 outside, a ramp inside its ends."""
    column = np.arange(columns)
    return np.clip(np.minimum(column + 1 - field.left, field.right - column) / FADE_PX, 0.0, 1.0)


def field_gain(stitching: Stitching, rows: int, columns: int) -> Light:
    """Vignetting of the stitched fields, blended where they overlap; shape (rows, columns)."""
    gain, total = np.zeros((rows, columns), np.float32), np.zeros(columns, np.float32)
    off_row, off_column = stitching.axis_px
    for field in stitching.fields:
        column = np.arange(max(field.left, 0), min(field.right, columns))
        # The outermost fields go on beyond the frame's ends.
        weight = np.clip(np.minimum(column - field.left + 1, field.right - column) / 40.0, 0.02, 1.0)
        half = (field.right - field.left) / 2
        across, upright = (
            (column - field.left - half - off_column) / half,
            (np.arange(rows) - rows / 2 - off_row) / half,
        )
        one = field.gain * (1.0 - stitching.vignetting * (across[None, :] ** 2 + upright[:, None] ** 2))
        gain[:, column] += (weight * one).astype(np.float32)
        total[column] += weight.astype(np.float32)
    return np.asarray(gain / np.maximum(total, np.float32(1e-3)))


def add_noise(plane: Light, microscope: Microscope, rng: np.random.Generator) -> None:
    """Shot noise, whose variance is the light over the full well, and read noise. Changes the plane."""
    deviation = np.maximum(plane, 0.0)
    deviation /= np.float32(microscope.full_well)
    deviation += np.float32(microscope.read_noise**2)
    np.sqrt(deviation, out=deviation)
    deviation *= rng.standard_normal(plane.shape, np.float32)
    plane += deviation
