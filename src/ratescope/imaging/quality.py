"""What speaks against a micrograph, a coating or a crop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.errors import MicrographError
from ratescope.facts import SURFACE_NOT_SEEN
from ratescope.imaging.focus import blur_of
from ratescope.imaging.grey import block_centres, block_mean, pixels_in
from ratescope.imaging.levelling import Level
from ratescope.records import Coating, Collector, Finding, Micrograph
from ratescope.settings import PrepareSettings

Flags = NDArray[np.bool_]

FOCUS_UM, FOCUS_FIELDS, FOCUS_FIELD_UM = 0.31, 5, 80.0  # our choice: sharp optics give 0.24 to 0.30; fields looked at
USUAL_LENGTH_UM = (1.15, 3.0)  # our choice: simulated NCM 1.8 (dense) to 2.9 (loose), real graphite 1.2; twice > 3
GRAIN_OVER_LENGTH = 4.5  # our choice: NCM of 9 µm has 2.0 µm


def check_field(micrograph: Micrograph, settings: PrepareSettings) -> None:
    """Refuse what no crop can come from.

    Raises
    ------
    MicrographError
        ``too-coarse`` for pixels that show no grains, ``too-small-field`` for less than the size of one crop.
    """
    size_um = micrograph.pixel_size_um
    if size_um > 1.001 * settings.coarsest_pixel_size_um:
        raise MicrographError(
            "too-coarse",
            f"the pixels are {size_um:g} µm large; grains are not seen above {settings.coarsest_pixel_size_um:g} µm. "
            "Take the micrograph with a stronger objective, or check the pixel size.",
        )
    height_um, width_um = (count * size_um for count in micrograph.pixels.shape[:2])
    crop_um = [count * settings.network_pixel_size_um for count in (settings.crop_rows, settings.crop_columns)]
    if height_um < crop_um[0] or width_um < crop_um[1]:
        raise MicrographError(
            "too-small-field",
            f"the image shows {height_um:.0f} × {width_um:.0f} µm (height × width), but one crop is {crop_um[0]:.1f} × "
            f"{crop_um[1]:.1f} µm. Take a wider mosaic, or check the pixel size.",
        )


# --- is it a coating of grains? -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Inside:
    """The coating as means of blocks 0.4 µm wide.

    Attributes
    ----------
    means : float array, shape (rows, columns)
        Of the levelled micrograph's rows that show coating.
    is_inside : bool array, shape (rows, columns)
        Between foil and surface, a micrometre away from both.
    """

    means: NDArray[np.float32]
    is_inside: Flags
    block_um: float

    @property
    def values(self) -> NDArray[np.float32]:
        """Grey values inside."""
        return self.means[self.is_inside]

    @property
    def pore_grey(self) -> float:
        """Grey of the darkest twentieth: the pores."""
        return float(np.percentile(self.values, 5))

    @cached_property
    def flat(self) -> NDArray[np.float32]:
        """Means without shading, which changes over more than 15 µm, and without most of the noise; 0 outside."""
        return _flattened(self, 15.0)

    @cached_property
    def lengths_um(self) -> tuple[float, float]:
        """Across and along the layer, the distance over which its autocorrelation falls to one half."""
        across, along = (_half_length(self.flat, self.is_inside, axis) * self.block_um for axis in (0, 1))
        return across, along


def look_inside(levelled: Level, coating: Coating) -> Inside:
    """The coating's grey values.

    Raises
    ------
    MicrographError
        ``no-coating`` if nothing lies between foil and surface.
    """
    block = pixels_in(0.4, levelled.pixel_size_um)
    block_um = block * levelled.pixel_size_um
    means = block_mean(levelled.grey, block, block)
    at = block_centres(means.shape[1], block).astype(int)
    first, last = np.sort(np.stack([coating.surface_rows, coating.foil_rows])[:, at], axis=0) / block
    rows = np.arange(len(means))[:, None]
    is_inside = (rows > first + 1.0 / block_um) & (rows < last - 1.0 / block_um)
    if not is_inside.any():
        raise MicrographError("no-coating", "nothing lies between foil and surface. Photograph a coated electrode.")
    seen = np.flatnonzero(is_inside.any(axis=1))
    part = slice(int(seen[0]), int(seen[-1]) + 1)
    return Inside(means[part], is_inside[part], block_um)


def check_grains(inside: Inside, settings: PrepareSettings) -> None:
    """Refuse a layer that is not made of grains some micrometres large, with pores between them.

    Three laws of a particulate coating: its grey values change over micrometres, about as fast across as along; it
    has grains everywhere; and it is neither a solid with a few dark holes (ceramics) nor a dark field with a few
    bright things in it.

    Raises
    ------
    MicrographError
        ``no-grains``.
    """
    flat, lengths_um = inside.flat, inside.lengths_um
    least, most = settings.grain_length_um
    if not least <= min(lengths_um) <= max(lengths_um) <= most or max(lengths_um) > 3.0 * min(lengths_um):
        seen = f"grey values change over {lengths_um[0]:.1f} µm across and {lengths_um[1]:.1f} µm along the layer"
    elif (evenness := _evenness(flat, inside, 6.0 * max(lengths_um))) < settings.least_grain_evenness:
        seen = f"parts of the layer have only {evenness:.0%} of its usual texture"
    elif abs(skew := _skewness(flat[inside.is_inside])) > settings.most_grey_skewness:
        seen = (
            f"its grey values are lopsided (skewness {skew:.1f}), as few holes in a solid or few things in a void are"
        )
    else:
        return
    raise MicrographError(
        "no-grains",
        f"the layer on the foil is no coating of grains with pores between them: {seen}. "
        "Photograph the cross-section of an electrode, and check the pixel size.",
    )


def _flattened(inside: Inside, window_um: float) -> NDArray[np.float32]:
    window = pixels_in(window_um, inside.block_um)
    weight = ndimage.uniform_filter(inside.is_inside.astype(np.float32), window)
    shading = ndimage.uniform_filter(inside.means * inside.is_inside, window) / np.maximum(weight, 0.01)
    flat = np.where(inside.is_inside, inside.means - shading, 0.0)
    return np.asarray(ndimage.gaussian_filter(flat, 0.3 / inside.block_um) * inside.is_inside, dtype=np.float32)


def _half_length(flat: NDArray[np.float32], is_inside: Flags, axis: int) -> float:
    """Blocks after which the autocorrelation along an axis has fallen to one half."""
    flat, is_inside = np.moveaxis(flat, axis, 0), np.moveaxis(is_inside, axis, 0)
    last, variance = 1.0, float(np.einsum("ij,ij", flat, flat)) / float(is_inside.sum()) + 1e-9
    for shift in range(1, len(flat) // 2):
        both = np.count_nonzero(is_inside[shift:] & is_inside[:-shift])
        product = np.einsum("ij,ij", flat[shift:], flat[:-shift])  # 0 where either lies outside
        here = float(product) / both / variance if both else 0.0
        if here < 0.5:
            return shift - 1 + (last - 0.5) / (last - here)
        last = here
    return float(len(flat))


def _evenness(flat: NDArray[np.float32], inside: Inside, window_um: float) -> float:
    """Texture of the smoothest twentieth of the layer, in parts of the median, in windows of some grains each."""
    is_inside, window = inside.is_inside, pixels_in(window_um, inside.block_um)
    weight = np.maximum(ndimage.uniform_filter(is_inside.astype(np.float32), window), 0.05)
    texture = np.sqrt(np.maximum(ndimage.uniform_filter(flat**2, window), 0.0) / weight)[is_inside]
    return float(np.percentile(texture, 5) / max(float(np.median(texture)), 1e-9))


def _skewness(values: NDArray[np.float32]) -> float:
    off = values - values.mean()
    square = off * off  # powers are slow
    return float((square * off).mean() / max(float(square.mean()), 1e-9) ** 1.5)


def is_coated(levelled: Level, collector: Collector, behind: Collector) -> bool:
    """Whether the foil's far side carries a coating too: texture like that of the near side, not resin."""
    near, far = (_texture_on(levelled, one) for one in (collector, behind))
    return far > 0.4 * near


def _texture_on(levelled: Level, collector: Collector) -> float:
    """Standard deviation of grey along the foil, 2 to 8 µm away from it; 0 where that is out of the image."""
    block = pixels_in(0.5, levelled.pixel_size_um)
    columns = np.arange(collector.edge_rows.size, dtype=np.float64)
    edge = float(np.median(levelled.from_file(collector.edge_rows, columns)[0]))
    sign = -1 if collector.coating_side == "above" else 1
    ends = sorted(edge + sign * distance / levelled.pixel_size_um for distance in (2.0, 8.0))
    strip = levelled.grey[max(int(ends[0]), 0) : max(int(ends[1]), 0)]
    if min(strip.shape) < block or ends[0] < 0 or ends[1] > len(levelled.grey):
        return 0.0
    means = block_mean(strip, block, block)
    window = pixels_in(40.0, block * levelled.pixel_size_um)
    return float(np.std(means - ndimage.uniform_filter1d(means, window, axis=1)))


# --- findings -----------------------------------------------------------------------------------------------------


def findings_of(levelled: Level, collector: Collector, coating: Coating, inside: Inside) -> tuple[Finding, ...]:
    """What a user should know of a micrograph that can be used all the same: light, focus, noise, a surface unseen.

    Noise and evenness of the light are judged on the foil, which should be even and flat; focus on the grains.
    """
    foil = _foil_strip(levelled, collector, coating)
    saturated, dark = float((inside.values >= 250).mean()), float(np.percentile(inside.values, 95))
    blur_um = coating_blur_um(levelled, coating)
    # Of a difference of two normal variables; of next but one columns, as JPEG and cameras mix neighbours.
    noise = float(np.median(np.abs(foil[:, 2:] - foil[:, :-2]))) / 0.954
    light = np.percentile(ndimage.uniform_filter1d(foil.mean(axis=0), pixels_in(20.0, levelled.pixel_size_um)), [5, 95])
    seen = {
        SURFACE_NOT_SEEN: (coating.is_cut, "the coating runs out of the image: it is at least as thick as is said."),
        "overexposed": (saturated > 0.01, f"{saturated:.0%} of the coating is saturated. Expose for a shorter time."),
        "underexposed": (dark < 60, f"the grains are as dark as {dark:.0f} of 255. Expose for a longer time."),
        "foil-saturated": (np.median(foil) >= 254, "the foil is saturated; the coating counts, so this does no harm."),
        "out-of-focus": (
            blur_um > FOCUS_UM,
            f"edges of grains are blurred by {blur_um:.2f} µm (one standard deviation). Focus on the coating.",
        ),
        "noisy": (noise > 9, f"the foil's grey values scatter by {noise:.0f} of 255. Average more frames."),
        "uneven-light": (
            light[1] > 1.3 * light[0],
            "the foil is over 1.3 times as bright in some places as in others.",
        ),
    }
    return (*(Finding(code, text) for code, (is_so, text) in seen.items() if is_so), *scale_findings(inside))


def doubts_of_scale(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of a micrograph's findings that may make every number of it wrong: its pixels may have another size."""
    return tuple(finding for finding in findings if finding.code in {"pixel-size-differs", "doubtful-scale"})


def scale_findings(inside: Inside) -> tuple[Finding, ...]:
    """Whether the texture is unusually fine or coarse for the pixel size that the file claims."""
    # Windows much wider than the grains: in narrow ones large grains look like small ones.
    every_second = Inside(inside.means[::2], inside.is_inside[::2], inside.block_um)
    length_um = _half_length(_flattened(every_second, 60.0), every_second.is_inside, 1) * inside.block_um
    if USUAL_LENGTH_UM[0] < length_um < USUAL_LENGTH_UM[1]:
        return ()
    grain_um = GRAIN_OVER_LENGTH * length_um
    text = f"the texture is that of grains of about {grain_um:.0f} µm, which is unusual. Check the pixel size."
    return (Finding("doubtful-scale", text),)


def _foil_strip(levelled: Level, collector: Collector, coating: Coating) -> NDArray[np.float32]:
    """Grey from 0.75 to 2 µm inside the foil, column by column."""
    reach = pixels_in(2.0, levelled.pixel_size_um, least=4)
    sign = 1 if collector.coating_side == "above" else -1
    columns = np.flatnonzero(np.isfinite(coating.foil_rows))
    deep = np.arange(reach + 1)[-(reach * 5 // 8) :, None]
    rows = np.rint(coating.foil_rows[columns]).astype(int) + sign * deep
    return levelled.grey[np.clip(rows, 0, len(levelled.grey) - 1), columns].astype(np.float32)


def coating_blur_um(levelled: Level, coating: Coating) -> float:
    """Deviation of the Gaussian that blurs edges in the least sharp of five fields of the coating; 0 where unseen."""
    size_um = levelled.pixel_size_um
    block = pixels_in(0.25, size_um)
    first, last = np.sort(np.stack([coating.surface_rows, coating.foil_rows]), axis=0)
    columns = np.flatnonzero(np.isfinite(first) & np.isfinite(last))
    half = pixels_in(FOCUS_FIELD_UM / 2, size_um)
    blurs = [0.0]
    for middle in columns[np.linspace(0, columns.size - 1, FOCUS_FIELDS + 2).astype(int)[1:-1]] if columns.size else ():
        field = slice(max(int(middle) - half, 0), int(middle) + half)
        top, bottom = float(np.nanmedian(first[field])), float(np.nanmedian(last[field]))
        grey = levelled.grey[int(top + 0.2 * (bottom - top)) : int(top + 0.8 * (bottom - top)), field]
        if min(grey.shape) >= 20 * block:  # our choice: less says nothing
            blurs.append(blur_of(block_mean(grey, block, block)) * block * size_um)
    return float(np.nanmax(blurs))
