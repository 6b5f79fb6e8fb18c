"""How strongly something goes with the capacity, electrode by electrode, and how often chance is as strong.

Capacities change hands among electrodes, all C-rates together; the strongest link of any C-rate is compared with what
such orders give, so that looking at five rates does not make chance five times as likely.
"""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

MOST_ORDERS = 5040  # our choice: all orders of seven electrodes; more electrodes are shuffled so often
Floats = NDArray[np.float64]


class Link(NamedTuple):
    """The strongest link over the rates: where, how strong (0 to 1), and how often an order has one as strong.

    ``least_p_value`` is the smallest ``p_value`` that any order of these electrodes could have.
    """

    rate: int
    strength: float
    p_value: float
    least_p_value: float
    orders: int


def link_of_categories(shares: Floats, capacities: Floats) -> Link:
    """By the correlation ratio: the root of the share of the variance that lies between the categories.

    Parameters
    ----------
    shares : float array, shape (electrodes, categories)
        How much of each electrode has each category; rows sum to 1.
    capacities : float array, shape (electrodes, rates)

    Examples
    --------
    >>> link = link_of_categories(np.array([[1, 0], [1, 0], [0, 1], [0, 1.0]]), np.array([[1], [2], [8], [9.0]]))
    >>> round(link.strength, 2), round(link.p_value, 2)
    (0.99, 0.33)
    """
    orders = _orders(len(capacities))
    weights = shares.sum(axis=0)
    means = np.einsum("ec,per->pcr", shares / weights, capacities[orders])
    between = np.einsum("c,pcr->pr", weights, (means - capacities.mean(axis=0)) ** 2)
    total = ((capacities - capacities.mean(axis=0)) ** 2).sum(axis=0)
    return _strongest(np.sqrt(between / np.where(total > 0.0, total, np.inf)))


def link_of_numbers(values: Floats, capacities: Floats) -> Link:
    """By the size of the rank correlation; ``values`` has shape (electrodes,), ``capacities`` (electrodes, rates).

    >>> link_of_numbers(np.arange(5.0), np.array([[9.0], [7], [5], [3], [1]])).p_value * 120
    2.0
    """
    ranks, others = _standardised(rankdata(values)), _standardised(rankdata(capacities, axis=0))
    return _strongest(np.abs(np.einsum("e,per->pr", ranks, others[_orders(len(values))])))


def _standardised(ranks: Floats) -> Floats:
    centred = ranks - ranks.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(centred / np.where(norm > 0.0, norm, np.inf))


def _orders(count: int) -> NDArray[np.intp]:
    """All orders of so few things, else as many shuffles; the first one is the order as it is."""
    if factorial(min(count, 20)) <= MOST_ORDERS:
        return np.array(list(permutations(range(count))), np.intp)
    rng = np.random.default_rng(0)  # fixed: an audit that is run again says the same
    return np.array([np.arange(count), *(rng.permutation(count) for _ in range(MOST_ORDERS - 1))], np.intp)


def _strongest(strengths: Floats) -> Link:
    """Of strengths by order and rate: what the first order has, against the strongest of each."""
    strongest = strengths.max(axis=1)
    return Link(
        rate=int(strengths[0].argmax()),
        strength=float(strongest[0]),
        p_value=float(np.mean(strongest >= strongest[0] - 1e-9)),
        least_p_value=float(np.mean(strongest >= strongest.max() - 1e-9)),
        orders=len(strengths),
    )
