"""The whole in one picture, from micrograph to rate curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.evaluation.figures.attribution import draw_crop, draw_influence_bar, influence_label, power_of_ten
from ratescope.evaluation.figures.rate_curves import draw_measured_curve, draw_rate_curve
from ratescope.evaluation.figures.style import LEGEND, MUTED, TITLE, png_of
from ratescope.evaluation.map_caption import MapCaption
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.records import Box, RateCurve
from ratescope.units import CAPACITY_NAME, NETWORK_PIXEL_SIZE_UM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN, GAP_IN, CROP_IN, TALLEST_IN = 11.0, 0.35, 5.8, 3.9
FRAME = "#e69f00"  # of the crop in the micrograph


def story_png(
    levelled: NDArray[np.uint8],
    box: Box,
    crop: NDArray[np.uint8],
    influence: NDArray[np.floating[Any]],
    curve: RateCurve,
    *,
    c_rate_per_h: float,
    pixel_size_um: float,
    caption: MapCaption | None = None,
    predicted_label: str = "predicted",
    measured: RateCurve | None = None,
    measured_label: str = "measured",
    micrograph_label: str = "polished cross-section",
    note: str = "",
) -> bytes:
    """One picture of the whole: micrograph → crop → attribution → rate curve.

    Parameters
    ----------
    levelled : uint8 array, shape (rows, columns, 3)
        The levelled micrograph, and ``box`` the crop in it; ``pixel_size_um`` is the micrograph's.
    influence : float array, shape (map rows, map columns)
        The signed attribution of ``crop`` at ``c_rate_per_h``.
    caption : MapCaption, optional
        Of the attribution: its title (such as the method's name) and what the colour bar shows.
    note : str
        A line below, such as that all of it is simulated.
    """
    from matplotlib.figure import Figure

    above = min((WIDTH_IN - 0.2) * levelled.shape[0] / levelled.shape[1], TALLEST_IN)
    crop_height = CROP_IN * crop.shape[0] / crop.shape[1]
    height = above + 2 * crop_height + 4 * GAP_IN
    figure = Figure(figsize=(WIDTH_IN, height), facecolor="white")

    def place(left: float, top: float, wide: float, high: float) -> Axes:
        axes = figure.add_axes((left / WIDTH_IN, 1 - (top + high) / height, wide / WIDTH_IN, high / height))
        axes.set_anchor("NW")
        return axes

    whole = place(0.1, GAP_IN, WIDTH_IN - 0.2, above)
    draw_crop(whole, levelled, pixel_size_um=pixel_size_um, title=f"1   {micrograph_label}; frame: the crop of 2")
    _draw_box(whole, box)
    second, third = above + 2 * GAP_IN, above + crop_height + 3 * GAP_IN
    one = place(0.1, second, CROP_IN, crop_height)
    draw_crop(one, crop, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title="2   a crop of the coating")
    two = place(0.1, third, CROP_IN, crop_height)
    words = caption or MapCaption(title="attribution")
    limit = influence_limit(influence)
    quantity = f"{CAPACITY_NAME[curve.capacity]} predicted at {c_rate_per_h:g}C"
    title = f"3   {words.title}: what raises (red) and lowers (blue) the {quantity}"
    coloured = influence_over_crop(crop, influence, limit)
    draw_crop(two, coloured, pixel_size_um=NETWORK_PIXEL_SIZE_UM, title=title)
    power = power_of_ten(limit)
    label = influence_label(words, curve.unit, power)
    draw_influence_bar(place(CROP_IN + 0.2, third, 0.14, crop_height), limit / power, label)
    rates = place(CROP_IN + 1.65, second, WIDTH_IN - 0.2 - CROP_IN - 1.65, 2 * crop_height + GAP_IN - 0.45)
    draw_rate_curve(rates, curve, label=predicted_label)
    if measured is not None:
        draw_measured_curve(rates, measured, label=measured_label)
    rates.set_title("4   the rate curve", **{**TITLE, "fontsize": 8.5})
    rates.legend(loc="lower left", **LEGEND)
    figure.text(0.1 / WIDTH_IN, 0.09 / height, note, fontsize=8.5, color=MUTED, parse_math=False)
    return png_of(figure)


def _draw_box(axes: Axes, box: Box) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, fill=False, ec=FRAME, lw=2.0))
