"""Rate tests as in the paper's Figure 4: discharge curves on the left, the rate plot with its law on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.cycling.rate_equation import capacity_at_current
from ratescope.cycling.rate_law import RateLaw
from ratescope.evaluation.figures.rate_curves import style_rate_axes
from ratescope.evaluation.figures.style import (
    INK,
    LEGEND,
    MARKERS,
    MUTED,
    TITLE,
    UNIT_LABEL,
    as_label,
    colours,
    new_figure,
    png_of,
    some_of,
    style_axes,
)
from ratescope.records import RateCurve
from ratescope.units import CAPACITY_NAME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
LAW_POINTS = 120
LINES = ("-", "--", ":", "-.")  # C-rates of the discharge curves, in the order in which they are named


@dataclass(frozen=True, eq=False)
class ElectrodeCurves:
    """What is drawn of one electrode.

    Attributes
    ----------
    name : str
        As the legend says it.
    curve : RateCurve
    law : RateLaw or None
        None where it was refused: then the measured points are only joined.
    discharges : mapping from C-rate to (capacity, voltage), two float arrays of shape (rows,)
        Of one cell; the capacity in the unit of the curve.
    """

    name: str
    curve: RateCurve
    law: RateLaw | None = None
    discharges: Mapping[float, Points] = field(default_factory=dict)


def rate_test_png(
    electrodes: Sequence[ElectrodeCurves], *, c_rates_per_h: Sequence[float] = (0.2, 2.0, 5.0), note: str = ""
) -> bytes:
    """Both panels in one picture; ``note`` is a line below, such as that all of it is simulated."""
    figure = new_figure(10.6, 4.5)
    left, right = figure.subplots(1, 2, width_ratios=(1.12, 1.0))
    draw_discharges(left, electrodes, c_rates_per_h)
    draw_rate_plot(right, electrodes)
    if note:
        figure.supxlabel(note, fontsize=8.5, color=MUTED, x=0.01, ha="left", parse_math=False)
    return png_of(figure)


def draw_discharges(axes: Axes, electrodes: Sequence[ElectrodeCurves], c_rates_per_h: Sequence[float]) -> None:
    """Voltage against capacity: colour and mark tell the electrode, the kind of line the C-rate."""
    style_axes(axes)
    for electrode, colour, marker in _styled(electrodes):
        for rate, line in zip(c_rates_per_h, cycle(LINES), strict=False):
            if rate in electrode.discharges:
                capacity, voltage_v = electrode.discharges[rate]
                axes.plot(capacity, voltage_v, line, color=colour, lw=1.4, zorder=2)
                axes.plot(capacity[-1], voltage_v[-1], marker, color=colour, **_POINT)
    axes.set_xlim(left=0.0)
    if electrodes:
        axes.set(xlabel=_quantity(electrodes[0].curve), ylabel="voltage against lithium / V")
    for rate, line in zip(c_rates_per_h, cycle(LINES), strict=False):
        axes.plot([], [], line, color=INK, lw=1.4, label=f"{rate:g}C")
    axes.legend(loc="upper right", **LEGEND)
    axes.set_title("discharge curves", **TITLE)


def draw_rate_plot(axes: Axes, electrodes: Sequence[ElectrodeCurves]) -> None:
    """Capacity against C-rate: means over cells with their spread as bars; the fitted law, or dots where none fits."""
    for electrode, colour, marker in _styled(electrodes):
        curve = electrode.curve
        bars: dict[str, Any] = {"ecolor": colour, "elinewidth": 1.1, "capsize": 2.5, "label": as_label(electrode.name)}
        axes.errorbar(
            curve.c_rates_per_h, curve.values, _known(curve.spread), fmt=marker, color=colour, **_POINT, **bars
        )
        if electrode.law is None:
            axes.plot(curve.c_rates_per_h, curve.values, ":", color=colour, lw=0.9, zorder=2)
        else:
            axes.plot(*_law_points(electrode.law), color=colour, lw=1.4, zorder=2)
    if not electrodes:
        return
    ticks = np.unique(np.concatenate([electrode.curve.c_rates_per_h for electrode in electrodes]))
    style_rate_axes(axes, ticks, _quantity(electrodes[0].curve))
    axes.legend(loc="lower left", **LEGEND)
    axes.set_title("rate plot (line: rate law; dotted: none fits)", **TITLE)


_POINT: Mapping[str, Any] = {"ms": 5.5, "mec": "white", "mew": 0.8, "zorder": 4}


def _styled(electrodes: Sequence[ElectrodeCurves]) -> list[tuple[ElectrodeCurves, str, str]]:
    """The electrodes that are drawn, each with a colour and a mark of its own."""
    drawn = some_of(electrodes)
    return list(zip(drawn, colours(len(drawn)), cycle(MARKERS), strict=False))


def _known(spread: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """No bar where the spread is not known: with one cell it is NaN."""
    return None if spread is None else np.nan_to_num(spread)


def _law_points(law: RateLaw) -> Points:
    rates = np.geomspace(law.c_rates_per_h.min(), law.c_rates_per_h.max(), LAW_POINTS)
    return rates, capacity_at_current(rates * law.theoretical, *law.parameters)


def _quantity(curve: RateCurve) -> str:
    return f"{CAPACITY_NAME[curve.capacity]} / {UNIT_LABEL[curve.unit]}"
