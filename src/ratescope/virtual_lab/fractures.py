"""Cracks through grains: wavy, zigzag around primary particles, and open, because their two sides have moved apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CRACKS = 3  # per grain, our choice
Float32 = NDArray[np.float32]
Point = tuple[Float32, Float32, Float32]


@dataclass(frozen=True, eq=False)
class Fractures:
    """Up to three cracks for each grain.

    Attributes
    ----------
    normals, tangents : float32 array, shape (grains, 3, 3)
        Of each crack; the last axis is x, y, z.
    offsets_um : float32 array, shape (grains, 3)
        Distance from the grain's centre, along the normal.
    openings_um : float32 array, shape (grains, 3)
        Where the crack is widest; 0 where there is none.
    wedges_per_um : float32 array, shape (grains, 3)
        How the opening changes along the tangent, as a share of it; most cracks close within the grain.
    waves : float32 array, shape (grains, 3, 4, 3)
        Waves along the tangent: wave number in µm⁻¹, phase, height in µm.
    """

    normals: Float32
    tangents: Float32
    offsets_um: Float32
    openings_um: Float32
    wedges_per_um: Float32
    waves: Float32

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many cracks each grain has, the first ones of its three; shape (grains,)."""
        return np.asarray((self.openings_um > 0.0).sum(axis=1))

    def of(self, grains: NDArray[np.intp]) -> Fractures:
        """Those of some grains."""
        return Fractures(
            self.normals[grains],
            self.tangents[grains],
            self.offsets_um[grains],
            self.openings_um[grains],
            self.wedges_per_um[grains],
            self.waves[grains],
        )


def draw_fractures(
    radii_um: NDArray[np.float64], odds: NDArray[np.float64], severity: float, rng: np.random.Generator
) -> Fractures:
    """Break grains at random.

    Parameters
    ----------
    radii_um, odds : float array, shape (grains,)
        Odds are the probability that the grain breaks.
    severity : float
        From 0 to 1: how many cracks a broken grain has, and how wide they stand open.
    """
    shape = (len(radii_um), MOST_CRACKS)
    radius = radii_um[:, None]
    is_broken = rng.random(len(radii_um)) < odds
    count = 1 + rng.binomial(MOST_CRACKS - 1, 0.1 + 0.35 * severity, len(radii_um))
    opening_um = (0.15 + 0.75 * severity * rng.beta(1.2, 2.5, shape)) * (radius / 4.6) ** 0.6
    is_there = is_broken[:, None] & (np.arange(MOST_CRACKS) < count[:, None])
    directions = np.linalg.qr(rng.standard_normal((*shape, 3, 2)))[0]
    # From long waves across the grain down to the zigzag around primary particles.
    across_um, zigzag_um = radius[..., None] * (2.2, 0.8), np.ones((len(radius), 1, 2)) * (1.9, 0.8)
    lengths_um = np.concatenate([across_um, zigzag_um], axis=2) * rng.uniform(0.7, 1.4, (*shape, 4))
    heights_um = lengths_um * (0.045, 0.04, 0.045, 0.05) * rng.uniform(0.4, 1.3, (*shape, 4))
    waves = (2.0 * np.pi / lengths_um, rng.uniform(0.0, 2.0 * np.pi, (*shape, 4)), heights_um)
    return Fractures(
        normals=directions[..., 0].astype(np.float32),
        tangents=directions[..., 1].astype(np.float32),
        offsets_um=(radius * rng.uniform(-0.6, 0.6, shape)).astype(np.float32),
        openings_um=np.where(is_there, np.minimum(opening_um, 0.2 * radius), 0.0).astype(np.float32),
        wedges_per_um=(rng.uniform(0.2, 1.6, shape) / radius).astype(np.float32),
        waves=np.stack(waves, axis=-1).astype(np.float32),
    )


def close_cracks(fractures: Fractures, point_um: Point) -> tuple[Point, NDArray[np.bool_]]:
    """Where points lay in the whole grains, and which now lie in an open crack.

    Parameters
    ----------
    fractures : Fractures
        Of n grains.
    point_um : float32 arrays, shape (n, rows, columns)
        x, y, z from the grains' centres.
    """
    x_um, y_um, z_um = point_um
    is_gap = np.zeros(x_um.shape, bool)
    for crack in range(int(fractures.counts.max())):
        nx, ny, nz = fractures.normals[:, crack].T[:, :, None, None]
        tx, ty, tz = fractures.tangents[:, crack].T[:, :, None, None]
        along = tx * x_um + ty * y_um + tz * z_um
        from_crack = nx * x_um + ny * y_um + nz * z_um - fractures.offsets_um[:, crack, None, None]
        for wave_per_um, phase, height_um in fractures.waves[:, crack].transpose(1, 2, 0)[..., None, None]:
            from_crack -= height_um * np.sin(wave_per_um * along + phase)
        wedge = np.clip(0.6 + fractures.wedges_per_um[:, crack, None, None] * along, 0.0, 1.0)
        half_um = 0.5 * fractures.openings_um[:, crack, None, None] * wedge
        is_gap |= np.abs(from_crack) < half_um
        back_um = np.clip(from_crack, -half_um, half_um)
        x_um, y_um, z_um = x_um - nx * back_um, y_um - ny * back_um, z_um - nz * back_um
    return (x_um, y_um, z_um), is_gap
