"""What an audit draws: shifts by planted artefacts, maps without their weights, hidden places, relevance by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ratescope.evaluation.audit_tables import RANDOM
from ratescope.evaluation.figures.style import (
    COLOUR_OF,
    GRID,
    INK,
    LEGEND,
    MUTED,
    TITLE,
    UNIT_LABEL,
    colours,
    new_figure,
    panels_of,
    style_axes,
    svg_of,
)
from ratescope.evaluation.map_caption import METHOD_NAME

if TYPE_CHECKING:  # both take 0.3 s to import
    import pandas as pd
    from matplotlib.axes import Axes

COLOUR_OF_METHOD = {"grad-ram": "#0072b2", "guided-backprop": "#d55e00", "occlusion": "#009e73", RANDOM: MUTED}
ASIDE = 0.13  # of the distance between two C-rates, so that two points at one height are both seen
WORDS_OF_METHOD = METHOD_NAME | {RANDOM: "random order"}


def draw_shifts(axes: Axes, table: pd.DataFrame) -> None:
    """How far one artefact moves the prediction, over the C-rates: beside the spread and the measured error."""
    style_axes(axes)
    axes.grid(visible=False, axis="x")
    places = np.arange(len(table))
    unit = str(table["unit"].iloc[0])
    for column, colour, dashes, label in (
        ("spread", MUTED, "solid", "network spread"),
        ("measured_error", INK, "dotted", "measured error, held out"),
    ):
        values = table[column].to_numpy(float)
        if np.isfinite(values).any():
            axes.hlines(values, places - 0.36, places + 0.36, color=colour, ls=dashes, lw=1.7, label=label)
    other, moved = (table[name].to_numpy(float) for name in ("other_material_shift", "mean_absolute_shift"))
    ends = table[["low", "high"]].to_numpy(float)
    axes.vlines(places - ASIDE, ends[:, 0], ends[:, 1], color=COLOUR_OF[unit], lw=1.6, alpha=0.6)
    axes.plot(
        places - ASIDE, moved, "o", color=COLOUR_OF[unit], ms=6.5, mec="white", mew=0.8, label="artefact", zorder=4
    )
    if np.isfinite(other).any():
        style: dict[str, Any] = {"color": COLOUR_OF[unit], "mfc": "white", "ms": 5, "mew": 1.3, "zorder": 3}
        axes.plot(places + ASIDE, other, "o", label="other material there", **style)
    axes.set_xticks(places, [f"{rate:g}C" for rate in table["c_rate_per_h"]])
    axes.set_xlim(-0.6, len(table) - 0.4)


def draw_likeness(axes: Axes, table: pd.DataFrame, column: str) -> None:
    """Likeness against how many layers are random: a line per method, shaded from the lowest to the highest map."""
    style_axes(axes)
    axes.axhline(0.0, color=MUTED, lw=0.8)
    for method in dict.fromkeys(table["method"]):
        colour = COLOUR_OF_METHOD[method]
        by_depth = table[table["method"] == method].groupby("random_layers")[column]
        mean, low, high = by_depth.mean(), by_depth.min(), by_depth.max()
        depth = mean.index.to_numpy(float)
        axes.fill_between(depth, low.to_numpy(float), high.to_numpy(float), color=colour, alpha=0.12, lw=0)
        axes.plot(depth, mean.to_numpy(float), "o-", ms=3.5, lw=1.6, color=colour, label=WORDS_OF_METHOD[method])
    regressor = int(table.loc[table["layer"].str.startswith("regressor"), "random_layers"].max())
    axes.axvline(regressor + 0.5, color=MUTED, lw=0.9, ls=":")
    words: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "va": "bottom"}
    axes.text(regressor + 0.4, axes.get_ylim()[0], "regressor", ha="right", **words)
    axes.text(regressor + 0.6, axes.get_ylim()[0], "convolutions", ha="left", **words)
    axes.set(xlabel="layers with random weights, from the output", ylabel="rank correlation")


def draw_hidden(axes: Axes, table: pd.DataFrame, unit: str) -> None:
    """How far the prediction has moved against the share of cells: a line per order, the mean over crops."""
    style_axes(axes)
    for order in dict.fromkeys(table["order"]):
        by_share = table[table["order"] == order].groupby("share")["moved"].mean()
        shares, moved = 100.0 * by_share.index.to_numpy(float), by_share.to_numpy(float)
        dashes = "dashed" if order == "random" else "solid"
        style: dict[str, Any] = {"color": COLOUR_OF_METHOD[order], "label": WORDS_OF_METHOD[order]}
        axes.plot(shares, moved, ls=dashes, marker="o", ms=3, **style)
    axes.set_xlabel("share of the crop's cells / %")
    axes.set_ylabel(f"prediction moved by / {UNIT_LABEL[unit]}")


def draw_relevance(axes: Axes, table: pd.DataFrame) -> None:
    """Mass over area of each kind of place, C-rate by C-rate, with its interval; hollow: with random weights."""
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    axes.axvline(1.0, color=INK, lw=1.0, ls=":")
    places, rates = list(dict.fromkeys(table["place"])), sorted(table["c_rate_per_h"].unique())
    shifts = np.linspace(-0.27, 0.27, len(rates))
    for rate, shift, colour in zip(rates, shifts, colours(len(rates)), strict=True):
        own = table[table["c_rate_per_h"] == rate]
        heights = np.array([places.index(place) for place in own["place"]]) + shift
        ratio, low, high, fresh = (
            own[name].to_numpy(float) for name in ("ratio", "low", "high", "ratio_random_weights")
        )
        axes.hlines(heights, low, high, color=colour, lw=1.4)
        axes.plot(ratio, heights, "o", color=colour, ms=4, mec="white", mew=0.5, zorder=3, label=f"{rate:g}C")
        axes.plot(fresh, heights, "o", color=MUTED, mfc="none", ms=3.2, mew=0.9, zorder=2)
    for place in range(len(places)):
        axes.axhline(place + 0.5, color=GRID, lw=0.8, zorder=0)
    axes.set_yticks(range(len(places)), places)
    axes.set_ylim(len(places) - 0.5, -0.5)


def planted_svg(table: pd.DataFrame) -> bytes:
    """Shifts of one capacity, an artefact a panel, all on one scale."""
    artefacts = list(dict.fromkeys(table["artefact"]))
    figure = new_figure(9.4, 2.9)
    shown = list(zip(panels_of(figure, len(artefacts)), artefacts, strict=True))
    for axes, artefact in shown:
        draw_shifts(axes, table[table["artefact"] == artefact])
        axes.set_title(artefact, **TITLE)
    top = max(axes.get_ylim()[1] for axes, _ in shown)
    for axes, _ in shown:
        axes.set_ylim(-0.03 * top, top)
    shown[0][0].set_ylabel(f"mean absolute shift / {UNIT_LABEL[str(table['unit'].iloc[0])]}")
    _legend_below(figure, shown[0][0])
    return svg_of(figure)


def likeness_svg(table: pd.DataFrame) -> bytes:
    """Likeness of maps of one capacity, with their sign and without."""
    figure = new_figure(9.4, 3.1)
    panels = list(panels_of(figure, 2))
    for axes, column, title in zip(panels, ("signed", "absolute"), ("with sign", "size alone"), strict=True):
        axes.set_ylim(-1.05, 1.05)
        draw_likeness(axes, table, column)
        axes.set_title(title, **TITLE)
    _legend_below(figure, panels[0])
    return svg_of(figure)


def hidden_svg(table: pd.DataFrame) -> bytes:
    """Deletion and insertion of one capacity side by side."""
    figure = new_figure(9.4, 3.1)
    panels = list(panels_of(figure, 2))
    for axes, way, title in zip(panels, ("deletion", "insertion"), ("cells hidden", "cells shown"), strict=True):
        draw_hidden(axes, table[table["way"] == way], str(table["unit"].iloc[0]))
        axes.set_title(title, **TITLE)
    _legend_below(figure, panels[0])
    return svg_of(figure)


def relevance_svg(table: pd.DataFrame) -> bytes:
    """Relevance of one capacity over all crops, a method a panel."""
    methods = list(dict.fromkeys(table["method"]))
    figure = new_figure(9.4, 0.9 + 0.5 * table["place"].nunique())
    panels = list(panels_of(figure, len(methods)))
    for axes, method in zip(panels, methods, strict=True):
        draw_relevance(axes, table[table["method"] == method])
        axes.set_title(WORDS_OF_METHOD[method], **TITLE)
        if axes is not panels[0]:
            axes.set_yticklabels([])
    ends = [end for axes in panels for end in axes.get_xlim()]
    for axes in panels:
        axes.set_xlim(min(ends), max(ends))
    panels[len(panels) // 2].set_xlabel("share of the influence over share of the area")
    panels[0].plot([], [], "o", color=MUTED, mfc="none", ms=3.2, mew=0.9, label="random weights")
    _legend_below(figure, panels[0])
    return svg_of(figure)


def _legend_below(figure: Any, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **LEGEND)
