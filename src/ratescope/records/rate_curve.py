"""Capacity against C-rate: as measured, and as an ensemble predicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import InputError
from ratescope.records.finding import Finding
from ratescope.units import UNIT_OF, Capacity


@dataclass(frozen=True, eq=False)
class RateCurve:
    """Capacity against C-rate, measured or predicted.

    Attributes
    ----------
    capacity : "specific" or "density"
    c_rates_per_h : float array, shape (rates,)
    values : float array, shape (rates,)
        In Ah kg⁻¹ of active material or Ah L⁻¹ of coating.
    spread : float array, shape (rates,), or None
        Standard deviation (n − 1) over the cells or the networks. It is not an interval.
    cells : int array, shape (rates,), or None
        Where measured: how many cells stand behind each value.
    basis_error : float array, shape (rates,), or None
        Standard error of the values from the masses and volumes that they are divided by, NaN where nobody gave these
        with errors. It is taken as common to the cells, so that more cells do not shrink it: an upper bound.
    remarks : tuple of Finding
        Cells that lie apart from the others. None of them is left out of the values.
    """

    capacity: Capacity
    c_rates_per_h: NDArray[np.float64]
    values: NDArray[np.float64]
    spread: NDArray[np.float64] | None = None
    cells: NDArray[np.int64] | None = None
    basis_error: NDArray[np.float64] | None = None
    remarks: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "spread", "cells", "basis_error"):
            column = getattr(self, name)
            if column is not None and np.shape(column) != np.shape(self.c_rates_per_h):
                raise InputError(
                    f"a rate curve has one number of {name} for each C-rate; there are {np.size(column)} for "
                    f"{np.size(self.c_rates_per_h)} C-rates. Give as many."
                )

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L."""
        return UNIT_OF[self.capacity]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an ensemble says of some crops.

    Attributes
    ----------
    c_rates_per_h : float array, shape (rates,)
    by_network : float array, shape (networks, crops, rates)
    """

    capacity: Capacity
    c_rates_per_h: NDArray[np.float64]
    by_network: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.by_network.ndim != 3 or self.by_network.shape[2:] != np.shape(self.c_rates_per_h):
            raise InputError(
                f"a prediction has the shape (networks, crops, {np.size(self.c_rates_per_h)}); it is "
                f"{self.by_network.shape}. Keep all three axes."
            )

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L."""
        return UNIT_OF[self.capacity]

    @property
    def predicted(self) -> NDArray[np.float64]:
        """Mean over the networks, shape (crops, rates)."""
        return np.asarray(self.by_network.mean(axis=0))

    @property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation (n − 1) over the networks, shape (crops, rates): network spread, not an interval."""
        return _spread(self.by_network)

    def over_crops(self) -> RateCurve:
        """The mean over all crops, with the spread of the networks' means.

        Raises
        ------
        InputError
            If there is no crop, as of a micrograph that was refused.
        """
        if self.by_network.shape[1] == 0:
            raise InputError("there is no crop to take the mean over. Look at the reasons of the prepared micrograph.")
        means = self.by_network.mean(axis=1)
        return RateCurve(self.capacity, self.c_rates_per_h, np.asarray(means.mean(axis=0)), _spread(means))


def _spread(by_network: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(by_network) < 2:
        return np.full(by_network.shape[1:], np.nan)  # one network has no spread: unknown, not zero
    return np.asarray(by_network.std(axis=0, ddof=1))
