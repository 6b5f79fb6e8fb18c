"""Scratches: narrow dark grooves that run straight through grains and pores alike, longer than any grain's edge.

A groove takes a share of the light wherever it runs, so it is looked for in the ratio of grey to what closing makes of
it; gaps between grains are much darker, flaws of the grains much shorter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.directions import lines
from ratescope.imaging.grey import block_mean

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

WIDEST_UM = 1.0  # our choice: wider dark lines are gaps between grains
LENGTH_UM = 16.0  # our choice: straight grain edges and cracks of grains are shorter
DIRECTIONS = 40  # our choice: 60 find no more in simulated crops
DEPTHS, EVIDENCE = (0.03, 0.12, 0.40, 0.60), (0.0, 1.0, 1.0, 0.0)  # our choice: deeper ones are gaps between grains
QUIET = 0.6  # our choice: grey levels that closing fills in grains' texture without noise
DARKER = 0.8  # our choice: in parts of the pores' grey
CANDIDATE, REST = 0.57, 0.52  # our choice: mean evidence along a line, at its best and towards its ends
LEAST_RATING = 2.05  # our choice: 5 % of other candidates rate more, nine tenths of scratches do
ASIDE_UM = (0.75, 1.5)  # our choice: where the sides of a groove are looked at
SEEN_DEPTHS = (0.06, 0.55)
LEAST_INSIDE = 0.5  # our choice: at the border half a line has to do
SHORTEST_UM = 3.0  # our choice: less is too short to tell
WIDTH_AT = 0.5  # of the depth


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
    means, reach, angles = _line_means(evidence.astype(np.float32), size_um)
    straight = means.max(axis=0)
    labels, count = ndimage.label(reach > REST, np.ones((3, 3)))
    is_groove = np.zeros(half.shape, bool)
    for number in np.flatnonzero(ndimage.maximum(straight, labels, range(1, count + 1)) > CANDIDATE) + 1:
        at = np.nonzero(labels == number)
        best = int(straight[at].argmax())
        angle = float(angles[means[:, at[0][best], at[1][best]].argmax()])
        groove = _followed(smooth, at, best, angle, size_um)
        if groove and _rating(groove, straight[at], pore_grey) > LEAST_RATING:
            is_groove |= _band(groove, half.shape)
    return is_groove


def _line_means(evidence: Floats, size_um: float) -> tuple[Floats, Floats, Floats]:
    """Per block of 2 × 2 pixels, the mean evidence along the lines through it, shape (directions, rows, columns).

    Beside it the best mean where only what lies inside the crop counts, shape (rows, columns): how far a groove reaches
    towards the border; and the lines' angles.
    """
    quarter = block_mean(evidence, 2, 2)
    along = lines((quarter.shape[0], quarter.shape[1]), DIRECTIONS, LENGTH_UM / (2.0 * size_um))
    means = along.means(along.spectrum_of(quarter))
    reach = (means / np.maximum(along.inside, LEAST_INSIDE)).max(axis=0)
    return means, reach, along.angles


@dataclass(frozen=True, eq=False)
class _Groove:
    """A candidate, straightened.

    Attributes
    ----------
    grey : float array, shape (across, along)
    along_px, across_px : float array
        Where these samples lie, from ``middle`` in the direction of ``angle``.
    is_inside : bool array, shape (along,)
        Both sides lie inside the crop.
    near_px : int
        The distance from the middle at which its sides begin.
    """

    grey: Floats
    along_px: NDArray[np.float64]
    across_px: NDArray[np.float64]
    is_inside: Flags
    middle: tuple[float, float]
    angle: float
    near_px: int

    @property
    def ground(self) -> Floats:
        """Darkest grey near the middle, shape (along,)."""
        middle = len(self.across_px) // 2
        return np.asarray(self.grey[middle - 2 : middle + 3].min(axis=0))

    @property
    def sides(self) -> Floats:
        """Grey of the darker side, shape (along,)."""
        middle = len(self.across_px) // 2
        one, other = self.grey[: middle - self.near_px], self.grey[middle + self.near_px + 1 :]
        return np.minimum(np.median(one, axis=0), np.median(other, axis=0))


def _followed(
    smooth: Floats, at: tuple[NDArray[np.int_], ...], best: int, angle: float, size_um: float
) -> _Groove | None:
    """The grey values along a candidate, from the best of its blocks on; None where it is too short to tell."""
    row, column = 2.0 * at[0][best] + 0.5, 2.0 * at[1][best] + 0.5
    sine, cosine = np.sin(angle), np.cos(angle)
    reached = (2.0 * at[1] + 0.5 - column) * cosine + (2.0 * at[0] + 0.5 - row) * sine
    along = np.arange(reached.min(), reached.max() + 1.0)
    near, far = round(ASIDE_UM[0] / size_um), round(ASIDE_UM[1] / size_um)
    across = np.arange(-far, far + 1.0)
    places = np.stack([row + along * sine + across[:, None] * cosine, column + along * cosine - across[:, None] * sine])
    last = np.array(smooth.shape)[:, None] - 1.0
    is_inside = np.all((places[:, far] >= 0) & (places[:, far] <= last), axis=0)
    if is_inside.sum() * size_um < SHORTEST_UM:
        return None
    grey = ndimage.map_coordinates(smooth, places, order=1, mode="nearest")
    return _Groove(grey, along, across, is_inside, (row, column), angle, near)


def _rating(groove: _Groove, means: Floats, pore_grey: float) -> float:
    """How sure a candidate is a groove: straight all along, about evenly deep, and darker than the pores it crosses."""
    seen = groove.is_inside
    depth = 1.0 - groove.ground[seen] / np.maximum(groove.sides[seen], 6.0)
    is_gap = (depth > SEEN_DEPTHS[1]) & (groove.ground[seen] > DARKER * pore_grey)
    is_even = float(((depth > SEEN_DEPTHS[0]) & ~is_gap).mean())
    is_darker = min(float((groove.ground[seen] < DARKER * pore_grey).mean()), 0.3)
    # The weights are our choice: they part simulated scratches from other candidates best.
    return float(2.0 * means[means > REST].mean() + means.max() + 0.25 * is_even + 0.8 * is_darker)


def _band(groove: _Groove, shape: tuple[int, int]) -> Flags:
    """The pixels of a groove: a straight band as wide as its mean profile is at half its depth."""
    profile = np.median(groove.grey[:, groove.is_inside] / np.maximum(groove.sides[groove.is_inside], 6.0), axis=1)
    middle = int(profile[groove.near_px : -groove.near_px].argmin()) + groove.near_px
    is_deep = profile < 1.0 - WIDTH_AT * (1.0 - profile[middle])
    labels, _ = ndimage.label(is_deep)
    across = groove.across_px[labels == labels[middle]] if labels[middle] else groove.across_px[middle : middle + 1]
    row, column = np.ogrid[0.0 : shape[0], 0.0 : shape[1]]
    right, down = column - groove.middle[1], row - groove.middle[0]
    sine, cosine = np.sin(groove.angle), np.cos(groove.angle)
    along, aside = right * cosine + down * sine, down * cosine - right * sine
    return np.asarray(
        (along >= groove.along_px[0] - 1.0)
        & (along <= groove.along_px[-1] + 1.0)
        & (aside >= across[0] - 0.5)
        & (aside <= across[-1] + 0.5)
    )
