"""The best path through a table from left to right, found exactly by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOWHERE = -1e9


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
    # The sum of the best path to each place; a row more on either side, from which no path comes.
    sums = np.full((columns, layers, rows + 2), NOWHERE, np.float32)
    inside = sums[..., 1:-1]
    for layer, rating in enumerate(ratings):  # one by one: all at once take four times as long
        inside[:, layer] = rating.T
    reached = np.empty((layers, rows), np.float32)
    for column in range(1, columns):
        before = sums[column - 1]
        np.maximum(before[:, :-2], before[:, 2:], out=reached)
        np.maximum(reached, before[:, 1:-1], out=reached)
        inside[column] += reached
    best, row = np.unravel_index(int(inside[-1].argmax()), (layers, rows))
    down, level, up = sums[:, best, :-2], sums[:, best, 1:-1], sums[:, best, 2:]
    # Of equal ways the straight one.
    steps = np.where(level >= np.maximum(down, up), 0, np.where(up > down, 1, -1))
    path = np.empty(columns, int)
    path[-1] = row
    for column in range(columns - 2, -1, -1):
        row += steps[column, row]
        path[column] = row
    return int(best), path


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
