"""Cracks through grains: wavy, zigzag around primary particles, and open, because their two sides have moved apart.

A broken grain's fragments have also slid along the crack and turned, and splinters lie between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CRACKS = 3  # per grain, our choice
SHARE_IN_PIECES = 0.45  # our choice: of the grains that crack at 750 MPa, so many fall apart
WIDEST = 0.34  # our choice: openings of a grain in pieces, as a share of its radius
SPLINTERED_UM = 0.35  # our choice: wider cracks hold splinters
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
        How the opening changes along the tangent, as a share of it: most cracks close within the grain, and fragments
        turn.
    slips_um : float32 array, shape (grains, 3)
        How far the two sides have slid against each other along the tangent.
    waves : float32 array, shape (grains, 3, 4, 3)
        Waves along the tangent: wave number in µm⁻¹, phase, height in µm.
    """

    normals: Float32
    tangents: Float32
    offsets_um: Float32
    openings_um: Float32
    wedges_per_um: Float32
    slips_um: Float32
    waves: Float32

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many cracks each grain has, the first ones of its three; shape (grains,)."""
        return np.asarray((self.openings_um > 0.0).sum(axis=1))

    @property
    def reach_um(self) -> Float32:
        """How much farther than the whole grain its fragments may reach; shape (grains,)."""
        return np.asarray(0.5 * (self.openings_um + np.abs(self.slips_um)).sum(axis=1))

    def of(self, grains: NDArray[np.intp]) -> Fractures:
        """Those of some grains."""
        return Fractures(
            self.normals[grains],
            self.tangents[grains],
            self.offsets_um[grains],
            self.openings_um[grains],
            self.wedges_per_um[grains],
            self.slips_um[grains],
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
        From 0 to 1: how many cracks a broken grain has, how wide they stand open, and how many grains fall to pieces.
        The same chance breaks the same grains, and more the higher the odds.
    """
    shape = (len(radii_um), MOST_CRACKS)
    radius = radii_um[:, None]
    lot, pieces = rng.random((2, len(radii_um)))
    is_in_pieces = (pieces < SHARE_IN_PIECES * severity**2)[:, None]
    more = (rng.random((len(radii_um), MOST_CRACKS - 1)) < 0.1 + 0.35 * severity + 0.4 * is_in_pieces).sum(axis=1)
    is_there = (lot < odds)[:, None] & (np.arange(MOST_CRACKS) < 1 + more[:, None])
    width = rng.beta(1.2, 2.5, shape)
    hairline_um = np.minimum((0.15 + 0.75 * severity * width) * (radius / 4.6) ** 0.6, 0.2 * radius)
    opening_um = np.where(is_in_pieces, WIDEST * radius * (0.35 + 0.65 * width), hairline_um)
    slip_um = np.where(is_in_pieces, 0.5 * radius * rng.uniform(-0.5, 0.5, shape), 0.0)
    directions = np.linalg.qr(rng.standard_normal((*shape, 3, 2)))[0]
    return Fractures(
        normals=directions[..., 0].astype(np.float32),
        tangents=directions[..., 1].astype(np.float32),
        offsets_um=(radius * rng.uniform(-0.6, 0.6, shape)).astype(np.float32),
        openings_um=np.where(is_there, opening_um, 0.0).astype(np.float32),
        wedges_per_um=(rng.uniform(0.2, 1.6, shape) / radius).astype(np.float32),
        slips_um=np.where(is_there, slip_um, 0.0).astype(np.float32),
        waves=_draw_waves(radius, rng).astype(np.float32),
    )


def _draw_waves(radius_um: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """From long waves across the grain down to the zigzag around primary particles."""
    shape = (len(radius_um), MOST_CRACKS, 4)
    across_um, zigzag_um = radius_um[..., None] * (2.2, 0.8), np.ones((len(radius_um), 1, 2)) * (1.9, 0.8)
    lengths_um = np.concatenate([across_um, zigzag_um], axis=2) * rng.uniform(0.7, 1.4, shape)
    heights_um = lengths_um * (0.045, 0.04, 0.045, 0.05) * rng.uniform(0.4, 1.3, shape)
    return np.stack([2.0 * np.pi / lengths_um, rng.uniform(0.0, 2.0 * np.pi, shape), heights_um], axis=-1)


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
        opens = np.abs(from_crack) < half_um
        wide = opens & (half_um > SPLINTERED_UM)
        opens[wide] = ~_is_splinter(along[wide], from_crack[wide])
        is_gap |= opens
        back_um = np.clip(from_crack, -half_um, half_um)
        slide_um = 0.5 * fractures.slips_um[:, crack, None, None] * np.sign(from_crack)
        x_um, y_um, z_um = (
            at_um - normal * back_um - tangent * slide_um
            for at_um, normal, tangent in ((x_um, nx, tx), (y_um, ny, ty), (z_um, nz, tz))
        )
    return (x_um, y_um, z_um), is_gap


def _is_splinter(along_um: Float32, from_crack_um: Float32) -> NDArray[np.bool_]:
    """Debris in wide cracks: lumps of about 0.7 µm, as primary particles are (our choice)."""
    lumps = np.sin(4.3 * along_um + 2.0 * np.sin(1.7 * from_crack_um)) * np.sin(4.9 * from_crack_um + 1.3 * along_um)
    return np.asarray(lumps > 0.55)
