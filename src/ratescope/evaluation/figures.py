"""Every drawn figure, on axes that are given; the only matplotlib, imported only when something is drawn.

No global state: figures are `Figure` objects, never pyplot's. Functions named ``…_png`` and ``…_svg`` return bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.evaluation.metrics import electrode_means, ensemble_curves
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.evaluation.panels import Panel
from ratescope.records import Box, RateCurve
from ratescope.units import CAPACITY_NAME, NETWORK_PIXEL_SIZE_UM, UNIT_OF, Capacity, bar_length_um

if TYPE_CHECKING:  # matplotlib takes 0.3 s to import: only where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD_LABEL = "network spread, not an interval"
UNIT_LABEL: Mapping[str, str] = {"Ah/kg": "Ah kg⁻¹", "Ah/L": "Ah L⁻¹", "mAh/cm2": "mAh cm⁻²"}

INK, MUTED, GRID = "#1d2a36", "#64717e", "#e3e8ec"
COLOUR_OF: Mapping[str, str] = {"Ah/kg": "#1f5fa8", "Ah/L": "#b5541c", "mAh/cm2": "#3c7a57"}
SEQUENCE = ("#1b2a6b", "#0072b2", "#009e73", "#e69f00", "#d55e00")  # after Okabe and Ito: for colour-blind eyes too
MARKERS = ("o", "s", "^", "D", "v", "P")
HISTORY_COLUMNS = ("step", "train_mape_percent", "validation_mape_percent")
MOST_CURVES = 8  # our choice: more curves than these cannot be told apart in one panel


# --- rate curves --------------------------------------------------------------------------------------------------


def draw_rate_curve(axes: Axes, curve: RateCurve, *, colour: str | None = None, label: str = "predicted") -> None:
    """A predicted rate curve, with the network spread as a band where there is one."""
    colour = colour or COLOUR_OF[curve.unit]
    _draw_line_and_spread(axes, curve, colour, label)
    style_rate_axes(axes, curve.c_rates_per_h, f"{CAPACITY_NAME[curve.capacity]} / {UNIT_LABEL[curve.unit]}")


def draw_measured_curve(axes: Axes, curve: RateCurve, *, colour: str = INK, label: str = "measured") -> None:
    """A measured rate curve: markers, with the scatter between cells as bars."""
    style: dict[str, Any] = {"fmt": "s", "color": colour, "ms": 4.5, "mfc": "white", "capsize": 2.5, "lw": 1.1}
    axes.errorbar(curve.c_rates_per_h, curve.values, yerr=curve.spread, label=label, zorder=4, **style)
    style_rate_axes(axes, curve.c_rates_per_h, f"{CAPACITY_NAME[curve.capacity]} / {UNIT_LABEL[curve.unit]}")


def style_rate_axes(axes: Axes, c_rates_per_h: NDArray[np.float64], quantity: str) -> None:
    """A logarithmic C-rate axis with the tested rates as its ticks, and a capacity axis from zero."""
    _style(axes)
    axes.set_xscale("log")
    axes.set_xticks(c_rates_per_h, [f"{rate:g}" for rate in c_rates_per_h])
    axes.minorticks_off()
    axes.set_xlabel("C-rate / h⁻¹")
    axes.set_ylabel(quantity)
    axes.set_ylim(bottom=0.0)


def rate_panels_svg(panels: Sequence[Panel]) -> bytes:
    """One micrograph's panels side by side: the mean with its network spread, over the sections' thin lines."""
    figure = _figure(3.55 * len(panels), 2.75)
    for axes, panel in zip(_panels(figure, len(panels)), panels, strict=True):
        draw_panel(axes, panel)
    return _svg(figure)


def draw_panel(axes: Axes, panel: Panel) -> None:
    """One quantity against the C-rate: mean, network spread and single sections."""
    colour = COLOUR_OF[panel.unit]
    if len(panel.by_section) > 1:
        thin = axes.plot(panel.c_rates_per_h, panel.by_section.T, color=MUTED, lw=0.6, alpha=0.5)
        thin[0].set_label("single sections")
    _draw_line_and_spread(axes, panel, colour, "mean of the sections")
    style_rate_axes(axes, panel.c_rates_per_h, "")
    axes.set_title(f"{panel.quantity} / {UNIT_LABEL[panel.unit]}", **_TITLE)
    axes.legend(loc="lower left", **_LEGEND)


# --- training runs ------------------------------------------------------------------------------------------------


def draw_parity(axes: Axes, table: pd.DataFrame, capacity: Capacity) -> None:
    """Predicted over measured capacity (figure 7): small points are crops, outlined ones are electrodes."""
    _style(axes)
    means = electrode_means(table)
    largest = 1.06 * float(max(table["measured"].max(), table["predicted"].max()))
    axes.plot([0, largest], [0, largest], ":", color=INK, lw=1.0, zorder=1)
    rates = sorted(table["c_rate_per_h"].unique())
    for rate, colour, marker in zip(rates, _colours(len(rates)), cycle(MARKERS), strict=False):
        crops, electrodes = (part[part["c_rate_per_h"] == rate] for part in (table, means))
        axes.scatter(
            crops["measured"], crops["predicted"], s=7, color=colour, alpha=0.35, lw=0, zorder=2, rasterized=True
        )
        style: dict[str, Any] = {"s": 30, "color": colour, "edgecolor": "white", "lw": 0.7, "marker": marker}
        axes.scatter(electrodes["measured"], electrodes["predicted"], label=f"{rate:g}C", zorder=3, **style)
    unit = UNIT_LABEL[UNIT_OF[capacity]]
    axes.set(xlim=(0, largest), ylim=(0, largest), aspect="equal")
    axes.set(xlabel=f"measured {CAPACITY_NAME[capacity]} / {unit}", ylabel=f"predicted / {unit}")
    axes.legend(loc="upper left", **_LEGEND)


def draw_measured_and_predicted(
    axes: Axes, table: pd.DataFrame, capacity: Capacity, *, name_of: Mapping[str, str] | None = None
) -> None:
    """Measured and predicted rate curves by electrode (figure 8): markers are measured, lines predicted."""
    curves = ensemble_curves(table)
    electrodes = _some(ordered(curves["electrode"].unique(), name_of or {}))
    for electrode, colour, marker in zip(electrodes, _colours(len(electrodes)), cycle(MARKERS), strict=False):
        one = curves[curves["electrode"] == electrode]
        rates = one["c_rate_per_h"]
        label = (name_of or {}).get(electrode, electrode)
        axes.plot(rates, one["measured"], marker, color=colour, ms=5, mfc="white", mew=1.3, zorder=3, label=label)
        axes.plot(rates, one["predicted"], color=colour, lw=1.4, zorder=2)
        low, high = one["predicted"] - one["spread"], one["predicted"] + one["spread"]
        axes.fill_between(rates, low, high, color=colour, alpha=0.2, lw=0)
    ticks = np.unique(curves["c_rate_per_h"].to_numpy(float))
    style_rate_axes(axes, ticks, f"{CAPACITY_NAME[capacity]} / {UNIT_LABEL[UNIT_OF[capacity]]}")
    axes.legend(loc="lower left", **_LEGEND)


def draw_training(axes: Axes, histories: Mapping[str, pd.DataFrame]) -> None:
    """Error on the training and the validation part against the step, one pair of lines per fold."""
    _style(axes)
    for (name, history), colour in zip(histories.items(), cycle(_colours(len(histories))), strict=False):
        steps, training, validation = (history[column].to_numpy(float) for column in HISTORY_COLUMNS)
        axes.plot(steps, training, color=colour, lw=0.8, alpha=0.55)
        axes.plot(steps, validation, color=colour, lw=1.5, label=name)
        if np.isfinite(validation).any():
            best = np.nanargmin(validation)
            axes.plot(steps[best], validation[best], "o", color=colour, ms=5, mec="white", zorder=4)
    axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="mean absolute percentage error / %")
    axes.legend(loc="upper right", **_LEGEND)


def ordered(electrodes: Iterable[str], name_of: Mapping[str, str]) -> list[str]:
    """Electrodes in the order of ``name_of``, then those that it does not name, by name.

    >>> ordered(["b", "a", "c"], {"c": "20 %", "b": "50 %"})
    ['c', 'b', 'a']
    """
    known = set(electrodes)
    return [name for name in name_of if name in known] + sorted(known - set(name_of))


def parity_svg(table: pd.DataFrame, capacity: Capacity) -> bytes:
    """The parity plot of one capacity, as a figure of its own."""
    figure = _figure(4.3, 4.2)
    draw_parity(next(_panels(figure, 1)), table, capacity)
    return _svg(figure)


def measured_and_predicted_svg(
    table: pd.DataFrame, capacity: Capacity, *, name_of: Mapping[str, str] | None = None
) -> bytes:
    """Measured and predicted rate curves of one capacity, as a figure of its own."""
    figure = _figure(5.4, 4.2)
    draw_measured_and_predicted(next(_panels(figure, 1)), table, capacity, name_of=name_of)
    return _svg(figure)


def training_svg(histories: Mapping[str, pd.DataFrame]) -> bytes:
    """The training curves of one capacity, as a figure of its own."""
    figure = _figure(8.0, 2.9)
    draw_training(next(_panels(figure, 1)), histories)
    return _svg(figure)


# --- attribution --------------------------------------------------------------------------------------------------


def draw_crop(axes: Axes, picture: NDArray[np.uint8], *, pixel_size_um: float, title: str = "") -> None:
    """A crop, or what was drawn over it, with a scale bar and without ticks."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set_axis_off()
    axes.set_title(title, **_TITLE)
    _draw_scale_bar(axes, picture.shape, pixel_size_um)


def draw_influence_bar(axes: Axes, limit: float, unit: str) -> None:
    """The colour bar of `influence_over_crop`, symmetric about zero."""
    strength = np.linspace(1, -1, 201)[:, None]
    flat = np.full((201, 1, 3), 128, np.uint8)
    extent = (0.0, 1.0, -limit, limit)
    axes.imshow(influence_over_crop(flat, strength, 1.0), aspect="auto", extent=extent)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.tick_params(length=2, labelsize=8, colors=INK)
    axes.set_ylabel(f"influence / {UNIT_LABEL.get(unit, unit)}\n← lowers      raises →", fontsize=8.5, color=INK)
    axes.spines[:].set_visible(False)


def attribution_png(
    crop: NDArray[np.uint8],
    maps: NDArray[np.floating[Any]],
    c_rates_per_h: Sequence[float] | NDArray[np.float64],
    unit: str,
    *,
    pixel_size_um: float = NETWORK_PIXEL_SIZE_UM,
    title: str = "",
) -> bytes:
    """The crop and its signed attribution at each C-rate, all on one colour scale.

    Parameters
    ----------
    crop : uint8 array, shape (rows, columns, 3)
    maps : float array, shape (rates, map rows, map columns) or (map rows, map columns)
    unit : str
        Of the influence, such as ``"Ah/kg"``.
    """
    stack = maps if maps.ndim == 3 else maps[None]
    limit = influence_limit(stack)
    pictures = [("crop", crop)] + [
        (f"{rate:g}C", influence_over_crop(crop, one, limit)) for rate, one in zip(c_rates_per_h, stack, strict=True)
    ]
    lines = (len(pictures) + 1) // 2
    figure = _figure(9.6, 1.62 * lines + (0.35 if title else 0.1))
    grid = figure.add_gridspec(lines, 3, width_ratios=(1, 1, 0.03))
    for position, (name, picture) in enumerate(pictures):
        axes = figure.add_subplot(grid[position // 2, position % 2])
        draw_crop(axes, picture, pixel_size_um=pixel_size_um, title=name)
    draw_influence_bar(figure.add_subplot(grid[:, 2]), limit, unit)
    if title:
        figure.suptitle(title, fontsize=10.5, color=INK, x=0.01, ha="left")
    return _png(figure)


def story_png(
    levelled: NDArray[np.uint8],
    box: Box,
    crop: NDArray[np.uint8],
    influence: NDArray[np.floating[Any]],
    curve: RateCurve,
    *,
    c_rate_per_h: float,
    pixel_size_um: float,
    measured: RateCurve | None = None,
    measured_label: str = "measured",
    note: str = "",
) -> bytes:
    """One picture of the whole: micrograph → crop → attribution → rate curve.

    Parameters
    ----------
    levelled : uint8 array, shape (rows, columns, 3)
        The levelled micrograph, and ``box`` the crop in it; ``pixel_size_um`` is the micrograph's.
    influence : float array, shape (map rows, map columns)
        The signed attribution of ``crop`` at ``c_rate_per_h``.
    note : str
        A line below, such as that all of it is simulated.
    """
    from matplotlib.figure import Figure

    width, gap = 11.0, 0.35  # inches, as all that follows
    column = 6.2
    above, crop_height = min(10.8 * levelled.shape[0] / levelled.shape[1], 3.2), column * crop.shape[0] / crop.shape[1]
    height = above + 2 * crop_height + 4 * gap
    figure = Figure(figsize=(width, height), facecolor="white")

    def place(left: float, top: float, wide: float, high: float) -> Axes:
        axes = figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))
        axes.set_anchor("NW")
        return axes

    whole = place(0.1, gap, 10.8, above)
    draw_crop(whole, levelled, pixel_size_um=pixel_size_um, title="1   polished cross-section")
    _draw_box(whole, box)
    second, third = above + 2 * gap, above + crop_height + 3 * gap
    one = place(0.1, second, column, crop_height)
    draw_crop(one, crop, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title="2   a crop of the coating")
    coloured = influence_over_crop(crop, influence, influence_limit(influence))
    title = f"3   what raises (red) and lowers (blue) the capacity predicted at {c_rate_per_h:g}C"
    two = place(0.1, third, column, crop_height)
    draw_crop(two, coloured, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=title)
    rates = place(column + 0.95, second, 10.75 - column - 0.95, 2 * crop_height + gap - 0.45)
    draw_rate_curve(rates, curve)
    if measured is not None:
        draw_measured_curve(rates, measured, label=measured_label)
    rates.set_title("4   the rate curve", **_TITLE)
    rates.legend(loc="lower left", **_LEGEND)
    figure.text(0.1 / width, 0.09 / height, note, fontsize=8.5, color=MUTED)
    return _png(figure)


# --- what the figures share ---------------------------------------------------------------------------------------

_LINE: Mapping[str, Any] = {"ms": 4.5, "lw": 1.6, "mec": "white", "mew": 0.8}
_LEGEND: Mapping[str, Any] = {"frameon": False, "fontsize": 8, "handlelength": 1.6, "labelcolor": INK}
_TITLE: Mapping[str, Any] = {"fontsize": 9.5, "loc": "left", "color": INK, "pad": 4}


def _figure(width_in: float, height_in: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")


def _panels(figure: Figure, count: int) -> Iterator[Axes]:
    for position in range(count):
        yield figure.add_subplot(1, count, position + 1)


def _draw_line_and_spread(axes: Axes, curve: RateCurve | Panel, colour: str, label: str) -> None:
    rates, capacity, spread = curve.c_rates_per_h, np.asarray(curve.values), curve.spread
    axes.plot(rates, capacity, "o-", color=colour, label=label, zorder=3, **_LINE)
    if spread is not None and np.isfinite(spread).all():
        band: dict[str, Any] = {"color": colour, "alpha": 0.22, "lw": 0, "label": SPREAD_LABEL}
        axes.fill_between(rates, capacity - spread, capacity + spread, **band)


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(labelsize=8.5, length=3, color=MUTED, labelcolor=INK)
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(color=INK, fontsize=9)
    axes.yaxis.label.set(color=INK, fontsize=9)


def _colours(count: int) -> list[str]:
    """Colours along the sequence, dark to light."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    path = LinearSegmentedColormap.from_list("sequence", SEQUENCE)
    return [to_hex(path(position)) for position in np.linspace(0.0, 1.0, max(count, 2))]


def _some(names: Sequence[str]) -> list[str]:
    """At most eight names, evenly over their order, the ends among them."""
    places = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST_CURVES)).round().astype(int))
    return [names[place] for place in places]


def _draw_scale_bar(axes: Axes, shape: tuple[int, ...], pixel_size_um: float) -> None:
    rows, columns = shape[:2]
    length_um = bar_length_um(columns * pixel_size_um / 4)
    right, bottom = columns * 0.985, rows * 0.93
    left = right - length_um / pixel_size_um
    back: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.plot([left, right], [bottom, bottom], color="white", lw=4.5, solid_capstyle="butt")
    axes.plot([left, right], [bottom, bottom], color="black", lw=2.5, solid_capstyle="butt")
    axes.text(
        (left + right) / 2, bottom - 0.03 * rows, f"{length_um} µm", ha="center", va="bottom", fontsize=7, bbox=back
    )


def _draw_box(axes: Axes, box: Box) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, fill=False, ec="#f2b705", lw=2.0))


def _png(figure: Figure, *, dots_per_inch: int = 160) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dots_per_inch)
    return content.getvalue()


def _svg(figure: Figure) -> bytes:
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "ratescope"}):  # the same figure gives the same bytes
        figure.savefig(content, format="svg", dpi=160, metadata={"Date": None})
    return content.getvalue()
