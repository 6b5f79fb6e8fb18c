"""The strip of words under the picture of a micrograph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image, ImageDraw

from ratescope.imaging.pens import Pen, stroke
from ratescope.lettering import BLUE, INK, MUTED, PAPER, VERMILLION, font, shortened, wrapped
from ratescope.measured import plus_minus
from ratescope.records import Coating, Finding, Prepared
from ratescope.units import bar_length_um

MOST_NOTES = 14  # our choice: more are counted; prepared.json has them all


def draw_caption(
    prepared: Prepared, pens: Mapping[str, Pen], *, width: int, shape: tuple[int, int] | None, scale: float
) -> Image.Image:
    """Status and name, what was measured, then reasons and findings in words, then the legend and a scale bar.

    Parameters
    ----------
    pens : what was drawn on the picture, in words, and its pen
    shape : rows and columns of the file; None where it could not be read
    scale : pixels of the picture per pixel of the file
    """
    size = int(np.clip(width / 100, 13, 19))
    plain, step, left = font(size), round(size * 1.45), round(size * 1.2)
    said = [(_measured(prepared, shape), INK), *_notes(prepared)]
    lines = [(line, colour) for text, colour in said for line in wrapped(text, plain, width - 2 * left)]
    legend = _flowing(pens, size, width * 0.75 - left)
    strip = Image.new("RGB", (width, round(step * (1.8 + len(lines) + len(legend)))), PAPER)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, round(size / 2), strip.height), fill=_colour(prepared))
    _draw_head(draw, prepared, (left, width - left, step * 0.8), size)
    for number, (line, colour) in enumerate(lines):
        draw.text((left, step * (1.8 + number)), line, font=plain, fill=colour, anchor="lm")
    for number, row in enumerate(legend):
        _draw_legend(draw, row, (left, step * (1.9 + len(lines) + number)), size)
    if shape is not None and prepared.pixel_size_um is not None:
        end = (width - left, strip.height - step * 0.9)
        _draw_scale_bar(draw, prepared.pixel_size_um / scale, end, size)
    return strip


def _draw_head(
    draw: ImageDraw.ImageDraw, prepared: Prepared, left_right_y: tuple[float, float, float], size: int
) -> None:
    """Status, name and how many sections are used, on one line."""
    left, right, y = left_right_y
    plain, bold = font(size), font(size, bold=True)
    status, counts = prepared.status.upper(), _counts(prepared)
    draw.text((left, y), status, font=bold, fill=_colour(prepared), anchor="lm")
    draw.text((right, y), counts, font=plain, fill=INK, anchor="rm")
    beside = left + bold.getlength(status) + size
    name = shortened(prepared.file, bold, right - plain.getlength(counts) - size - beside)
    draw.text((beside, y), name, font=bold, fill=INK, anchor="lm")


def _colour(prepared: Prepared) -> str:
    return BLUE if prepared.status == "prepared" else VERMILLION


def _counts(prepared: Prepared) -> str:
    used = sum(section.status == "prepared" for section in prepared.sections)
    count = len(prepared.sections)
    return f"{used} of {count} section{'' if count == 1 else 's'} used" if count else "no section"


def _measured(prepared: Prepared, shape: tuple[int, int] | None) -> str:
    said = []
    if (coating := prepared.coating) is not None:
        least = "at least " if coating.is_cut else ""
        said.append(f"thickness {least}{_thickness(coating)} (mean ± sd)")
    if (other := prepared.other_coating) is not None:
        said.append(f"other coating {_thickness(other)}")
    if (collector := prepared.collector) is not None:
        said.append(f"tilt {collector.tilt_deg:+.2f}°".replace("-", "−"))
        said.append(f"confidence in the foil {collector.confidence:.2f}")
    if prepared.pixel_size_um is not None:
        said.append(f"{prepared.pixel_size_um:.4g} µm per pixel")
    if shape is not None:
        said.append(f"{shape[0]} × {shape[1]} px")
    return "   ·   ".join(said)


def _thickness(coating: Coating) -> str:
    return f"{coating.thickness_um:.1f} {plus_minus(coating.thickness_sd_um, 1)} µm"


def _notes(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Sentences and their colours: why it was refused, what was noticed, and why sections were refused."""
    notes = [(_sentence(reason), VERMILLION) for reason in prepared.reasons]
    notes += [(f"noticed: {_sentence(finding)}", INK) for finding in prepared.findings]
    sections: dict[str, list[str]] = {}  # by what is said of them, which is often the same
    for section in prepared.sections:
        if section.status == "refused":
            sections.setdefault(" ".join(map(_sentence, section.reasons)), []).append(str(section.index))
    for said, indices in sections.items():
        notes.append((f"section{'s' if len(indices) > 1 else ''} {', '.join(indices)} refused: {said}", VERMILLION))
    yield from notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        yield f"… and {len(notes) - MOST_NOTES} more, see prepared.json", MUTED


def _sentence(finding: Finding) -> str:
    return f"{finding.text} ({finding.code})"


def _flowing(pens: Mapping[str, Pen], size: int, width_px: float) -> list[dict[str, Pen]]:
    """The legend's entries by line."""
    lines: list[dict[str, Pen]] = [{}]
    for what, pen in pens.items():
        if sum(_entry_px(other, size) for other in (*lines[-1], what)) > width_px:
            lines.append({})
        lines[-1][what] = pen
    return lines


def _entry_px(what: str, size: int) -> float:
    return 4.0 * size + font(size - 2).getlength(what)


def _draw_legend(draw: ImageDraw.ImageDraw, pens: Mapping[str, Pen], start_xy: tuple[float, float], size: int) -> None:
    x, y = start_xy
    for what, pen in pens.items():
        stroke(draw, np.array([(x, y), (x + 2 * size, y)]), pen)
        draw.text((x + 2.4 * size, y), what, font=font(size - 2), fill=MUTED, anchor="lm")
        x += _entry_px(what, size)


def _draw_scale_bar(draw: ImageDraw.ImageDraw, pixel_um: float, end_xy: tuple[float, float], size: int) -> None:
    """A bar of a round length in the picture's scale: under the micrograph, where it hides nothing."""
    bar_um = bar_length_um(12 * size * pixel_um)
    right, y = end_xy
    start = right - bar_um / pixel_um
    draw.line((start, y, right, y), fill=INK, width=3)
    for end in (start, right):
        draw.line((end, y - 5, end, y + 5), fill=INK, width=2)
    draw.text((start - size / 2, y), f"{bar_um} µm", font=font(size), fill=INK, anchor="rm")
