"""Find the collector: the foil's coating-side edge, column by column, and its least-squares line (section 2.3).

The foil is a band of nearly constant thickness (4 to 40 µm, or cut by the image border) that runs across the whole
width, is even along itself, and has a coating with texture on one side at least. Its brightness is not asked for:
aluminium is brighter than the coating in light, often darker in electron images. Every such band is rated strip by
strip, and the best path through the strips is found exactly (dynamic programming), so that noise, seams and a particle
that touches the foil are outvoted by the rest of the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.errors import CollectorError
from ratescope.imaging.grey import block_centres, block_mean, grey_of, pixels_in
from ratescope.records import Box, CoatingSide, Collector, Micrograph
from ratescope.settings import PrepareSettings

Floats = NDArray[np.float64]

ROW_UM, STRIP_UM = 0.25, 2.0  # our choice: blocks on which the band is sought; a 4 µm foil is 16 rows
THICKNESSES_UM = np.arange(4.0, 41.0)  # our choice: foils on the market are 6 to 25 µm
THINNEST_VISIBLE_UM = 3.0  # our choice: of a foil that the image border cuts
GUARD_UM, EDGE_UM = 0.5, 1.5  # our choice: rough edge that no mean touches; depth of the means on its two sides
TEXTURE_UM, LATERAL_UM = 8.0, 20.0  # our choice: depth and width in which a coating shows particles and pores
CUT_EDGE = 0.25  # our choice: what an edge outside the image is worth; a seen one is worth up to 1


@dataclass(frozen=True, eq=False)
class Band:
    """A candidate for the foil, seen with the coating above it.

    Attributes
    ----------
    rows : float array, shape (strips,)
        Row of its upper edge at ``columns``, in the file's pixels (of the upside-down image for a coating below).
    rating : float
        Mean over the strips: 1 for each clear edge and for texture above, less for unevenness inside.
    support : float
        Share of the strips that speak for it.
    """

    side: CoatingSide
    columns: Floats
    rows: Floats
    thickness_um: float
    is_cut: bool
    rating: float
    support: float


def find_collector(micrograph: Micrograph, settings: PrepareSettings, *, burnt_in: Sequence[Box] = ()) -> Collector:
    """Find the foil and the side of it that carries the coating.

    Parameters
    ----------
    burnt_in : boxes in the file's pixels
        Letters, scale bars and information bars: nothing in them counts.

    Raises
    ------
    CollectorError
        ``no-collector`` if no band is like a foil, ``too-tilted`` if it lies more than `most_tilt_deg` askew.
    """
    grey = grey_of(micrograph.pixels)
    rated = [best_band(grey, micrograph.pixel_size_um, settings, side) for side in ("above", "below")]
    bands = sorted((band for band in rated if band is not None), key=lambda band: -band.rating)
    if not bands:
        raise _no_collector("the image is too small to show a foil and its coating")
    band = bands[0]
    if band.rating < settings.least_collector_rating or band.support < settings.least_collector_support:
        raise _no_collector(
            f"the best band rates {band.rating:.2f} of 3 and shows in {band.support:.0%} of the width"
        )
    return _collector(grey, micrograph.pixel_size_um, band)


def _no_collector(seen: str) -> CollectorError:
    return CollectorError(
        "no-collector",
        f"no collector foil was found: {seen}. Photograph the cross-section with the whole foil in view.",
    )


# --- the band -----------------------------------------------------------------------------------------------------


def best_band(
    grey: NDArray[np.uint8], pixel_size_um: float, settings: PrepareSettings, side: CoatingSide
) -> Band | None:
    """The band most like a foil with a coating on ``side``; None where the image has no room for both."""
    upright = grey if side == "above" else grey[::-1]
    block_rows, block_columns = pixels_in(ROW_UM, pixel_size_um), pixels_in(STRIP_UM, pixel_size_um)
    row_um = block_rows * pixel_size_um
    strips = block_mean(upright, block_rows, block_columns)
    room = pixels_in(settings.crop_rows * settings.network_pixel_size_um, row_um)
    if strips.shape[0] < room + pixels_in(THINNEST_VISIBLE_UM, row_um) or strips.shape[1] < 8:
        return None
    thicknesses = np.unique(np.rint(THICKNESSES_UM / row_um).astype(int))
    ratings = rate_bands(strips, row_um, block_columns * pixel_size_um, thicknesses)
    ratings[:, :room] = ratings[:, strips.shape[0] - pixels_in(THINNEST_VISIBLE_UM, row_um) :] = -3.0
    which, path = best_path(ratings)
    along = ratings[which, path, np.arange(path.size)]
    is_cut = np.median(path) + thicknesses[which] + pixels_in(GUARD_UM + EDGE_UM, row_um) > strips.shape[0]
    return Band(
        side,
        block_centres(path.size, block_columns),
        path * block_rows - 0.5,
        float(thicknesses[which] * row_um),
        bool(is_cut),
        float(along.mean()),
        float((along > 1.0).mean()),
    )


def rate_bands(
    strips: NDArray[np.float32], row_um: float, strip_um: float, thicknesses: NDArray[np.int_]
) -> NDArray[np.float32]:
    """Rate every band (thickness, upper row, strip): a clear edge above (0…1) and below (0…1), texture above (0…1),
    less unevenness inside, along (0…1.5) and across (0…1.5). Shape (thicknesses, rows, strips).
    """
    texture = _lateral_texture(strips, row_um, strip_um)
    scale = float(np.percentile(texture, 75)) + 1e-3  # a coating fills a good part of every image that is one
    sums, squares, textures = (_cumulated(values / scale**power) for values, power in
                               ((strips, 1), (strips.astype(np.float64) ** 2, 2), (texture, 1)))
    guard, edge = pixels_in(GUARD_UM, row_um), pixels_in(EDGE_UM, row_um, least=2)
    top = np.arange(len(strips))
    clear_above = np.abs(_mean(sums, top + guard, top + guard + edge) - _mean(sums, top - guard - edge, top - guard))
    texture_above = _mean(textures, top - guard - pixels_in(TEXTURE_UM, row_um), top - guard)
    common = np.minimum(clear_above, 1.0) + np.minimum(texture_above, 1.0)
    ratings = np.empty((len(thicknesses), *strips.shape), np.float32)
    for rating, thickness in zip(ratings, thicknesses, strict=True):
        bottom = np.minimum(top + thickness, len(strips))
        clear_below = np.abs(
            _mean(sums, bottom - guard - edge, bottom - guard) - _mean(sums, bottom + guard, bottom + guard + edge)
        )
        clear_below[bottom + guard + edge > len(strips)] = CUT_EDGE
        inside = _mean(sums, top + guard, bottom - guard)
        across = np.sqrt(np.maximum(_mean(squares, top + guard, bottom - guard) - inside**2, 0.0))
        along = _mean(textures, top + 2 * guard, bottom - 2 * guard)
        rating[:] = common + np.minimum(clear_below, 1.0) - 1.5 * np.minimum(along, 1.0) - 1.5 * np.minimum(across, 1.0)
    return ratings


def _lateral_texture(strips: NDArray[np.float32], row_um: float, strip_um: float) -> NDArray[np.float32]:
    """Standard deviation along the row, in windows 20 µm wide: high in a coating, low in foil and resin."""
    smooth = ndimage.uniform_filter1d(strips, pixels_in(1.0, row_um), axis=0)
    window = pixels_in(LATERAL_UM, strip_um, least=3)
    mean = ndimage.uniform_filter1d(smooth, window, axis=1)
    return np.asarray(np.sqrt(np.maximum(ndimage.uniform_filter1d(smooth**2, window, axis=1) - mean**2, 0.0)))


def _cumulated(values: NDArray[np.floating]) -> Floats:
    return np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0, dtype=np.float64)])


def _mean(cumulated: Floats, start: NDArray[np.int_], stop: NDArray[np.int_]) -> Floats:
    """Means over the rows from ``start`` to ``stop``, as far as they lie in the image."""
    start, stop = (np.clip(rows, 0, len(cumulated) - 1) for rows in (start, stop))
    return np.asarray((cumulated[stop] - cumulated[start]) / np.maximum(stop - start, 1)[:, None])


def best_path(ratings: NDArray[np.float32]) -> tuple[int, NDArray[np.int_]]:
    """The path from left to right with the highest sum, among all layers; rows change by one per column at most.

    Parameters
    ----------
    ratings : float array, shape (layers, rows, columns)

    Returns
    -------
    layer, rows : int and int array, shape (columns,)

    Examples
    --------
    >>> ratings = np.zeros((1, 3, 4), np.float32)
    >>> ratings[0, [0, 1, 1, 2], range(4)] = 1.0
    >>> best_path(ratings)[1].tolist()
    [0, 1, 1, 2]
    """
    columns = ratings.shape[2]
    best = ratings[..., 0].copy()
    steps = np.zeros((columns, *best.shape), np.int8)
    for column in range(1, columns):
        reached = best.copy()
        for step, to, come in ((-1, np.s_[:, 1:], np.s_[:, :-1]), (1, np.s_[:, :-1], np.s_[:, 1:])):
            is_better = best[come] > reached[to]
            reached[to][is_better] = best[come][is_better]
            steps[column][to][is_better] = step
        best = reached + ratings[..., column]
    layer, row = np.unravel_index(int(best.argmax()), best.shape)
    rows = np.empty(columns, int)
    for column in range(columns - 1, -1, -1):
        rows[column] = row
        row += steps[column, layer, row]
    return int(layer), rows


# --- its edge, column by column -----------------------------------------------------------------------------------


def _collector(grey: NDArray[np.uint8], pixel_size_um: float, band: Band) -> Collector:
    upright = grey if band.side == "above" else grey[::-1]
    inside = np.interp(np.arange(grey.shape[1]), band.columns, band.rows)
    edge = trace_edge(upright, pixel_size_um, inside)
    far = None
    if not band.is_cut:
        far = (
            len(grey) - 1 - trace_edge(upright[::-1], pixel_size_um, len(grey) - 1 - inside - band.thickness_um / pixel_size_um)
        )
    if band.side == "below":
        edge, far = len(grey) - 1 - edge, None if far is None else len(grey) - 1 - far
    return collector_from_edge(edge, band.side, band.support, far)


def trace_edge(grey: NDArray[np.uint8], pixel_size_um: float, near: Floats) -> Floats:
    """The foil's upper edge to about a pixel, column by column, within 2 µm of the rows ``near``.

    Between two rows is an edge where the means of 0.8 µm above and below differ most, whichever is brighter, while
    the lower one is like the foil beneath. Neighbouring columns agree: again the best path.
    """
    width = pixels_in(0.4, pixel_size_um)
    columns = block_mean(grey, 1, width)
    centres = block_centres(columns.shape[1], width)
    reach, depth = pixels_in(2.0, pixel_size_um, least=2), pixels_in(0.8, pixel_size_um, least=2)
    first = np.rint(np.interp(centres, np.arange(near.size), near)).astype(int) - reach
    cumulated = _cumulated(columns)
    rows = first[None, :] + np.arange(2 * reach + 2)[:, None]

    def mean(start: NDArray[np.int_], stop: NDArray[np.int_]) -> Floats:
        start, stop = np.clip(start, 0, len(grey)), np.clip(stop, 0, len(grey))
        summed = np.take_along_axis(cumulated, stop, 0) - np.take_along_axis(cumulated, start, 0)
        return np.asarray(summed / np.maximum(stop - start, 1))

    above, below = mean(rows - depth, rows), mean(rows, rows + depth)
    foil = mean(rows[-1:], rows[-1:] + pixels_in(1.5, pixel_size_um))
    foil = ndimage.median_filter(foil, (1, pixels_in(10.0, width * pixel_size_um, least=3)))
    rating = np.abs(above - below) - np.abs(below - foil)
    _, path = best_path(_follow(rating, first)[None])
    return np.interp(np.arange(near.size), centres, path + first.min() - 0.5)


def _follow(rating: Floats, first: NDArray[np.int_]) -> NDArray[np.float32]:
    """Set the corridor, whose columns begin at the rows ``first``, into one array with common rows."""
    height = len(rating) + int(np.ptp(first))
    common = np.full((height, rating.shape[1]), -1e6, np.float32)
    rows = np.arange(len(rating))[:, None] + (first - first.min())[None, :]
    np.put_along_axis(common, rows, rating.astype(np.float32), 0)
    return common


def collector_from_edge(
    edge: Floats, side: CoatingSide, confidence: float, far: Floats | None = None
) -> Collector:
    """The least-squares line of an edge (columns that stray from it more than 4 robust deviations do not count)."""
    columns = np.arange(edge.size, dtype=np.float64)
    is_kept = np.isfinite(edge)
    for _ in range(3):
        slope, row_left = np.polyfit(columns[is_kept], edge[is_kept], 1)
        off = np.abs(edge - (row_left + slope * columns))
        is_kept = off <= max(4.0 * 1.4826 * float(np.nanmedian(off)), 2.0)
    return Collector(
        row_left=float(row_left),
        row_right=float(row_left + slope * (edge.size - 1)),
        tilt_deg=float(np.degrees(np.arctan(slope))),
        coating_side=side,
        confidence=confidence,
        edge_rows=edge,
        far_edge_rows=far,
    )


def seen_from_behind(collector: Collector) -> Collector:
    """The same foil with the coating on its far side as the one meant: for foils coated on both sides."""
    if collector.far_edge_rows is None:
        raise CollectorError("no-far-edge", "the foil's far edge is not in the image. Photograph the whole foil.")
    side: CoatingSide = "below" if collector.coating_side == "above" else "above"
    return collector_from_edge(collector.far_edge_rows, side, collector.confidence, collector.edge_rows)
