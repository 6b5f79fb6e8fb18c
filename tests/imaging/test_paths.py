"""The best path is the best of all."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import integers

from ratescope.imaging.paths import best_path, best_path_within


def best_sum_slowly(ratings):
    """Every path that there is."""
    layers, rows, columns = ratings.shape
    paths = [p for p in product(range(rows), repeat=columns) if np.all(np.abs(np.diff(p)) <= 1)]
    return max(ratings[layer, path, range(columns)].sum() for layer in range(layers) for path in paths)


@settings(deadline=None, max_examples=40)
@given(arrays(np.float32, (2, 3, 5), elements=integers(-9, 9).map(float)))
def test_the_best_path_agrees_with_trying_every_path(ratings):
    layer, path = best_path(ratings)
    assert np.all(np.abs(np.diff(path)) <= 1)
    assert ratings[layer, path, range(5)].sum() == best_sum_slowly(ratings)


def test_a_corridor_may_climb_with_the_foil():
    first_rows = np.array([10, 11, 12, 12])
    ratings = np.zeros((3, 4))
    ratings[1] = 1.0
    assert best_path_within(ratings, first_rows).tolist() == [11, 12, 13, 13]
