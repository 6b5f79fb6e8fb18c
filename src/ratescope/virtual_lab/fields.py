"""Random fields that have one value at each point of space, whatever the resolution, the tilt or the asker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array

from ratescope.virtual_lab.frame import Frame

Height = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class HeightField:
    """A height over the foil plane: a sum of cosines that closes on itself at the slab's ends.

    Attributes
    ----------
    waves_per_um : float array, shape (waves, 2)
        Angular wave numbers along x and y.
    phases, heights_um : float array, shape (waves,)
    """

    waves_per_um: NDArray[np.float64]
    phases: NDArray[np.float64]
    heights_um: NDArray[np.float64]

    def __call__(self, x_um: NDArray[np.float64], y_um: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Heights in µm at points (x, y)."""
        height = np.zeros(np.broadcast(x_um, y_um).shape)
        for (kx, ky), phase, wave_um in zip(self.waves_per_um, self.phases, self.heights_um, strict=True):
            height += wave_um * np.cos(kx * x_um + ky * y_um + phase)
        return height

    def on_grid(self, x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights in µm at every pair of x and y; shape (x, y)."""
        (kx, ky), turn = self.waves_per_um.T, 1j * self.phases
        along = self.heights_um * np.exp(1j * np.outer(x_um, kx) + turn)
        return np.asarray((along @ np.exp(1j * np.outer(ky, y_um))).real)

    def __add__(self, other: HeightField) -> HeightField:
        """Both heights, one upon the other."""
        return HeightField(
            np.concatenate([self.waves_per_um, other.waves_per_um]),
            np.concatenate([self.phases, other.phases]),
            np.concatenate([self.heights_um, other.heights_um]),
        )


def between(heights_um: NDArray[np.float64], period_um: tuple[float, float]) -> Height:
    """Heights between the points of a grid of shape (x, y) that repeats: linear, and fast for many points."""
    per_um = np.array(heights_um.shape) / period_um

    def height(x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        at = np.stack([x_um * per_um[0], y_um * per_um[1]])
        return np.asarray(ndimage.map_coordinates(heights_um, at, order=1, mode="grid-wrap"))

    return height


def draw_height_field(
    period_um: tuple[float, float],
    wavelengths_um: tuple[float, float],
    deviation_um: float,
    rng: np.random.Generator,
    *,
    waves: int = 40,
) -> HeightField:
    """Draw a field of a standard deviation, its waves spread evenly between two wavelengths, on a logarithmic scale."""
    shortest, longest = wavelengths_um
    wavelength = shortest * (longest / shortest) ** rng.random(waves)
    direction = rng.uniform(0.0, 2.0 * np.pi, waves)
    turns = np.stack([np.cos(direction), np.sin(direction)], axis=1) / wavelength[:, None]
    # Whole numbers of waves per period: the slab has no seam.
    turns = np.rint(turns * period_um) / period_um
    turns[(turns == 0.0).all(axis=1), 0] = 1.0 / period_um[0]
    heights = np.full(waves, deviation_um * np.sqrt(2.0 / waves))
    return HeightField(2.0 * np.pi * turns, rng.uniform(0.0, 2.0 * np.pi, waves), heights)


def solid_noise(
    frame: Frame, y_um: float, *, spacing_um: float, seed: int, where: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Smooth noise of mean 0 and deviation about 1 on a view: a quadratic spline over a lattice of hashed values.

    Parameters
    ----------
    where : bool array, shape (rows, columns), optional
        Pixels to be asked; all of them if not given.

    Returns
    -------
    float32 array, shape (rows, columns), or one value for each pixel asked
    """
    corners = np.array([(0.0, 0.0), (0.0, frame.columns), (frame.rows, 0.0), (frame.rows, frame.columns)])
    x_um, z_um = frame.to_um(corners[:, 0], corners[:, 1])
    ix = np.arange(np.floor(x_um.min() / spacing_um) - 2, np.ceil(x_um.max() / spacing_um) + 3).astype(np.int64)
    iz = np.arange(np.floor(z_um.min() / spacing_um) - 2, np.ceil(z_um.max() / spacing_um) + 3).astype(np.int64)
    lattice = _lattice(ix, iz, y_um / spacing_um, seed)
    origin_x, origin_z = (float(v) for v in frame.to_um(np.array(0.0), np.array(0.0)))
    per_pixel = np.array([[frame.down[1], frame.along[1]], [frame.down[0], frame.along[0]]]) / spacing_um
    offset = (origin_z / spacing_um - iz[0], origin_x / spacing_um - ix[0])
    if where is not None:
        row, column = np.nonzero(where)
        at = [first * row + second * column + start for (first, second), start in zip(per_pixel, offset, strict=True)]
        return np.asarray(ndimage.map_coordinates(lattice, at, np.float32, order=2, prefilter=False, mode="nearest"))
    if frame.tilt_deg == 0.0:
        # On a level view the spline is one along the rows, then one along the columns: ten times faster.
        down = _spline(offset[0] + per_pixel[0, 0] * np.arange(frame.rows), len(iz))
        beside = _spline(offset[1] + per_pixel[1, 1] * np.arange(frame.columns), len(ix))
        return np.asarray((beside @ (down @ lattice).T).T)
    noise = np.empty((frame.rows, frame.columns), np.float32)
    ndimage.affine_transform(lattice, per_pixel, offset, output=noise, order=2, prefilter=False, mode="nearest")
    return noise


def _spline(at: NDArray[np.float64], count: int) -> csr_array:
    """A quadratic spline's weights of ``count`` lattice values at some places; shape (places, count)."""
    nearest = np.rint(at)
    away = at - nearest
    weights = np.stack([0.5 * (0.5 - away) ** 2, 0.75 - away**2, 0.5 * (0.5 + away) ** 2], axis=1)
    columns = nearest.astype(np.intp)[:, None] + np.array([-1, 0, 1])
    starts = np.arange(0, columns.size + 1, 3)
    return csr_array((weights.ravel().astype(np.float32), columns.ravel(), starts), shape=(len(at), count))


def _lattice(ix: NDArray[np.int64], iz: NDArray[np.int64], y: float, seed: int) -> NDArray[np.float32]:
    nearest = round(y)
    away = y - nearest
    weights = (0.5 * (0.5 - away) ** 2, 0.75 - away**2, 0.5 * (0.5 + away) ** 2)
    lattice = np.zeros((len(iz), len(ix)), np.float32)
    for step, weight in zip((-1, 0, 1), weights, strict=True):
        lattice += np.float32(weight) * hashed(ix[None, :], iz[:, None], nearest + step, seed)
    # Hashed values have a power of 1/12; the spline keeps 11/20 of it along each of two axes, and its weights' across.
    power = 12.0 / (sum(w * w for w in weights) * 0.55**2)
    return lattice * np.float32(np.sqrt(power))


def hashed(ix: NDArray[np.int64], iz: NDArray[np.int64], iy: int, seed: int) -> NDArray[np.float32]:
    """Values from −½ to ½ that belong to lattice points: always the same for the same point and seed."""
    # Multiply and shift as in murmur3's last step.
    of_plane = iy * 0xC2B2AE3D + seed * 0x27D4EB2F
    mixed = (ix * 0x9E3779B1 + of_plane).astype(np.uint32) + (iz * 0x85EBCA77).astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    return mixed.astype(np.float32) * np.float32(2.0**-32) - np.float32(0.5)
