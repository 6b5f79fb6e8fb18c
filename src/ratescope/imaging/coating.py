"""Collector → coating: its surface and thickness, and the largest clean rectangle (section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.errors import MicrographError
from ratescope.imaging.grey import block_centres, block_mean, pixels_in
from ratescope.imaging.levelling import Level
from ratescope.records import Box, Coating, Collector
from ratescope.settings import PrepareSettings

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK_UM = 0.25  # our choice: two of the paper's pixels
MARGIN_UM = 0.25  # our choice: what blur mixes at foil and surface stays out of the clean rectangle
NEAR_UM = 3.0  # our choice: how exactly texture alone shows where the coating ends
RESIN_UM, ALONG_UM = 40.0, 40.0  # our choice: height and width in which the resin's grey is averaged
STEP_UM = 0.5  # our choice: steps of the clean rectangle along the foil
LEAST_CONTRAST = 0.2  # our choice: binder and carbon show more, grains that shine through from below mostly less
# Our choice: widths in which texture is looked at, blur against noise, and share of columns in which resin must then be
# in view. The second is for thin strips of it; the first is surer where there is plenty.
VIEWS = ((ALONG_UM, 0.0, 0.5), (20.0, 0.3, 0.3))


def find_coating(
    levelled: Level, collector: Collector, settings: PrepareSettings, *, burnt_in: Sequence[Box] = ()
) -> Coating:
    """Bound the coating on the collector's coating side; all rows are those of the levelled micrograph.

    Where neither resin nor vacuum is in view beyond it, the surface is taken at the image border, and ``is_cut`` says
    that the coating is at least so thick.

    Parameters
    ----------
    burnt_in : boxes in the file's pixels
        The clean rectangle stays away from them.

    Raises
    ------
    MicrographError
        ``no-coating`` if what lies on the foil is thinner than ``thinnest_coating_um``.
    """
    rows = len(levelled.grey)
    is_above = collector.coating_side == "above"
    # Everything is looked at with the coating above the foil, and turned back at the end.
    upright = levelled.grey[:: 1 if is_above else -1]
    line, edge = _foil_here(levelled, collector)
    line, edge = (line, edge) if is_above else (rows - 1 - line, rows - 1 - edge)
    in_file = levelled.rows_in_file()
    border = np.where(np.isfinite(edge), in_file[0] if is_above else rows - 1 - in_file[1], np.nan)
    gaps_um = (settings.closed_gap_um, settings.spanned_gap_um)
    surface, spanned = find_surface(upright, border, line, levelled.pixel_size_um, gaps_um)
    is_cut = not np.isfinite(surface).any()
    surface = border if is_cut else np.where(np.isfinite(border), surface, np.nan)
    spanned = np.where(np.isfinite(border), np.fmax(spanned, border), np.nan)  # unseen: up to the image border
    heights_um = (line - surface[np.isfinite(surface)]) * levelled.pixel_size_um
    if not heights_um.size or heights_um.mean() < settings.thinnest_coating_um:
        raise MicrographError("no-coating", "no coating was found on the foil. Photograph the coated side.")
    if not is_above:
        surface, spanned, edge = rows - 1 - surface, rows - 1 - spanned, rows - 1 - edge
    clean = _clean_rows(spanned, edge, levelled, burnt_in)
    return Coating(
        box=_largest_clean(clean, levelled.pixel_size_um),
        thickness_um=float(heights_um.mean()),
        thickness_sd_um=float(heights_um.std()),
        thickness_p95_um=float(np.percentile(heights_um, 95)),
        foil_rows=edge,
        surface_rows=surface,
        clean_rows=clean,
        is_cut=is_cut,
    )


def _foil_here(levelled: Level, collector: Collector) -> tuple[float, Floats]:
    """Row of the foil line, and of the foil's edge in each column, in the levelled micrograph."""
    columns = np.arange(collector.edge_rows.size, dtype=np.float64)
    rows, at = levelled.from_file(collector.edge_rows, columns)
    ends = levelled.from_file(np.array([collector.row_left, collector.row_right]), columns[[0, -1]])
    return float(ends[0].mean()), np.interp(columns, at, rows, left=np.nan, right=np.nan)


# --- the surface --------------------------------------------------------------------------------------------------


def find_surface(
    grey: NDArray[np.uint8], border: Floats, foil_row: float, pixel_size_um: float, gaps_um: Sequence[float]
) -> tuple[Floats, ...]:
    """First row of the coating in each column: the outline of the solid above the foil, after closing gaps.

    Solid is what differs from the resin (or the vacuum) beyond it.

    Parameters
    ----------
    grey : uint8 array, shape (rows, columns)
        With the coating above the foil.
    border : float array, shape (columns,)
        First row that lies in the file; NaN where none does.
    gaps_um : floats
        Gaps narrower than that are closed: one outline for each.

    Returns
    -------
    float arrays, shape (columns,)
        NaN where nothing is seen beyond the coating.
    """
    block = pixels_in(BLOCK_UM, pixel_size_um)
    block_um = block * pixel_size_um
    means = block_mean(grey, block, block)[: max(int((foil_row + 0.5) / block - 1.0 / block_um), 1)]
    unseen = np.ceil(block_mean(np.nan_to_num(border, nan=float(len(grey)))[None], 1, block)[0] / block) + 1.0
    rows = np.arange(len(means))[:, None]
    for along_um, blur_um, least in VIEWS:
        blurred = ndimage.gaussian_filter(means, blur_um / block_um) if blur_um else means
        end = _end_of_texture(blurred, unseen, block_um, along_um)
        beyond = (rows > unseen) & (rows < end - NEAR_UM / block_um) & (rows > end - RESIN_UM / block_um)
        if beyond.any(axis=0).mean() >= least:
            break
    else:
        return tuple(np.full(grey.shape[1], np.nan) for _ in gaps_um)
    is_solid = _differs(means, beyond, rows > end + NEAR_UM / block_um, block_um) & (rows > end - NEAR_UM / block_um)
    top = np.where(is_solid.any(axis=0), is_solid.argmax(axis=0), len(means)).astype(np.float64)
    is_hidden = ~beyond.any(axis=0)
    # Rows grow downwards: to close a gap in the solid is to open its outline.
    outlines = [ndimage.grey_opening(top, (pixels_in(gap_um, block_um),), mode="nearest") for gap_um in gaps_um]
    columns, centres = np.arange(grey.shape[1]), block_centres(top.size, block)
    return tuple(np.interp(columns, centres, np.where(is_hidden, np.nan, one * block - 0.5)) for one in outlines)


def _end_of_texture(means: NDArray[np.float32], unseen: Floats, block_um: float, along_um: float) -> NDArray[np.int_]:
    """Per column, the row above which texture no longer outweighs its absence: the height of the highest grains."""
    window = pixels_in(along_um, block_um)
    local = ndimage.uniform_filter1d(means, window, axis=1)
    texture = np.sqrt(np.maximum(ndimage.uniform_filter1d((means - local) ** 2, window, axis=1), 0.0))
    texture[np.arange(len(means))[:, None] <= unseen] = 0.0
    on_foil = texture[-pixels_in(25.0, block_um) : -pixels_in(2.0, block_um)]
    # A third of the coating's own texture: resin with its noise has less, the loosest layer of grains more.
    from_foil = np.cumsum((texture - 0.35 * np.median(on_foil, axis=0))[::-1], axis=0)
    return np.asarray(len(means) - 1 - from_foil.argmax(axis=0))


def _differs(means: NDArray[np.float32], beyond: Flags, inside: Flags, block_um: float) -> Flags:
    """What differs from the resin beyond by five times the noise and by more than a fifth of what grains do."""
    resin = _average_along(means, beyond, pixels_in(ALONG_UM, block_um))
    off = np.abs(ndimage.gaussian_filter(means, 0.3 / block_um) - resin)
    noise = 1.4826 * float(np.median(off[beyond]))
    contrast = float(np.percentile(off[inside], 75)) if inside.any() else 0.0
    return np.asarray(off > max(5.0 * noise, LEAST_CONTRAST * contrast))


def _average_along(means: NDArray[np.float32], is_counted: Flags, window: int) -> NDArray[np.float32]:
    """Per column, the mean of what counts in it and its neighbours; between them where nothing does."""
    counts = ndimage.uniform_filter1d(is_counted.sum(axis=0).astype(float), window)
    sums = ndimage.uniform_filter1d((means * is_counted).sum(axis=0, dtype=float), window)
    columns, is_known = np.arange(means.shape[1]), counts > 0.5
    return np.interp(columns, columns[is_known], sums[is_known] / counts[is_known]).astype(np.float32)


# --- the rectangle ------------------------------------------------------------------------------------------------


def _clean_rows(surface: Floats, edge: Floats, levelled: Level, burnt_in: Sequence[Box]) -> Floats:
    """First and last clean row of each column: away from foil, surface and burnt-in boxes; NaN where unseen."""
    margin = MARGIN_UM / levelled.pixel_size_um
    first, last = np.sort(np.stack([surface, edge]), axis=0)
    clean = np.stack([first + margin, last - margin])
    for box in burnt_in:
        corners = np.array([[box.top, box.top, box.bottom, box.bottom], [box.left, box.right, box.left, box.right]])
        rows, columns = levelled.from_file(*corners.astype(np.float64))
        touched = np.s_[max(int(columns.min()) - 1, 0) : int(columns.max()) + 2]
        first, last = clean[:, touched]
        # Of what is left above and below the box, the higher part stays.
        is_lower_left = last - rows.max() > rows.min() - first
        clean[0, touched] = np.where(is_lower_left, np.fmax(first, rows.max() + 1), first)
        clean[1, touched] = np.where(is_lower_left, last, np.fmin(last, rows.min() - 1))
    return clean


def _largest_clean(clean: Floats, pixel_size_um: float) -> Box:
    """The largest rectangle of steps half a micrometre wide: of pixels it would take sixteen times as long."""
    width = pixels_in(STEP_UM, pixel_size_um)
    count = clean.shape[1] // width
    first, last = clean[:, : count * width].reshape(2, count, width)
    box = largest_rectangle(first.max(axis=1), last.min(axis=1))
    return replace(box, left=box.left * width, right=box.right * width)


def largest_rectangle(upper: Floats, lower: Floats) -> Box:
    """The rectangle of whole pixels with the largest area between two profiles.

    Parameters
    ----------
    upper, lower : float arrays, shape (columns,)
        First and last row of what is clean in each column (the upper one is the smaller); NaN: nothing is.

    Returns
    -------
    Box
        Empty if no pixel lies between them.

    Examples
    --------
    >>> largest_rectangle(np.array([3.0, 1.0, 1.0]), np.array([4.0, 4.0, 3.0]))
    Box(top=1, bottom=4, left=1, right=3)
    """
    is_clean = np.isfinite(upper) & np.isfinite(lower)
    first = np.where(is_clean, np.ceil(upper), 1e9)
    stop = np.where(is_clean, np.floor(lower) + 1, -1e9)
    best, area = Box(0, 0, 0, 0), 0.0
    for left in range(first.size):
        if (stop[left] - first[left]) * (first.size - left) <= area:
            continue  # too low even if every column to the right were as clean
        tops, bottoms = np.maximum.accumulate(first[left:]), np.minimum.accumulate(stop[left:])
        areas = (bottoms - tops) * np.arange(1, tops.size + 1)
        widest = int(areas.argmax())
        if areas[widest] > area:
            area = float(areas[widest])
            best = Box(int(tops[widest]), int(bottoms[widest]), left, left + widest + 1)
    return best
