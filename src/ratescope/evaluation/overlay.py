"""A signed attribution over its crop, as plain pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Blue and red as in the paper's figure 9; colour-blind eyes tell them apart too.
NEGATIVE, POSITIVE = (33, 102, 172), (178, 24, 43)
FULL_OPACITY = 0.85  # our choice: the grains stay visible under the strongest influence


def influence_limit(maps: NDArray[np.floating[Any]]) -> float:
    """Where the colour scale ends, on both sides of zero: the 99.5th percentile of the size of the influence.

    Our choice: a few extreme places should not blanch the rest. Maps of zeros have the limit 1.

    >>> influence_limit(np.array([[-2.0, -2.0], [1.0, 0.0]]))
    2.0
    """
    return float(np.percentile(np.abs(maps), 99.5)) or float(np.abs(maps).max()) or 1.0


def influence_over_crop(
    crop: NDArray[np.uint8], influence: NDArray[np.floating[Any]], limit: float
) -> NDArray[np.uint8]:
    """The grey crop, coloured where the influence is: red raises the capacity, blue lowers it, zero stays grey.

    Parameters
    ----------
    crop : uint8 array, shape (rows, columns, 3)
    influence : float array, any shape (map rows, map columns)
        Enlarged to the crop by linear interpolation.
    limit : float
        Where the colours are full, on both sides of zero.

    Returns
    -------
    uint8 array, shape (rows, columns, 3)
    """
    rows, columns = crop.shape[:2]
    enlarged = Image.fromarray(influence.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR)
    strength = np.clip(np.asarray(enlarged, np.float64) / limit, -1.0, 1.0)
    grey = crop.sum(axis=2, dtype=np.uint16) / 3 * 0.75 + 48.0  # lifted, so that colour shows on dark pores too
    opacity, raises = FULL_OPACITY * np.abs(strength), strength > 0
    uncovered = (1.0 - opacity) * grey
    blended = np.empty(crop.shape, np.uint8)
    for channel, (negative, positive) in enumerate(zip(NEGATIVE, POSITIVE, strict=True)):
        # One by one, which is twice as fast as all three beside each other.
        blended[..., channel] = np.rint(uncovered + opacity * np.where(raises, float(positive), float(negative)))
    return blended
