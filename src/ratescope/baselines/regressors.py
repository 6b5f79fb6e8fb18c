"""What turns texture into a rate curve: a Gaussian process and boosted trees, the same for all campaigns.

Both learn log-capacities, because errors are counted in percent of the measured value, as a network's loss is. The
Gaussian process is small enough to be written here: two of its knobs are chosen inside the training part by whole
groups. Marginal likelihood, scikit-learn's way, takes the crops of an electrode for independent and grows too sure.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)  # in root-mean-square standard deviations of a feature: from one crop's own
NOISES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # neighbourhood to a plane; of the process' own variance
MIDDLE = (4.0, 0.3)  # our choice where the training part has too few groups to choose by
FEWEST_GROUPS = 3
MOST_PARTS = 5  # our choice: as many as the paper's folds

TREES = 50  # our choice: on two virtual campaigns 100 err by 0.0 to 0.4 points less, and take twice as long
TREE_DEPTH = 2  # our choice: a campaign has five to forty electrodes, and no more curves than those
LEAST_LEAF = 5  # our choice: crops, where there are enough
SHAPES = 2  # our choice: two say nearly all of how rate curves differ; trees for each C-rate err as much


def gaussian_process(
    train_features: Floats, train_curves: Floats, groups: Sequence[Hashable], features: Floats
) -> Floats:
    """A Gaussian process of log-capacity: a plane in all features, and bumps of one length.

    The length and the noise are those with the smallest percentage error on groups that were left out, at most five at
    a time; groups are what the fold keeps together: electrodes, specimens or crops.

    Parameters
    ----------
    train_features : float array, shape (train crops, features)
    train_curves : float array, shape (train crops, rates)
        Above zero.
    groups : sequence, one entry per training crop
    features : float array, shape (crops, features)

    Returns
    -------
    float array, shape (crops, rates)

    Examples
    --------
    >>> x = np.linspace(0.2, 0.5, 12)[:, None]
    >>> said = gaussian_process(x, np.exp(3.0 * x), list(range(12)), np.array([[0.33]]))
    >>> bool(abs(said[0, 0] - np.exp(0.99)) < 0.02)
    True
    """
    train, asked = standardised(train_features, features)
    logs = np.log(train_curves)
    length, noise = _chosen(train, logs, groups)
    return np.exp(_answers(train, logs, asked, length, (noise,))[0])


def boosted_trees(train_features: Floats, train_curves: Floats, features: Floats) -> Floats:
    """Gradient-boosted trees for how far each of the curves' main shapes is present (principal components of the logs).

    Parameters
    ----------
    train_features : float array, shape (train crops, features)
    train_curves : float array, shape (train crops, rates)
        Above zero.
    features : float array, shape (crops, features)

    Returns
    -------
    float array, shape (crops, rates)
    """
    from sklearn.ensemble import GradientBoostingRegressor

    logs = np.log(train_curves)
    middle = logs.mean(axis=0)
    shapes = np.linalg.svd(logs - middle, full_matrices=False)[2][:SHAPES]
    leaf = max(1, min(LEAST_LEAF, len(train_features) // 10))
    trees = GradientBoostingRegressor(n_estimators=TREES, max_depth=TREE_DEPTH, min_samples_leaf=leaf, random_state=0)
    present = [trees.fit(train_features, part).predict(features) for part in shapes @ (logs - middle).T]
    return np.asarray(np.exp(middle + np.stack(present, axis=1) @ shapes))


def standardised(train: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Both in units of the training part's standard deviations around its mean; what never varies there is left as 0.

    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[4.0, 9.0]]))[1]
    array([[2., 0.]])
    """
    middle, deviation = train.mean(axis=0), train.std(axis=0)
    varies = deviation > 1e-9 * np.maximum(np.abs(middle), 1e-9)
    scale = np.where(varies, deviation, 1.0)
    return np.where(varies, (train - middle) / scale, 0.0), np.where(varies, (others - middle) / scale, 0.0)


def _chosen(train: Floats, logs: Floats, groups: Sequence[Hashable]) -> tuple[float, float]:
    """Length and noise with the smallest percentage error on groups that were left out."""
    names = sorted(set(groups), key=str)
    if len(names) < FEWEST_GROUPS:
        return MIDDLE
    place = {name: position % MOST_PARTS for position, name in enumerate(names)}
    part_of = np.array([place[group] for group in groups])
    errors = np.zeros((len(LENGTHS), len(NOISES)))
    for part in np.unique(part_of):
        out = part_of == part
        for position, length in enumerate(LENGTHS):
            said = _answers(train[~out], logs[~out], train[out], length, NOISES)
            errors[position] += [np.abs(np.expm1(answer - logs[out])).sum() for answer in said]
    best_length, best_noise = np.unravel_index(int(errors.argmin()), errors.shape)
    return LENGTHS[best_length], NOISES[best_noise]


def _answers(train: Floats, logs: Floats, asked: Floats, length: float, noises: Sequence[float]) -> list[Floats]:
    """Expected log-capacities for each noise; one decomposition serves all of them."""
    middle = logs.mean(axis=0)
    values, vectors = np.linalg.eigh(_covariance(train, train, length))
    turned, weights = _covariance(asked, train, length) @ vectors, vectors.T @ (logs - middle)
    # A long way from all training crops a plane leaves the world: never further than their own range, doubled.
    margin = 0.5 * np.ptp(logs, axis=0)
    low, high = logs.min(axis=0) - margin, logs.max(axis=0) + margin
    return [np.clip(middle + turned @ (weights / (values + noise)[:, None]), low, high) for noise in noises]


def _covariance(one: Floats, other: Floats, length: float) -> Floats:
    count = one.shape[1]
    products = one @ other.T
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2.0 * products
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / count / (2.0 * length**2)) + products / count)
