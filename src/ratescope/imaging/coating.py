"""Collector → coating: level the micrograph, find its surface, bound the largest clean rectangle (section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ratescope.errors import MicrographError
from ratescope.imaging.grey import block_centres, block_mean, grey_of, pixels_in
from ratescope.records import Box, Coating, Collector, Finding, Micrograph
from ratescope.settings import PrepareSettings

Floats = NDArray[np.float64]

BLOCK_UM = 0.5  # our choice: the surface is known to a micrometre; finer shows only noise
MARGIN_UM = 0.25  # our choice: two of the paper's pixels, the width of its point spread


@dataclass(frozen=True, eq=False)
class Level:
    """A micrograph turned about its centre so that the foil line is horizontal.

    Attributes
    ----------
    pixels : uint8 array, shape (rows, columns, 3)
        As large as the file; what lies outside it is black.
    to_file : float array, shape (2, 3)
        (row, column, 1) here → (row, column) in the file.
    foil_row : float
        Of the foil line, here.
    """

    pixels: NDArray[np.uint8]
    to_file: Floats
    foil_row: float


def level(micrograph: Micrograph, collector: Collector) -> Level:
    """Turn the micrograph by the foil's tilt (section 2.3: "a slight rotation")."""
    rows, columns = micrograph.pixels.shape[:2]
    to_file = level_to_file((rows, columns), collector.tilt_deg)
    middle = (collector.row_left + collector.row_right) / 2.0
    foil_row = to_level(to_file, np.array([middle]), np.array([(columns - 1) / 2.0]))[0].item()
    return Level(resample(micrograph.pixels, to_file, (rows, columns)), to_file, foil_row)


def level_to_file(shape: tuple[int, int], tilt_deg: float) -> Floats:
    """The turn about the centre of an image of this shape, as an affine on (row, column, 1).

    >>> level_to_file((3, 5), 0.0).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centre = (np.array(shape) - 1) / 2.0
    return np.column_stack([turn, centre - turn @ centre])


def to_level(to_file: Floats, rows: Floats, columns: Floats) -> Floats:
    """(row, column) in the file → in the levelled micrograph, shape (2, points)."""
    return np.asarray(np.linalg.solve(to_file[:, :2], np.stack([rows, columns]) - to_file[:, 2:]))


def resample(pixels: NDArray[np.uint8], affine: Floats, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Bicubic: the pixel (row, column) of the result is the input at ``affine @ (row, column, 1)``; black outside."""
    (row_row, row_column, row_0), (column_row, column_column, column_0) = affine
    # Pillow counts x before y, and from the corner of a pixel instead of its centre.
    x_0 = column_0 + 0.5 - (column_column + column_row) / 2.0
    y_0 = row_0 + 0.5 - (row_column + row_row) / 2.0
    picture = Image.fromarray(pixels).transform(
        shape[::-1],
        Image.Transform.AFFINE,
        (column_column, column_row, x_0, row_column, row_row, y_0),
        resample=Image.Resampling.BICUBIC,
    )
    return np.asarray(picture)


# --- the coating --------------------------------------------------------------------------------------------------


def find_coating(
    micrograph: Micrograph,
    levelled: Level,
    collector: Collector,
    settings: PrepareSettings,
    *,
    burnt_in: Sequence[Box] = (),
) -> tuple[Coating, tuple[Finding, ...]]:
    """Bound the coating on the collector's coating side, in the levelled micrograph.

    Raises
    ------
    MicrographError
        ``no-coating`` if nothing with texture lies on the foil.
    """
    size_um = micrograph.pixel_size_um
    rows, columns = levelled.pixels.shape[:2]
    # Looked at with the coating above the foil; turned back at the end.
    is_above = collector.coating_side == "above"
    grey = grey_of(levelled.pixels)[:: 1 if is_above else -1]
    foil_row = levelled.foil_row if is_above else rows - 1 - levelled.foil_row
    edge = to_level(levelled.to_file, collector.edge_rows, np.arange(columns, dtype=np.float64))
    foil_rows = np.interp(np.arange(columns), edge[1], edge[0], left=np.nan, right=np.nan)
    foil_rows = foil_rows if is_above else rows - 1 - foil_rows
    surface_rows, findings = _surface(grey, size_um, foil_row, settings)
    heights_um = (foil_row - surface_rows) * size_um
    surface_rows = np.where(surface_rows < _first_row_in_file(levelled.to_file, (rows, columns), is_above), np.nan, surface_rows)
    if not np.isfinite(heights_um).any() or np.nanmedian(heights_um) < settings.thinnest_coating_um:
        raise MicrographError(
            "no-coating", "no coating lies on the foil: nothing on it has texture. Photograph the coated side."
        )
    if not is_above:
        surface_rows, foil_rows = rows - 1 - surface_rows, rows - 1 - foil_rows
    coating = Coating(
        box=Box(0, 0, 0, 0),
        thickness_um=float(np.nanmean(heights_um)),
        thickness_sd_um=float(np.nanstd(heights_um)),
        thickness_p95_um=float(np.nanpercentile(heights_um, 95)),
        foil_rows=foil_rows,
        surface_rows=surface_rows,
    )
    return replace(coating, box=largest_rectangle(*clean_profiles(coating, size_um))), findings


def clean_profiles(coating: Coating, pixel_size_um: float) -> tuple[Floats, Floats]:
    """First and last clean row of each column: between foil and surface, a little away from both."""
    margin = MARGIN_UM / pixel_size_um
    first, last = np.fmin(coating.surface_rows, coating.foil_rows), np.fmax(coating.surface_rows, coating.foil_rows)
    is_seen = np.isfinite(coating.surface_rows) & np.isfinite(coating.foil_rows)
    return np.where(is_seen, first + margin, np.nan), np.where(is_seen, last - margin, np.nan)


def _first_row_in_file(to_file: Floats, shape: tuple[int, int], is_above: bool) -> Floats:
    """Per column, the first row (from the surface's side) of the levelled micrograph that lies in the file."""
    rows, columns = shape
    corner = 0.0 if is_above else rows - 1.0
    row = (corner - to_file[0, 2] - to_file[0, 1] * np.arange(columns)) / to_file[0, 0]
    return np.asarray(np.maximum(row if is_above else rows - 1 - row, 0.0))


def _surface(grey: NDArray[np.uint8], size_um: float, foil_row: float, settings: PrepareSettings) -> Floats:
    """First row of the coating in each column: the outline of the solid above the foil, after closing gaps.

    What is solid is known by its difference from the resin (or the vacuum) beyond it; NaN where that is not in view.
    """
    block = pixels_in(BLOCK_UM, size_um)
    block_um = block * size_um
    means = block_mean(grey, block, block)
    foil = (foil_row + 0.5) / block  # in blocks, from the top
    end = int(foil - 1.0 / block_um)
    above_foil = means[: max(int(foil - 1.0 / block_um), 1)]
    rough = _end_of_texture(above_foil, block_um)
    rows = np.arange(len(above_foil))[:, None]
    beyond = (rows < rough - 3.0 / block_um) & (rows > rough - 40.0 / block_um)
    if beyond.any(axis=0).mean() < 0.5:
        return np.full(grey.shape[1], np.nan)
    solid = _solid(above_foil, beyond, rows > rough + 5.0 / block_um, block_um) & (rows >= rough - 3.0 / block_um)
    top = np.where(solid.any(axis=0), solid.argmax(axis=0), len(above_foil)).astype(np.float64)
    # Rows grow downwards: to close a gap in the solid is to open its outline.
    top = ndimage.grey_opening(top, pixels_in(settings.closed_gap_um, block_um), mode="nearest")
    return np.interp(np.arange(grey.shape[1]), block_centres(top.size, block), top * block - 0.5)


def _end_of_texture(means: NDArray[np.float32], block_um: float) -> NDArray[np.int_]:
    """Per column, the row above which texture no longer outweighs its absence: the highest grains, roughly."""
    window = pixels_in(40.0, block_um)
    local = ndimage.uniform_filter1d(means, window, axis=1)
    texture = np.sqrt(ndimage.uniform_filter1d((means - local) ** 2, window, axis=1))
    on_foil = texture[-pixels_in(25.0, block_um) : -pixels_in(2.0, block_um)]
    from_foil = np.cumsum((texture - 0.35 * np.median(on_foil, axis=0))[::-1], axis=0)
    return np.asarray(len(means) - 1 - from_foil.argmax(axis=0))


def _solid(
    means: NDArray[np.float32], beyond: NDArray[np.bool_], inside: NDArray[np.bool_], block_um: float
) -> NDArray[np.bool_]:
    """What differs from the resin beyond, by a fifth of what grains differ from it or by five times the noise."""
    resin = _running_mean(means, beyond, pixels_in(40.0, block_um))
    off = np.abs(ndimage.gaussian_filter(means, 0.4 / block_um) - resin)
    noise = 1.4826 * float(np.median(off[beyond]))
    contrast = float(np.percentile(off[inside], 75)) if inside.any() else 0.0
    return np.asarray(off > max(5.0 * noise, 0.2 * contrast))


def _running_mean(means: NDArray[np.float32], is_counted: NDArray[np.bool_], window: int) -> NDArray[np.float32]:
    """Per column, the mean of what counts in it and in its neighbours, shape (1, columns)."""
    counts = ndimage.uniform_filter1d(is_counted.sum(axis=0).astype(float), window)
    sums = ndimage.uniform_filter1d((means * is_counted).sum(axis=0, dtype=float), window)
    columns = np.arange(means.shape[1])
    is_known = counts > 0.5
    return np.interp(columns, columns[is_known], sums[is_known] / counts[is_known])[None].astype(np.float32)


# --- the rectangle ------------------------------------------------------------------------------------------------


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
    first = np.where(np.isnan(upper) | np.isnan(lower), np.inf, np.ceil(upper))
    stop = np.where(np.isnan(upper) | np.isnan(lower), -np.inf, np.floor(lower) + 1)
    best, area = Box(0, 0, 0, 0), 0.0
    for left in range(first.size):
        if (stop[left] - first[left]) * (first.size - left) <= area:
            continue  # even if no column to the right were lower
        top, bottom = np.maximum.accumulate(first[left:]), np.minimum.accumulate(stop[left:])
        heights = np.maximum(bottom - top, 0.0, where=np.isfinite(top), out=np.zeros(top.size))
        areas = heights * np.arange(1, top.size + 1)
        widest = int(areas.argmax())
        if areas[widest] > area:
            area = float(areas[widest])
            best = Box(int(top[widest]), int(bottom[widest]), left, left + widest + 1)
    return best
