"""Textures finer than the packing: square tiles that close on themselves, made once and laid wherever asked.

A tile is 512 pixels wide, about seven grains: each grain takes it from another place, so that no eye finds the repeat.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

TILE = 512
PRIMARY_UM = 0.62  # our choice: primary particles of NCM111 are under 1 µm
JOINT_UM = 0.05  # our choice: half of the dark joint between them


@lru_cache(maxsize=32)
def mottle(down_px: float, right_px: float, seed: int) -> NDArray[np.float32]:
    """Smooth noise of mean 0 and deviation 1 whose blots are about so large; shape (512, 512)."""
    white = np.random.default_rng([seed, 1]).standard_normal((TILE, TILE), np.float32)
    smooth = ndimage.gaussian_filter(white, (down_px / 2.5, right_px / 2.5), mode="wrap")
    smooth -= smooth.mean()
    return np.asarray(smooth / smooth.std(), np.float32)


@lru_cache(maxsize=4)
def primary_particles(pixel_size_um: float, seed: int) -> NDArray[np.float32]:
    """Shade of densely sintered primary particles: mean 0 and deviation 1, faceted, joints dark; shape (512, 512)."""
    rng = np.random.default_rng([seed, 2])
    width_um = TILE * pixel_size_um
    places = rng.random((round((width_um / PRIMARY_UM) ** 2), 2)) * width_um
    pixels = np.stack(np.divmod(np.arange(TILE * TILE), TILE), axis=1) * pixel_size_um
    distance, nearest = cKDTree(places, boxsize=np.full(2, width_um)).query(pixels, k=2)
    (first_um, second_um), owner = np.asarray(distance).T, np.asarray(nearest)[:, 0]
    shade = rng.standard_normal(len(places))[owner]
    joint = np.exp(-(second_um - first_um) / (2.0 * JOINT_UM))
    tile = (shade - 1.1 * joint).reshape(TILE, TILE).astype(np.float32)
    tile -= tile.mean()
    return np.asarray(tile / tile.std(), np.float32)


def laid(
    tile: NDArray[np.float32], rows: int, columns: int, rng: np.random.Generator, *, fall: float = 0.0
) -> NDArray[np.float32]:
    """A tile laid over a view, from a place that is drawn, falling by rows per column; shape (rows, columns)."""
    down, right = rng.integers(0, TILE, 2)
    across = (right + np.arange(columns)) % TILE
    if fall == 0.0:
        return np.asarray(tile[(down + np.arange(rows)) % TILE][:, across])
    fallen = np.rint(fall * np.arange(columns)).astype(np.intp)
    return np.asarray(tile[(down + np.arange(rows)[:, None] - fallen) % TILE, across])
