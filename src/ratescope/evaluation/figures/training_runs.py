"""What a training run is judged by: parity, measured and predicted curves, error against the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from ratescope.evaluation.figures.rate_curves import style_rate_axes
from ratescope.evaluation.figures.style import (
    INK,
    LEGEND,
    MARKERS,
    UNIT_LABEL,
    as_label,
    colours,
    new_figure,
    panels_of,
    some_of,
    style_axes,
    svg_of,
)
from ratescope.evaluation.metrics import electrode_means, ensemble_curves
from ratescope.units import CAPACITY_NAME, UNIT_OF, Capacity

if TYPE_CHECKING:  # both take 0.3 s to import, and most who import this room draw no training
    import pandas as pd
    from matplotlib.axes import Axes

HISTORY_COLUMNS = ("step", "train_mape_percent", "validation_mape_percent")


def draw_parity(axes: Axes, table: pd.DataFrame, capacity: Capacity) -> None:
    """Predicted over measured capacity (figure 7): small points are crops, outlined ones are electrodes."""
    style_axes(axes)
    means = electrode_means(table)
    largest = 1.06 * float(max(table["measured"].max(), table["predicted"].max()))
    axes.plot([0, largest], [0, largest], ":", color=INK, lw=1.0, zorder=1)
    rates = sorted(table["c_rate_per_h"].unique())
    for rate, colour, marker in zip(rates, colours(len(rates)), cycle(MARKERS), strict=False):
        crops, electrodes = (part[part["c_rate_per_h"] == rate] for part in (table, means))
        axes.scatter(
            crops["measured"], crops["predicted"], s=7, color=colour, alpha=0.35, lw=0, zorder=2, rasterized=True
        )
        style: dict[str, Any] = {"s": 30, "color": colour, "edgecolor": "white", "lw": 0.7, "marker": marker}
        axes.scatter(electrodes["measured"], electrodes["predicted"], label=f"{rate:g}C", zorder=3, **style)
    unit = UNIT_LABEL[UNIT_OF[capacity]]
    axes.set(xlim=(0, largest), ylim=(0, largest), aspect="equal")
    axes.set(xlabel=f"measured {CAPACITY_NAME[capacity]} / {unit}", ylabel=f"predicted / {unit}")
    axes.legend(loc="upper left", **LEGEND)


def draw_measured_and_predicted(
    axes: Axes, table: pd.DataFrame, capacity: Capacity, *, name_of: Mapping[str, str] | None = None
) -> None:
    """Measured and predicted rate curves by electrode (figure 8): markers are measured, lines predicted."""
    curves = ensemble_curves(table)
    electrodes = some_of(ordered(curves["electrode"].unique(), name_of or {}))
    for electrode, colour, marker in zip(electrodes, colours(len(electrodes)), cycle(MARKERS), strict=False):
        one = curves[curves["electrode"] == electrode]
        rates = one["c_rate_per_h"]
        label = as_label((name_of or {}).get(electrode, electrode))
        axes.plot(rates, one["measured"], marker, color=colour, ms=5, mfc="white", mew=1.3, zorder=3, label=label)
        axes.plot(rates, one["predicted"], color=colour, lw=1.4, zorder=2)
        low, high = one["predicted"] - one["spread"], one["predicted"] + one["spread"]
        axes.fill_between(rates, low, high, color=colour, alpha=0.2, lw=0)
    ticks = np.unique(curves["c_rate_per_h"].to_numpy(float))
    style_rate_axes(axes, ticks, f"{CAPACITY_NAME[capacity]} / {UNIT_LABEL[UNIT_OF[capacity]]}")
    axes.legend(loc="lower left", **LEGEND)


def draw_training(axes: Axes, histories: Mapping[str, pd.DataFrame]) -> None:
    """Error on the training and the validation part against the step, one pair of lines per fold."""
    style_axes(axes)
    for (name, history), colour in zip(histories.items(), cycle(colours(len(histories))), strict=False):
        steps, training, validation = (history[column].to_numpy(float) for column in HISTORY_COLUMNS)
        axes.plot(steps, training, color=colour, lw=0.8, alpha=0.55)
        axes.plot(steps, validation, color=colour, lw=1.5, label=as_label(name))
        if np.isfinite(validation).any():
            best = np.nanargmin(validation)
            axes.plot(steps[best], validation[best], "o", color=colour, ms=5, mec="white", zorder=4)
    _percent_in_decades(axes)
    axes.set(xlabel="step", ylabel="mean absolute percentage error / %")
    axes.legend(loc="upper right", **LEGEND)


def _percent_in_decades(axes: Axes) -> None:
    """A logarithmic axis with plain numbers: by itself it says 6 × 10¹ where 60 is meant."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))  # our choice: about evenly apart
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.minorticks_off()


def ordered(electrodes: Iterable[str], name_of: Mapping[str, str]) -> list[str]:
    """Electrodes in the order of ``name_of``, then those that it does not name, by name.

    >>> ordered(["b", "a", "c"], {"c": "20 %", "b": "50 %"})
    ['c', 'b', 'a']
    """
    known = set(electrodes)
    return [name for name in name_of if name in known] + sorted(known - set(name_of))


def parity_svg(table: pd.DataFrame, capacity: Capacity) -> bytes:
    """The parity plot of one capacity, as a figure of its own."""
    figure = new_figure(4.3, 4.2)
    draw_parity(next(panels_of(figure, 1)), table, capacity)
    return svg_of(figure)


def measured_and_predicted_svg(
    table: pd.DataFrame, capacity: Capacity, *, name_of: Mapping[str, str] | None = None
) -> bytes:
    """Measured and predicted rate curves of one capacity, as a figure of its own."""
    figure = new_figure(5.4, 4.2)
    draw_measured_and_predicted(next(panels_of(figure, 1)), table, capacity, name_of=name_of)
    return svg_of(figure)


def training_svg(histories: Mapping[str, pd.DataFrame]) -> bytes:
    """The training curves of one capacity, as a figure of its own."""
    figure = new_figure(8.0, 2.9)
    draw_training(next(panels_of(figure, 1)), histories)
    return svg_of(figure)
