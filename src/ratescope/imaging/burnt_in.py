"""What a microscope's software drew into the image: scale bars, framed letters, plain letters.

It is black or white all over, its edges are sharp, and either it is a rectangle along the image's axes or it is made
of strokes of one width: nothing in an embedded electrode is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.records import Box

Flags = NDArray[np.bool_]

BLACK, WHITE = 16, 239  # our choice: as far as JPEG leaves them black and white
LEAST_ROWS, LEAST_COLUMNS, LEAST_PIXELS = 3, 12, 100  # our choice: smaller ones may be pores
FULLEST_PORE = 0.92  # our choice: a disc fills 0.785 of its bounding box
MOST_SHARE = 0.6  # our choice: what is larger, in parts of the image, is resin, vacuum or foil
BLUR_PX = 2  # our choice: edges of drawn boxes are blurred by JPEG and by resizing
COARSE = 4  # our choice: a letter's strokes are at least two pixels wide, and every second pixel is looked at first
LETTER_ROWS = (8, 100)  # our choice: smaller ones cannot be read, larger ones are none
ARROW_COLUMNS, ARROW = 16, 15  # our choice: widest head of an arrow across the coating, and how much longer it is
STROKE = 0.3  # our choice: bold letters' strokes are a quarter of their height wide; grains are rounder
LETTER_STEP = 40  # our choice: ink stands out from what it is written on
MANY = 300  # our choice: more black or white parts are pores or grains; only rectangles are looked for then
LARGE = 1000  # our choice: of blocks; only a box is so large
FRAYED = 40  # our choice: of one part's pieces, more than a line of letters in a box has
ALONE = 0.15  # our choice: a letter that stands alone names a panel, in this outer part of the image's width or height


def find_boxes(grey: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Filled black or white rectangles and lines of letters.

    Letters are not told from other things where most of the image is black and white.

    >>> grey = np.full((60, 80), 128, np.uint8)
    >>> grey[40:50, 50:70] = 0
    >>> find_boxes(grey)
    (Box(top=38, bottom=52, left=48, right=72),)
    """
    boxes, letters = [], []
    for is_white in (False, True):
        for row, column, shape in _extreme_parts(grey, is_white=is_white):
            if _is_rectangle(shape):
                boxes.append(Box(row.start, row.stop, column.start, column.stop))
            elif _is_letter(shape, grey, row, column, is_white=is_white):
                letters.append(_Letter(Box(row.start, row.stop, column.start, column.stop), is_white))
    boxes += _lines_of_letters(letters, grey.shape)
    return tuple(Box(box.top - BLUR_PX, box.bottom + BLUR_PX, box.left - BLUR_PX, box.right + BLUR_PX) for box in boxes)


def _extreme_parts(grey: NDArray[np.uint8], *, is_white: bool) -> Iterator[tuple[slice, slice, Flags]]:
    """Connected black or white parts that are not too large: their rows, their columns, their shape.

    Every second pixel is looked at first, in blocks of two of them: most mosaics show nothing there.
    """
    rows, columns = (size // COARSE * COARSE for size in grey.shape)
    few = grey[:rows:2, :columns:2]
    is_few = few >= WHITE if is_white else few <= BLACK
    if not is_few.any():
        return
    coarse = is_few[::2, ::2] | is_few[1::2, ::2] | is_few[::2, 1::2] | is_few[1::2, 1::2]
    blocks, _ = ndimage.label(coarse, np.ones((3, 3)))
    parts = ndimage.find_objects(blocks)
    filled = np.bincount(blocks.ravel(), minlength=len(parts) + 1)
    for number, part in enumerate(parts, start=1):
        if len(parts) > MANY and filled[number] < max(0.5 * blocks[part].size, 2 * LEAST_PIXELS / COARSE**2):
            continue
        sizes = [(one.stop - one.start) * COARSE for one in part]
        is_large = any(size > MOST_SHARE * whole for size, whole in zip(sizes, grey.shape, strict=True))
        is_slender = sizes[0] >= ARROW * COARSE and sizes[1] <= ARROW_COLUMNS + 2 * COARSE
        if not is_slender and (sizes[1] < LETTER_ROWS[0] or is_large):
            continue
        if filled[number] > LARGE and _span(blocks[part] == number) < 0.8:
            continue  # ragged: foil, or resin
        # Two blocks more on every side: no edge of the part lies beyond them.
        row, column = (slice(max(one.start - 2, 0) * COARSE, (one.stop + 2) * COARSE) for one in part)
        seen = grey[row, column]
        is_here = ndimage.binary_dilation(
            blocks[max(part[0].start - 2, 0) : part[0].stop + 2, max(part[1].start - 2, 0) : part[1].stop + 2] == number
        )
        is_here = is_here.repeat(COARSE, axis=0).repeat(COARSE, axis=1)
        is_here = np.pad(is_here, [(0, max(s - h, 0)) for s, h in zip(seen.shape, is_here.shape, strict=True)], "edge")
        is_extreme = (seen >= WHITE if is_white else seen <= BLACK) & is_here[: seen.shape[0], : seen.shape[1]]
        for down, right, shape in _pieces(is_extreme):
            yield (
                slice(row.start + down.start, row.start + down.stop),
                slice(column.start + right.start, column.start + right.stop),
                shape,
            )


def _pieces(flags: Flags) -> Iterator[tuple[slice, slice, Flags]]:
    """Connected pieces that are as large as letters: their rows, their columns, their shape."""
    labels, count = ndimage.label(flags)
    # A ragged edge of the foil has many small pieces.
    least = LEAST_PIXELS if count > FRAYED else LETTER_ROWS[0] ** 2 // 2
    # Thousands of specks are dropped by their pixels: what spans a box of so many and is connected has 2 √least − 1.
    is_large = np.bincount(labels.ravel()) >= 2.0 * sqrt(least) - 1.0
    is_large[0] = False
    labels = np.asarray(np.cumsum(is_large) * is_large, dtype=np.int32)[labels]
    for number, (row, column) in enumerate(ndimage.find_objects(labels), start=1):
        height, width = row.stop - row.start, column.stop - column.start
        if height >= 2 and height * width >= least:
            yield row, column, labels[row, column] == number


def _is_rectangle(shape: Flags) -> bool:
    height, width = shape.shape
    if 2 <= width <= ARROW_COLUMNS and height >= ARROW * width:  # a line or an arrow that shows the thickness
        return True
    is_thin_line = height == LEAST_ROWS - 1 and width >= 20 * height  # a scale bar
    is_large = height >= LEAST_ROWS and width >= LEAST_COLUMNS and height * width >= LEAST_PIXELS
    if not (is_large or is_thin_line):
        return False
    least = 0.4 if width > 1.6 * height else 0.55  # letters leave that much of a box; a bold letter has less
    if shape.mean() < least or _span(shape) < FULLEST_PORE:
        return False
    sides = [shape, shape[::-1], shape.T, shape.T[::-1]]
    is_straight = [(side[: BLUR_PX + 1].any(axis=0)).mean() > 0.85 for side in sides]
    return bool(sum(is_straight) >= 3)  # letters may touch one side


def _span(shape: Flags) -> float:
    """Share of its bounding box that lies between parts of a shape along its row and along its column.

    Letters inside a box and letters that touch its border count as box.

    >>> _span(np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], dtype=bool))
    1.0
    """

    def between(axis: int) -> Flags:
        back = np.flip(np.logical_or.accumulate(np.flip(shape, axis), axis=axis), axis)
        return np.asarray(np.logical_or.accumulate(shape, axis=axis) & back)

    return float((between(0) | between(1)).mean())


# --- letters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Letter:
    box: Box
    is_white: bool


def _is_letter(shape: Flags, grey: NDArray[np.uint8], row: slice, column: slice, *, is_white: bool) -> bool:
    """Thin strokes of one width, with a sharp edge all around."""
    height, width = shape.shape
    if not LETTER_ROWS[0] <= height <= LETTER_ROWS[1] or width > 1.6 * height:
        return False
    if not 0.1 < shape.mean() < 0.8:
        return False
    top, left = max(row.start - 3, 0), max(column.start - 3, 0)
    around = grey[top : row.stop + 3, left : column.stop + 3].astype(np.int16)
    placed = np.zeros(around.shape, bool)
    placed[row.start - top : row.stop - top, column.start - left : column.stop - left] = shape
    near = ndimage.distance_transform_cdt(~placed, "taxicab") == 3
    # Light that fell through a lens fades over its resolution; ink ends at once.
    ink = 255 if is_white else 0
    if not (np.abs(around[near] - ink) > LETTER_STEP).mean() > 0.85:
        return False
    inside = np.pad(shape, 1)
    depth = ndimage.distance_transform_edt(inside)
    ridge = depth[(depth >= ndimage.maximum_filter(depth, 3)) & inside]
    return bool(2.0 * depth.max() <= STROKE * height + 1.0 and depth.max() <= 2.0 * np.median(ridge))


def _lines_of_letters(letters: Sequence[_Letter], shape: tuple[int, ...]) -> list[Box]:
    """Letters that stand side by side, and lone ones near the image's border."""
    left = sorted(letters, key=lambda letter: letter.box.left)
    lines: list[list[_Letter]] = []
    for letter in left:
        line = next((line for line in lines if _goes_on(line[-1], letter)), None)
        if line is None:
            lines.append([letter])
        else:
            line.append(letter)
    boxes = [_around([letter.box for letter in line]) for line in lines if len(line) > 1]
    alone = [line[0].box for line in lines if len(line) == 1]
    return boxes + [box for box in alone if box.height >= 1.5 * LETTER_ROWS[0] and _is_outer(box, shape)]


def _goes_on(last: _Letter, letter: _Letter) -> bool:
    first, second = last.box, letter.box
    heights = sorted((first.height, second.height))
    overlap = min(first.bottom, second.bottom) - max(first.top, second.top)
    gap = second.left - first.right
    is_like = last.is_white == letter.is_white and heights[1] <= 1.7 * heights[0] and overlap >= 0.5 * heights[0]
    return is_like and -0.2 * heights[1] <= gap <= 1.2 * heights[1]


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.top for box in boxes),
        max(box.bottom for box in boxes),
        min(box.left for box in boxes),
        max(box.right for box in boxes),
    )


def _is_outer(box: Box, shape: tuple[int, ...]) -> bool:
    rows, columns = shape
    is_high = box.bottom < ALONE * rows or box.top > (1 - ALONE) * rows
    return is_high and (box.right < ALONE * columns or box.left > (1 - ALONE) * columns)
