"""Turn the micrograph so that the foil lies level (section 2.3), and resample pixels by an affine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ratescope.errors import MicrographError
from ratescope.records import Prepared

Floats = NDArray[np.float64]

# Cubic convolution (R. G. Keys, IEEE Trans. ASSP 29 (1981) 1153) at a quarter of a pixel before the third of four.
QUARTER_WEIGHTS = np.array([-0.0234375, 0.2265625, 0.8671875, -0.0703125], np.float32)


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
    coarse as their pixels, as good as cubic splines in a quarter of the time. This is done in two passes, first along
    the input's columns, then along the result's rows (E. Catmull and A. R. Smith, SIGGRAPH 1980, 279), so the turn has
    to be slight. What lies outside the input is as its border.

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
    (row_row, row_column, row_0), (column_row, column_column, column_0) = affine
    row, column = np.arange(shape[0]), np.arange(shape[1])
    # Where each row of the result crosses each column of the input, as a column of the result.
    crossing = (np.arange(columns) - column_row * row[:, None] - column_0) / column_column
    in_columns = _places(row_row * row[:, None] + row_column * crossing + row_0, rows)
    in_rows = _places(column_row * row + column_column * column[:, None] + column_0, columns)
    resampled = np.empty((*shape, channels), np.uint8)
    for channel in range(channels):  # one by one, which stay in the processor's cache
        turned = _interpolated(pixels[..., channel], in_columns)
        turned = _interpolated(turned.T, in_rows).T
        resampled[..., channel] = np.clip(np.rint(turned), 0, 255)
    return resampled


def _places(at: Floats, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For `_interpolated`: which half pixel lies before each place, counted through the table, and how far before it.

    Parameters
    ----------
    at : float array, shape (places, columns)
        Rows, of ``count`` in each column.
    """
    half = 2.0 * at + 0.5  # the first half pixel lies a quarter of a pixel before the first pixel
    before = np.clip(half.astype(np.intp), 0, 2 * count - 2)
    return before * at.shape[1] + np.arange(at.shape[1]), np.clip(half - before, 0.0, 1.0).astype(np.float32)


def _interpolated(
    pixels: NDArray[np.float32], places: tuple[NDArray[np.intp], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Values at places in the columns of a picture, shape (places, columns)."""
    (before, share), halves = places, _halved(pixels).ravel()
    values, after = halves.take(before), halves[pixels.shape[1] :].take(before)
    values += share * (after - values)
    return values


def _halved(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Twice as many rows, a quarter of a pixel before and behind the old ones, by cubic convolution.

    >>> _halved(np.arange(6, dtype=np.float32)[:, None]).ravel()[4:8].tolist()
    [1.75, 2.25, 2.75, 3.25]
    """
    rows = len(pixels)
    padded = np.concatenate([pixels[[0, 0]], pixels, pixels[[-1, -1]]])
    halved = np.empty((rows, 2, pixels.shape[1]), np.float32)
    for behind, weights in enumerate((QUARTER_WEIGHTS, QUARTER_WEIGHTS[::-1])):
        taps = [padded[first : first + rows] for first in range(behind, behind + 4)]
        halved[:, behind] = sum(weight * tap for weight, tap in zip(weights, taps, strict=True))
    return halved.reshape(2 * rows, -1)


def _transformed(
    pixels: NDArray[np.uint8],
    affine: Floats,
    shape: tuple[int, ...],
    how: Image.Resampling = Image.Resampling.BILINEAR,
) -> NDArray[np.uint8]:
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
