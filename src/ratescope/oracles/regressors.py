"""The best prediction that perfect knowledge allows: what no network can be expected to beat.

An oracle is told true facts (of an electrode, of a field, of one crop) instead of pixels, and learns capacities from
the same training part as a network. Where even it errs, the images do not know. Errors are in percent of the measured
value, as a network's loss is, so each regressor here answers with the value that makes the expected percentage error
smallest: the median under weights 1/capacity, not the mean.

Each is called as ``regressor(train_facts, train_curves, facts, seed)`` with arrays of shape (rows, facts), (rows,
values) and (n, facts), and returns (n, values); the first fact is the porosity, or what comes nearest to it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Regressor = Callable[[Values, Values, Values, int], Values]

LENGTH_ROWS = 150  # our choice: rows that a Gaussian process learns its length scales from; it answers from all
TREES = 100


def read_along_porosity(train_facts: Values, train_curves: Values, facts: Values, seed: int) -> Values:
    """Straight lines of log-capacity over the first fact, drawn on beyond the ends; rows of one value are averaged.

    >>> curves = np.array([[100.0], [50.0]])
    >>> read_along_porosity(np.array([[0.4], [0.3]]), curves, np.array([[0.2]]), 0).round(6)
    array([[25.]])
    """
    del seed
    at, which = np.unique(train_facts[:, 0], return_inverse=True)
    count = np.bincount(which)
    logs = [np.bincount(which, log) / count for log in np.log(train_curves).T]
    if len(at) == 1:
        return np.asarray(np.exp(np.tile([log[0] for log in logs], (len(facts), 1))))
    right = np.clip(np.searchsorted(at, facts[:, 0]), 1, len(at) - 1)
    share = (facts[:, 0] - at[right - 1]) / (at[right] - at[right - 1])
    said = np.stack([log[right - 1] + share * (log[right] - log[right - 1]) for log in logs], axis=1)
    return np.asarray(np.exp(said))


def gaussian_process(train_facts: Values, train_curves: Values, facts: Values, seed: int) -> Values:
    """A Gaussian process of log-capacity with one length scale per fact.

    Where ln y is normal with mean μ and variance σ², exp(μ − σ²) makes the expected percentage error smallest.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    train, asked = _standardised(train_facts, facts)
    logs = np.log(train_curves)
    some = _some_rows(len(train), seed)
    scale = np.full(train.shape[1], 3.0)
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * RBF(scale, (0.3, 100.0)) + WhiteKernel(0.1, (1e-5, 1.0))
    with _bounds_may_be_met():
        learned = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(train[some], logs[some])
    process = GaussianProcessRegressor(learned.kernel_, normalize_y=True, optimizer=None).fit(train, logs)
    mean, deviation = process.predict(asked, return_std=True)
    return np.asarray(np.exp(mean.reshape(len(facts), -1) - deviation.reshape(len(facts), -1) ** 2))


def forest(train_facts: Values, train_curves: Values, facts: Values, seed: int) -> Values:
    """Extremely randomised trees; each answer is a weighted median of the training curves that share its leaves."""
    from sklearn.ensemble import ExtraTreesRegressor

    leaf = max(1, min(5, len(train_facts) // 20))
    trees = ExtraTreesRegressor(TREES, min_samples_leaf=leaf, max_features=0.5, random_state=seed % 2**31)
    trees.fit(train_facts, np.log(train_curves))
    ours, theirs = trees.apply(facts), trees.apply(train_facts)
    weights = np.zeros((len(facts), len(train_facts)))
    for of_tree, of_training in zip(ours.T, theirs.T, strict=True):
        together = of_tree[:, None] == of_training[None, :]
        weights += together / together.sum(axis=1, keepdims=True)
    return np.stack([_weighted_median(curve, weights / curve) for curve in train_curves.T], axis=1)


def quadratic(train_facts: Values, train_curves: Values, facts: Values, seed: int) -> Values:
    """Ridge regression of log-capacity on facts, their squares and products."""
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import PolynomialFeatures

    del seed
    train, asked = _standardised(train_facts, facts)
    powers = PolynomialFeatures(2, include_bias=False)
    ridge = RidgeCV(np.logspace(-2, 4, 13)).fit(powers.fit_transform(train), np.log(train_curves))
    logs = np.log(train_curves)
    left = (logs - ridge.predict(powers.transform(train)).reshape(logs.shape)).var(axis=0)
    said = ridge.predict(powers.transform(asked)).reshape(len(facts), -1)
    # Polynomials leave the world quickly: never further than the training curves' own range, doubled.
    margin = 0.5 * np.ptp(logs, axis=0)
    return np.asarray(np.exp(np.clip(said - left, logs.min(axis=0) - margin, logs.max(axis=0) + margin)))


REGRESSORS: Mapping[str, Regressor] = {
    "read along porosity": read_along_porosity,
    "Gaussian process": gaussian_process,
    "forest": forest,
    "quadratic": quadratic,
}


def _weighted_median(values: Values, weights: Values) -> Values:
    """For each row of weights, the value at which half of the weight is reached; weights of shape (n, values)."""
    order = np.argsort(values)
    reached = np.cumsum(weights[:, order], axis=1)
    return np.asarray(values[order][(reached < 0.5 * reached[:, -1:]).sum(axis=1)])


def _standardised(train: Values, others: Values) -> tuple[Values, Values]:
    middle, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 1e-9 * np.maximum(np.abs(middle), 1e-9), spread, 1.0)
    return (train - middle) / spread, (others - middle) / spread


def _some_rows(count: int, seed: int) -> NDArray[np.intp]:
    if count <= LENGTH_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, LENGTH_ROWS, replace=False))


@contextmanager
def _bounds_may_be_met() -> Iterator[None]:
    """A fact without influence drives its length scale to its bound, which is as it should be."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
