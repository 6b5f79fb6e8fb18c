"""Scratches: narrow dark grooves that run straight through grains and pores alike, longer than any grain's edge.

A groove takes a share of the light wherever it runs, so it is looked for in the ratio of grey to what closing makes of
it; gaps between grains are much darker, flaws of the grains much shorter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.directions import lines
from ratescope.imaging.grey import block_mean

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

WIDEST_UM = 1.0  # our choice: wider dark lines are gaps between grains
LENGTH_UM = 16.0  # our choice: straight grain edges and cracks of grains are shorter
DIRECTIONS = 60  # our choice: lines of 16 µm, half a µm wide, see everything between two of them
DEPTHS, EVIDENCE = (0.03, 0.12, 0.40, 0.60), (0.0, 1.0, 1.0, 0.0)  # our choice: deeper ones are gaps between grains
QUIET = 0.6  # our choice: grey levels that closing fills in grains' texture without noise
DARKER = 0.8  # our choice: in parts of the pores' grey
CANDIDATE, REST = 0.57, 0.52  # our choice: mean evidence along a line, at its best and towards its ends
LEAST_RATING = 2.15  # our choice: 2 % of simulated crops without scratches rate more, nine tenths of scratches' area do
ASIDE_UM = (0.75, 1.5)  # our choice: where the sides of a groove are looked at
SEEN_DEPTHS = (0.06, 0.55)


def find_grooves(half: Floats, pore_grey: float, size_um: float) -> Flags:
    """Where a scratch runs.

    Parameters
    ----------
    half : float array, shape (rows, columns)
        Grey values of a crop, means of 2 × 2 network pixels.
    pore_grey : float
        What pores show here: a groove makes even them darker.
    size_um : float
        Of a pixel of ``half``.
    """
    smooth = ndimage.gaussian_filter(half, 0.12 / size_um)
    width = max(3, round(WIDEST_UM / size_um))
    closed = ndimage.grey_closing(smooth, (width, width))
    # In half of all places closing fills nothing but noise.
    noise = max(float(np.median((closed - smooth)[::2, ::2])) - QUIET, 0.0)
    depth = 1.0 - (smooth + 2.0 * noise) / np.maximum(closed, 8.0)  # 8: ratios of nearly nothing are noise
    evidence = np.interp(depth, DEPTHS, EVIDENCE)
    # No gap between grains is darker than resin.
    evidence[(depth > DEPTHS[1]) & (smooth + 2.0 * noise < DARKER * pore_grey)] = 1.0
    straight, angle = _straightness(evidence.astype(np.float32), size_um)
    labels, count = ndimage.label(straight > REST, np.ones((3, 3)))
    is_groove = np.zeros(straight.shape, bool)
    for number in np.flatnonzero(ndimage.maximum(straight, labels, range(count + 1)) > CANDIDATE):
        row, column = np.nonzero(labels == number)
        if number and _rating(smooth, straight[row, column], angle[row, column], (row, column), pore_grey, size_um):
            is_groove[row, column] = True
    return _filled(is_groove, depth)


def _straightness(evidence: Floats, size_um: float) -> tuple[Floats, Floats]:
    """Per block of 2 × 2 pixels, the mean evidence along the best line through it, and that line's angle."""
    quarter = block_mean(evidence, 2, 2)
    along = lines((quarter.shape[0], quarter.shape[1]), DIRECTIONS, LENGTH_UM / (2.0 * size_um))
    means = along.means(along.spectrum_of(quarter))
    return means.max(axis=0), along.angles[means.argmax(axis=0)]


def _rating(
    smooth: Floats, means: Floats, angles: Floats, at: tuple[NDArray[np.int_], NDArray[np.int_]], pore: float, um: float
) -> bool:
    """Whether a candidate is a groove: straight all along, about evenly deep, and darker than the pores it crosses."""
    best = int(means.argmax())
    row, column = 2.0 * at[0][best] + 0.5, 2.0 * at[1][best] + 0.5
    sine, cosine = np.sin(angles[best]), np.cos(angles[best])
    along = (2.0 * at[1] + 0.5 - column) * cosine + (2.0 * at[0] + 0.5 - row) * sine
    along = np.arange(max(along.min(), -11.0 / um), min(along.max(), 11.0 / um) + 1.0)
    near, far = round(ASIDE_UM[0] / um), round(ASIDE_UM[1] / um)
    across = np.arange(-far, far + 1)[:, None]
    places = np.stack([row + along * sine + across * cosine, column + along * cosine - across * sine])
    last = np.array(smooth.shape)[:, None] - 1.0
    is_inside = ((places[:, far] >= 0) & (places[:, far] <= last)).all(axis=0)
    if is_inside.sum() * um < 3.0:  # our choice: too short to tell
        return False
    grey = ndimage.map_coordinates(smooth, places[:, :, is_inside], order=1, mode="nearest")
    ground = grey[far - 2 : far + 3].min(axis=0)
    sides = np.minimum(np.median(grey[: far - near], axis=0), np.median(grey[far + near + 1 :], axis=0))
    depth = 1.0 - ground / np.maximum(sides, 6.0)
    is_gap = (depth > SEEN_DEPTHS[1]) & (ground > DARKER * pore)
    is_even = float(((depth > SEEN_DEPTHS[0]) & ~is_gap).mean())
    is_darker = min(float((ground < DARKER * pore).mean()), 0.3)
    # The weights are our choice: they part simulated scratches from other candidates best.
    return bool(2.0 * means.mean() + means.max() + 0.25 * is_even + 0.8 * is_darker > LEAST_RATING)


def _filled(is_groove: Flags, depth: NDArray[np.floating]) -> Flags:
    """The pixels of the grooves in blocks of 2 × 2."""
    near = np.zeros(depth.shape, bool)
    twice = ndimage.binary_dilation(is_groove).repeat(2, axis=0).repeat(2, axis=1)
    near[: twice.shape[0], : twice.shape[1]] = twice
    padded = np.pad(near & (depth > 0.05), 3)
    return np.asarray(ndimage.binary_closing(padded, iterations=2)[3:-3, 3:-3])
