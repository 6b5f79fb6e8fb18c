"""The band most like a collector foil in an image: where in each strip, how thick, and how much speaks for it.

The foil is a band of nearly constant thickness (4 to 40 µm, or cut by the image border) that runs across the whole
width, is even along itself, and has a coating with texture on one side at least. Every such band is rated strip by
strip, and the best path through the strips is found exactly, so that noise, seams and a grain that touches the foil
are outvoted by the rest of the width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.grey import block_centres, block_mean, pixels_in
from ratescope.imaging.paths import best_path
from ratescope.records import Box

Floats = NDArray[np.float64]

ROW_UM, STRIP_UM = 0.5, 2.0  # our choice: blocks on which the band is sought; a 4 µm foil is 8 rows
# Our choice: foils on the market are 6 to 25 µm; thick ones are told apart by the edge below them, 1.5 µm deep.
THICKNESSES_UM = np.concatenate([np.arange(4.0, 20.0), np.arange(20.0, 41.0, 2.0)])
THINNEST_VISIBLE_UM = 3.0  # our choice: of a foil that the image border cuts
GUARD_UM, EDGE_UM = 0.5, 1.5  # our choice: rough edge that no mean touches; depth of the means on its two sides
TEXTURE_UM, LATERAL_UM = 8.0, 20.0  # our choice: depth and width in which a coating shows particles and pores
RANK_UM = 25.0  # our choice: depth of the coating whose grey values the band is compared with
MOST_BANDS = 3  # our choice: resin and vacuum, one above each other, may look more like a foil than the foil does
APART_UM, NO_FOIL = 3.0, -2.0  # our choice: a second band lies farther from the first; below what the worst band rates
CUT_EDGE = 0.45  # our choice: what an edge outside the image is worth; a seen one is worth up to 1


@dataclass(frozen=True, eq=False)
class Band:
    """A candidate for the foil, with the coating above it.

    Attributes
    ----------
    columns, rows : float arrays, shape (strips,)
        Its upper edge, in pixels.
    thickness_um : float
    is_cut : bool
        The lower image border cuts it.
    rating : float
        Mean over the strips of `rate_bands`: 3 at most.
    support : float
        Share of the strips that rate at least 1.
    far_edge : float
        How clear its lower edge is, 0 to 1; 0 where the image border cuts it.
    rank : float
        Share of the coating above that is darker than the band: about 1 for bright foils, 0 for resin and vacuum.
    """

    columns: Floats
    rows: Floats
    thickness_um: float
    is_cut: bool
    rating: float
    support: float
    far_edge: float
    rank: float


@dataclass(frozen=True, eq=False)
class Strips:
    """An image as means of small blocks; grey values in units of the image's own texture.

    Attributes
    ----------
    grey, texture : float arrays, shape (rows, strips)
        Means, and their standard deviation along the row in windows 20 µm wide: high in a coating, low in a foil.
    """

    grey: NDArray[np.float32]
    texture: NDArray[np.float32]
    row_um: float
    block_rows: int
    block_columns: int


def strips_of(grey: NDArray[np.uint8], pixel_size_um: float) -> Strips:
    """Means of blocks 0.5 µm high and 2 µm wide."""
    block_rows, block_columns = pixels_in(ROW_UM, pixel_size_um), pixels_in(STRIP_UM, pixel_size_um)
    row_um = block_rows * pixel_size_um
    means = block_mean(grey, block_rows, block_columns)
    smooth = ndimage.uniform_filter1d(means, pixels_in(1.0, row_um), axis=0)
    window = pixels_in(LATERAL_UM, block_columns * pixel_size_um, least=3)
    local = ndimage.uniform_filter1d(smooth, window, axis=1)
    texture = np.sqrt(np.maximum(ndimage.uniform_filter1d(smooth**2, window, axis=1) - local**2, 0.0))
    unit = np.percentile(texture, 75) + 1e-3  # a coating fills a good part of every image that shows one
    # Less their mean, which no rating asks for: sums over rows stay exact in single precision.
    return Strips((means - means.mean()) / unit, texture / unit, row_um, block_rows, block_columns)


def best_bands(
    grey: NDArray[np.uint8], pixel_size_um: float, room_um: float, burnt_in: Sequence[Box] = ()
) -> Iterator[Band]:
    """The bands most like a foil under at least ``room_um`` of coating, best first: three at most.

    None at all where the image is too small for both. Strips do not count for a band that a burnt-in box lies on or
    near there.
    """
    if min(grey.shape) < pixels_in(2.0 * STRIP_UM, pixel_size_um):
        return
    strips = strips_of(grey, pixel_size_um)
    rows, count = strips.grey.shape
    first, last = pixels_in(room_um, strips.row_um), rows - pixels_in(THINNEST_VISIBLE_UM, strips.row_um)
    if first >= last:
        return
    thicknesses = np.unique(np.rint(THICKNESSES_UM / strips.row_um).astype(int))
    top, strip = np.arange(first, last), np.arange(count)
    ratings = rate_bands(strips, thicknesses, top)
    for layer, thickness in enumerate(thicknesses if burnt_in else ()):
        ratings[layer][_is_touched(strips, int(thickness), top, burnt_in)] = 0.0
    for _ in range(MOST_BANDS):
        layer, path = best_path(ratings)
        along, thickness = ratings[layer, path, strip], int(thicknesses[layer])
        is_clear = ~_is_touched(strips, thickness, top, burnt_in)[path, strip]
        if not is_clear.any():
            return
        yield _band(strips, path + first, thickness, along, is_clear)
        near = np.abs(np.arange(len(top))[:, None] - path - thickness // 2) < thickness // 2 + APART_UM / strips.row_um
        ratings[:, near] = NO_FOIL


def _band(
    strips: Strips, path: NDArray[np.int_], thickness: int, along: NDArray[np.float32], is_clear: NDArray[np.bool_]
) -> Band:
    """What is known of the band whose upper rows are ``path``; ``along`` are its ratings."""
    rows, count = strips.grey.shape
    far_edge = np.where(
        path + thickness < rows, _clear_edges(strips)[np.minimum(path + thickness, rows), np.arange(count)], 0.0
    )
    along = along[is_clear]
    return Band(
        columns=block_centres(count, strips.block_columns),
        rows=np.asarray(path * strips.block_rows - 0.5, dtype=np.float64),
        thickness_um=thickness * strips.row_um,
        is_cut=bool(np.median(path) + thickness + pixels_in(GUARD_UM + EDGE_UM, strips.row_um) > rows),
        rating=float(along.mean()),
        support=float((along > 1.0).mean()),
        far_edge=float(far_edge[is_clear].mean()),
        rank=_rank(strips, path, thickness, is_clear),
    )


def rate_bands(strips: Strips, thicknesses: NDArray[np.int_], top: NDArray[np.int_]) -> NDArray[np.float32]:
    """Rate every band (thickness, upper row, strip), whichever of band and surroundings is brighter.

    A clear edge above (0 to 1), a clear edge below (0 to 1) and texture above (0 to 1) speak for it; change along it
    (0 to 1.5) and across it (0 to 1.5) against. Shape (thicknesses, upper rows, strips).
    """
    sums, squares, textures = (_cumulated(of) for of in (strips.grey, strips.grey**2, strips.texture))
    guard, depth = pixels_in(GUARD_UM, strips.row_um), pixels_in(TEXTURE_UM, strips.row_um)
    rows = len(strips.grey)
    clear = _clear_edges(strips)
    clear[rows - guard - pixels_in(EDGE_UM, strips.row_um, least=2) + 1 :] = CUT_EDGE
    for_any = clear[top] + np.minimum(_mean(textures, top - guard - depth, top - guard), 1.0)
    ratings = np.empty((len(thicknesses), *for_any.shape), np.float32)
    for layer, thickness in enumerate(thicknesses):
        bottom = np.minimum(top + thickness, rows)
        across = _mean(squares, top + guard, bottom - guard)
        across -= _mean(sums, top + guard, bottom - guard) ** 2
        against = np.sqrt(np.clip(across, 0.0, 1.0, out=across), out=across)
        against += np.minimum(_mean(textures, top + 2 * guard, bottom - 2 * guard), 1.0)
        ratings[layer] = for_any + clear[bottom] - 1.5 * against
    return ratings


def _clear_edges(strips: Strips) -> NDArray[np.float32]:
    """Step between the means above and below each row's upper edge, at most 1, shape (rows + 1, strips)."""
    sums = _cumulated(strips.grey)
    guard, edge = pixels_in(GUARD_UM, strips.row_um), pixels_in(EDGE_UM, strips.row_um, least=2)
    row = np.arange(len(sums))
    step = _mean(sums, row + guard, row + guard + edge) - _mean(sums, row - guard - edge, row - guard)
    return np.asarray(np.minimum(np.abs(step), 1.0))


def _cumulated(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.vstack([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])


def _mean(cumulated: NDArray[np.float32], start: NDArray[np.int_], stop: NDArray[np.int_]) -> NDArray[np.float32]:
    """Means over the rows from ``start`` to ``stop``, as far as they lie in the image."""
    start, stop = (np.clip(rows, 0, len(cumulated) - 1) for rows in (start, stop))
    means = cumulated[stop]
    means -= cumulated[start]
    means /= np.maximum(stop - start, 1).astype(np.float32)[:, None]
    return means


def _is_touched(strips: Strips, thickness: int, top: NDArray[np.int_], boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Where a box lies in what a band of this thickness is rated by, shape (upper rows, strips)."""
    is_touched = np.zeros((len(top), strips.grey.shape[1]), bool)
    above, below = (pixels_in(GUARD_UM + depth_um, strips.row_um) for depth_um in (TEXTURE_UM, EDGE_UM))
    for box in boxes:
        row, last_row = (int(at // strips.block_rows) for at in (box.top, box.bottom))
        column, last_column = (max(int(at // strips.block_columns), 0) for at in (box.left, box.right))
        is_near = (top - above <= last_row) & (top + thickness + below >= row)
        is_touched[is_near, column : last_column + 1] = True
    return is_touched


def _rank(strips: Strips, path: NDArray[np.int_], thickness: int, is_clear: NDArray[np.bool_]) -> float:
    guard, last = pixels_in(GUARD_UM, strips.row_um), len(strips.grey) - 1
    inside = np.minimum(path + guard + np.arange(max(thickness - 2 * guard, 1))[:, None], last)
    above = np.maximum(path - guard - np.arange(1, pixels_in(RANK_UM, strips.row_um))[:, None], 0)
    # Darker than nearly all of the band, so that noise does not make half of the pores darker than their own resin.
    level = np.percentile(np.take_along_axis(strips.grey, inside, 0), 10, axis=0)
    return float((np.take_along_axis(strips.grey, above, 0) < level)[:, is_clear].mean())
