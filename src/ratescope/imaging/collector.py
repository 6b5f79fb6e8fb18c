"""Find the collector: the foil's coating-side edge, column by column, and its least-squares line (section 2.3).

Its brightness is not asked for: aluminium is brighter than the coating in light, often darker in electron images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.errors import CollectorError
from ratescope.imaging.band import Band, best_bands
from ratescope.imaging.grey import block_centres, block_mean, pixels_in
from ratescope.imaging.paths import best_path_within
from ratescope.records import Box, CoatingSide, Collector
from ratescope.settings import PrepareSettings

Floats = NDArray[np.float64]
Images = dict[CoatingSide, NDArray[np.uint8]]

COLUMN_UM = 0.5  # our choice: width of the columns in which the edge is traced
REACH_UM, FINE_REACH_UM = 2.0, 0.4  # our choice: how far from the band, then from the split, the edge may lie
SEEN_UM = 12.0  # our choice: of coating and foil beside the edge; what the edge is told from lies within
DEPTH_UM = 0.8  # our choice: of the means whose difference is the edge
WHOLE = 0.15  # our choice: of two bands that rate nearly alike the foil is the one with both edges in view
STRAIGHT = 0.7  # our choice: share of columns whose edge lies within a pixel of the median; foils have up to 0.6
ONE_GREY, ONE_GREY_SHARE = 3, 0.9  # our choice: what JPEG leaves of one grey; foils have up to 0.88
FRINGE_ROWS = 3  # our choice: rows at a drawn edge that resizing mixes
CURVE_UM = 15.0  # our choice: a foil bends over longer stretches than that; what is shorter is roughness


def find_collector(
    grey: NDArray[np.uint8], pixel_size_um: float, settings: PrepareSettings, *, burnt_in: Sequence[Box] = ()
) -> Collector:
    """Find the foil and the side of it that carries the coating.

    Parameters
    ----------
    grey : uint8 array, shape (rows, columns)
    pixel_size_um : float
    burnt_in : boxes in the file's pixels
        Letters and scale bars: columns that they touch do not count.

    Raises
    ------
    CollectorError
        ``no-collector`` if no band is like a foil, ``too-tilted`` if it lies more than ``most_tilt_deg`` askew.
    """
    size_um, room_um = pixel_size_um, settings.crop_rows * settings.network_pixel_size_um
    seen: Images = {"above": grey, "below": grey[::-1]}
    bands = {side: best_bands(seen[side], size_um, room_um, _boxes_in(burnt_in, side, len(grey))) for side in seen}
    side, band, edge = _foil_of(seen, bands, size_um, settings)
    collector = _collector(seen[side], size_um, side, band, edge)
    if abs(collector.tilt_deg) > settings.most_tilt_deg:
        raise CollectorError(
            "too-tilted",
            f"the foil lies {collector.tilt_deg:.1f}° askew, more than {settings.most_tilt_deg}°. Turn the micrograph.",
        )
    return collector


def _foil_of(
    seen: Images, bands: dict[CoatingSide, Iterator[Band]], size_um: float, settings: PrepareSettings
) -> tuple[CoatingSide, Band, Floats]:
    """The best band that may be a foil, its side and its edge; after one that may not, the next of that side is tried.

    Raises
    ------
    CollectorError
        ``no-collector``.
    """
    found = {side: band for side in bands if (band := next(bands[side], None))}
    if not found:
        raise _no_collector("the image is too small to show a foil and its coating")
    doubts = []
    while found:
        side = max(found, key=lambda side: found[side].rating + WHOLE * (not found[side].is_cut))
        band = found.pop(side)
        if doubt := _doubt(band, settings):
            doubts.append(doubt)
        else:
            edge = trace_edge(seen[side], size_um, np.interp(np.arange(seen[side].shape[1]), band.columns, band.rows))
            if not (doubt := _doubt_of_edge(seen[side], edge, band, size_um, settings)):
                return side, band, edge
            doubts.append(doubt)
        if after := next(bands[side], None):
            found[side] = after
    raise _no_collector(doubts[0])


def _boxes_in(boxes: Sequence[Box], side: CoatingSide, rows: int) -> list[Box]:
    if side == "above":
        return list(boxes)
    return [Box(rows - box.bottom, rows - box.top, box.left, box.right) for box in boxes]


def _doubt(band: Band, settings: PrepareSettings) -> str:
    """Why a band is no foil, in words; empty if it may be one."""
    if band.rating < settings.least_collector_rating or band.support < settings.least_collector_support:
        return f"the best straight, even band rates {band.rating:.2f} of 3 and shows in {band.support:.0%} of the width"
    if band.rank < settings.least_foil_rank and band.far_edge < settings.least_far_edge:
        return "the best band is as dark as what fills the pores: resin or vacuum, not a foil"
    return ""


def _doubt_of_edge(
    upright: NDArray[np.uint8], edge: Floats, band: Band, size_um: float, settings: PrepareSettings
) -> str:
    """Why what has this edge is no foil, in words; empty if it may be one."""
    # Half a pixel more: coarse pixels make every edge rough.
    if (roughness_um := _roughness_um(edge, size_um)) > settings.roughest_foil_um + size_um / 2.0:
        return f"the best band has an edge {roughness_um:.1f} µm rough, as a coating's surface has"
    first = int(np.median(edge)) + 1
    inside = upright[first + FRINGE_ROWS : first + int(band.thickness_um / size_um) - FRINGE_ROWS]
    if _is_straight(edge) and inside.size and _share_of_one_grey(inside) > ONE_GREY_SHARE:
        return "the best band is one grey all over and begins in one row, as gaps between pictures do"
    # A dark band is a foil only for its far edge.
    is_dark = band.rank < settings.least_foil_rank and not band.is_cut
    if is_dark and _is_straight(_far_edge(upright, edge, band, size_um)):
        return "the best band is as dark as what fills the pores, and ends in one row, as pictures do"
    return ""


def _is_straight(edge: Floats) -> bool:
    return bool((np.abs(edge - np.median(edge)) <= 1.0).mean() > STRAIGHT)


def _share_of_one_grey(grey: NDArray[np.uint8]) -> float:
    return float((np.abs(grey.astype(np.int16) - int(np.median(grey))) <= ONE_GREY).mean())


def _no_collector(seen: str) -> CollectorError:
    return CollectorError(
        "no-collector",
        f"no collector foil was found: {seen}. Photograph the cross-section with the whole foil in view.",
    )


def _roughness_um(edge: Floats, pixel_size_um: float) -> float:
    """Robust standard deviation of an edge from its own slow curve."""
    curve = ndimage.median_filter(edge, pixels_in(CURVE_UM, pixel_size_um), mode="nearest")
    return 1.4826 * float(np.median(np.abs(edge - curve))) * pixel_size_um


def _collector(
    upright: NDArray[np.uint8], pixel_size_um: float, side: CoatingSide, band: Band, edge: Floats
) -> Collector:
    last = len(upright) - 1
    far = None if band.is_cut else _far_edge(upright, edge, band, pixel_size_um)
    if side == "below":
        edge, far = last - edge, None if far is None else last - far
    return collector_from_edge(edge, side, band.support, far)


def _far_edge(upright: NDArray[np.uint8], edge: Floats, band: Band, pixel_size_um: float) -> Floats:
    last = len(upright) - 1
    return last - trace_edge(upright[::-1], pixel_size_um, last - edge - band.thickness_um / pixel_size_um)


# --- the edge, column by column -----------------------------------------------------------------------------------


def trace_edge(grey: NDArray[np.uint8], pixel_size_um: float, near: Floats) -> Floats:
    """The foil's upper edge to about a pixel, column by column, within 2 µm of the rows ``near``.

    First the likeliest split: every pixel is weighed by how common its grey value, relative to the foil's, is in the
    coating and in the foil. Then, within 0.4 µm of it, the steepest step.
    """
    width, margin = pixels_in(COLUMN_UM, pixel_size_um), pixels_in(SEEN_UM, pixel_size_um)
    first = max(int(near.min()) - margin, 0)
    means = block_mean(grey[first : int(near.max()) + margin], 1, width)
    centres = block_centres(means.shape[1], width)
    rows = np.rint(np.interp(centres, np.arange(near.size), near) + 0.5).astype(int) - first
    column_um = width * pixel_size_um
    split = _likeliest_split(means, rows, pixel_size_um, column_um)
    steepest = _steepest_step(means, split, pixel_size_um)
    return np.asarray(np.interp(np.arange(near.size), centres, first + steepest - 0.5))


def _likeliest_split(
    means: NDArray[np.float32], rows: NDArray[np.int_], pixel_size_um: float, column_um: float
) -> NDArray[np.int_]:
    """First row of the foil in each column."""
    reach, depth = pixels_in(REACH_UM, pixel_size_um, least=2), pixels_in(1.5, pixel_size_um, least=2)
    foil = np.median(_take(means, rows + reach, depth), axis=0)
    foil = ndimage.median_filter(foil, pixels_in(10.0, column_um, least=3), mode="nearest")
    off = means - foil
    in_coating = _share_of_values(_take(off, rows - reach - 4 * depth, 4 * depth))
    in_foil = _share_of_values(_take(off, rows + reach, depth))
    value = np.clip(_take(off, rows - reach, 2 * reach) / 4.0 + 64.5, 0, 128).astype(int)
    speaks_for_coating = np.clip(np.log(in_coating / in_foil), -3.0, 3.0)[value]
    is_coating_above = np.cumsum(np.vstack([np.zeros(rows.size), speaks_for_coating]), axis=0)
    return best_path_within(is_coating_above, rows - reach)


def _take(values: NDArray[np.floating], first: NDArray[np.int_], count: int) -> NDArray[np.floating]:
    """``count`` rows from the row ``first`` of each column, as far as they lie in the image."""
    rows = np.clip(first[None, :] + np.arange(count)[:, None], 0, len(values) - 1)
    return np.take_along_axis(values, rows, 0)


def _share_of_values(off: NDArray[np.floating]) -> Floats:
    """Smooth histogram of grey differences in 129 steps of 4, nowhere zero."""
    counts = np.bincount(np.clip(off / 4.0 + 64.5, 0, 128).astype(int).ravel(), minlength=129)
    return np.asarray(ndimage.gaussian_filter1d(counts / counts.sum(), 1.0) + 1e-3)


def _steepest_step(means: NDArray[np.float32], rows: NDArray[np.int_], pixel_size_um: float) -> NDArray[np.int_]:
    reach, depth = pixels_in(FINE_REACH_UM, pixel_size_um), pixels_in(DEPTH_UM, pixel_size_um, least=2)
    cumulated = np.vstack([np.zeros(means.shape[1]), np.cumsum(means, axis=0, dtype=np.float64)])
    first, count = rows - reach, 2 * reach + 1
    middle = _take(cumulated, first, count)
    step = _take(cumulated, first + depth, count) - 2.0 * middle + _take(cumulated, first - depth, count)
    return best_path_within(np.abs(step), first)


def collector_from_edge(edge: Floats, side: CoatingSide, confidence: float, far: Floats | None = None) -> Collector:
    """The least-squares line of an edge; columns that stray from it more than 4 robust deviations do not count."""
    columns = np.arange(edge.size, dtype=np.float64)
    is_kept = np.isfinite(edge)
    for _ in range(3):
        slope, row_left = np.polyfit(columns[is_kept], edge[is_kept], 1)
        off = np.abs(edge - (row_left + slope * columns))
        is_kept = off <= max(4.0 * 1.4826 * float(np.median(off)), 2.0)
    return Collector(
        row_left=float(row_left),
        row_right=float(row_left + slope * (edge.size - 1)),
        tilt_deg=float(np.degrees(np.arctan(slope))),
        coating_side=side,
        confidence=confidence,
        edge_rows=edge,
        far_edge_rows=far,
    )


def seen_from_behind(collector: Collector) -> Collector | None:
    """The same foil with the coating on its far side as the one meant; None where the far edge is not in view."""
    if collector.far_edge_rows is None:
        return None
    side: CoatingSide = "below" if collector.coating_side == "above" else "above"
    return collector_from_edge(collector.far_edge_rows, side, collector.confidence, collector.edge_rows)
