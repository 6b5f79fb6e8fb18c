"""Cells that lie apart from the others of their electrode: named, never left out.

How far cells of one electrode lie apart by themselves depends on where on the rate curve one looks. A mass that is off
by 5 % shows as 5 % everywhere; a cell whose transport is 15 % slower shows as 15 % times the slope of its curve in a
double-logarithmic plot: nothing on the plateau, a third of the capacity where the curve falls. So the difference that
is let pass is 5 % times (1 + 3 × the slope), and more where the cells of the campaign scatter more than that. With
three cells of a single electrode the spread of the other two says little: by chance two of three are often close
together.

Drawn campaigns of five electrodes with three cells each, whose masses scatter by 1.5 % and transport times by 5 %: of
the sound cells 0.2 % are named; of those with 10 % too little mass 98 % are, of those with transport 1.5 times as slow
87 %. With 3 % and 10 % it is 1.5 %, 35 % and 26 %. A lone electrode names as many sound cells at 1.5 %, and finds 53 %
and 51 %. (tests/cycling/test_outliers.py draws them.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ratescope.records import Finding

ByRate = Mapping[float, Mapping[str, float]]
"""C-rate → cell → capacity, of one electrode."""

LEAST_DIFFERENCE = 0.05  # our choice, on a plateau: weighing and punching scatter by 1 to 2 %
TIMES_SLOPE = 3.0  # our choice: 15 % of the time that transport takes; tortuosity and separators scatter by 3 to 5 %
TIMES_USUAL = 3.0  # our choice, of the usual spread of cells
TIMES_OTHERS = 10.0  # our choice, of the spread of the others alone: see above
TWO_DIFFER = 2.0  # our choice, of the least difference: two cells cannot show which of them is apart
LEAST_ELECTRODES = 3  # our choice: for a spread that is usual
MEDIAN_TO_SD = {2: 0.6745, 3: 0.8326}  # median of a standard deviation of 2 or 3 normal values, over the true one


def usual_spread(electrodes: Sequence[ByRate]) -> float | None:
    """The usual relative standard deviation between cells of one electrode where its curve is flat.

    The median over electrodes and rates, so that an odd cell does not widen it; None for fewer than three electrodes
    with several cells.
    """
    spreads = [of for of in map(_flat_spreads, electrodes) if of]
    return float(np.median(np.concatenate(spreads))) if len(spreads) >= LEAST_ELECTRODES else None


def _flat_spreads(by_rate: ByRate) -> list[float]:
    """By rate the spread of an electrode's cells over what the slope of its curve makes of it."""
    spreads = []
    for rate, steepness in _steepness(by_rate).items():
        values = np.array(list(by_rate[rate].values()))
        if len(values) > 1:
            expected = MEDIAN_TO_SD.get(len(values), 1.0)
            spreads.append(float(values.std(ddof=1) / values.mean() / expected / steepness))
    return spreads


def _steepness(by_rate: ByRate) -> dict[float, float]:
    """By rate how much further apart cells may lie than on a plateau.

    >>> {rate: round(s, 1) for rate, s in _steepness({1.0: {"a": 2.0}, 2.0: {"a": 2.0}, 4.0: {"a": 1.0}}).items()}
    {1.0: 2.5, 2.0: 2.5, 4.0: 5.5}
    """
    rates = sorted(by_rate)
    means = np.array([np.mean(list(by_rate[rate].values())) for rate in rates])
    if len(rates) < 2:
        return dict.fromkeys(rates, 1.0)
    # A capacity of zero has no logarithm: next to it the curve is as steep as can be, and nothing is apart.
    logs = np.log(np.maximum(means, 1e-12))
    slopes = np.gradient(logs, np.log(rates), edge_order=2 if len(rates) > 2 else 1)
    return dict(zip(rates, (1.0 + TIMES_SLOPE * np.abs(slopes)).tolist(), strict=True))


def remarks_on_cells(by_rate: ByRate, usual: float | None) -> list[Finding]:
    """The cells of one electrode that lie apart, each with the rates where it does.

    >>> remarks_on_cells({0.2: {"c1": 150.0, "c2": 151.0, "c3": 120.0}}, None)[0].text
    'Cell c3 lies apart from the others of its electrode: -20 % at 0.2C. It stays in the mean.'
    """
    apart: dict[str, list[str]] = {}
    two: dict[str, list[str]] = {}
    for rate, steepness in _steepness(by_rate).items():
        cells = by_rate[rate]
        for cell, share in _apart(cells, usual, steepness).items():
            apart.setdefault(cell, []).append(f"{100.0 * share:+.0f} % at {rate:g}C")
        if (share := _difference_of_two(cells)) > TWO_DIFFER * LEAST_DIFFERENCE * steepness:
            two.setdefault(" and ".join(sorted(cells)), []).append(f"{100.0 * share:.0f} % at {rate:g}C")
    return [
        Finding(
            "cell-apart",
            f"Cell {cell} lies apart from the others of its electrode: {', '.join(said)}. It stays in the mean.",
        )
        for cell, said in apart.items()
    ] + [
        Finding("cells-differ", f"Cells {pair} differ by {', '.join(said)}. Two cells cannot show which is right.")
        for pair, said in two.items()
    ]


def _apart(cells: Mapping[str, float], usual: float | None, steepness: float) -> dict[str, float]:
    """By cell its relative distance from the median of the others, where that is too far."""
    apart = {}
    for cell, value in cells.items():
        others = np.array([other for name, other in cells.items() if name != cell])
        middle = float(np.median(others)) if len(others) > 1 else 0.0
        if middle <= 0.0:
            continue
        share = value / middle - 1.0
        if abs(share) > max(LEAST_DIFFERENCE * steepness, _limit(others, usual, steepness)):
            apart[cell] = share
    return apart


def _limit(others: NDArray[np.float64], usual: float | None, steepness: float) -> float:
    if usual is None:
        return TIMES_OTHERS * float(others.std(ddof=1) / np.median(others))
    # The median of the others scatters as well.
    return TIMES_USUAL * usual * steepness * math.sqrt(1.0 + 1.0 / len(others))


def _difference_of_two(cells: Mapping[str, float]) -> float:
    """Of the larger from the smaller, relative; zero where there are not two."""
    low, high = min(cells.values()), max(cells.values())
    return high / low - 1.0 if len(cells) == 2 and low > 0.0 else 0.0
