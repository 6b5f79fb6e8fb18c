"""What the preparation saw, drawn on a small picture of the micrograph in the file's own orientation.

The micrograph is shrunk first and everything is drawn in the picture's scale: the big image is never turned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ratescope.imaging.caption import draw_caption
from ratescope.imaging.pens import (
    BURNT_IN,
    CLEAN,
    FOIL_EDGE,
    FOIL_LINE,
    OTHER_SURFACE,
    REFUSED,
    SURFACE,
    USED,
    Pen,
    stroke,
)
from ratescope.lettering import BLUE, GREY, MUTED, PAPER, VERMILLION, font, wrapped
from ratescope.records import Box, Coating, Collector, Prepared, Section

Floats = NDArray[np.float64]

WIDEST_PX, TALLEST_PX = 2100, 900  # our choice: a third of the paper's 975 × 6300 mosaic, some 200 kB
NARROWEST_PX = 900  # our choice: smaller images are enlarged, up to four times
UNREADABLE_PX = (150, 1200)  # rows and columns of the grey card that stands for what could not be read


@dataclass(frozen=True, eq=False)
class View:
    """The shrunk micrograph while it is drawn on; ``scale`` is its pixels per pixel of the file."""

    picture: Image.Image
    scale: float
    pens: dict[str, Pen] = field(default_factory=dict)
    """What was drawn, for the legend."""

    def line(self, what: str, pen: Pen, points: Floats) -> None:
        """A line through points (row, column) of the file, shape (n, 2)."""
        self.pens[what] = pen
        stroke(ImageDraw.Draw(self.picture), (points[:, ::-1] + 0.5) * self.scale - 0.5, pen)


def view_size(shape: tuple[int, int] | None) -> tuple[int, int]:
    """Rows and columns of the micrograph's part of a picture, which lies at its top left.

    Parameters
    ----------
    shape : rows and columns of the file; None where it could not be read

    Examples
    --------
    >>> view_size((975, 6300)), view_size((3000, 3000)), view_size((400, 1000)), view_size((200, 450))
    ((325, 2100), (900, 900), (400, 1000), (400, 900))
    """
    if shape is None:
        return UNREADABLE_PX
    most = max(1.0, min(NARROWEST_PX / shape[1], 4.0))
    scale = min(WIDEST_PX / shape[1], TALLEST_PX / shape[0], most)
    return max(round(shape[0] * scale), 1), max(round(shape[1] * scale), 1)


def draw_preparation(
    prepared: Prepared, pixels: NDArray[np.uint8] | None, *, burnt_in: Sequence[Box] = ()
) -> Image.Image:
    """Foil, surface, clean rectangle, sections and what was refused, over a strip that says it in words.

    Parameters
    ----------
    pixels : uint8 array, shape (rows, columns, 3), or None
        Of the file, as it is; None where it could not be read: then a grey card takes its place.
    burnt_in : boxes in the file's pixels, where they are known

    Returns
    -------
    Image
        RGB; the micrograph's part, of `view_size`, stands at the top left, the strip under it.

    Examples
    --------
    >>> from ratescope.records import Finding
    >>> reason = Finding("empty-file", "a.tif is empty. Copy it again from the microscope.")
    >>> draw_preparation(Prepared("a.tif", "refused", None, (reason,)), None).width
    1200
    """
    view = _view(pixels)
    _draw_collector(view, prepared.collector, pixels)
    _draw_coatings(view, prepared)
    for box in burnt_in:
        view.line("burnt-in box", BURNT_IN, _corners(box))
    _draw_sections(view, prepared)
    _draw_verdict(view, prepared)
    return _over(view.picture, _caption(prepared, view, pixels))


def _view(pixels: NDArray[np.uint8] | None) -> View:
    if pixels is None:
        rows, columns = view_size(None)
        card = Image.new("RGB", (columns, rows), GREY)
        said = "no picture: this file could not be read"
        ImageDraw.Draw(card).text((columns / 2, rows / 2), said, font=font(24), fill=MUTED, anchor="mm")
        return View(card, 1.0)
    rows, columns = view_size((pixels.shape[0], pixels.shape[1]))
    # Pillow averages whole blocks of pixels first and interpolates only what is left of the way.
    small = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=1.0)
    return View(small, columns / pixels.shape[1])


# --- lines --------------------------------------------------------------------------------------------------------


def _draw_collector(view: View, collector: Collector | None, pixels: NDArray[np.uint8] | None) -> None:
    """The edges of the foil as they were seen, and the least-squares line."""
    if collector is None or pixels is None:
        return
    for rows in (collector.far_edge_rows, collector.edge_rows):
        for run in _runs(rows, view.scale):
            view.line("foil edge as seen", FOIL_EDGE, run)
    ends = [(collector.row_left, 0.0), (collector.row_right, pixels.shape[1] - 1.0)]
    view.line("foil line (least squares)", FOIL_LINE, np.array(ends))


def _draw_coatings(view: View, prepared: Prepared) -> None:
    to_file = prepared.level_to_file
    if to_file is None:
        return
    for coating, what, pen in (
        (prepared.other_coating, "surface of the other coating", OTHER_SURFACE),
        (prepared.coating, "surface", SURFACE),
    ):
        for run in _runs(coating.surface_rows if coating else None, view.scale):
            view.line(what, pen, _in_file(run, to_file))
    if prepared.coating is not None:
        view.line("largest clean rectangle", CLEAN, _in_file(_corners(prepared.coating.box), to_file))


def _runs(rows: Floats | None, scale: float) -> Iterator[Floats]:
    """Pieces (row, column), shape (n, 2), of a line over the columns, where it was seen; a point per 3 picture pixels.

    >>> [run.tolist() for run in _runs(np.array([1.0, 2.0, np.nan, 4.0, 5.0]), 3.0)]
    [[[1.0, 0.0], [2.0, 1.0]], [[4.0, 3.0], [5.0, 4.0]]]
    """
    if rows is None:
        return
    columns = np.arange(0, len(rows), max(round(3 / scale), 1))
    seen = np.isfinite(rows[columns])
    for piece in np.split(columns, np.flatnonzero(np.diff(seen)) + 1):
        if len(piece) > 1 and np.isfinite(rows[piece[0]]):
            yield np.column_stack([rows[piece], piece.astype(np.float64)])


def _in_file(points: Floats, level_to_file: Floats) -> Floats:
    return np.asarray(points @ level_to_file[:, :2].T + level_to_file[:, 2])


def _corners(box: Box) -> Floats:
    """The outline of a box, closed, as (row, column); its edges are pixel edges (centre − ½)."""
    top, bottom, left, right = box.top - 0.5, box.bottom - 0.5, box.left - 0.5, box.right - 0.5
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left), (top, left)])


# --- sections -----------------------------------------------------------------------------------------------------


def _draw_sections(view: View, prepared: Prepared) -> None:
    """The crop of each section with its number, of refused ones also the codes; a line where there is no crop."""
    if prepared.level_to_file is None or prepared.coating is None:
        return
    slices = _slices(prepared.coating, len(prepared.sections))
    # Refused ones last: theirs are the lines that must not be covered.
    for section in sorted(prepared.sections, key=lambda section: section.status == "refused"):
        is_used = section.status == "prepared"
        box = section.box or slices[section.index]
        outline = _in_file(_corners(box), prepared.level_to_file)
        what, pen = ("section used", USED) if is_used else ("section refused", REFUSED)
        view.line(what, pen, outline if section.box else outline[:2])
        corner = (outline[0, ::-1] + 0.5) * view.scale
        _plate(view, corner, _label(section), BLUE if is_used else VERMILLION, room_px=box.width * view.scale)


def _slices(coating: Coating, count: int) -> list[Box]:
    """Where sections lie that have no crop: even slices of the clean width, as a line along the coating's middle."""
    upper, lower = coating.clean_rows
    clean = np.flatnonzero(np.isfinite(lower - upper))
    first, stop = (clean[0], clean[-1] + 1) if clean.size else (0, len(coating.surface_rows))
    middle = float(np.nanmean(coating.foil_rows) + np.nanmean(coating.surface_rows)) / 2.0
    edges = np.linspace(first, stop, count + 1).tolist()
    gap = 0.02 * (stop - first) / max(count, 1)
    return [Box(middle, middle, left + gap, right - gap) for left, right in pairwise(edges)]


def _label(section: Section) -> str:
    return " ".join([str(section.index), *dict.fromkeys(reason.code for reason in section.reasons)])


def _plate(view: View, corner_xy: Floats, text: str, colour: str, *, room_px: float) -> None:
    """A filled plate with white letters, its upper left corner in a box's, as wide as the box at most."""
    letters = font(_letter_px(view), bold=True)
    while len(text) > 1 and letters.getlength(text) > room_px - 10:
        text = text.removesuffix("…")[:-1] + "…"
    x, y = max(float(corner_xy[0]), 0.0) + 2, max(float(corner_xy[1]), 0.0) + 2
    width, height = letters.getlength(text) + 8, _letter_px(view) * 1.3 + 2
    y = min(y, view.picture.height - height - 1)
    draw = ImageDraw.Draw(view.picture)
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    draw.text((x + 4, y + height / 2), text, font=letters, fill=PAPER, anchor="lm")


def _letter_px(view: View) -> int:
    return int(np.clip(view.picture.width / 110, 13, 18))


def _draw_verdict(view: View, prepared: Prepared) -> None:
    """A refused micrograph says so in its corner, where it hides least."""
    if prepared.status == "prepared":
        return
    draw = ImageDraw.Draw(view.picture)
    draw.rectangle((0, 0, view.picture.width - 1, view.picture.height - 1), outline=VERMILLION, width=5)
    letters = font(int(np.clip(view.picture.width / 60, 13, 28)), bold=True)
    codes = ", ".join(dict.fromkeys(reason.code for reason in prepared.reasons))
    said = wrapped(f"refused: {codes}", letters, max(view.picture.width - 30, 60))[0]
    _, _, right, bottom = draw.textbbox((14, 12), said, font=letters)
    draw.rectangle((0, 0, right + 12, bottom + 10), fill=VERMILLION)
    draw.text((14, 12), said, font=letters, fill=PAPER)


def _caption(prepared: Prepared, view: View, pixels: NDArray[np.uint8] | None) -> Image.Image:
    shape = None if pixels is None else (pixels.shape[0], pixels.shape[1])
    width = max(view.picture.width, NARROWEST_PX)
    return draw_caption(prepared, view.pens, width=width, shape=shape, scale=view.scale)


def _over(view: Image.Image, strip: Image.Image) -> Image.Image:
    both = Image.new("RGB", (strip.width, view.height + strip.height), PAPER)
    both.paste(view, (0, 0))
    both.paste(strip, (0, view.height))
    return both
