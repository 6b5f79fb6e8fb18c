"""The ladder as a figure: how far each rung errs, from not looking to being told the truth; and implied porosities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ratescope.evaluation.figures.style import (
    GRID,
    INK,
    LEGEND,
    MUTED,
    new_figure,
    panels_of,
    style_axes,
    svg_of,
)

if TYPE_CHECKING:  # both take 0.3 s to import, and most who import this room draw no ladder
    import pandas as pd
    from matplotlib.axes import Axes

Kind = Literal["blind", "leak", "image", "network", "told", "truth"]
COLOUR_OF_KIND: Mapping[Kind, str] = {
    "blind": "#8a97a3", "leak": "#a3741f", "image": "#0072b2", "network": "#d55e00", "told": "#009e73",
    "truth": "#8a6bb1",
}  # fmt: skip
WORDS_OF_KIND: Mapping[Kind, str] = {
    "blind": "does not look",
    "leak": "looks at its light alone",
    "image": "looks at the crop",
    "network": "the network",
    "told": "is told the porosity, sees no image",
    "truth": "is told the truth (simulated)",
}


@dataclass(frozen=True)
class Rung:
    """One line of the ladder: errors in percent of the measured value, None where unknown.

    Attributes
    ----------
    kind : "blind", "leak", "image", "network", "told" or "truth"
        Where its knowledge comes from.
    over_folds : (lowest, highest) per electrode, or None
    """

    name: str
    kind: Kind
    per_electrode: float | None
    per_crop: float | None = None
    over_folds: tuple[float, float] | None = None


def draw_ladder(axes: Axes, rungs: Sequence[Rung]) -> None:
    """A line per rung, from the top: large points are errors per electrode, hollow ones per crop, bars the folds."""
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    shown: set[Kind] = set()
    for place, rung in enumerate(rungs):
        colour = COLOUR_OF_KIND[rung.kind]
        axes.axhline(place, color=GRID, lw=0.8, zorder=0)
        if rung.over_folds is not None:
            axes.plot(rung.over_folds, [place, place], color=colour, lw=5, alpha=0.28, solid_capstyle="round", zorder=1)
        if rung.per_crop is not None:
            axes.plot(rung.per_crop, place, "o", color=colour, mfc="white", ms=5.5, mew=1.3, zorder=2)
        if rung.per_electrode is not None:
            label = None if rung.kind in shown else WORDS_OF_KIND[rung.kind]
            axes.plot(rung.per_electrode, place, "o", color=colour, ms=8, mec="white", mew=0.8, zorder=3, label=label)
            shown.add(rung.kind)
            style: dict[str, Any] = {"fontweight": _weight(rung), "fontsize": 8.5, "color": INK, "va": "center"}
            axes.annotate(
                f"{rung.per_electrode:.1f}", (max(_values(rung)), place), (8, 0), textcoords="offset points", **style
            )
    axes.set_yticks(range(len(rungs)), [rung.name for rung in rungs])
    for tick, rung in zip(axes.get_yticklabels(), rungs, strict=True):
        tick.set(fontweight=_weight(rung), fontsize=9)
    axes.set(ylim=(len(rungs) - 0.4, -0.6), xlabel="mean absolute percentage error on what was held out / %")
    axes.set_xlim(0, 1.12 * max([1.0, *(value for rung in rungs for value in _values(rung))]))
    axes.plot([], [], "o", color=MUTED, mfc="white", ms=5.5, mew=1.3, label="per crop")
    axes.plot([], [], color=MUTED, lw=5, alpha=0.28, label="range over the folds")
    axes.legend(loc="lower right", **LEGEND)


def draw_implied_porosity(axes: Axes, table: pd.DataFrame) -> None:
    """Implied over area porosity, in percent: small points are crops, outlined ones electrodes."""
    style_axes(axes)
    known = table.dropna(subset=["implied_porosity", "area_porosity"])
    means = known.groupby(["fold", "electrode"])[["implied_porosity", "area_porosity"]].mean()
    columns = ("area_porosity", "implied_porosity")
    crops, electrodes = ([100.0 * part[name].to_numpy(float) for name in columns] for part in (known, means))
    ends = (float(np.min(crops)) - 2.0, float(np.max(crops)) + 2.0)
    axes.plot(ends, ends, ":", color=INK, lw=1.0, zorder=1)
    axes.scatter(crops[0], crops[1], s=8, color=COLOUR_OF_KIND["image"], alpha=0.4, lw=0, zorder=2, label="crops")
    style: dict[str, Any] = {"s": 42, "color": COLOUR_OF_KIND["network"], "edgecolor": "white", "lw": 0.8}
    axes.scatter(electrodes[0], electrodes[1], zorder=3, label="electrodes", **style)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set(xlabel="area porosity, by threshold and recipe / %", ylabel="implied by both networks / %")
    axes.legend(loc="upper left", **LEGEND)


def ladder_svg(rungs: Sequence[Rung]) -> bytes:
    """The ladder of one capacity, as a figure of its own."""
    figure = new_figure(8.2, 0.9 + 0.34 * len(rungs))
    draw_ladder(next(panels_of(figure, 1)), rungs)
    return svg_of(figure)


def implied_porosity_svg(table: pd.DataFrame) -> bytes:
    """Implied over area porosity, as a figure of its own."""
    figure = new_figure(4.3, 4.2)
    draw_implied_porosity(next(panels_of(figure, 1)), table)
    return svg_of(figure)


def _weight(rung: Rung) -> str:
    return "bold" if rung.kind == "network" else "normal"


def _values(rung: Rung) -> list[float]:
    values = (rung.per_electrode, rung.per_crop, *(rung.over_folds or ()))
    return [value for value in values if value is not None]
