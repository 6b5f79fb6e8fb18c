"""How far predictions are from measurements: MAPE, MAE and R², of one group of values or of many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:  # it takes 0.3 s to import, and a prediction needs none
    import pandas as pd

Score = dict[str, float | int | None]


def mape_percent(measured: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute percentage error over the measured values above zero; NaN where there is none.

    >>> mape_percent([100.0, 50.0], [110.0, 50.0])
    5.0
    """
    truth, guess = np.asarray(measured, float), np.asarray(predicted, float)
    known = truth > 0
    return float(100.0 * np.mean(np.abs(guess[known] - truth[known]) / truth[known])) if known.any() else np.nan


def mae(measured: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, in the unit of the values; NaN where there are none.

    >>> mae([100.0, 50.0], [110.0, 50.0])
    5.0
    """
    error = np.abs(np.asarray(predicted, float) - np.asarray(measured, float))
    return float(error.mean()) if error.size else np.nan


def r_squared(measured: ArrayLike, predicted: ArrayLike) -> float:
    """1 − residual / total sum of squares, all values pooled; NaN where the measured values do not differ.

    >>> r_squared([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    0.0
    """
    truth, guess = np.asarray(measured, float), np.asarray(predicted, float)
    if truth.size < 2 or np.ptp(truth) <= 1e-9 * np.abs(truth).max():
        return np.nan
    return float(1.0 - np.sum((guess - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


def scores_of(table: pd.DataFrame, group: NDArray[np.intp], count: int) -> list[Score]:
    """A score for each of ``count`` groups of rows, all at once: a campaign's runs have tens of thousands of groups.

    `mape_percent`, `mae` and `r_squared` say the same of one group; a test holds them together.
    """
    measured, predicted = table["measured"].to_numpy(float), table["predicted"].to_numpy(float)
    smallest = table["smallest"].to_numpy(float)

    def total(values: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(group, values, minlength=count), float)

    error = np.abs(predicted - measured)
    is_positive = measured > 0
    share = np.divide(error, measured, out=np.zeros_like(error), where=is_positive)
    is_large = is_positive & ~(measured < smallest)
    rows = total(np.ones(len(table)))
    mean = total(measured) / np.maximum(rows, 1)
    around = (measured - mean[group]) ** 2
    highest = np.zeros(count)
    np.maximum.at(highest, group, np.abs(measured))
    with np.errstate(invalid="ignore", divide="ignore"):  # an empty group's numbers are unknown, not zero
        mape = 100.0 * total(share) / total(is_positive)
        without_small = 100.0 * total(share * is_large) / total(is_large)
        without_small[total(~np.isfinite(smallest)) > 0] = np.nan
        mean_error = total(error) / rows
        r2 = 1.0 - total((predicted - measured) ** 2) / total(around)
    # Values that differ by rounding alone are one value, which nothing can explain.
    r2[(rows < 2) | (total(around) <= rows * (1e-9 * highest) ** 2)] = np.nan
    return [
        {
            "values": int(rows[place]),
            "mape_percent": rounded(mape[place]),
            "mape_percent_without_small": rounded(without_small[place]),
            "mae": rounded(mean_error[place]),
            "r2": rounded(r2[place]),
        }
        for place in range(count)
    ]


def rounded(value: float | np.floating[Any]) -> float | None:
    """A rounded number for JSON; None where it is unknown."""
    return round(float(value), 6) if np.isfinite(value) else None
