"""What the figures share: colours, axes and how a figure becomes bytes. No global state, never pyplot."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:  # matplotlib takes 0.3 s to import: only where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = TypeVar("Curve")

UNIT_LABEL: Mapping[str, str] = {"Ah/kg": "Ah kg⁻¹", "Ah/L": "Ah L⁻¹", "mAh/cm2": "mAh cm⁻²"}

INK, MUTED, GRID = "#1d2a36", "#64717e", "#e3e8ec"
COLOUR_OF: Mapping[str, str] = {"Ah/kg": "#1f5fa8", "Ah/L": "#b5541c", "mAh/cm2": "#3c7a57"}
SEQUENCE = ("#1b2a6b", "#0072b2", "#009e73", "#e69f00", "#d55e00")  # after Okabe and Ito: for colour-blind eyes too
MARKERS = ("o", "s", "^", "D", "v", "P")
MOST_CURVES = 8  # our choice: more curves than these cannot be told apart in one panel

LINE: Mapping[str, Any] = {"ms": 4.5, "lw": 1.6, "mec": "white", "mew": 0.8}
LEGEND: Mapping[str, Any] = {"frameon": False, "fontsize": 8, "handlelength": 1.6, "labelcolor": INK}
TITLE: Mapping[str, Any] = {"fontsize": 9.5, "loc": "left", "color": INK, "pad": 4}


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")


def panels_of(figure: Figure, count: int) -> Iterator[Axes]:
    """Axes side by side."""
    for position in range(count):
        yield figure.add_subplot(1, count, position + 1)


def style_axes(axes: Axes) -> None:
    """Two spines, a pale grid, quiet ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(labelsize=8.5, length=3, color=MUTED, labelcolor=INK)
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(color=INK, fontsize=9)
    axes.yaxis.label.set(color=INK, fontsize=9)


def colours(count: int) -> list[str]:
    """Colours along the sequence, dark to light."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    path = LinearSegmentedColormap.from_list("sequence", SEQUENCE)
    return [to_hex(path(position)) for position in np.linspace(0.0, 1.0, max(count, 2))]


def some_of(curves: Sequence[Curve]) -> list[Curve]:
    """At most eight curves, or names of them, evenly over their order, the ends among them."""
    places = np.unique(np.linspace(0, len(curves) - 1, min(len(curves), MOST_CURVES)).round().astype(int))
    return [curves[place] for place in places]


def as_label(name: str) -> str:
    r"""A name that people chose, so that a figure shows it as it is.

    Between dollars matplotlib would read a formula, and it keeps what begins with an underscore out of legends.

    >>> as_label("30 $ a_b $"), as_label("_30")
    ('30 \\$ a_b \\$', '\u200b_30')
    """
    escaped = name.replace("$", r"\$")
    return f"\u200b{escaped}" if escaped.startswith("_") else escaped  # a space without width


def png_of(figure: Figure, *, dots_per_inch: int = 160) -> bytes:
    """A figure as PNG."""
    content = io.BytesIO()
    with _any_letters():
        figure.savefig(content, format="png", dpi=dots_per_inch)
    return content.getvalue()


def svg_of(figure: Figure) -> bytes:
    """A figure as SVG; the same figure gives the same bytes."""
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "ratescope"}), _any_letters():
        figure.savefig(content, format="svg", dpi=160, metadata={"Date": None})
    return content.getvalue()


@contextmanager
def _any_letters() -> Iterator[None]:
    """Names in letters that the font lacks are drawn as boxes: no reason to print a warning for each letter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        yield
