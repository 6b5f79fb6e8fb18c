"""Turn the micrograph so that the foil lies level (section 2.3), and resample pixels by an affine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ratescope.errors import MicrographError
from ratescope.records import Prepared

Floats = NDArray[np.float64]
Pixel = TypeVar("Pixel", np.uint8, np.float32)


@dataclass(frozen=True, eq=False)
class Level:
    """A micrograph turned about its centre so that the foil line is horizontal.

    Attributes
    ----------
    grey : uint8 array, shape (rows, columns)
        As large as the file; what lies outside it is black.
    to_file : float array, shape (2, 3)
        (row, column, 1) here → (row, column) in the file.
    pixel_size_um : float
    """

    grey: NDArray[np.uint8]
    to_file: Floats
    pixel_size_um: float

    def from_file(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Rows and columns in the file → rows and columns here."""
        off = np.stack([rows, columns]) - self.to_file[:, 2:]
        turned = np.linalg.solve(self.to_file[:, :2], off)
        return turned[0], turned[1]

    def rows_in_file(self) -> Floats:
        """First and last row of each column here that lie in the file, shape (2, columns); the first may be larger."""
        shape = np.array(self.grey.shape)
        column = np.arange(shape[1])
        along_row, along_column, start = self.to_file.T[:, :, None]
        at_row_0 = along_column * column + start  # of the file: (row, column) under row 0 here
        with np.errstate(divide="ignore"):
            ends = np.stack([-at_row_0, shape[:, None] - 1.0 - at_row_0]) / along_row
        first, last = np.nan_to_num(np.sort(ends, axis=0), nan=0.0)
        return np.stack([np.clip(first.max(axis=0), 0, shape[0]), np.clip(last.min(axis=0), -1, shape[0] - 1)])


def level(grey: NDArray[np.uint8], pixel_size_um: float, tilt_deg: float) -> Level:
    """Turn a micrograph's grey values by the foil's tilt: "a slight rotation" (section 2.3).

    They are only looked at and measured, never shown to the network: the nearest pixel will do, and keeps the noise.
    """
    to_file = level_to_file(grey.shape, tilt_deg)
    return Level(_transformed(grey, to_file, grey.shape, Image.Resampling.NEAREST), to_file, pixel_size_um)


def levelled_pixels(prepared: Prepared) -> NDArray[np.uint8]:
    """The micrograph in colour, turned so that the foil line is horizontal, shape (rows, columns, 3); for display.

    As it stands in the file where no foil was found.

    Raises
    ------
    MicrographError
        ``unreadable`` if there is no picture.
    """
    if prepared.pixels is None:
        raise MicrographError("unreadable", f"{prepared.file} could not be read, so there is nothing to show.")
    if prepared.level_to_file is None:
        return prepared.pixels
    pixels = prepared.pixels
    return _transformed(pixels, prepared.level_to_file, pixels.shape[:2])


def level_to_file(shape: tuple[int, ...], tilt_deg: float) -> Floats:
    """The turn about the centre of an image of this shape, as an affine on (row, column, 1).

    >>> level_to_file((3, 5), 90.0).round(9).tolist()  # the foil falls straight down
    [[0.0, 1.0, -1.0], [-1.0, 0.0, 3.0]]
    """
    cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centre = (np.array(shape) - 1) / 2.0
    return np.column_stack([turn, centre - turn @ centre])


def resample(pixels: NDArray[np.float32], affine: Floats, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixel (row, column) of the result is the input at ``affine @ (row, column, 1)``, by cubic convolution.

    Pixels are halved by cubic convolution first, then interpolated linearly: on micrographs, whose optics are twice as
    coarse as their pixels, as good as cubic splines in half the time. What lies outside the input is black.

    Parameters
    ----------
    pixels : float array, shape (rows, columns, channels)

    Examples
    --------
    >>> pixels = np.arange(0, 60, 10, dtype=np.float32).reshape(1, 6, 1).repeat(5, axis=0)
    >>> resample(pixels, np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.5]]), (1, 3)).ravel().tolist()
    [15, 25, 35]
    """
    rows, columns, channels = pixels.shape
    to_halves = np.column_stack([2.0 * affine[:, :2], 2.0 * affine[:, 2] + 0.5])
    resampled = np.empty((*shape, channels), np.uint8)
    for channel in range(channels):  # one by one: Pillow rounds down where pixels have 8 bits
        one = Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        halved = one.resize((2 * columns, 2 * rows), Image.Resampling.BICUBIC)
        resampled[..., channel] = np.clip(np.rint(_transformed(np.asarray(halved), to_halves, shape)), 0, 255)
    return resampled


def _transformed(
    pixels: NDArray[Pixel],
    affine: Floats,
    shape: tuple[int, ...],
    how: Image.Resampling = Image.Resampling.BILINEAR,
) -> NDArray[Pixel]:
    picture = Image.fromarray(pixels).transform(
        (shape[1], shape[0]), Image.Transform.AFFINE, _pillow_affine(affine), resample=how
    )
    return np.asarray(picture)


def _pillow_affine(affine: Floats) -> tuple[float, ...]:
    """Pillow counts x before y, and from the corner of a pixel instead of its centre."""
    (row_row, row_column, row_0), (column_row, column_column, column_0) = affine
    x_0 = column_0 + 0.5 - (column_column + column_row) / 2.0
    y_0 = row_0 + 0.5 - (row_column + row_row) / 2.0
    return column_column, column_row, x_0, row_column, row_row, y_0
