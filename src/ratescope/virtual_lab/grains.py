"""NCM secondary particles: their sizes, shapes and fractures, and how a plane cuts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ratescope.virtual_lab.design import ParticleLaw
from ratescope.virtual_lab.fields import solid_noise
from ratescope.virtual_lab.fractures import MOST_CRACKS, Float32, Fractures, Point, close_cracks
from ratescope.virtual_lab.frame import Frame

LARGEST_OVER_D50 = 2.2  # our choice: sieved, and D90/D50 is 1.7
SMALLEST_OVER_D50 = 0.15  # our choice: fines below carry under 0.1 % of the volume
ROUGHNESS_UM = ((1.3, 0.11), (0.5, 0.06))  # spacing and deviation: our choice, for primary particles under 1 µm
FARTHEST = 1.06  # levels are known up to this multiple of a grain's own surface: our choice, the recipe asks for 1.01
ROUGH_UM = 0.6  # our choice: roughness is asked for this near to a surface, nearly five deviations
FAR = np.iinfo(np.int64).max
BATCH_PX = 60_000  # cut at once: our choice, so that all arrays of a batch stay in the cache


@dataclass(frozen=True, eq=False)
class Grains:
    """Particles as exact geometry: a point's level is its distance over the surface's, seen from the grain's centre.

    Attributes
    ----------
    centres_um : float array, shape (grains, 3)
    radii_um : float array, shape (grains,)
        Of the ball of the same volume.
    axes : float array, shape (grains, 3, 3)
        Makes an ellipsoid of unit volume radius a ball.
    bumps : float array, shape (grains, 4, 5)
        Wave vector (3), phase and height of what makes it less than an ellipsoid.
    fractures : Fractures
    seed : int
        Of the noise that makes surfaces as rough as primary particles are large.
    """

    centres_um: NDArray[np.float64]
    radii_um: NDArray[np.float64]
    axes: NDArray[np.float64]
    bumps: NDArray[np.float64]
    fractures: Fractures
    seed: int

    @cached_property
    def reach_um(self) -> NDArray[np.float64]:
        """How far from its centre a grain may be seen, its fragments included; shape (grains,)."""
        longest = 1.0 / np.linalg.svd(self.axes, compute_uv=False)[:, -1]
        highest = 1.0 + np.abs(self.bumps[:, :, 4]).sum(axis=1)
        return np.asarray(FARTHEST * self.radii_um * longest * highest + self.fractures.reach_um)

    def scaled(self, size: float, height: float) -> Grains:
        """The same grains, larger by ``size``, on centres that lie higher by ``height``."""
        return replace(self, radii_um=self.radii_um * size, centres_um=self.centres_um * np.array([1.0, 1.0, height]))


@dataclass(frozen=True, eq=False)
class GrainCut:
    """Grains as a plane shows them.

    Attributes
    ----------
    level : float32 array, shape (rows, columns)
        Below 1 inside a grain; infinite far from any.
    owner : int32 array, shape (rows, columns)
        The grain that is nearest in this sense: neighbours share a flattened contact. −1 far from any.
    is_gap : bool array, shape (rows, columns)
        Inside an open crack.
    """

    level: NDArray[np.float32]
    owner: NDArray[np.int32]
    is_gap: NDArray[np.bool_]


def draw_diameters_um(
    volume_um3: float, d50_um: float, law: ParticleLaw, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Diameters, log-normal by volume, that fill a volume (the last grain may exceed it)."""
    by_number_um = d50_um * np.exp(-3.0 * law.size_spread**2)  # Hatch & Choate: the median by number
    drawn: list[NDArray[np.float64]] = []
    filled = 0.0
    while filled < volume_um3:
        size = by_number_um * np.exp(law.size_spread * rng.standard_normal(1000))
        size = size[(size > SMALLEST_OVER_D50 * d50_um) & (size < LARGEST_OVER_D50 * d50_um)]
        drawn.append(size)
        filled += float(np.pi / 6.0 * (size**3).sum())
    diameters = np.concatenate(drawn)
    last = int(np.searchsorted(np.cumsum(np.pi / 6.0 * diameters**3), volume_um3))
    return diameters[: last + 1]


def shape_grains(
    centres_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    fractures: Fractures,
    law: ParticleLaw,
    rng: np.random.Generator,
) -> Grains:
    """Make balls slightly non-spherical: ellipsoids with bumps of about 4 % of the radius (our choice)."""
    count = len(radii_um)
    stretch = np.exp(law.elongation * rng.standard_normal((count, 3)))
    stretch /= np.cbrt(stretch.prod(axis=1))[:, None]
    turns = np.linalg.qr(rng.standard_normal((count, 3, 3)))[0]
    axes = turns * stretch[:, None, :] @ turns.transpose(0, 2, 1)
    waves = rng.standard_normal((count, 4, 3)) * np.array([1.3, 1.9, 2.5, 3.4])[None, :, None]
    phases = rng.uniform(0.0, 2.0 * np.pi, (count, 4, 1))
    heights = rng.standard_normal((count, 4, 1)) * np.array([0.05, 0.04, 0.028, 0.015])[None, :, None]
    # Fines are single primary particles, thus smooth.
    heights *= law.bumpiness * np.clip(radii_um / 2.5, 0.3, 1.0)[:, None, None]
    bumps = np.concatenate([waves, phases, heights], axis=2)
    return Grains(centres_um, radii_um, axes, bumps, fractures, seed=int(rng.integers(2**31)))


def cut_grains(grains: Grains, frame: Frame, y_um: float, period_um: tuple[float, float]) -> GrainCut:
    """Cut grains by the plane y: each pixel goes to the grain whose surface it is inside the most."""
    across_um = (grains.centres_um[:, 1] - y_um + period_um[1] / 2) % period_um[1] - period_um[1] / 2
    reach_um = grains.reach_um
    near = np.flatnonzero(np.abs(across_um) < reach_um)
    half_um = np.sqrt(reach_um[near] ** 2 - across_um[near] ** 2)
    nearest = np.full(frame.rows * frame.columns, FAR, np.int64)
    for shift_um in (-period_um[0], 0.0, period_um[0]):
        rows, columns = frame.to_pixel(grains.centres_um[near, 0] + shift_um, grains.centres_um[near, 2])
        seen = np.flatnonzero(frame.reaches(rows, columns, half_um))
        for some in _alike(seen, half_um / frame.pixel_size_um, grains.fractures.counts[near]):
            half_px = int(np.ceil(half_um[some].max() / frame.pixel_size_um))
            at = (rows[some], columns[some], across_um[near[some]])
            _stamp(grains, near[some], at, half_px, frame, nearest)
    return _unpacked(grains, frame, y_um, nearest.reshape(frame.rows, frame.columns))


def _alike(
    seen: NDArray[np.intp], half_px: NDArray[np.float64], cracks: NDArray[np.int64]
) -> Iterator[NDArray[np.intp]]:
    """Grains to be cut at once: as often cracked, of about one size, and not too many for the memory."""
    for count in range(MOST_CRACKS + 1):
        kind = seen[cracks[seen] == count]
        by_size = kind[np.argsort(half_px[kind], kind="stable")]
        windows_px = np.cumsum((2.0 * half_px[by_size] + 3.0) ** 2)
        for batch in np.unique(windows_px // BATCH_PX):
            yield by_size[windows_px // BATCH_PX == batch]


def _stamp(
    grains: Grains,
    index: NDArray[np.intp],
    at: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    half_px: int,
    frame: Frame,
    nearest: NDArray[np.int64],
) -> None:
    row_at, column_at, across_um = (values[:, None, None] for values in at)
    window = np.arange(-half_px, half_px + 1)
    row = np.rint(row_at).astype(np.int64) + window[:, None]
    column = np.rint(column_at).astype(np.int64) + window
    below, beside = (row - row_at).astype(np.float32), (column - column_at).astype(np.float32)
    x_um = np.float32(frame.along[0]) * beside + np.float32(frame.down[0]) * below
    z_um = np.float32(frame.along[1]) * beside + np.float32(frame.down[1]) * below
    level, is_gap = _level(grains, index, (x_um, -across_um.astype(np.float32), z_um))
    known = level < FARTHEST
    known &= (row >= 0) & (row < frame.rows) & (column >= 0) & (column < frame.columns)
    which, in_row, in_column = np.nonzero(known)
    pixel = row[which, in_row, 0] * frame.columns + column[which, 0, in_column]
    # Levels are positive, so their bits are in their order: the lowest level wins, and its grain comes along.
    packed = level[known].view(np.int32).astype(np.int64) << 32
    np.minimum.at(nearest, pixel, packed | index[which] << 1 | is_gap[known])


def _level(grains: Grains, index: NDArray[np.intp], point_um: Point) -> tuple[Float32, NDArray[np.bool_]]:
    """Levels and open cracks of n grains at points relative to their centres, shape (n, rows, columns)."""
    is_gap = np.zeros(point_um[0].shape, bool)
    if grains.fractures.counts[index[0]]:
        point_um, is_gap = close_cracks(grains.fractures.of(index), point_um)
    x_um, y_um, z_um = point_um
    axes = (grains.axes[index] / grains.radii_um[index, None, None]).astype(np.float32)[..., None, None]
    a, b, c = (axes[:, k, 0] * x_um + axes[:, k, 1] * y_um + axes[:, k, 2] * z_um for k in range(3))
    distance = np.sqrt(a * a + b * b + c * c) + np.float32(1e-6)
    surface = np.ones_like(distance)
    for bump in grains.bumps[index].astype(np.float32).transpose(1, 2, 0)[..., None, None]:
        surface += bump[4] * np.cos((bump[0] * a + bump[1] * b + bump[2] * c) / distance + bump[3])
    return distance / surface, is_gap


def _unpacked(grains: Grains, frame: Frame, y_um: float, nearest: NDArray[np.int64]) -> GrainCut:
    """Level, owner and gaps from their packed form; levels get the surfaces' roughness."""
    is_known = nearest != FAR
    owner = np.where(is_known, nearest >> 1 & 0x7FFFFFFF, -1).astype(np.int32)
    level = np.where(is_known, (nearest >> 32).astype(np.int32).view(np.float32), np.float32(np.inf))
    # Fines are single primary particles, thus smooth.
    coarse_um = np.maximum(grains.radii_um, 2.0).astype(np.float32)
    near = is_known & (np.abs(level - 1.0) * coarse_um[owner] < ROUGH_UM)
    rough_um = sum(
        deviation_um * solid_noise(frame, y_um, spacing_um=spacing_um, seed=grains.seed, where=near)
        for spacing_um, deviation_um in ROUGHNESS_UM
    )
    level[near] += rough_um / coarse_um[owner[near]]
    return GrainCut(level, owner, is_known & (nearest & 1 == 1))
