"""Where the pixels of a view lie in the coating: the only place where rows and columns become µm.

In the coating, x runs along the foil, y into the specimen, z up from the mean foil surface. A view is a piece of one
plane of constant y, turned by the tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """A grid of pixels on a cut plane.

    Attributes
    ----------
    rows, columns : int
    pixel_size_um : float
    foil_row : float
        Row of z = 0 at the middle column.
    middle_um : float
        x at that point.
    tilt_deg : float
        Above zero when the foil falls to the right.
    """

    rows: int
    columns: int
    pixel_size_um: float
    foil_row: float
    middle_um: float
    tilt_deg: float = 0.0

    @property
    def along(self) -> tuple[float, float]:
        """Change of (x, z) from one column to the next, in µm."""
        tilt = np.deg2rad(self.tilt_deg)
        return self.pixel_size_um * float(np.cos(tilt)), self.pixel_size_um * float(np.sin(tilt))

    @property
    def down(self) -> tuple[float, float]:
        """Change of (x, z) from one row to the next, in µm."""
        x_um, z_um = self.along
        return z_um, -x_um

    def to_um(self, row: NDArray[np.floating], column: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
        """x and z in µm of pixel centres; the two arguments broadcast.

        >>> frame = Frame(rows=101, columns=201, pixel_size_um=0.5, foil_row=80, middle_um=50.0)
        >>> [float(v) for v in frame.to_um(np.array(60.0), np.array(100.0))]
        [50.0, 10.0]
        """
        right, below = column - (self.columns - 1) / 2, row - self.foil_row
        x_um = self.middle_um + right * self.along[0] + below * self.down[0]
        return x_um, right * self.along[1] + below * self.down[1]

    def to_pixel(self, x_um: NDArray[np.floating], z_um: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
        """Row and column of points in µm: the inverse of `to_um`."""
        right_um, along, squared = x_um - self.middle_um, self.along, self.pixel_size_um**2
        column = (right_um * along[0] + z_um * along[1]) / squared + (self.columns - 1) / 2
        row = (right_um * along[1] - z_um * along[0]) / squared + self.foil_row
        return row, column

    def reaches(
        self, row: NDArray[np.floating], column: NDArray[np.floating], reach_um: NDArray[np.floating]
    ) -> NDArray[np.bool_]:
        """Whether something of a half-width around a pixel may be in view."""
        reach_px = reach_um / self.pixel_size_um + 1.0
        in_rows = (row > -reach_px) & (row < self.rows + reach_px)
        in_columns: NDArray[np.bool_] = (column > -reach_px) & (column < self.columns + reach_px)
        return in_rows & in_columns

    def coarser(self, factor: int) -> Frame:
        """The same view with larger pixels, its corner pixels' outer corners in place (to within one pixel)."""
        return Frame(
            -(-self.rows // factor),
            -(-self.columns // factor),
            self.pixel_size_um * factor,
            (self.foil_row + 0.5) / factor - 0.5,
            self.middle_um + ((-(-self.columns // factor) * factor) - self.columns) / 2 * self.along[0],
            self.tilt_deg,
        )
