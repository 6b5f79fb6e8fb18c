"""The best path through a table from left to right, found exactly by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
    layers, rows, columns = ratings.shape
    best = ratings[..., 0].copy()
    steps = np.zeros((columns, layers, rows), np.int8)
    for column in range(1, columns):
        reached = best.copy()
        is_better = best[:, :-1] > reached[:, 1:]
        np.copyto(reached[:, 1:], best[:, :-1], where=is_better)
        steps[column, :, 1:] -= is_better
        is_better = best[:, 1:] > reached[:, :-1]
        np.copyto(reached[:, :-1], best[:, 1:], where=is_better)
        np.copyto(steps[column, :, :-1], 1, where=is_better)
        reached += ratings[..., column]
        best = reached
    layer, row = np.unravel_index(int(best.argmax()), best.shape)
    path = np.empty(columns, int)
    for column in range(columns - 1, -1, -1):
        path[column] = row
        row += steps[column, layer, row]
    return int(layer), path


def best_path_within(ratings: NDArray[np.floating], first_rows: NDArray[np.int_]) -> NDArray[np.int_]:
    """`best_path` in a corridor: the table's column ``j`` begins at row ``first_rows[j]``.

    >>> best_path_within(np.array([[0.0, 5.0], [1.0, 0.0]]), np.array([3, 4])).tolist()
    [4, 4]
    """
    highest = int(first_rows.min())
    height = len(ratings) + int(np.ptp(first_rows))
    common = np.full((height, ratings.shape[1]), -1e6, np.float32)
    rows = np.arange(len(ratings))[:, None] + (first_rows - highest)[None, :]
    np.put_along_axis(common, rows, ratings.astype(np.float32), 0)
    return best_path(common[None])[1] + highest
