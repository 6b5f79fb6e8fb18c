"""Crops → what users ask of such images anyway: how much is darker than grains, how sure that is, how large grains are.

Reflected light tells grains from the rest; it hardly tells resin-filled pores from the carbon and binder in them. So
what is measured is the *dark share*: pores, cracks, carbon and binder together. With the recipe it becomes a porosity
(`porosity_by_recipe`).

Standard errors say what a finite area leaves open, not what is wrong in every field alike: where polishing has rounded
the grains, their rims are dark and count. Noise of 16 grey values, a blur of two pixels and a shading of 15 % move the
dark share by less than a point; the rims are worth 0 to 1 points in one virtual laboratory and 3 to 6 in the other
(docs/studies/0003-descriptors.csv).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from ratescope.errors import MicrographError
from ratescope.imaging.grain_sizes import unfold_grain_sizes
from ratescope.imaging.grey import block_mean, grey_of, pixels_in
from ratescope.records import Descriptors

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK_UM = 0.5  # our choice: noise falls by the root of 16, and pores between grains are wider
DEEP_SHARE = 0.1  # our choice: resin is what the darkest tenth shows; most of the dark is mixed with carbon and binder
LEAST_CONTRAST = 0.15  # our choice: resin is at least so much darker than grains; in bright field it is by a half
LEAST_STEP = 10.0  # our choice: and by so many grey values, or it is noise in a black picture
LEAST_GRAIN = 0.05  # our choice: the light on a crop is read from its grains only if they fill so much of it
REACH_UM = 10.0  # our choice: about one grain; farther apart, few pairs of points in a crop tell of the covariance
LEAST_CROPS = 3  # our choice: fewer tell nothing of how crops scatter


def describe_crops(crops: NDArray[np.uint8], pixel_size_um: float, *, thickness_um: float) -> Descriptors:
    """Measure the crops of one micrograph together.

    Parameters
    ----------
    crops : uint8 array, shape (crops, rows, columns, 3)
    pixel_size_um : float
    thickness_um : float
        Of the coating, as measured elsewhere; only carried along.

    Raises
    ------
    MicrographError
        ``no-crops`` if there are none, ``no-contrast`` if nothing in them is darker than the rest.

    Examples
    --------
    >>> crops = np.full((3, 80, 240, 3), 160, np.uint8)
    >>> crops[:, :, :60] = 40
    >>> described = describe_crops(crops, 0.123, thickness_um=60.0)
    >>> described.dark_share, described.grain_sizes is None
    (0.25, True)
    """
    if len(crops) == 0:
        raise MicrographError("no-crops", "there are no crops to describe. Use a micrograph that has a usable section.")
    dark = find_dark(crops, pixel_size_um)
    if not dark.any():
        raise MicrographError(
            "no-contrast", "nothing in the crops is darker than grains. Take a micrograph that shows grains and pores."
        )
    block_um = pixels_in(BLOCK_UM, pixel_size_um) * pixel_size_um
    shares = dark.mean(axis=(1, 2))
    return Descriptors(
        dark_shares=shares,
        crop_error_by_covariance=float(np.sqrt(variance_by_covariance(dark, block_um))),
        crop_error_by_scatter=float(shares.std(ddof=1)) if len(crops) >= LEAST_CROPS else None,
        thickness_um=thickness_um,
        grain_sizes=unfold_grain_sizes(~dark, block_um),
    )


def porosity_by_recipe(dark_share: float, active_volume_share: float) -> float:
    """Porosity of a coating whose grains fill what is not dark, from the recipe of its solid.

    A point of dark share is 1 / ``active_volume_share`` points of porosity; so are standard errors.

    Parameters
    ----------
    active_volume_share : float
        Of the solid's volume: 0.818 by section 2.1 (92/4/4 by weight).

    Examples
    --------
    >>> round(porosity_by_recipe(0.427, 0.818), 3)
    0.3
    """
    return 1.0 - (1.0 - dark_share) / active_volume_share


# --- what is dark -------------------------------------------------------------------------------------------------


def find_dark(crops: NDArray[np.uint8], pixel_size_um: float) -> Flags:
    """What is darker than half-way from grains to resin, in blocks 0.5 µm wide.

    At half height an edge stays where it is, however blurred or noisy; Otsu's threshold moves with the share itself.
    The levels are those of all crops together, after each crop's light has been made even. Crops without contrast have
    nothing dark.

    Parameters
    ----------
    crops : uint8 array, shape (crops, rows, columns, 3)
        Of one micrograph.

    Returns
    -------
    bool array, shape (crops, block rows, block columns)

    Raises
    ------
    MicrographError
        ``not-crops`` if the pixels have another kind or shape.
    """
    block = pixels_in(BLOCK_UM, pixel_size_um)
    if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[3] != 3 or min(crops.shape[1:3]) < block:
        raise MicrographError(
            "not-crops",
            f"crops have 8-bit pixels of shape (crops, rows, columns, 3) and are {block} pixels wide or more; got "
            f"{crops.dtype} {crops.shape}. Use those of Prepared.crops.",
        )
    blocks = np.stack([block_mean(grey_of(crop), block, block) for crop in crops])
    light = _light_on_grains(blocks)
    even = blocks / np.maximum(light, 1.0)
    threshold = _otsu(even)
    is_bright = even > threshold
    if not is_bright.any():
        return np.zeros(even.shape, bool)
    resin, grain = float(np.quantile(even[~is_bright], DEEP_SHARE)), float(np.median(even[is_bright]))
    if grain - resin < max(LEAST_CONTRAST * grain, LEAST_STEP / max(float(np.median(light)), 1.0)):
        return np.zeros(even.shape, bool)
    return np.asarray(even < (grain + resin) / 2.0)


def _light_on_grains(blocks: NDArray[np.float32]) -> Floats:
    """What grains would show in each block: a parabola through each crop's own grains."""
    threshold = _otsu(blocks)
    is_bright = blocks > threshold
    typical = float(np.median(blocks[is_bright])) if is_bright.any() else threshold
    rows, columns = blocks.shape[1:]
    down, right = np.meshgrid(np.linspace(-1.0, 1.0, rows), np.linspace(-1.0, 1.0, columns), indexing="ij")
    terms = np.stack([np.ones_like(down), down, right, down * down, down * right, right * right], axis=-1)
    return np.stack([_light_on_crop(crop, terms, threshold / max(typical, 1.0), typical) for crop in blocks])


def _light_on_crop(crop: NDArray[np.float32], terms: Floats, bright: float, typical: float) -> Floats:
    light = np.full(crop.shape, typical)
    for _ in range(2):  # the second time without what only shading made bright or dark
        is_grain = crop > bright * light
        if is_grain.mean() < LEAST_GRAIN:
            return np.full(crop.shape, typical)
        light = np.asarray(terms @ np.linalg.lstsq(terms[is_grain], crop[is_grain], rcond=None)[0])
    return light


def _otsu(values: NDArray[np.floating]) -> float:
    return float(threshold_otsu(values))  # type: ignore[no-untyped-call]  # skimage has no types


# --- how sure that is ---------------------------------------------------------------------------------------------


def variance_by_covariance(is_dark: Flags, pixel_size_um: float) -> float:
    """Variance of one field's dark share as a measure of the coating's, from the covariance inside the fields.

    The variance of a mean is the mean covariance of two points of the field (Matheron; Lantuéjoul 1991, J. Microscopy
    161, 387: covariance × integral range / area). Points more than 10 µm apart are left out: what varies over longer
    distances shows only in the scatter between fields, and this variance is then too low.

    The covariance is taken about the fields' own mean, which makes it too small everywhere by that mean's variance,
    V / n; this is put right. With all distances instead of 10 µm, the result would be the scatter between fields.

    Parameters
    ----------
    is_dark : bool array, shape (fields, rows, columns)

    Examples
    --------
    >>> chance = np.random.default_rng(1).random((50, 40, 80)) < 0.3
    >>> round(variance_by_covariance(chance, 5.1) / (0.3 * 0.7 / 3200), 1)
    1.0
    """
    fields, rows, columns = is_dark.shape
    reach = min(REACH_UM / pixel_size_um, min(rows, columns) / 2)
    padded = (rows + int(reach), columns + int(reach))
    down, right = (np.abs(np.fft.fftfreq(count, 1.0 / count)) for count in padded)
    is_near = np.hypot(down[:, None], right) <= reach
    spectrum = np.abs(np.fft.rfft2(is_dark - is_dark.mean(), padded)) ** 2
    products = np.fft.irfft2(spectrum.mean(axis=0), padded)[is_near].sum()
    pairs = (np.maximum(rows - down, 0.0)[:, None] * np.maximum(columns - right, 0.0))[is_near].sum()
    points = (rows * columns) ** 2
    return max(float(products / points / (1.0 - pairs / points / fields)), 0.0)
