"""What preparation does wrong, at known places: every kind of flaw, with the box of the pixels that it touches.

Each kind is painted on a canvas: on the light before the lens, and on the phase map. What is painted later covers what
was there: grains are pulled out before the last polish scratches and smears, and dust falls last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ratescope.records import Box
from ratescope.virtual_lab.cross_section import View
from ratescope.virtual_lab.frame import Frame

ArtefactKind = Literal["void", "bubble", "smear", "scratch", "dust", "blur"]
ARTEFACT_KINDS: tuple[ArtefactKind, ...] = get_args(ArtefactKind)


@dataclass(frozen=True)
class Artefact:
    """A flaw of preparation and the pixels that it touches; "blur", a field out of focus, has no phase of its own."""

    kind: ArtefactKind
    box: Box


@dataclass(frozen=True, eq=False)
class Canvas:
    """What artefacts are painted on.

    Attributes
    ----------
    light : float32 array, shape (3, rows, columns)
        Reflected, before the lens.
    phases : uint8 array, shape (rows, columns)
    seen : View
        What was there before any artefact.
    frame : Frame
    polish_deg : float
        Direction in which the last polish moved, from the columns towards the rows.
    """

    light: NDArray[np.float32]
    phases: NDArray[np.uint8]
    seen: View
    frame: Frame
    polish_deg: float

    def many(self, per_mm: float, rng: np.random.Generator) -> int:
        """How many flaws of a kind there are on this width."""
        return int(rng.poisson(per_mm * self.frame.columns * self.frame.pixel_size_um * 1e-3))


@dataclass(frozen=True, eq=False)
class Strip:
    """A piece of the canvas around a line: its slices, and how far each pixel lies along and across, in µm."""

    part: tuple[slice, slice]
    along_um: NDArray[np.float64]
    across_um: NDArray[np.float64]


def strip_around(
    frame: Frame, middle: NDArray[np.float64], angle_deg: float, length_um: float, margin_um: float
) -> Strip:
    """The part of a frame around a line of a length and direction through a middle (row, column)."""
    angle = np.deg2rad(angle_deg)
    reach_px = (0.5 * length_um * np.abs([np.sin(angle), np.cos(angle)]) + margin_um) / frame.pixel_size_um
    low = np.maximum(middle - reach_px, 0).astype(int)
    high = np.minimum(middle + reach_px + 1, (frame.rows, frame.columns)).astype(int)
    row = (np.arange(low[0], high[0])[:, None] - middle[0]) * frame.pixel_size_um
    column = (np.arange(low[1], high[1])[None, :] - middle[1]) * frame.pixel_size_um
    return Strip(
        (slice(low[0], high[0]), slice(low[1], high[1])),
        row * np.sin(angle) + column * np.cos(angle),
        row * np.cos(angle) - column * np.sin(angle),
    )


def box_of(is_there: NDArray[np.bool_], part: tuple[slice, slice]) -> Box | None:
    """The box of the pixels of a part that are marked; None where none is."""
    rows, columns = np.flatnonzero(is_there.any(axis=1)), np.flatnonzero(is_there.any(axis=0))
    if rows.size == 0:
        return None
    top, left = part[0].start, part[1].start
    return Box(float(top + rows[0]), float(top + rows[-1] + 1), float(left + columns[0]), float(left + columns[-1] + 1))
