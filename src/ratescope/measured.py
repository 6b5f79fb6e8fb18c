"""A measured number with its standard error, and what becomes of the error when numbers are worked out from others.

First order: each input is moved by its standard error up and down, alone; half the difference is what it contributes,
and the contributions add as squares. That is exact where the result is a straight line in its inputs, and good while
the errors are small: a Monte-Carlo twin in the tests shows it. The inputs of one call must be independent: a number
that enters twice enters as one input. (The library `uncertainties` follows such bonds by itself; for the five formulas
of this package that is not worth a dependency.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ratescope.errors import InputError


@dataclass(frozen=True)
class Measured:
    """A number and its standard error, in the same unit.

    Attributes
    ----------
    value : float
    standard_error : float
        Zero where the number is taken as exact.
    contributions : mapping of str to float
        Where it was worked out: the share of the squared error that each input brought; they sum to one.

    Examples
    --------
    >>> print(Measured(56.6, 1.2))
    56.6 ± 1.2
    """

    value: float
    standard_error: float = 0.0
    contributions: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and 0.0 <= self.standard_error < math.inf):
            raise InputError(
                f"a measured number is finite and its standard error zero or above; got {self.value} ± "
                f"{self.standard_error}. Leave out what is not known."
            )

    def __str__(self) -> str:
        """The value to the decimal place that its error's second digit has."""
        if self.standard_error == 0.0:
            return f"{self.value:.6g}"
        places = max(0, 1 - math.floor(math.log10(self.standard_error)))
        return f"{self.value:.{places}f} ± {self.standard_error:.{places}f}"


def plus_minus(spread: float, decimals: int) -> str:
    """A spread with its sign; one too small for its decimals is said to be smaller, never zero.

    >>> plus_minus(1.27, 1), plus_minus(0.03, 1)
    ('± 1.3', '± < 0.1')
    """
    step = 10.0**-decimals
    return f"± {spread:.{decimals}f}" if round(spread, decimals) >= step else f"± < {step:.{decimals}f}"


def propagated(formula: Callable[..., float], **inputs: Measured) -> Measured:
    """The formula's value at the inputs, with the standard error that their independent errors give it.

    >>> area = propagated(lambda side, other: side * other, side=Measured(3.0, 0.03), other=Measured(4.0, 0.04))
    >>> print(area, {name: round(share, 2) for name, share in area.contributions.items()})
    12.00 ± 0.17 {'side': 0.5, 'other': 0.5}
    """
    values = {name: measured.value for name, measured in inputs.items()}
    moves = {name: _half_move(formula, values, name, inputs[name].standard_error) for name in inputs}
    variance = sum(move**2 for move in moves.values())
    shares = {name: move**2 / variance for name, move in moves.items() if move} if variance else {}
    return Measured(formula(**values), math.sqrt(variance), shares)


def _half_move(formula: Callable[..., float], values: Mapping[str, float], name: str, error: float) -> float:
    """How far the result moves when one input moves by its standard error."""
    up, down = (formula(**{**values, name: values[name] + sign * error}) for sign in (1.0, -1.0))
    return (up - down) / 2.0
