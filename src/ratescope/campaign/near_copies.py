"""Crops that show the same place twice, wherever they are filed: found by content, shifted or mirrored too.

Two crops are laid over each other at every shift at once, by their spectra; only what varies within some 20 µm counts,
so that neither brightness nor a slow shade makes two crops alike. Measured on the 327 crops of a virtual
densification (docs/studies/0004-rate-tests.md): different crops are alike to 0.27 at most, the same place
shifted by 200 px to 0.7 at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

from ratescope.records import CropId, OnProgress, no_progress

SCREEN_PX, CONFIRM_PX = 16, 8  # our choice: a grain of 9 µm is 73 px wide, so both grids show it
SCREEN_LIKENESS, CONFIRM_LIKENESS = 0.40, 0.45  # our choice: between the two, see above
LEAST_OVERLAP = 0.4  # our choice: sections lie side by side, so one of two neighbours shares half its area
SHADE_CELLS = 3.0  # our choice: of the grid; slower changes of brightness are light, not coating
TURNS = {"": (1, 1), "mirrored left to right": (1, -1), "mirrored top to bottom": (-1, 1), "turned by 180°": (-1, -1)}


class NearCopy(NamedTuple):
    """Two crops of different files that show the same place.

    ``likeness`` is their correlation where they overlap, times the root of the share that overlaps: 1 for the same
    pixels. The second one, turned as said, is shifted by so many pixels against the first.
    """

    first: CropId
    second: CropId
    likeness: float
    turned: str
    down_px: int
    right_px: int


def near_copies(
    ids: Sequence[CropId], crops: NDArray[np.uint8], *, on_progress: OnProgress = no_progress
) -> list[NearCopy]:
    """All pairs of crops from different files that show the same place, most alike first.

    Parameters
    ----------
    ids : of each crop
    crops : uint8 array, shape (n, rows, columns, 3)
    """
    if len(ids) < 2:
        return []
    coarse, fine = (_grids(crops, cell_px) for cell_px in (SCREEN_PX, CONFIRM_PX))
    files = np.array([crop.file for crop in ids])
    found = []
    for first, seconds, turned in _candidates(coarse, files, on_progress):
        likeness, down, right = _best_shift(fine[first], fine[seconds], TURNS[turned])
        found += [
            NearCopy(ids[first], ids[second], float(alike), turned, int(rows) * CONFIRM_PX, int(columns) * CONFIRM_PX)
            for second, alike, rows, columns in zip(seconds, likeness, down, right, strict=True)
            if alike >= CONFIRM_LIKENESS
        ]
    return sorted(found, key=lambda copy: -copy.likeness)


def _candidates(
    grids: NDArray[np.float32], files: NDArray[np.str_], on_progress: OnProgress
) -> Iterator[tuple[int, NDArray[np.intp], str]]:
    """Each crop with those behind it, of other files, that look like it on the coarse grid."""
    for first in range(len(grids) - 1):
        others = np.flatnonzero(files[first + 1 :] != files[first]) + first + 1
        for turned, signs in TURNS.items():
            if others.size:
                likeness, _, _ = _best_shift(grids[first], grids[others], signs)
                if (alike := others[likeness >= SCREEN_LIKENESS]).size:
                    yield first, alike, turned
        on_progress(first + 2, len(grids), "crops compared")


def _grids(crops: NDArray[np.uint8], cell_px: int) -> NDArray[np.float32]:
    """Mean brightness in cells of so many pixels, without slow changes; mean 0 and standard deviation 1.

    >>> _grids(np.zeros((2, 224, 672, 3), np.uint8), 16).shape
    (2, 14, 42)
    """
    rows, columns = crops.shape[1] // cell_px, crops.shape[2] // cell_px
    cut = crops[:, : rows * cell_px, : columns * cell_px]
    # The sum over colours and cell fits 32 bits; crop by crop, because floats of all of them would be large.
    grids = np.stack([c.reshape(rows, cell_px, columns, cell_px * 3).mean((1, 3), dtype=np.float32) for c in cut])
    grids -= gaussian_filter(grids, (0.0, SHADE_CELLS, SHADE_CELLS))
    grids -= grids.mean((1, 2), keepdims=True)
    # A blank crop has no spread; a thousandth of a grey level keeps it at nothing, so that it is like none.
    return np.asarray(grids / np.maximum(grids.std((1, 2), keepdims=True), 1e-3), np.float32)


def _best_shift(
    grid: NDArray[np.float32], others: NDArray[np.float32], signs: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    """Likeness of one grid with each of others, turned, at the best shift, and that shift in cells (down, right)."""
    rows, columns = grid.shape
    shape = (2 * rows, fft.next_fast_len(2 * columns - 1, real=True))  # room for every shift: nothing wraps around
    turned = others[:, :: signs[0], :: signs[1]]
    product = fft.rfft2(grid, shape) * fft.rfft2(turned, shape).conj()
    overlap = _overlap(rows, columns, shape)
    # Divided by the overlap it is a correlation; times the root of its share, chance has the same height everywhere.
    weight = np.where(overlap >= LEAST_OVERLAP, 1.0 / np.sqrt(np.maximum(overlap, 1e-6)), 0.0) / (rows * columns)
    likeness = fft.irfft2(product, shape) * weight.astype(np.float32)
    flat = likeness.reshape(len(others), -1)
    best = flat.argmax(axis=1)
    # A peak at k says that the first one, moved by −k, covers the other; beyond the middle, indices are negative.
    down, right = (
        (size // 2 - at) % size - size // 2 for at, size in zip(np.unravel_index(best, shape), shape, strict=True)
    )
    return flat[np.arange(len(others)), best], down, right


def _overlap(rows: int, columns: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Share of a grid that another one of its size covers, by shift as the inverse transform orders them."""
    down = np.abs(np.fft.fftfreq(shape[0], 1 / shape[0]))
    right = np.abs(np.fft.fftfreq(shape[1], 1 / shape[1]))
    return np.outer(np.maximum(0.0, 1.0 - down / rows), np.maximum(0.0, 1.0 - right / columns))
