"""A rate curve as the three-parameter law of Tian et al.: capacity at any C-rate between the tested ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ratescope.cycling.rate_equation import capacity_at_current, jacobian_at_current
from ratescope.errors import RateTestError
from ratescope.units import UNIT_OF, Capacity

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class RateLaw:
    """A rate curve as the law of Tian et al.: ``Q = Q_M (1 − (Rτ)ⁿ (1 − exp(−(Rτ)⁻ⁿ)))``.

    Attributes
    ----------
    capacity : "specific" or "density"
    plateau : float
        Q_M, the capacity at rest, in Ah kg⁻¹ or Ah L⁻¹.
    tau_h : float
        The characteristic time: at the rate R = 1/τ the capacity is Q_M/e.
    exponent : float
        n, the fall at high rates; about 0.5 where diffusion limits, 1 where resistance does (Tian et al.).
    theoretical : float
        What 1C refers to, in the capacity's unit.
    c_rates_per_h, misfit : float array, shape (rates,)
        The tested rates, and law − given capacity there.
    log_covariance : float array, shape (3, 3)
        Of ln Q_M, ln τ and ln n, scaled by the misfit.
    degrees_of_freedom : int
        Rates less three: two for the paper's five, which is little.
    """

    capacity: Capacity
    plateau: float
    tau_h: float
    exponent: float
    theoretical: float
    c_rates_per_h: NDArray[np.float64]
    misfit: NDArray[np.float64]
    log_covariance: NDArray[np.float64]
    degrees_of_freedom: int

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L, of the plateau."""
        return UNIT_OF[self.capacity]

    @property
    def parameters(self) -> tuple[float, float, float]:
        """Q_M, τ, n."""
        return self.plateau, self.tau_h, self.exponent

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Of Q_M, τ and n, shape (3,), to first order."""
        return np.asarray(np.sqrt(np.diag(self.log_covariance)) * self.parameters)

    @property
    def intervals(self) -> NDArray[np.float64]:
        """95 % intervals of Q_M, τ and n, shape (3, 2), by Student's t; true only as far as the law is."""
        half = _quantile(self.degrees_of_freedom) * np.sqrt(np.diag(self.log_covariance))
        return np.asarray(np.array(self.parameters)[:, None] * np.exp(np.stack([-half, half], axis=1)))

    @property
    def largest_misfit(self) -> float:
        """As a share of the plateau."""
        return float(np.abs(self.misfit).max() / self.plateau)

    def capacity_at(self, c_rate_per_h: float) -> float:
        """The capacity at a nominal C-rate between the tested ones.

        Raises
        ------
        RateTestError
            Outside them: the law is empirical, and nothing was measured there.
        """
        return float(capacity_at_current(self._current(c_rate_per_h), *self.parameters)[0])

    def interval_at(self, c_rate_per_h: float) -> tuple[float, float]:
        """The 95 % interval of `capacity_at`, of the law's mean and not of a single cell."""
        current = self._current(c_rate_per_h)
        slope = jacobian_at_current(current, *self.parameters)[0]
        half = _quantile(self.degrees_of_freedom) * float(np.sqrt(slope @ self.log_covariance @ slope))
        middle = self.capacity_at(c_rate_per_h)
        return middle - half, middle + half

    def _current(self, c_rate_per_h: float) -> NDArray[np.float64]:
        low, high = float(self.c_rates_per_h.min()), float(self.c_rates_per_h.max())
        if not low * (1 - 1e-9) <= c_rate_per_h <= high * (1 + 1e-9):
            raise RateTestError(
                f"the rate law was fitted from {low:g}C to {high:g}C and says nothing of {c_rate_per_h:g}C. "
                "Ask between them, or test further rates."
            )
        return np.array([c_rate_per_h * self.theoretical])


def _quantile(degrees_of_freedom: int) -> float:
    """Student's t of the two-sided 95 %.

    >>> round(_quantile(2), 2)
    4.3
    """
    return float(stdtrit(degrees_of_freedom, (1.0 + CONFIDENCE) / 2.0))
