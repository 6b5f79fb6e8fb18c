"""Predicted and measured rate curves, and the panels of one micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.evaluation.figures.style import (
    COLOUR_OF,
    INK,
    LEGEND,
    LINE,
    MUTED,
    TITLE,
    UNIT_LABEL,
    as_label,
    new_figure,
    panels_of,
    style_axes,
    svg_of,
)
from ratescope.evaluation.panels import Panel
from ratescope.records import RateCurve
from ratescope.units import CAPACITY_NAME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPREAD_LABEL = "network spread, not an interval"


def draw_rate_curve(axes: Axes, curve: RateCurve, *, colour: str | None = None, label: str = "predicted") -> None:
    """A predicted rate curve, with the network spread as a band where there is one."""
    colour = colour or COLOUR_OF[curve.unit]
    _draw_line_and_spread(axes, curve, colour, label)
    style_rate_axes(axes, curve.c_rates_per_h, f"{CAPACITY_NAME[curve.capacity]} / {UNIT_LABEL[curve.unit]}")


def draw_measured_curve(axes: Axes, curve: RateCurve, *, colour: str = INK, label: str = "measured") -> None:
    """A measured rate curve: markers, with the scatter between cells as bars."""
    style: dict[str, Any] = {"fmt": "s", "color": colour, "ms": 4.5, "mfc": "white", "capsize": 2.5, "lw": 1.1}
    axes.errorbar(curve.c_rates_per_h, curve.values, yerr=curve.spread, label=as_label(label), zorder=4, **style)
    style_rate_axes(axes, curve.c_rates_per_h, f"{CAPACITY_NAME[curve.capacity]} / {UNIT_LABEL[curve.unit]}")


def style_rate_axes(axes: Axes, c_rates_per_h: NDArray[np.float64], quantity: str) -> None:
    """A logarithmic C-rate axis with the tested rates as its ticks, and a capacity axis from zero."""
    style_axes(axes)
    axes.set_xscale("log")
    axes.set_xticks(c_rates_per_h, [f"{rate:g}" for rate in c_rates_per_h])
    axes.minorticks_off()
    axes.set_xlabel("C-rate / h⁻¹")
    axes.set_ylabel(quantity)
    axes.set_ylim(bottom=0.0)


def rate_panels_svg(panels: Sequence[Panel]) -> bytes:
    """One micrograph's panels side by side: the mean with its network spread, over the sections' thin lines."""
    figure = new_figure(3.55 * len(panels), 2.75)
    for axes, panel in zip(panels_of(figure, len(panels)), panels, strict=True):
        draw_panel(axes, panel)
    return svg_of(figure)


def draw_panel(axes: Axes, panel: Panel) -> None:
    """One quantity against the C-rate: mean, network spread and single sections."""
    colour = COLOUR_OF[panel.unit]
    if len(panel.by_section) > 1:
        thin = axes.plot(panel.c_rates_per_h, panel.by_section.T, color=MUTED, lw=0.6, alpha=0.5)
        thin[0].set_label("single sections")
    _draw_line_and_spread(axes, panel, colour, "mean of the sections")
    style_rate_axes(axes, panel.c_rates_per_h, "")
    axes.set_title(f"{panel.quantity} / {UNIT_LABEL[panel.unit]}", **TITLE)
    axes.legend(loc="lower left", **LEGEND)


def _draw_line_and_spread(axes: Axes, curve: RateCurve | Panel, colour: str, label: str) -> None:
    rates, capacity, spread = curve.c_rates_per_h, np.asarray(curve.values), curve.spread
    axes.plot(rates, capacity, "o-", color=colour, label=as_label(label), zorder=3, **LINE)
    if spread is not None and np.isfinite(spread).all():
        band: dict[str, Any] = {"color": colour, "alpha": 0.22, "lw": 0, "label": SPREAD_LABEL}
        axes.fill_between(rates, capacity - spread, capacity + spread, **band)
