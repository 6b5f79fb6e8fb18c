"""NCM secondary particles: their sizes, shapes and fractures, and how a plane cuts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratescope.virtual_lab.fields import solid_noise
from ratescope.virtual_lab.frame import Frame

SIZE_SPREAD = 0.46  # of ln(diameter) by volume: D10 = 5 and D90 = 16 µm around 9.2 µm (VIRTUAL-LAB, section 1)
LARGEST_OVER_D50 = 2.2  # our choice: sieved, and D90/D50 is 1.7
SMALLEST_OVER_D50 = 0.15  # our choice: fines below carry under 0.1 % of the volume
ROUGHNESS_UM = ((1.3, 0.11), (0.5, 0.06))  # spacing and deviation: our choice, for primary particles under 1 µm
FARTHEST = 1.3  # levels are known up to this multiple of a grain's own surface


@dataclass(frozen=True, eq=False)
class Fracture:
    """A wavy crack through a grain; its two sides have moved apart.

    Attributes
    ----------
    normal, tangent : float array, shape (3,)
    offset_um : float
        Of the crack from the grain's centre, along the normal.
    opening_um : float
        Where it is widest.
    wedge_per_um : float
        How the opening changes along the tangent; it closes within the grain where this is large.
    waves_per_um, wave_phases, wave_heights_um : float array, shape (4,)
    """

    normal: NDArray[np.float64]
    tangent: NDArray[np.float64]
    offset_um: float
    opening_um: float
    wedge_per_um: float
    waves_per_um: NDArray[np.float64]
    wave_phases: NDArray[np.float64]
    wave_heights_um: NDArray[np.float64]


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
    fractures : grain index → its fractures
    seed : int
        Of the noise that makes surfaces as rough as primary particles are large.
    """

    centres_um: NDArray[np.float64]
    radii_um: NDArray[np.float64]
    axes: NDArray[np.float64]
    bumps: NDArray[np.float64]
    fractures: Mapping[int, tuple[Fracture, ...]]
    seed: int

    def scaled(self, size: float, height: float) -> Grains:
        """The same grains, larger by ``size``, on centres that lie higher by ``height``."""
        return replace(
            self, radii_um=self.radii_um * size, centres_um=self.centres_um * np.array([1.0, 1.0, height])
        )


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


def draw_diameters_um(volume_um3: float, d50_um: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Diameters, log-normal by volume, that fill a volume (the last grain may exceed it)."""
    by_number_um = d50_um * np.exp(-3.0 * SIZE_SPREAD**2)  # Hatch & Choate: the median by number
    drawn: list[NDArray[np.float64]] = []
    filled = 0.0
    while filled < volume_um3:
        size = by_number_um * np.exp(SIZE_SPREAD * rng.standard_normal(1000))
        size = size[(size > SMALLEST_OVER_D50 * d50_um) & (size < LARGEST_OVER_D50 * d50_um)]
        drawn.append(size)
        filled += float(np.pi / 6.0 * (size**3).sum())
    diameters = np.concatenate(drawn)
    last = int(np.searchsorted(np.cumsum(np.pi / 6.0 * diameters**3), volume_um3))
    return diameters[: last + 1]


def shape_grains(
    centres_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    fractures: Mapping[int, tuple[Fracture, ...]],
    rng: np.random.Generator,
) -> Grains:
    """Make balls slightly non-spherical: aspect ratios of about 1.2, bumps of about 4 % of the radius (our choice)."""
    count = len(radii_um)
    stretch = np.exp(0.085 * rng.standard_normal((count, 3)))
    stretch /= np.cbrt(stretch.prod(axis=1))[:, None]
    turns = np.linalg.qr(rng.standard_normal((count, 3, 3)))[0]
    axes = turns * stretch[:, None, :] @ turns.transpose(0, 2, 1)
    waves = rng.standard_normal((count, 4, 3)) * np.array([1.3, 1.9, 2.5, 3.4])[None, :, None]
    phases = rng.uniform(0.0, 2.0 * np.pi, (count, 4, 1))
    heights = rng.standard_normal((count, 4, 1)) * np.array([0.05, 0.04, 0.028, 0.015])[None, :, None]
    bumps = np.concatenate([waves, phases, heights], axis=2)
    return Grains(centres_um, radii_um, axes, bumps, fractures, seed=int(rng.integers(2**31)))


def draw_fractures(
    radii_um: NDArray[np.float64], odds: NDArray[np.float64], severity: float, rng: np.random.Generator
) -> dict[int, tuple[Fracture, ...]]:
    """Break grains at random.

    Parameters
    ----------
    radii_um, odds : float array, shape (grains,)
        Odds are the probability that the grain breaks.
    severity : float
        From 0 to 1: how many cracks a broken grain has, and how wide they stand open.
    """
    broken = np.flatnonzero(rng.random(len(radii_um)) < odds)
    return {int(i): _draw_cracks(float(radii_um[i]), severity, rng) for i in broken}


def _draw_cracks(radius_um: float, severity: float, rng: np.random.Generator) -> tuple[Fracture, ...]:
    count = 1 + int(rng.binomial(2, 0.1 + 0.35 * severity))
    return tuple(_draw_crack(radius_um, severity, rng) for _ in range(count))


def _draw_crack(radius_um: float, severity: float, rng: np.random.Generator) -> Fracture:
    normal, tangent = np.linalg.qr(rng.standard_normal((3, 2)))[0].T
    opening_um = (0.15 + 0.75 * severity * float(rng.beta(1.2, 2.5))) * (radius_um / 4.6) ** 0.6
    # From long waves across the grain down to the zigzag around primary particles.
    lengths_um = np.array([2.2 * radius_um, 0.8 * radius_um, 1.4, 0.7]) * rng.uniform(0.8, 1.25, 4)
    return Fracture(
        normal=normal,
        tangent=tangent,
        offset_um=radius_um * float(rng.uniform(-0.6, 0.6)),
        opening_um=min(opening_um, 0.2 * radius_um),
        wedge_per_um=float(rng.uniform(0.2, 1.6)) / radius_um,
        waves_per_um=2.0 * np.pi / lengths_um,
        wave_phases=rng.uniform(0.0, 2.0 * np.pi, 4),
        wave_heights_um=np.array([0.1 * radius_um, 0.03 * radius_um, 0.1, 0.05]) * rng.uniform(0.4, 1.3, 4),
    )


def cut_grains(grains: Grains, frame: Frame, y_um: float, period_um: tuple[float, float]) -> GrainCut:
    """Cut grains by the plane y: each pixel goes to the grain whose surface it is inside the most."""
    shape = (frame.rows, frame.columns)
    cut = GrainCut(np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int32), np.zeros(shape, bool))
    across_um = (grains.centres_um[:, 1] - y_um + period_um[1] / 2) % period_um[1] - period_um[1] / 2
    reach_um = FARTHEST * grains.radii_um
    near = np.flatnonzero(np.abs(across_um) < reach_um)
    half_um = np.sqrt(reach_um[near] ** 2 - across_um[near] ** 2)
    for shift_um in (-period_um[0], 0.0, period_um[0]):
        rows, columns = frame.to_pixel(grains.centres_um[near, 0] + shift_um, grains.centres_um[near, 2])
        seen = frame.reaches(rows, columns, half_um)
        for index, half, row, column in zip(near[seen], half_um[seen], rows[seen], columns[seen], strict=True):
            _stamp(grains, int(index), (row, column), half, across_um[index], frame, cut)
    seen = cut.owner >= 0
    rough_um = sum(
        deviation_um * solid_noise(frame, y_um, spacing_um=spacing_um, seed=grains.seed)[seen]
        for spacing_um, deviation_um in ROUGHNESS_UM
    )
    # Fines are single primary particles, thus smooth.
    cut.level[seen] += rough_um / np.maximum(grains.radii_um[cut.owner[seen]], 2.0)
    return cut


def _stamp(
    grains: Grains, index: int, at: tuple[float, float], half_um: float, across_um: float, frame: Frame, cut: GrainCut
) -> None:
    half_px = half_um / frame.pixel_size_um
    top, bottom = max(0, int(np.ceil(at[0] - half_px))), min(frame.rows, int(at[0] + half_px) + 1)
    left, right = max(0, int(np.ceil(at[1] - half_px))), min(frame.columns, int(at[1] + half_px) + 1)
    if top >= bottom or left >= right:
        return
    below = (np.arange(top, bottom) - at[0]).astype(np.float32)[:, None]
    beside = (np.arange(left, right) - at[1]).astype(np.float32)[None, :]
    x_um = np.float32(frame.along[0]) * beside + np.float32(frame.down[0]) * below
    z_um = np.float32(frame.along[1]) * beside + np.float32(frame.down[1]) * below
    level, is_gap = _level(grains, index, x_um, np.float32(-across_um), z_um)
    window = (slice(top, bottom), slice(left, right))
    nearer = level < cut.level[window]
    np.copyto(cut.level[window], level, where=nearer)
    np.copyto(cut.owner[window], index, where=nearer)
    np.copyto(cut.is_gap[window], is_gap, where=nearer)


def _level(
    grains: Grains, index: int, x_um: NDArray[np.float32], y_um: np.float32, z_um: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | bool]:
    """Level and open cracks of one grain at points relative to its centre."""
    y: NDArray[np.float32] | np.float32 = y_um
    is_gap: NDArray[np.bool_] | bool = False
    for fracture in grains.fractures.get(index, ()):
        (x_um, y, z_um), opened = _moved_apart(fracture, x_um, y, z_um)
        is_gap = is_gap | opened
    axes = (grains.axes[index] / grains.radii_um[index]).astype(np.float32)
    a, b, c = (row[0] * x_um + row[2] * z_um + row[1] * y for row in axes)
    distance = np.sqrt(a * a + b * b + c * c) + np.float32(1e-6)
    surface = np.ones_like(distance)
    inverse = 1.0 / distance
    for wave_a, wave_b, wave_c, phase, height in grains.bumps[index].astype(np.float32):
        surface += height * np.cos((wave_a * a + wave_b * b + wave_c * c) * inverse + phase)
    return distance / surface, is_gap


def _moved_apart(
    fracture: Fracture, x_um: NDArray[np.float32], y_um: NDArray[np.float32] | np.float32, z_um: NDArray[np.float32]
) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.bool_]]:
    """Where points lay in the whole grain, and which lie between the two sides."""
    normal, tangent = fracture.normal.astype(np.float32), fracture.tangent.astype(np.float32)
    along = tangent[0] * x_um + tangent[1] * y_um + tangent[2] * z_um
    from_crack = normal[0] * x_um + normal[1] * y_um + normal[2] * z_um - np.float32(fracture.offset_um)
    waves = np.stack([fracture.waves_per_um, fracture.wave_phases, fracture.wave_heights_um], axis=1)
    for wave_per_um, phase, height_um in waves.astype(np.float32):
        from_crack = from_crack - height_um * np.sin(wave_per_um * along + phase)
    half = np.float32(0.5 * fracture.opening_um) * np.clip(0.6 + np.float32(fracture.wedge_per_um) * along, 0.0, 1.0)
    back = np.clip(from_crack, -half, half)
    return (x_um - normal[0] * back, y_um - normal[1] * back, z_um - normal[2] * back), np.abs(from_crack) < half
