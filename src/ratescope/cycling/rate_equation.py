"""The equation of Tian et al.: how the capacity falls with the rate, and its solution at a given current.

Nat. Commun. 2019, 10, 1933, equation 2: ``Q = Q_M (1 − (Rτ)ⁿ (1 − exp(−(Rτ)⁻ⁿ)))``. Its rate ``R`` is the current over
the capacity measured **at that current**, so at a given current the capacity stands on both sides. With z = ln Rτ and
the share h = Q/Q_M the equation reads z + ln h(nz) = ln(current τ / Q_M); its left side rises ever more slowly with z,
so that Newton's method from the left never oversteps.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SERIES_BELOW = 1e-3  # our choice: there three terms of the series are exact to 1e-10
LEAST_SLOPE = 1e-3  # our choice: with n > 1 the left side turns down at a highest current; there it is continued so
TOLERANCE = 1e-13
LARGEST_LOG = 700.0  # e to its power is near the largest number there is
MOST_STEPS = 200  # most of them are needed only where the slope nearly ends


def share_at_rate(rate_tau: Floats | float, exponent: float) -> Floats:
    """Q/Q_M at a rate: 1 at rest, 1/e at R = 1/τ, (Rτ)⁻ⁿ/2 far beyond.

    Parameters
    ----------
    rate_tau : float array of any shape
        R τ, without a unit; above zero.

    >>> [round(float(share_at_rate(rate, 0.7)), 4) for rate in (1e-6, 1.0, 1e6)]
    [0.9999, 0.3679, 0.0]
    """
    return _share_and_steepness(-exponent * np.log(np.asarray(rate_tau, float)))[0]


def capacity_at_current(currents: Floats, plateau: float, tau_h: float, exponent: float) -> Floats:
    """The capacity that the law gives at a current, shape as ``currents``; zero where it gives none.

    Parameters
    ----------
    currents : float array
        In the unit of ``plateau`` per hour, such as A per kg; above zero.

    >>> capacity_at_current(np.array([16.0, 800.0]), 160.0, 0.04, 0.7).round(1).tolist()
    [156.6, 93.6]
    """
    z, _ = _solved(np.asarray(currents, float), plateau, tau_h, exponent)
    return plateau * _share_and_steepness(-exponent * z)[0]


def jacobian_at_current(currents: Floats, plateau: float, tau_h: float, exponent: float) -> Floats:
    """Derivatives of `capacity_at_current` by ln Q_M, ln τ and ln n, shape (currents, 3)."""
    z, slope = _solved(np.asarray(currents, float), plateau, tau_h, exponent)
    log_y = -exponent * z
    share, steepness = _share_and_steepness(log_y)
    by_log = np.stack([np.ones_like(z), -exponent * steepness, steepness * log_y], axis=-1)
    return np.asarray((plateau * share / slope)[:, None] * by_log)


def is_on_the_law(currents: Floats, plateau: float, tau_h: float, exponent: float) -> NDArray[np.bool_]:
    """Whether the law has a capacity at these currents: with n > 1 there is a highest current."""
    _, slope = _solved(np.asarray(currents, float), plateau, tau_h, exponent)
    return np.asarray(slope > LEAST_SLOPE)


def _solved(currents: Floats, plateau: float, tau_h: float, exponent: float) -> tuple[Floats, Floats]:
    """ln Rτ at each current, and the slope of the equation's left side there."""
    right = np.log(currents * tau_h / plateau)
    end = _where_the_slope_ends(exponent)
    z, slope = right.copy(), np.ones_like(right)  # h ≤ 1, so the solution lies at or right of this
    for _ in range(MOST_STEPS):
        inside = np.minimum(z, end)
        share, steepness = _share_and_steepness(-exponent * inside)
        # Far beyond, where h is too small for a number, ln h = ln y − ln 2.
        log_share = np.where(-exponent * inside < -LARGEST_LOG, -exponent * inside - np.log(2.0), np.log(share))
        left = inside + log_share + LEAST_SLOPE * (z - inside)
        slope = np.where(z < end, np.maximum(1.0 - exponent * steepness, LEAST_SLOPE), LEAST_SLOPE)
        step = (right - left) / slope
        z = z + step
        if np.abs(step).max(initial=0.0) < TOLERANCE * (1.0 + np.abs(z).max(initial=0.0)):
            break
    return z, slope


@lru_cache(maxsize=64)  # a fit asks for the same exponent several times
def _where_the_slope_ends(exponent: float) -> float:
    """The z beyond which the left side rises by less than `LEAST_SLOPE`; infinite where it never does."""
    from scipy.optimize import brentq

    steepest = (1.0 - LEAST_SLOPE) / exponent
    if steepest >= 1.0:
        return np.inf
    # ln y: the steepness is 1 − e⁻³⁰/3 at −30 and 0 at 30.
    return -float(brentq(lambda log_y: float(_share_and_steepness(log_y)[1]) - steepest, -30.0, 30.0)) / exponent


def _share_and_steepness(log_y: Floats | float) -> tuple[Floats, Floats]:
    """The share h = 1 − (1 − e^−y)/y with y = (Rτ)⁻ⁿ, and d ln h / d ln y, which falls from 1 to 0 with y."""
    y = np.exp(np.clip(log_y, -LARGEST_LOG, LARGEST_LOG))
    large = np.maximum(y, SERIES_BELOW)
    passed = -np.expm1(-large) / large
    share, rise = 1.0 - passed, passed - np.exp(-large)
    if np.any(is_small := y < SERIES_BELOW):  # the closed forms lose digits there
        small = np.minimum(y, SERIES_BELOW)
        share = np.where(is_small, small / 2 - small**2 / 6 + small**3 / 24, share)
        rise = np.where(is_small, small / 2 - small**2 / 3 + small**3 / 8, rise)
    return share, rise / share
