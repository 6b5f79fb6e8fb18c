"""Crops, and signed attributions over them."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.evaluation.figures.style import INK, MUTED, TITLE, UNIT_LABEL, new_figure, png_of
from ratescope.evaluation.map_caption import MapCaption
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.units import NETWORK_PIXEL_SIZE_UM, bar_length_um

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 7.2  # our choice: two columns of a journal, 183 mm, so that letters of 7 points are printed as such
DOTS_PER_INCH = 220  # our choice: a crop's pixel has a dot of its own
LETTERS_A_LINE = 128  # of 7 points, over the whole width
SOURCE_LETTERS_A_LINE = 88  # of 9 points
DARKEST, BRIGHTEST = 20, 190  # grey levels of pores and grains, as the colour bar's two grounds


def draw_crop(
    axes: Axes, picture: NDArray[np.uint8], *, pixel_size_um: float, title: str = "", remark: str = ""
) -> None:
    """A crop, or what was drawn over it, with a scale bar and without ticks; the remark stands right of the title."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set_axis_off()
    axes.set_title(title, **{**TITLE, "fontsize": 8.5})
    axes.set_title(remark, **{**TITLE, "loc": "right", "color": MUTED, "fontsize": 7})
    _draw_scale_bar(axes, picture.shape, pixel_size_um)


def draw_influence_bar(axes: Axes, limit: float, label: str) -> None:
    """The colour bar of `influence_over_crop`, symmetric about zero, over dark ground (left) and bright (right)."""
    strength = np.repeat(np.linspace(1, -1, 201)[:, None], 21, axis=1)
    ground = np.broadcast_to(np.linspace(DARKEST, BRIGHTEST, 21)[None, :, None], (201, 21, 3)).astype(np.uint8)
    extent = (0.0, 1.0, -limit, limit)
    axes.imshow(influence_over_crop(ground, strength, 1.0), aspect="auto", extent=extent)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.tick_params(length=2, labelsize=7, colors=INK)
    axes.set_ylabel(f"{label}\n← lowers      raises →", fontsize=7.5, color=INK)
    axes.spines[:].set_visible(False)


def attribution_png(
    crop: NDArray[np.uint8],
    maps: NDArray[np.floating[Any]],
    c_rates_per_h: Sequence[float] | NDArray[np.float64],
    unit: str,
    *,
    pixel_size_um: float = NETWORK_PIXEL_SIZE_UM,
    caption: MapCaption | None = None,
    check: NDArray[np.floating[Any]] | None = None,
) -> bytes:
    """`attribution_figure` as PNG, to be printed over two columns of a journal."""
    figure = attribution_figure(
        crop, maps, c_rates_per_h, unit, pixel_size_um=pixel_size_um, caption=caption, check=check
    )
    return png_of(figure, dots_per_inch=DOTS_PER_INCH)


def attribution_figure(
    crop: NDArray[np.uint8],
    maps: NDArray[np.floating[Any]],
    c_rates_per_h: Sequence[float] | NDArray[np.float64],
    unit: str,
    *,
    pixel_size_um: float = NETWORK_PIXEL_SIZE_UM,
    caption: MapCaption | None = None,
    check: NDArray[np.floating[Any]] | None = None,
) -> Figure:
    """The crop and its signed attribution at each C-rate, all on one colour scale, with what they show in words.

    Parameters
    ----------
    crop : uint8 array, shape (rows, columns, 3)
    maps : float array, shape (rates, map rows, map columns) or (map rows, map columns)
    unit : str
        Of the influence, such as ``"Ah/kg"``.
    check : float array, shape (map rows, map columns), optional
        The last of the maps once more, by the same networks with random weights; on a colour scale of its own.
    """
    words = caption or MapCaption()
    stack = np.asarray(maps if maps.ndim == 3 else maps[None], np.float64)
    limit = influence_limit(stack)
    power = power_of_ten(limit)
    shown = [
        (f"{rate:g}C", extremes(one / power), influence_over_crop(crop, one, limit))
        for rate, one in zip(c_rates_per_h, stack, strict=True)
    ]
    if check is not None:
        name = f"{c_rates_per_h[-1]:g}C, random weights"
        shown.append((name, "colours of its own scale", influence_over_crop(crop, check, influence_limit(check[None]))))
    lines = (len(shown) + 2) // 2
    notes = "\n".join(fill(note, LETTERS_A_LINE) for note in words.notes)
    source = fill(words.source, SOURCE_LETTERS_A_LINE)
    letters_in = 0.125 * (len(notes.splitlines()) + 1.3 * len(source.splitlines()) + (2 if words.title else 0))
    figure = new_figure(WIDTH_IN, 1.27 * lines + 0.1 + letters_in)
    grid = figure.add_gridspec(lines, 3, width_ratios=(1, 1, 0.045))
    for position, (name, remark, picture) in enumerate([("crop", "", crop), *shown]):
        axes = figure.add_subplot(grid[position // 2, position % 2])
        draw_crop(axes, picture, pixel_size_um=pixel_size_um, title=name, remark=remark)
    draw_influence_bar(figure.add_subplot(grid[:, 2]), limit / power, influence_label(words, unit, power))
    _draw_words(figure, words.title, source, notes)
    return figure


def power_of_ten(limit: float) -> float:
    """What small numbers are divided by, so that a colour bar needs no row of zeros.

    >>> power_of_ten(0.39), power_of_ten(0.00073)
    (1.0, 0.0001)
    """
    return 1.0 if limit >= 0.01 else float(10.0 ** np.floor(np.log10(limit)))


def influence_label(words: MapCaption, unit: str, power: float) -> str:
    """Name and unit of the numbers on a colour bar.

    >>> influence_label(MapCaption(per=" per grey level"), "Ah/kg", 0.0001)
    'influence / 10⁻⁴ Ah kg⁻¹ per grey level'
    """
    raised = str(round(np.log10(power))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    factor = "" if power == 1.0 else f"10{raised} "
    return f"{words.influence} / {factor}{UNIT_LABEL.get(unit, unit)}{words.per}"


def extremes(influence: NDArray[np.floating[Any]]) -> str:
    """The lowest and the highest influence in two digits.

    >>> extremes(np.array([[-0.314, 0.0], [0.0, 12.0]]))
    '−0.31 … +12'
    """
    return f"{influence.min():+.2g} … {influence.max():+.2g}".replace("-", "−")


def _draw_words(figure: Figure, title: str, source: str, notes: str) -> None:
    """Above and below the panels, as they are: a dollar in a file's name begins no formula."""
    style: dict[str, Any] = {"x": 0.008, "ha": "left", "parse_math": False}
    if title:
        figure.suptitle(f"{title}\n{source}", fontsize=9, color=INK, linespacing=1.3, **style)
    if notes:
        figure.supxlabel(notes, fontsize=7, color=MUTED, linespacing=1.3, **style)


def _draw_scale_bar(axes: Axes, shape: tuple[int, ...], pixel_size_um: float) -> None:
    rows, columns = shape[:2]
    length_um = bar_length_um(columns * pixel_size_um / 4)
    right, bottom = columns * 0.985, rows * 0.93
    left = right - length_um / pixel_size_um
    back: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.plot([left, right], [bottom, bottom], color="white", lw=4.5, solid_capstyle="butt")
    axes.plot([left, right], [bottom, bottom], color="black", lw=2.5, solid_capstyle="butt")
    axes.text(right, bottom - 0.035 * rows, f"{length_um} µm", ha="right", va="bottom", fontsize=7, bbox=back)
