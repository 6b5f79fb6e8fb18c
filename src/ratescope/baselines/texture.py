"""What a crop looks like in twenty numbers that a person can name: the texture rung's eyes.

All of them are known measures of stereology and texture analysis, computed on the crop alone, in a few ms:

    shares          dark area (`imaging.descriptors.find_dark`), and what is between resin and grains in grey
    chord lengths   mean runs of grains and of dark, along the foil and upright (stereology's mean intercepts)
    two points      the distance over which dark goes together with dark (half of the covariance)
    granulometry    which part of grains, and of dark, a disc of a given size can reach (openings)
    unevenness      between pieces along the foil, and from the upper to the lower half
    grey textures   co-occurrence of grey levels (Haralick 1973) and local binary patterns (Ojala 2002) at two scales

Light does not matter: grey is counted from the crop's own resin (0) to its own grains (1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.descriptors import BLOCK_UM, find_dark
from ratescope.imaging.grey import block_mean, grey_of, pixels_in
from ratescope.units import NETWORK_PIXEL_SIZE_UM

GRAIN_DISCS_UM = (1.5, 3.0)  # our choice, radii: grains measure 5 to 13 µm across
DARK_DISCS_UM = (0.75, 1.5)  # our choice, radii: pores between grains are 1 to 4 µm wide
PIECES = 8  # our choice: of 84 columns each, about one grain wide
MID_GREY = (0.25, 0.75)  # our choice: between resin and grains lies what is mixed: carbon, binder, edges
GREY_LEVELS = 16  # our choice: a difference of one is some eight grey values
FINE_PX, COARSE_PX = 2, 8  # our choice: block means of 0.25 and 1 µm; finer is noise, coarser hides the pores

ROUGH_PATTERN = 9  # of 8 neighbours, those with more than two changes between darker and brighter

TEXTURE_FEATURES = (
    "dark_share",
    "mid_grey_share",
    "grain_chord_along_um",
    "grain_chord_upright_um",
    "dark_chord_along_um",
    "dark_chord_upright_um",
    "dark_together_along_um",
    "dark_together_upright_um",
    *(f"grain_share_in_discs_of_{radius:g}_um" for radius in GRAIN_DISCS_UM),
    *(f"dark_share_in_discs_of_{radius:g}_um" for radius in DARK_DISCS_UM),
    "dark_sd_along",
    "dark_upper_minus_lower",
    "fine_contrast",
    "fine_homogeneity",
    "fine_rough_pattern_share",
    "coarse_contrast",
    "coarse_homogeneity",
    "coarse_rough_pattern_share",
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def texture_features(crop: NDArray[np.uint8]) -> Floats:
    """The numbers named in `TEXTURE_FEATURES`, of one crop at 0.123 µm per pixel.

    Parameters
    ----------
    crop : uint8 array, shape (rows, columns, 3)

    Returns
    -------
    float array, shape (features,)

    Examples
    --------
    >>> stripes = np.full((224, 672, 3), 200, np.uint8)
    >>> stripes[:, (np.arange(672) // 32) % 4 == 0] = 40
    >>> seen = dict(zip(TEXTURE_FEATURES, texture_features(stripes).round(2).tolist()))
    >>> seen["dark_share"], seen["mid_grey_share"], seen["dark_sd_along"] > 0
    (0.29, 0.0, True)
    """
    dark = find_dark(crop[None], NETWORK_PIXEL_SIZE_UM)[0]
    grey = grey_of(crop)
    block = pixels_in(BLOCK_UM, NETWORK_PIXEL_SIZE_UM)
    resin, grain = _levels(block_mean(grey, block, block), dark)
    fine, coarse = ((block_mean(grey, size, size) - resin) / (grain - resin) for size in (FINE_PX, COARSE_PX))
    return np.array([*_shapes(dark, block * NETWORK_PIXEL_SIZE_UM, fine), *_greys(fine), *_greys(coarse)])


def _levels(blocks: NDArray[np.float32], dark: Flags) -> tuple[float, float]:
    """Grey of resin (the darkest tenth of what is dark) and of grains (the median of the rest)."""
    if not dark.any() or dark.all():
        return 0.0, max(float(np.median(blocks)), 1.0)
    resin, grain = float(np.quantile(blocks[dark], 0.1)), float(np.median(blocks[~dark]))
    return resin, max(grain, resin + 1.0)


def _shapes(dark: Flags, block_um: float, fine: NDArray[np.float32]) -> list[float]:
    """Everything before the grey textures, in the order of `TEXTURE_FEATURES`."""
    pieces = [float(piece.mean()) for piece in np.array_split(dark, PIECES, axis=1)]
    upper, lower = np.array_split(dark, 2, axis=0)
    return [
        float(dark.mean()),
        float(((fine > MID_GREY[0]) & (fine < MID_GREY[1])).mean()),
        *(_mean_chord(mask, axis) * block_um for mask in (~dark, dark) for axis in (1, 0)),
        *(_half_covariance(dark, axis) * block_um for axis in (1, 0)),
        *(_share_in_discs(~dark, radius / block_um) for radius in GRAIN_DISCS_UM),
        *(_share_in_discs(dark, radius / block_um) for radius in DARK_DISCS_UM),
        float(np.std(pieces)),
        float(upper.mean() - lower.mean()),
    ]


def _mean_chord(mask: Flags, axis: int) -> float:
    """Mean length of the runs along an axis in pixels; runs that the border cuts count half."""
    changes = int(np.count_nonzero(np.diff(mask, axis=axis)))
    return 2.0 * int(mask.sum()) / max(changes, 1)


def _half_covariance(mask: Flags, axis: int) -> float:
    """The distance in pixels at which two points along an axis are only half as alike as neighbours could be.

    Read between whole pixels; at most a quarter of the axis, over which too few pairs tell.
    """
    values = mask - mask.mean()
    variance = float((values * values).mean())
    most = mask.shape[axis] // 4
    if variance == 0.0:
        return float(most)
    before = 1.0
    for shift in range(1, most + 1):
        ahead, behind = (
            np.take(values, range(shift, mask.shape[axis]), axis),
            np.take(values, range(mask.shape[axis] - shift), axis),
        )
        now = float((ahead * behind).mean()) / variance
        if now < 0.5:
            return shift - (0.5 - now) / (before - now)
        before = now
    return float(most)


def _share_in_discs(mask: Flags, radius: float) -> float:
    """Which part of a mask a disc of this radius (pixels) covers without leaving it: an opening; 0 without a mask.

    The border of the crop is no edge: what it cuts may go on behind it.
    """
    if not mask.any() or mask.all():
        return float(mask.any())
    centres = ndimage.distance_transform_edt(mask) > radius
    if not centres.any():
        return 0.0
    return float((ndimage.distance_transform_edt(~centres) <= radius).sum() / mask.sum())


def _greys(level: NDArray[np.float32]) -> list[float]:
    """Contrast and homogeneity of neighbouring grey levels, and the share of rough patterns around a point."""
    from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

    steps = np.clip(level * (GREY_LEVELS - 4) + 2, 0, GREY_LEVELS - 1).astype(np.uint8)
    angles = [0.0, np.pi / 2]
    pairs = graycomatrix(steps, [1], angles, levels=GREY_LEVELS, symmetric=True, normed=True)  # type: ignore[no-untyped-call]  # skimage has no types
    patterns = local_binary_pattern(steps, 8, 1, method="uniform")  # type: ignore[no-untyped-call]  # the same
    return [
        *(float(graycoprops(pairs, name).mean()) for name in ("contrast", "homogeneity")),  # type: ignore[no-untyped-call]  # the same
        float((patterns == ROUGH_PATTERN).mean()),
    ]
