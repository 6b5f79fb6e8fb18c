"""The pens of the pictures: lines that show on bright foil and in dark pores, and that colour-blind eyes tell apart.

Every line has a dark halo, and differs from the others by more than its colour (colours after Okabe and Ito).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pen:
    """How a line is drawn: colour, width and dash (drawn, left out) in pixels of the picture."""

    colour: str
    width: int = 2
    dash: tuple[int, int] | None = None


FOIL_LINE = Pen("#ffb000", 3)
FOIL_EDGE = Pen("#f0e442", 2)
SURFACE = Pen("#1fd6a4", 2)
OTHER_SURFACE = Pen("#1fd6a4", 2, (8, 6))
CLEAN = Pen("#ffffff", 1, (5, 9))
USED = Pen("#56b4e9", 3)
REFUSED = Pen("#ff6a13", 3, (12, 6))
BURNT_IN = Pen("#e38bc0", 2, (2, 3))


def stroke(draw: ImageDraw.ImageDraw, points_xy: Floats, pen: Pen) -> None:
    """Draw a line through points (x, y), shape (n, 2), with its halo."""
    # Under dashes the halo goes on, so that the line can be followed over bright foil too.
    draw.line(points_xy.ravel().tolist(), fill="#000000", width=pen.width + 2)
    for line in [points_xy] if pen.dash is None else _dashes(points_xy, *pen.dash):
        draw.line(line.ravel().tolist(), fill=pen.colour, width=pen.width)


def _dashes(points_xy: Floats, drawn: int, left_out: int) -> Iterator[Floats]:
    """The dashes along a line, each of two points, shape (2, 2).

    >>> [dash.tolist() for dash in _dashes(np.array([[0.0, 0.0], [8.0, 0.0]]), 3, 2)]
    [[[0.0, 0.0], [3.0, 0.0]], [[5.0, 0.0], [8.0, 0.0]]]
    """
    lengths = np.hypot(*np.diff(points_xy, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    starts = np.arange(0.0, along[-1], drawn + left_out)
    stops = np.minimum(starts + drawn, along[-1])
    ends = np.stack([[np.interp(at, along, axis) for axis in points_xy.T] for at in (starts, stops)])
    yield from np.moveaxis(ends, 2, 0)
