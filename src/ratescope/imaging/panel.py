"""The part of a picture that the microscope saw: without information bars, page margins and other panels.

What a program drew is one colour all over and ends in one row in every column; nothing that was polished does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grey = NDArray[np.uint8]

# Our choice: rows at the border that tell the colour, and grey values that count as one. First those of bars over dark
# vacuum, then those that JPEG or resizing mixed, then lines of one row.
LOOKS = ((3, 3), (3, 6), (1, 6))
FLAT = 0.95  # our choice: share of one colour in a margin that JPEG touched
LEAST_BAR_ROWS = 3  # our choice: letters are higher; a frame may be one row
LEAST_GAP_ROWS = 4  # our choice: gaps between panels are wider; a seam of a mosaic may be a dead row
IN_GAP, OF_GAP = 0.5, 0.8  # our choice: of a gap's colour, letters leave half in each row and most in all of them
INK = 16  # our choice: as far as JPEG leaves black and white what they are
STRAIGHT, REACH_ROWS = 0.95, 8  # our choice: share of columns that end within a row; what is looked at beside the end
SAMPLES = 500  # our choice: columns that tell whether a row is flat; all 6300 of a mosaic take ten times as long
MOST_CUTS = 6  # our choice: frame, margin, caption, bar, its frame and one more


def panel_of(grey: Grey) -> tuple[slice, slice]:
    """Rows and columns of the largest panel, without its information bar.

    >>> grey = np.full((90, 100), 255, np.uint8)
    >>> grey[10:30, 5:90] = grey[40:80, 5:90] = 120
    >>> panel_of(grey)
    (slice(40, 80, None), slice(5, 90, None))
    """
    rows, columns = slice(0, grey.shape[0]), slice(0, grey.shape[1])
    for _ in range(MOST_CUTS):
        before = rows, columns
        rows = _within(rows, largest_part(grey[rows, columns]))
        columns = _within(columns, largest_part(grey[rows, columns].T))
        if (rows, columns) == before:
            break
    return rows, columns


def _within(whole: slice, part: slice) -> slice:
    return slice(whole.start + part.start, whole.start + part.stop)


def largest_part(grey: Grey) -> slice:
    """Rows of the highest part between bars, margins and gaps that run across the whole width."""
    first, stop = bar_rows(grey[::-1]), len(grey) - bar_rows(grey)
    if first >= stop:
        return slice(0, len(grey))
    gaps = gaps_in(grey[first:stop])
    starts = [first, *(first + gap.stop for gap in gaps)]
    stops = [*(first + gap.start for gap in gaps), stop]
    return max((slice(*ends) for ends in zip(starts, stops, strict=True)), key=lambda part: part.stop - part.start)


def bar_rows(grey: Grey) -> int:
    """Rows of an information bar or a page margin at the lower border; 0 if there is none.

    One colour with letters in it and one straight upper edge, or one colour alone that begins in the same row in every
    column.

    >>> grey = np.random.default_rng(0).integers(40, 200, (60, 80)).astype(np.uint8)
    >>> grey[50:] = 0
    >>> bar_rows(grey)
    10
    >>> grey[54:58, 20:40:2] = 255
    >>> bar_rows(grey)
    10
    """
    return next((rows for last, same in LOOKS if (rows := _rows_of_one_colour(grey, last, same))), 0)


def _rows_of_one_colour(grey: Grey, last: int, same: int) -> int:
    colour = int(np.median(grey[-last:]))
    first = _where_colour_begins(grey, colour, same)
    if not 0 < first < len(grey) or _share_of(colour, grey[first - 1], same) >= 0.3:
        return 0  # the image fades into it: resin, vacuum or foil
    count, shares = len(grey) - first, [_share_of(colour, row, same) for row in grey[first:]]
    has_letters = (np.abs(grey[first:].astype(np.int16) - colour) > 60).mean() > 0.002
    is_bar = count >= LEAST_BAR_ROWS and max(shares[:3]) > 0.9 and has_letters
    is_margin = float(np.mean(shares)) > FLAT and begins_straight(grey, first, colour)
    return count if is_bar or is_margin else 0


def _where_colour_begins(grey: Grey, colour: int, same: int) -> int:
    """First row of what has this colour down to the lower border: letters fill less than half of each row."""
    first = len(grey)
    while first > 0 and _share_of(colour, grey[first - 1], same) >= 0.5:
        first -= 1
    return first


def _share_of(colour: int, row: Grey, same: int) -> float:
    return float((np.abs(row.astype(np.int16) - colour) <= same).mean())


def gaps_in(grey: Grey) -> list[slice]:
    """Rows of black or white gaps between panels that stand over one another; letters may stand in them."""
    few = grey[:, :: max(grey.shape[1] // SAMPLES, 1)]
    gaps = []
    for colour in (0, 255):
        share = ((few <= INK) if colour == 0 else (few >= 255 - INK)).mean(axis=1)
        for (gap,) in ndimage.find_objects(ndimage.label(share > IN_GAP)[0]):
            start, stop = gap.start, gap.stop
            if stop - start < LEAST_GAP_ROWS or share[gap].mean() < OF_GAP or start == 0 or stop == len(grey):
                continue
            if begins_straight(few, start, colour) and begins_straight(few[::-1], len(grey) - stop, colour):
                gaps.append(gap)
    return sorted(gaps, key=lambda gap: gap.start)


def begins_straight(grey: Grey, first: int, colour: int) -> bool:
    """Whether a colour begins at this row, give or take one, in nearly every column that shows where it begins.

    >>> grey = np.full((20, 40), 100, np.uint8)
    >>> grey[10:] = 255
    >>> begins_straight(grey, 10, 255)
    True
    >>> grey[10:13, ::4] = 100
    >>> begins_straight(grey, 10, 255)
    False
    """
    top = max(first - REACH_ROWS, 0)
    is_other = np.abs(grey[top : first + 3].astype(np.int16) - colour) > INK
    is_known = is_other.any(axis=0)
    begins = top + len(is_other) - is_other[::-1].argmax(axis=0)
    is_straight = np.abs(begins - first) <= 1
    return bool(is_known.mean() > 0.5 and is_straight[is_known].mean() > STRAIGHT)
