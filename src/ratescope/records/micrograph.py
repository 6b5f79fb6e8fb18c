"""A micrograph and what its preparation finds in it: foil, coating, sections with their crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import MicrographError
from ratescope.records.descriptors import Descriptors
from ratescope.records.finding import Finding

Status = Literal["prepared", "refused"]
CoatingSide = Literal["above", "below"]


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A bright-field image of one polished cross-section.

    Attributes
    ----------
    pixels : uint8 array, shape (rows, columns, 3)
        Row 0 is the top of the image.
    pixel_size_um : float
        Edge length of one pixel, in micrometres (0.123 in the paper, section 2.1).
    file : str
        Where it came from.
    findings : tuple of Finding
        What reading it brought to light, such as a conversion from 16 bit.
    """

    pixels: NDArray[np.uint8]
    pixel_size_um: float
    file: str = ""
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise MicrographError(
                "not-rgb",
                f"a micrograph has 8-bit pixels of shape (rows, columns, 3); got {self.pixels.dtype} "
                f"{self.pixels.shape}. Read files with ratescope.imaging.reading.read_micrograph.",
            )
        if not 0.0 < self.pixel_size_um < 1000.0:
            raise MicrographError(
                "pixel-size",
                f"a pixel size is a positive length in µm; got {self.pixel_size_um}. Give it with --pixel-size-um.",
            )


@dataclass(frozen=True, eq=False)
class Collector:
    """The least-squares line of the foil's coating-side edge, in the file's own pixels.

    Attributes
    ----------
    row_left, row_right : float
        Row of the line at the first and at the last column.
    tilt_deg : float
        Above zero when the foil falls to the right.
    coating_side : "above" or "below"
        Where the (thicker) coating lies as seen from the foil.
    confidence : float
        From 0 to 1: how much of the width speaks for this line.
    edge_rows : float array, shape (columns,)
        The edge column by column, NaN where none was seen.
    far_edge_rows : float array, shape (columns,), or None
        The foil's other edge; None where the image border cuts the foil.
    """

    row_left: float
    row_right: float
    tilt_deg: float
    coating_side: CoatingSide
    confidence: float
    edge_rows: NDArray[np.float64]
    far_edge_rows: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows ``top`` to ``bottom``, columns ``left`` to ``right``, the ends excluded."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left


@dataclass(frozen=True, eq=False)
class Coating:
    """The coating between foil and surface, in the levelled micrograph.

    Attributes
    ----------
    box : Box
        The largest rectangle of clean coating.
    thickness_um, thickness_sd_um, thickness_p95_um : float
        Distance of the surface from the foil line: mean, standard deviation and 95th percentile over the columns. The
        surface is the outline of the solid after closing gaps narrower than 6 µm.
    foil_rows, surface_rows : float array, shape (columns,)
        Foil edge and surface column by column, NaN where not seen.
    clean_rows : float array, shape (2, columns)
        First and last clean row column by column, away from burnt-in boxes too; NaN where nothing is.
    is_cut : bool
        The coating runs out of the image: its thickness is at least what is said.
    """

    box: Box
    thickness_um: float
    thickness_sd_um: float
    thickness_p95_um: float
    foil_rows: NDArray[np.float64]
    surface_rows: NDArray[np.float64]
    clean_rows: NDArray[np.float64] = field(default_factory=lambda: np.empty((2, 0)))
    is_cut: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """A slice of the micrograph, ≈ 83 µm wide, and the crop that the network sees.

    Attributes
    ----------
    index : int
        Counted from 0, left to right.
    status : "prepared" or "refused"
    reasons : tuple of Finding
        Why it was refused; empty if it was not.
    box : Box or None
        Of the crop, in the levelled micrograph at the file's own scale.
    crop : uint8 array, shape (224, 672, 3), or None
        At 0.123 µm per pixel.
    """

    index: int
    status: Status
    reasons: tuple[Finding, ...] = ()
    box: Box | None = None
    crop: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """One micrograph after all stages of the preparation, with every intermediate that a person may want to see.

    Attributes
    ----------
    level_to_file : float array, shape (2, 3), or None
        (row, column, 1) in the levelled micrograph → (row, column) in the file.
    pixels : uint8 array, shape (rows, columns, 3), or None
        Of the file, as they were read; `imaging.levelling.levelled_pixels` turns them for display.
    burnt_in : tuple of Box
        Letters, scale bars and the like, in the file's own pixels.
    descriptors : Descriptors or None
        What was measured in the crops; None where there is none, or where nothing in them is darker than the rest.
    """

    file: str
    status: Status
    pixel_size_um: float | None
    reasons: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    collector: Collector | None = None
    coating: Coating | None = None
    other_coating: Coating | None = None
    level_to_file: NDArray[np.float64] | None = None
    pixels: NDArray[np.uint8] | None = None
    burnt_in: tuple[Box, ...] = ()
    descriptors: Descriptors | None = None
    sections: tuple[Section, ...] = ()

    @property
    def crops(self) -> NDArray[np.uint8]:
        """The crops of the prepared sections, shape (n, 224, 672, 3)."""
        crops = [section.crop for section in self.sections if section.crop is not None]
        return np.stack(crops) if crops else np.empty((0, 224, 672, 3), np.uint8)
