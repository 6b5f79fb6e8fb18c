"""How much of a map's influence falls on each kind of place, against how much of the area is of that kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

_RESAMPLED = 2000  # our choice: the ends of a 95 % interval are then known to a percent of its width or so


@dataclass(frozen=True)
class Relevance:
    """One kind of place in one map.

    Attributes
    ----------
    area : float
        Its share of the crop.
    mass : float
        Its share of the sum of the map's absolute values.
    rank : float
        Mean rank of its places by absolute value, from 0 (least influence) to 1; 0.5 where the kind does not matter.
    net : float
        Its part of the sum of the signed map, over the sum of absolute values: above zero, it raises the capacity.
    """

    area: float
    mass: float
    rank: float
    net: float


def relevance_of(
    influence: NDArray[np.floating], regions: NDArray[np.uint8], names: Sequence[str]
) -> list[dict[str, Relevance]]:
    """What falls on each kind of place, C-rate by C-rate.

    Parameters
    ----------
    influence : float array, shape (rates, rows, columns)
        A signed map on any grid that covers the crop; a cell over several kinds is shared out by area.
    regions : uint8 array, shape (224, 672)
        Which of the names each pixel is.
    names : sequence of str
        A name with no pixel in this crop is left out.

    Examples
    --------
    >>> regions = np.zeros((4, 8), np.uint8)
    >>> regions[:, 6:] = 1
    >>> told = relevance_of(np.array([[[0.0, 1.0, 1.0, -2.0]]]), regions, ["particle", "pore"])
    >>> told[0]["pore"].area, told[0]["pore"].mass, told[0]["pore"].net
    (0.25, 0.5, -0.5)
    """
    shares = _shares_in_cells(regions, len(names), influence.shape[1:])
    present = [place for place in range(len(names)) if shares[place].any()]
    told = []
    for values in influence:
        absolute = np.abs(values)
        total = max(float(absolute.sum()), np.finfo(float).tiny)
        ranks = (rankdata(absolute, axis=None).reshape(values.shape) - 0.5) / values.size
        told.append(
            {
                names[place]: Relevance(
                    area=float(shares[place].mean()),
                    mass=float((shares[place] * absolute).sum()) / total,
                    rank=float((shares[place] * ranks).sum() / shares[place].sum()),
                    net=float((shares[place] * values).sum()) / total,
                )
                for place in present
            }
        )
    return told


def _shares_in_cells(regions: NDArray[np.uint8], kinds: int, grid: tuple[int, ...]) -> NDArray[np.float64]:
    """Of each cell of a grid, the share of every kind, shape (kinds, rows, columns)."""
    return in_cells(np.stack([regions == kind for kind in range(kinds)]), grid)


def in_cells(values: NDArray[Any], grid: tuple[int, ...]) -> NDArray[np.float64]:
    """Means over the cells of a grid, (n, rows, columns) → (n, *grid); a value that lies in several is shared out.

    >>> in_cells(np.array([[[1.0, 2.0, 3.0]]]), (1, 2)).round(6).tolist()
    [[[1.333333, 2.666667]]]
    """
    means = values.astype(np.float64)
    for axis, cells in ((1, grid[0]), (2, grid[1])):
        means = _averaged(means, axis, cells)
    return means


def _averaged(values: NDArray[np.float64], axis: int, cells: int) -> NDArray[np.float64]:
    """Means over cells of equal length along an axis, whose edges may cut pixels."""
    length = values.shape[axis]
    edges = np.linspace(0, length, cells + 1)
    summed = np.concatenate([np.zeros_like(values.take([0], axis)), values.cumsum(axis)], axis)
    below, beyond = np.floor(edges).astype(int), np.minimum(np.floor(edges).astype(int) + 1, length)
    part = np.expand_dims(edges - below, tuple(i for i in range(values.ndim) if i != axis))
    at_edges = summed.take(below, axis) * (1 - part) + summed.take(beyond, axis) * part
    return np.asarray(np.diff(at_edges, axis=axis) * cells / length)


def interval_of_ratio(
    parts: NDArray[np.float64], wholes: NDArray[np.float64], groups: Sequence[str], seed: int = 0
) -> tuple[float, float, float]:
    """The ratio of two means over crops, and its 95 % interval when whole groups are drawn again with replacement.

    Parameters
    ----------
    parts, wholes : float array, shape (crops,)
        Such as a kind's share of the influence and of the area.
    groups : sequence of str
        Which crops belong together: those of one micrograph are no independent witnesses.
    """
    labels, members = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.stack([np.bincount(members, weights=values) for values in (parts, wholes)])
    drawn = np.random.default_rng(seed).integers(len(labels), size=(_RESAMPLED, len(labels)))
    above, under = sums[:, drawn].sum(axis=2)
    low, high = np.quantile(above / np.maximum(under, np.finfo(float).tiny), (0.025, 0.975))
    return float(sums[0].sum() / sums[1].sum()), float(low), float(high)


def mean_relevance(told: Sequence[Mapping[str, Relevance]], name: str) -> Relevance:
    """The mean over the crops that have such places, weighed by the area they take there."""
    own = [seen[name] for seen in told if name in seen]
    weights = [seen.area for seen in own]
    return Relevance(
        area=sum(weights) / len(told),
        mass=sum(seen.mass for seen in own) / len(told),
        rank=float(np.average([seen.rank for seen in own], weights=weights)),
        net=sum(seen.net for seen in own) / len(told),
    )
