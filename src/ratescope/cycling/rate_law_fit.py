"""Five capacities → a continuous rate curve: the three-parameter law of Tian et al., fitted, or refused with a reason.

The law (rate_equation.py) is empirical. Its fit is by capacity at the nominal C-rates, as the curve is read: fitted
against the rate R it looks up to three times better, because R has the measured capacity in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.rate_equation import capacity_at_current, is_on_the_law, jacobian_at_current
from ratescope.cycling.rate_law import RateLaw
from ratescope.errors import RateTestError
from ratescope.records import RateCurve

if TYPE_CHECKING:  # scipy.optimize takes half a second to import: only where something is fitted
    from scipy.optimize import OptimizeResult

FEWEST_RATES = 4  # three parameters need one more to show a misfit
LEAST_FALL = 0.1  # our choice: at 12 % an error of 1 % still moves τ by a factor of two to three, at 6 % by any
MOST_RISE = 0.02  # our choice: more than a rate test repeats to
MOST_MISFIT = 0.03  # our choice, of the plateau: virtual cells scatter by 1 to 2.6 % where transport does not limit
MOST_ABOVE = 1.25  # our choice: a plateau further above the largest capacity is an extrapolation
MOST_SPAN_OF_TAU = 10.0  # our choice: a 95 % interval wider than an order of magnitude says nothing
LEAST_EXPONENT, MOST_EXPONENT = 0.1, 2.0  # our choice: about twice beyond 0.5 (diffusion) and 1 (resistance)
LEAST_ERROR = 0.02  # our choice, of the largest capacity: what the law leaves on simulated half cells that it fits
STARTS = ((1.02, 0.03, 0.6), (1.02, 0.1, 0.95), (1.1, 0.3, 0.8), (1.0, 0.07, 1.2))  # plateau / largest, h, exponent


def fit_rate_law(curve: RateCurve, theoretical: float) -> RateLaw:
    """Fit the law to a measured or predicted rate curve.

    Parameters
    ----------
    theoretical : float
        The capacity that 1C refers to, in the curve's unit: for the paper's electrodes 159.7 Ah/kg, and for the
        capacity density that times the kg of active material per litre of coating.

    Raises
    ------
    RateTestError
        Where the law cannot be fitted, or does not fit: the reason is the message.

    Examples
    --------
    >>> rates = np.array([0.2, 1.0, 2.0, 3.0, 5.0])
    >>> law = fit_rate_law(RateCurve("specific", rates, np.array([157.3, 143.9, 132.4, 121.0, 99.5])), 159.7)
    >>> round(law.tau_h, 4), round(law.exponent, 2), round(law.capacity_at(4.0), 1)
    (0.0364, 0.69, 109.7)
    """
    order = np.argsort(curve.c_rates_per_h)
    rates, capacities = curve.c_rates_per_h[order], curve.values[order]
    _refuse_points(rates, capacities, theoretical)
    errors = _errors(curve)[order]
    currents = rates * theoretical
    found = _best_fit(currents, capacities, errors)
    plateau, tau_h, exponent = np.exp(found.x)
    freedom = len(rates) - 3
    law = RateLaw(
        capacity=curve.capacity,
        plateau=float(plateau),
        tau_h=float(tau_h),
        exponent=float(exponent),
        theoretical=theoretical,
        c_rates_per_h=rates,
        misfit=capacity_at_current(currents, plateau, tau_h, exponent) - capacities,
        log_covariance=np.linalg.pinv(found.jac.T @ found.jac) * 2.0 * found.cost / freedom,
        degrees_of_freedom=freedom,
    )
    _refuse_law(law, capacities)
    return law


def _best_fit(
    currents: NDArray[np.float64], capacities: NDArray[np.float64], errors: NDArray[np.float64]
) -> OptimizeResult:
    """The least weighted squares over several starts; the parameters as logarithms, so that none is below zero."""
    from scipy.optimize import least_squares

    largest = float(capacities.max())

    def residuals(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((capacity_at_current(currents, *np.exp(logs)) - capacities) / errors)

    def jacobian(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(jacobian_at_current(currents, *np.exp(logs)) / errors[:, None])

    lowest = np.log([0.5 * largest, 1e-4, LEAST_EXPONENT])
    highest = np.log([5.0 * largest, 1e2, MOST_EXPONENT])
    fits = [
        least_squares(residuals, np.log([share * largest, tau_h, exponent]), jac=jacobian, bounds=(lowest, highest))
        for share, tau_h, exponent in STARTS
    ]
    # With n > 1 the law has a highest current: a fit that leaves a tested rate beyond it comes last.
    return min(fits, key=lambda fit: (not is_on_the_law(currents, *np.exp(fit.x)).all(), float(fit.cost)))


def _errors(curve: RateCurve) -> NDArray[np.float64]:
    """How far each point may be off, for its weight: by its spread, where that is known, over a least error."""
    spread = np.zeros_like(curve.values) if curve.spread is None else np.nan_to_num(curve.spread)
    of_mean = spread if curve.cells is None else spread / np.sqrt(curve.cells)
    return np.asarray(np.hypot(of_mean, LEAST_ERROR * curve.values.max()))


def _refuse_points(rates: NDArray[np.float64], capacities: NDArray[np.float64], theoretical: float) -> None:
    if not theoretical > 0.0:
        raise RateTestError(f"1C refers to a capacity above zero; got {theoretical}. Give theoretical_ah_per_kg.")
    if len(rates) < FEWEST_RATES:
        raise RateTestError(
            f"three parameters need at least {FEWEST_RATES} C-rates; there are {len(rates)}. Test more rates."
        )
    if not (np.isfinite(capacities).all() and (capacities > 0.0).all() and (rates > 0.0).all()):
        raise RateTestError("a capacity or C-rate is not above zero. Look at the rate table before fitting a law.")
    rise = np.diff(capacities) / capacities.max()
    if rise.max() > MOST_RISE:
        at = int(rise.argmax())
        raise RateTestError(
            f"the capacity rises from {rates[at]:g}C to {rates[at + 1]:g}C by {rise[at]:.0%} of the largest; the law "
            "only falls. Look at those cycles."
        )
    if (fall := 1.0 - capacities.min() / capacities.max()) < LEAST_FALL:
        raise RateTestError(
            f"the capacity falls by only {fall:.0%} up to {rates[-1]:g}C, so that no characteristic time can be read "
            "off. Test higher rates."
        )


def _refuse_law(law: RateLaw, capacities: NDArray[np.float64]) -> None:
    is_reached = is_on_the_law(law.c_rates_per_h * law.theoretical, *law.parameters)
    if not is_reached.all():
        first = int(is_reached.argmin())
        raise RateTestError(
            f"the law does not fit: with the exponent {law.exponent:.2f} it ends before {law.c_rates_per_h[first]:g}C, "
            f"where {capacities[first]:.1f} {law.unit} are given. Read between the rates by eye, or test more of them."
        )
    if law.largest_misfit > MOST_MISFIT:
        worst = int(np.abs(law.misfit).argmax())
        raise RateTestError(
            f"the law does not fit: at {law.c_rates_per_h[worst]:g}C it is off by {law.misfit[worst]:+.1f} {law.unit}, "
            f"{abs(law.misfit[worst]) / law.plateau:.1%} of its plateau; at most {MOST_MISFIT:.0%} is taken. Read "
            "between the rates by eye, or test more of them."
        )
    if not LEAST_EXPONENT * 1.01 < law.exponent < MOST_EXPONENT / 1.01:
        raise RateTestError(
            f"the exponent ran into its bound, {law.exponent:.2g}: these rates do not determine it. Test more of them."
        )
    if law.plateau > MOST_ABOVE * capacities.max():
        raise RateTestError(
            f"the plateau would be {law.plateau:.0f} {law.unit}, far above the largest capacity, "
            f"{capacities.max():.0f} {law.unit}. Test lower rates."
        )
    low_h, high_h = law.intervals[1]
    if high_h > MOST_SPAN_OF_TAU * low_h:
        raise RateTestError(
            f"the characteristic time is not determined: between {low_h:.2g} and {high_h:.2g} h. Test more rates "
            "where the capacity falls."
        )
