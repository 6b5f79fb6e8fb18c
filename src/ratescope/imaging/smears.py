"""Smears: soft matter dragged over grains and pores. Mid-grey, and in fine parallel streaks instead of grains' texture.

The streaks are found by the structure tensor (J. Bigün and G. H. Granlund, ICCV 1987) in long windows of every
direction, with the edges of grains masked out: of what is left only streaks change across and not along.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.directions import windows

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

WINDOW_UM = (2.2, 1.2)  # our choice: deviations along and across: streaks are longer than grains' texture is coarse
STRIDE = 4  # our choice: of pixels of ``half``; the windows are wider
DIRECTIONS = 12  # our choice: every 15°, as the windows are twice as long as wide
EDGE = 0.06  # our choice: a step of so much of the contrast per pixel is the edge of a grain, not a streak
NOISE = 0.002  # our choice: steps that are smaller say nothing
LEAST_COVER = 0.35  # our choice: so much of a window must be away from edges
CORE, REST = 0.47, 0.42  # our choice: coherence of 1 is perfect streaks, clean coatings have 0.2
MID_GREY = (0.2, 0.8)  # our choice: between pores (0) and grains (1), where a clean coating shows few pixels but edges
MOST_MID_GREY = 0.6  # our choice: away from smears; simulated coatings have up to 0.46, graphite in electrons 0.76
LEAST_UM2 = 11.0  # our choice: 1 % of simulated crops without a smear have one that is larger


def find_smears(half: Floats, pore_grey: float, grain_grey: float, size_um: float, blur_px: float) -> Flags:
    """Where something is smeared.

    Parameters
    ----------
    half : float array, shape (rows, columns)
        Grey values of a crop, means of 2 × 2 network pixels.
    blur_px : float
        In pixels of ``half``: edges are masked out the more widely, the less sharp they are.
    """
    scaled = (half - pore_grey) / (grain_grey - pore_grey)
    smooth: Floats = ndimage.gaussian_filter(scaled, 1.0)
    coherence = _coherence(scaled, smooth, size_um, blur_px)
    grey = smooth[::STRIDE, ::STRIDE]
    is_mid_grey = (grey > MID_GREY[0]) & (grey < MID_GREY[1])
    is_core = (coherence > CORE) & is_mid_grey
    labels, count = ndimage.label(coherence > REST, np.ones((3, 3)))
    cores_um2 = np.bincount(labels[is_core], minlength=count + 1) * (STRIDE * size_um) ** 2
    cores_um2[0] = 0.0
    # Blur drags too, in all directions at once: what is less sharp has to be streaked over a larger area.
    smeared = ndimage.binary_dilation((cores_um2 > LEAST_UM2 * max(blur_px - 0.1, 1.0) ** 2)[labels])
    if not smeared.all() and is_mid_grey[~smeared].mean() > MOST_MID_GREY:
        smeared[:] = False  # the coating itself is mid-grey, and its streaks are those of milling or of a poor JPEG
    return np.asarray(smeared.repeat(STRIDE, axis=0).repeat(STRIDE, axis=1)[: half.shape[0], : half.shape[1]])


def _coherence(scaled: Floats, smooth: Floats, size_um: float, blur_px: float) -> Floats:
    """Per fourth pixel, (across − along) / (across + along) of squared slopes, in the direction where it is highest."""
    down, right = np.gradient(smooth, axis=0), np.gradient(smooth, axis=1)
    # Sharp edges are masked by themselves and a pixel around them; blurred ones have longer feet.
    is_even = ndimage.binary_erosion(
        down**2 + right**2 < EDGE**2, iterations=1 + int(max(blur_px - 0.2, 0.0)), border_value=1
    )
    fine: Floats = ndimage.gaussian_filter(scaled, 0.5)
    down, right = np.gradient(fine, axis=0), np.gradient(fine, axis=1)

    def coarse(values: NDArray[Any]) -> Floats:
        even = np.where(is_even, values, 0.0).astype(np.float32)
        rows = ndimage.gaussian_filter1d(even, STRIDE / 2, axis=0)[::STRIDE]
        return ndimage.gaussian_filter1d(rows, STRIDE / 2, axis=1)[:, ::STRIDE]

    tensor = [
        coarse(values) for values in (np.ones_like(down), right**2 + down**2, right**2 - down**2, 2 * right * down)
    ]
    rows, columns = tensor[0].shape
    turned = windows((rows, columns), DIRECTIONS, *(um / (STRIDE * size_um) for um in WINDOW_UM))
    cover, power, straight, slanted = (turned.spectrum_of(values) for values in tensor)
    cosine, sine = np.cos(2 * turned.angles)[:, None, None], np.sin(2 * turned.angles)[:, None, None]
    surplus = -turned.means((cosine * straight + sine * slanted).astype(np.complex64))
    known = turned.means(cover)
    coherence = surplus / (turned.means(power) + NOISE**2 * np.maximum(known, 0.02))
    return np.asarray(np.where(known > LEAST_COVER * turned.inside, coherence, 0.0).max(axis=0))
