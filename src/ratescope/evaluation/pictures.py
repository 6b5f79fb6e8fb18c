"""Pictures as they stand inside an HTML file: small, encoded as text, with coordinates for what is drawn over them."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ratescope.imaging.levelling import levelled_pixels
from ratescope.records import Box, Finding, Prepared, Status
from ratescope.units import bar_length_um

WIDEST_PX = 1600  # our choice: sharp at page width, some 150 kB


@dataclass(frozen=True)
class DrawnSection:
    """A section's box in the picture's pixels, with its number."""

    index: int
    status: Status
    reasons: tuple[Finding, ...]
    box: Box


@dataclass(frozen=True)
class Mosaic:
    """A levelled micrograph, shrunk to page width, and what is drawn over it, in the picture's pixels.

    Attributes
    ----------
    uri : str
        The picture itself.
    foil_row : float or None
        Of the levelled foil line.
    surface : tuple of str
        Runs of ``column,row`` pairs, as an SVG polyline takes them.
    bar_px : float
        Length of the scale bar of ``bar_um``.
    """

    uri: str
    width: int
    height: int
    foil_row: float | None
    surface: tuple[str, ...]
    coating: Box | None
    sections: tuple[DrawnSection, ...]
    bar_px: float
    bar_um: int


def mosaic(prepared: Prepared) -> Mosaic | None:
    """The levelled micrograph with foil, surface, coating and sections; None where it was refused before levelling."""
    if prepared.pixels is None or prepared.level_to_file is None or prepared.pixel_size_um is None:
        return None
    levelled = levelled_pixels(prepared)
    rows, columns = levelled.shape[:2]
    shrink = min(1.0, WIDEST_PX / columns)
    width, height = max(round(columns * shrink), 1), max(round(rows * shrink), 1)
    coating = prepared.coating
    bar_um = bar_length_um(columns * prepared.pixel_size_um / 4)
    return Mosaic(
        uri=jpeg_uri(levelled, width=width),
        width=width,
        height=height,
        foil_row=_mean_row(coating.foil_rows, shrink) if coating else None,
        surface=_runs(coating.surface_rows, shrink) if coating else (),
        coating=_scaled(coating.box, shrink) if coating else None,
        sections=tuple(
            DrawnSection(section.index, section.status, section.reasons, _scaled(section.box, shrink))
            for section in prepared.sections
            if section.box is not None
        ),
        bar_px=bar_um / prepared.pixel_size_um * shrink,
        bar_um=bar_um,
    )


def jpeg_uri(pixels: NDArray[np.uint8], *, width: int | None = None, quality: int = 85) -> str:
    """A picture, shrunk to a width where one is given, as a data address for an ``<img>``."""
    picture = Image.fromarray(pixels)
    if width is not None and width < picture.width:
        height = max(round(picture.height * width / picture.width), 1)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=quality, optimize=True)
    return _uri("image/jpeg", content.getvalue())


def svg_uri(svg: bytes) -> str:
    """A drawn figure as a data address; inside an ``<img>`` its identifiers cannot meet another figure's."""
    return _uri("image/svg+xml", svg)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def _scaled(box: Box, shrink: float) -> Box:
    return Box(box.top * shrink, box.bottom * shrink, box.left * shrink, box.right * shrink)


def _mean_row(rows: NDArray[np.float64], shrink: float) -> float | None:
    seen = rows[np.isfinite(rows)]
    return float(np.median(seen)) * shrink if seen.size else None


def _runs(rows: NDArray[np.float64], shrink: float) -> tuple[str, ...]:
    """The line through the columns where it was seen, a point every fourth pixel of the picture."""
    step = max(round(4 / shrink), 1)
    columns = np.arange(0, len(rows), step)
    seen = np.isfinite(rows[columns])
    pieces = np.split(columns, np.flatnonzero(np.diff(seen)) + 1)
    return tuple(
        " ".join(f"{column * shrink:.1f},{rows[column] * shrink:.1f}" for column in piece)
        for piece in pieces
        if len(piece) > 1 and np.isfinite(rows[piece[0]])
    )
