"""Light alone: the colour of grains and the colour of what is dark between them, and nothing of where anything is.

Micrographs differ in lamp, polish and camera. Where other crops of a micrograph were trained on, its light gives away
which micrograph it is, and so the curve, with the coating unread: what a network could do as well.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from ratescope.imaging.descriptors import BLOCK_UM, find_dark
from ratescope.imaging.grey import block_mean, pixels_in
from ratescope.units import NETWORK_PIXEL_SIZE_UM

Floats = NDArray[np.float64]

LEAST_SCATTER = 0.1  # grey levels, our choice: where the crops of micrographs scatter by less, that may be luck


def light_of(crop: NDArray[np.uint8]) -> Floats:
    """Median red, green and blue of what is dark in a crop (rows, columns, 3), and of the rest, shape (6,).

    How much is dark does not count, only which colour it has; where nothing or all is dark, both are the crop's.

    >>> stripes = np.full((224, 672, 3), (200, 190, 180), np.uint8)
    >>> stripes[:, (np.arange(672) // 32) % 4 == 0] = (40, 50, 60)
    >>> light_of(stripes)
    array([ 40.,  50.,  60., 200., 190., 180.])
    """
    dark = find_dark(crop[None], NETWORK_PIXEL_SIZE_UM)[0]
    block = pixels_in(BLOCK_UM, NETWORK_PIXEL_SIZE_UM)
    blocks = np.stack([block_mean(crop[..., colour], block, block) for colour in range(3)], axis=-1)
    parts = [blocks[part] if part.any() else blocks.reshape(-1, 3) for part in (dark, ~dark)]
    return np.concatenate([np.median(part, axis=0) for part in parts]).astype(np.float64)


def looked_up_by_light(
    train_light: Floats, train_curves: Floats, micrographs: Sequence[Hashable], light: Floats
) -> Floats:
    """The curve of that training crop whose light is most like a crop's, shape (crops, rates).

    Alike is measured in the scatter between crops of one micrograph, in all directions (Fisher's discriminant).

    Parameters
    ----------
    train_light : float array, shape (train crops, features)
    train_curves : float array, shape (train crops, rates)
    micrographs : sequence, one entry per training crop
        Which micrograph it is from.
    light : float array, shape (crops, features)
    """
    from scipy.spatial import KDTree  # here, as it takes a while to import

    number = np.unique([str(name) for name in micrographs], return_inverse=True)[1]
    members = np.bincount(number)
    middle = np.stack([np.bincount(number, weights=values) for values in train_light.T], axis=1) / members[:, None]
    apart = train_light - middle[number]
    freedom = max(1, len(apart) - len(members))
    scatter = np.linalg.cholesky(apart.T @ apart / freedom + LEAST_SCATTER**2 * np.eye(light.shape[1]))
    train, asked = (np.linalg.solve(scatter, values.T).T for values in (train_light, light))
    return np.asarray(train_curves[KDTree(train).query(asked)[1]])
