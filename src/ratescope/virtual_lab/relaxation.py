"""Dense packings: overlapping balls push each other apart, step by step, between a floor and a ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ratescope.virtual_lab.fields import Height

SKIN = 0.25  # of the largest radius: neighbours are looked for that far, and again when balls may have moved so much


FEW = 100  # balls: none of them may move unseen


@dataclass(frozen=True, eq=False)
class Walls:
    """What bounds a packing: it repeats in x and y, and lies between two heights.

    Attributes
    ----------
    period_um : (float, float)
        In x and y.
    floor, ceiling : functions of x and y
        Heights in µm.
    """

    period_um: tuple[float, float]
    floor: Height
    ceiling: Height


def relax(
    centres_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    is_hole: NDArray[np.bool_],
    walls: Walls,
    *,
    steps: int = 120,
    step_share: float = 0.4,
) -> NDArray[np.float64]:
    """Move balls apart until they hardly overlap (the force-biased scheme with a fixed radius).

    Parameters
    ----------
    centres_um : float array, shape (balls, 3)
        x, y, z.
    radii_um : float array, shape (balls,)
    is_hole : bool array, shape (balls,)
        Holes keep grains out, but may run into each other: pores are not balls.
    steps, step_share : int, float
        Our choice: 120 steps bring the mean overlap of touching grains to about 5 % of the smaller radius at a fraction
        of 0.66; shares over one half make dense packings swing.

    Returns
    -------
    float array, shape (balls, 3)
    """
    centres = centres_um.copy()
    period = np.array([*walls.period_um, np.inf])
    skin_um, many = SKIN * float(radii_um.max()), len(centres) >= FEW
    moved_um, pairs, low, high = np.inf, np.empty((0, 2), np.intp), centres[:, 2], centres[:, 2]
    for _ in range(steps):
        if moved_um > (0.8 if many else 0.5) * skin_um:
            pairs = _neighbours(centres, radii_um, skin_um, walls.period_um)
            pairs = pairs[~(is_hole[pairs[:, 0]] & is_hole[pairs[:, 1]])]
            low, high = walls.floor(*centres[:, :2].T) + radii_um, walls.ceiling(*centres[:, :2].T) - radii_um
            moved_um = 0.0
        step_um = step_share * _pushes(centres, radii_um, pairs, period)
        before = centres.copy()
        centres += step_um
        centres[:, 2] = np.maximum(np.minimum(centres[:, 2], high), low)
        # Nearly all of many balls, so that a single restless one does not cost a new search.
        if many:
            moved_um += float(np.quantile(np.abs(step_um).max(axis=1), 0.99))
        else:
            moved_um += float(np.linalg.norm(centres - before, axis=1).max())
    centres[:, :2] %= walls.period_um
    return centres


def _neighbours(
    centres: NDArray[np.float64], radii: NDArray[np.float64], skin_um: float, period_um: tuple[float, float]
) -> NDArray[np.intp]:
    """Pairs that touch or are apart by less than a skin; shape (pairs, 2)."""
    centres[:, :2] %= period_um
    # Most balls are small and have few small neighbours: looking as far for them as for large ones is slow.
    is_large = radii > 0.45 * radii.max()
    small, large = np.flatnonzero(~is_large), np.flatnonzero(is_large)
    boxsize = np.array([*period_um, 0.0])
    of_small, of_large = cKDTree(centres[small], boxsize=boxsize), cKDTree(centres[large], boxsize=boxsize)
    small_um, large_um = float(radii[small].max(initial=0.0)), float(radii.max())
    mixed = of_small.sparse_distance_matrix(of_large, small_um + large_um + skin_um, output_type="ndarray")
    pairs = np.concatenate(
        [
            small[of_small.query_pairs(2.0 * small_um + skin_um, output_type="ndarray")],
            large[of_large.query_pairs(2.0 * large_um + skin_um, output_type="ndarray")],
            np.stack([small[mixed["i"]], large[mixed["j"]]], axis=1),
        ]
    )
    apart = _shortest(centres[pairs[:, 0]] - centres[pairs[:, 1]], np.array([*period_um, np.inf]))
    reach = radii[pairs[:, 0]] + radii[pairs[:, 1]] + skin_um
    close: NDArray[np.intp] = pairs[np.einsum("ij,ij->i", apart, apart) < reach**2]
    return close


def _pushes(
    centres: NDArray[np.float64], radii: NDArray[np.float64], pairs: NDArray[np.intp], period: NDArray[np.float64]
) -> NDArray[np.float64]:
    first, second = pairs[:, 0], pairs[:, 1]
    apart = _shortest(centres[first] - centres[second], period)
    distance = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    overlap = radii[first] + radii[second] - distance
    touching = overlap > 0.0
    first, second, distance = first[touching], second[touching], np.maximum(distance[touching], 1e-9)
    push = apart[touching] * (overlap[touching] / distance)[:, None]
    share = (radii[second] / (radii[first] + radii[second]))[:, None]  # the smaller ball gives way
    moves = np.zeros_like(centres)
    for axis in range(3):
        moves[:, axis] = np.bincount(first, (push * share)[:, axis], len(radii))
        moves[:, axis] -= np.bincount(second, (push * (1.0 - share))[:, axis], len(radii))
    return moves


def _shortest(apart: NDArray[np.float64], period: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way to the nearest image of a neighbour."""
    shortest: NDArray[np.float64] = apart - np.where(np.isinf(period), 0.0, period) * np.rint(apart / period)
    return shortest
