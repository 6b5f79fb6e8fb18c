"""Turn the micrograph so that the foil lies level (section 2.3), and resample pixels by an affine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ratescope.imaging.grey import grey_of
from ratescope.records import Collector, Micrograph

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Level:
    """A micrograph turned about its centre so that the foil line is horizontal.

    Attributes
    ----------
    pixels : uint8 array, shape (rows, columns, 3)
        As large as the file; what lies outside it is black.
    grey : uint8 array, shape (rows, columns)
    to_file : float array, shape (2, 3)
        (row, column, 1) here → (row, column) in the file.
    pixel_size_um : float
    """

    pixels: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    to_file: Floats
    pixel_size_um: float

    def from_file(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Rows and columns in the file → rows and columns here."""
        off = np.stack([rows, columns]) - self.to_file[:, 2:]
        turned = np.linalg.solve(self.to_file[:, :2], off)
        return turned[0], turned[1]


def level(micrograph: Micrograph, collector: Collector) -> Level:
    """Turn the micrograph by the foil's tilt: "a slight rotation" (section 2.3)."""
    rows, columns = micrograph.pixels.shape[:2]
    to_file = level_to_file((rows, columns), collector.tilt_deg)
    # Only looked at and measured, never shown to the network: 8 bits and bilinear will do, in a tenth of the time.
    turned = Image.fromarray(micrograph.pixels).transform(
        (columns, rows), Image.Transform.AFFINE, _pillow_affine(to_file), resample=Image.Resampling.BILINEAR
    )
    pixels = np.asarray(turned)
    return Level(pixels, grey_of(pixels), to_file, micrograph.pixel_size_um)


def level_to_file(shape: tuple[int, int], tilt_deg: float) -> Floats:
    """The turn about the centre of an image of this shape, as an affine on (row, column, 1).

    >>> level_to_file((3, 5), 90.0).round(9).tolist()  # the foil falls straight down
    [[0.0, 1.0, -1.0], [-1.0, 0.0, 3.0]]
    """
    cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centre = (np.array(shape) - 1) / 2.0
    return np.column_stack([turn, centre - turn @ centre])


def resample(pixels: NDArray[np.float32], affine: Floats, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixel (row, column) of the result is the input at ``affine @ (row, column, 1)``, by cubic splines.

    Parameters
    ----------
    pixels : float array, shape (rows, columns, channels)

    Examples
    --------
    >>> pixels = np.arange(4, dtype=np.float32).reshape(1, 4, 1)
    >>> resample(pixels, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), (1, 3)).ravel().tolist()
    [1, 2, 3]
    """
    turn, offset = affine[:, :2], affine[:, 2]
    channels = [
        ndimage.affine_transform(channel, turn, offset, shape, output=np.float32, order=3, mode="mirror")
        for channel in np.moveaxis(pixels, 2, 0)
    ]
    return np.asarray(np.clip(np.rint(np.stack(channels, axis=2)), 0, 255), dtype=np.uint8)


def _pillow_affine(affine: Floats) -> tuple[float, ...]:
    """Pillow counts x before y, and from the corner of a pixel instead of its centre."""
    (row_row, row_column, row_0), (column_row, column_column, column_0) = affine
    x_0 = column_0 + 0.5 - (column_column + column_row) / 2.0
    y_0 = row_0 + 0.5 - (row_column + row_row) / 2.0
    return column_column, column_row, x_0, row_column, row_row, y_0
