"""Letters on pictures: a font that knows µ, ± and −, text that fits a width, and the colours of what is said."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK, MUTED, PAPER, GREY = "#1d2a36", "#5c6975", "#ffffff", "#c9ced3"
BLUE, AMBER, VERMILLION = "#0072b2", "#e69f00", "#c4511f"  # used, used in part, refused: apart for all eyes


@cache
def font(size_px: int, *, bold: bool = False) -> Font:
    """DejaVu Sans, which comes with matplotlib; Pillow's own font, which lacks the µ, where that is missing.

    Only the font's file is opened: matplotlib itself is never imported.
    """
    home = find_spec("matplotlib")
    name = f"mpl-data/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf"
    for folder in (home.submodule_search_locations or ()) if home else ():
        if (Path(folder) / name).is_file():
            return ImageFont.truetype(Path(folder) / name, size_px, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(size_px)


def wrapped(text: str, letters: Font, width_px: float) -> list[str]:
    """Lines of whole words, each at most ``width_px`` wide; a word that is wider is broken.

    >>> wrapped("one two three", font(10), 50)
    ['one two', 'three']
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if letters.getlength(longer) <= width_px:
            line = longer
            continue
        lines += [line] if line else []
        *whole, line = _broken(word, letters, width_px)
        lines += whole
    return [*lines, line] if line else lines


def _broken(word: str, letters: Font, width_px: float) -> list[str]:
    """Pieces of a word; as a rule the word itself."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and letters.getlength(pieces[-1] + letter) > width_px:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def shortened(name: str, letters: Font, width_px: float) -> str:
    """A file's name with an ellipsis for its beginning where it is too wide: names differ at their end.

    >>> shortened("year/march/area_12.tif", font(10), 80)
    '…ch/area_12.tif'
    """
    if letters.getlength(name) <= width_px:
        return name
    cut = next((i for i in range(1, len(name)) if letters.getlength("…" + name[i:]) <= width_px), len(name))
    return "…" + name[cut:]
