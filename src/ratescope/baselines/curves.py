"""The rungs that know a curve and at most a porosity: the mean curve, and the curve read at a porosity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import TrainingError


def mean_curve(train_curves: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The mean of the training curves for each of ``n`` crops: what is known without looking.

    Parameters
    ----------
    train_curves : float array, shape (crops, rates)
        NaN where a capacity was not measured.

    Returns
    -------
    float array, shape (n, rates)

    Examples
    --------
    >>> mean_curve(np.array([[150.0, 90.0], [154.0, 30.0]]), 1)
    array([[152.,  60.]])
    """
    return np.tile(_mean_of_known(_checked(train_curves)), (n, 1))


def curve_at_porosity(
    train_porosity: NDArray[np.float64],
    train_curves: NDArray[np.float64],
    porosity: NDArray[np.float64],
    *,
    knots: int = 8,  # our choice: enough to follow five densifications, few enough to average crops of one porosity
) -> NDArray[np.float64]:
    """The training curve read at a porosity, shape (crops, rates).

    The training crops are sorted by porosity into at most ``knots`` groups of equal size; between the groups' means the
    curve is interpolated, beyond them it stays; groups of one porosity are one. Groups, not electrodes, because
    porosity scatters between crops of one electrode as much as between electrodes, and a fair rung must know that.

    Parameters
    ----------
    train_porosity : float array, shape (train crops,)
    train_curves : float array, shape (train crops, rates)
        NaN where a capacity was not measured.
    porosity : float array, shape (crops,)

    Examples
    --------
    >>> curves = np.array([[100.0], [60.0], [20.0]])
    >>> curve_at_porosity(np.array([0.5, 0.4, 0.3]), curves, np.array([0.45, 0.2]))
    array([[80.],
           [20.]])
    """
    known = _checked(train_curves)
    groups = np.array_split(np.argsort(train_porosity, kind="stable"), min(knots, len(known)))
    at, which = np.unique([train_porosity[group].mean() for group in groups], return_inverse=True)
    together = [np.flatnonzero(which == knot) for knot in range(len(at))]
    means = np.stack([_mean_of_known(known[np.concatenate([groups[i] for i in same])]) for same in together])
    columns = [_interpolated(porosity, at, means[:, rate]) for rate in range(means.shape[1])]
    return np.stack(columns, axis=1)


def _checked(train_curves: NDArray[np.float64]) -> NDArray[np.float64]:
    if train_curves.ndim != 2 or len(train_curves) == 0:
        raise TrainingError(
            f"a baseline needs training curves of shape (crops, rates); got {train_curves.shape}. "
            "Give each fold at least one crop to learn from."
        )
    return train_curves


def _mean_of_known(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what was measured; NaN at a C-rate that never was."""
    is_known = np.isfinite(curves)
    total = np.where(is_known, curves, 0.0).sum(axis=0)
    count = is_known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _interpolated(
    porosity: NDArray[np.float64], at: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    is_known = np.isfinite(values)
    if not is_known.any():
        return np.full(len(porosity), np.nan)
    return np.interp(porosity, at[is_known], values[is_known])
