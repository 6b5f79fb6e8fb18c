"""Crops, signed attributions over them, and the picture from micrograph to rate curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.evaluation.figures.rate_curves import draw_measured_curve, draw_rate_curve
from ratescope.evaluation.figures.style import INK, LEGEND, MUTED, TITLE, UNIT_LABEL, new_figure, png_of
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.records import Box, RateCurve
from ratescope.units import NETWORK_PIXEL_SIZE_UM, bar_length_um

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_crop(axes: Axes, picture: NDArray[np.uint8], *, pixel_size_um: float, title: str = "") -> None:
    """A crop, or what was drawn over it, with a scale bar and without ticks."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set_axis_off()
    axes.set_title(title, **TITLE)
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
    figure = new_figure(9.6, 1.62 * lines + (0.35 if title else 0.1))
    grid = figure.add_gridspec(lines, 3, width_ratios=(1, 1, 0.03))
    for position, (name, picture) in enumerate(pictures):
        axes = figure.add_subplot(grid[position // 2, position % 2])
        draw_crop(axes, picture, pixel_size_um=pixel_size_um, title=name)
    draw_influence_bar(figure.add_subplot(grid[:, 2]), limit, unit)
    if title:
        figure.suptitle(title, fontsize=10.5, color=INK, x=0.01, ha="left")
    return png_of(figure)


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
    rates.set_title("4   the rate curve", **TITLE)
    rates.legend(loc="lower left", **LEGEND)
    figure.text(0.1 / width, 0.09 / height, note, fontsize=8.5, color=MUTED)
    return png_of(figure)


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
