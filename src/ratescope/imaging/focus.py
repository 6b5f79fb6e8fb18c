"""How sharp a picture is: the width of its grains' edges, told by blurring them once more.

An edge of any height that is blurred by σ, and by a further known amount, loses the more of its slope the sharper it
was (S. Zhuo and T. Sim, Pattern Recognition 44 (2011) 1852): contrast and brightness cancel out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FIRST_PX, SECOND_PX = 0.7, 1.4  # our choice: the least that noise of 16 grey levels needs, and twice that
STRONG = 0.6  # our choice: edges of the coating's usual height, away from flakes and flaws
LEAST_EDGES = 12  # our choice: fewer say nothing


def blur_of(grey: NDArray[np.float32]) -> float:
    """Deviation of the Gaussian that blurs the strongest edges, in pixels; NaN where there are hardly any.

    Pixels themselves and slanting edges add about 0.4 px to it where it is small; noise takes some where it is large.

    Parameters
    ----------
    grey : float array, shape (rows, columns)

    Examples
    --------
    >>> row, column = np.mgrid[0:90, 0:90]
    >>> discs = 100.0 * (np.hypot(row % 30 - 15, column % 30 - 15) < 10)
    >>> [round(blur_of(ndimage.gaussian_filter(discs, sigma)), 1) for sigma in (1.0, 2.0, 3.0)]
    [1.1, 2.1, 2.9]
    """
    return blurs_of(grey, 1)[0]


def blurs_of(grey: NDArray[np.float32], parts: int) -> list[float]:
    """`blur_of` so many parts of a picture, side by side."""
    first, second = (_slopes(grey, sigma_px) for sigma_px in (FIRST_PX, SECOND_PX))
    steep = np.sqrt(second[0] ** 2 + second[1] ** 2)
    # Along the direction of the smoother slope: noise then takes as often as it gives.
    sharper = (first[0] * second[0] + first[1] * second[1]) / np.maximum(steep**2, 1e-6)
    is_top = steep >= ndimage.maximum_filter(steep, 3)
    divided = (np.array_split(of, parts, axis=1) for of in (steep, sharper, is_top))
    return [_blur_at_edges(*part) for part in zip(*divided, strict=True)]


def _blur_at_edges(steep: NDArray[np.float32], sharper: NDArray[np.float32], is_top: NDArray[np.bool_]) -> float:
    is_edge = is_top & (steep > STRONG * np.percentile(steep, 99))
    if is_edge.sum() < LEAST_EDGES:
        return float("nan")
    # Slopes go with 1/√(σ² + first²) and 1/√(σ² + second²).
    lost = float(np.median(sharper[is_edge])) ** 2
    return float(np.sqrt(max(SECOND_PX**2 - lost * FIRST_PX**2, 0.0) / max(lost - 1.0, 1e-3)))


def _slopes(grey: NDArray[np.float32], sigma_px: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Down and right, of the picture blurred by so much."""
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(grey, sigma_px, truncate=3.0)
    return np.gradient(smooth, axis=0), np.gradient(smooth, axis=1)
