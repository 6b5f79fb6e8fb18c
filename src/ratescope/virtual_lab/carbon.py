"""Carbon additive: bent flakes a few µm long that lie along the grains and bridge the pores between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ratescope.virtual_lab.fields import Height
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import Grains

MEDIAN_DIAMETER_UM = 3.4  # section 2.2: "small flaky objects with a length of a few micrometres"
GRAINS_REACH_UM = 1.6  # our choice: flakes become rarer this fast away from grains
CLUSTER_UM, CLUSTER_SIZE = 1.8, 6  # our choice: carbon lies in loose clusters of about this width and number
PLACES_PER_UM3 = 1.7  # our choice: candidates for each µm³ of carbon, most of them in grains or too far out
NO_FLAKE = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Flakes:
    """Bent discs, in the order in which they came: a later one fills what earlier ones left.

    Attributes
    ----------
    centres_um : float array, shape (flakes, 3)
    axes : float array, shape (flakes, 3, 3)
        Rows: two directions in the disc, then its normal.
    radii_um, half_thicknesses_um, bends_per_um : float array, shape (flakes,)
    """

    centres_um: NDArray[np.float64]
    axes: NDArray[np.float64]
    radii_um: NDArray[np.float64]
    half_thicknesses_um: NDArray[np.float64]
    bends_per_um: NDArray[np.float64]

    def scaled(self, height: float) -> Flakes:
        """The same flakes on centres that lie higher by ``height``."""
        return replace(self, centres_um=self.centres_um * np.array([1.0, 1.0, height]))

    def first(self, count: int) -> Flakes:
        """The first of them."""
        return Flakes(
            self.centres_um[:count],
            self.axes[:count],
            self.radii_um[:count],
            self.half_thicknesses_um[:count],
            self.bends_per_um[:count],
        )


def draw_flakes(
    carbon_um3: float,
    hidden: float,
    grains: Grains,
    period_um: tuple[float, float],
    ceiling: Height,
    rng: np.random.Generator,
) -> Flakes:
    """Put flakes into the pores under a ceiling, ``hidden`` times the volume: parts lie in grains and in other flakes.

    What is drawn for a place goes with its grain: the same chance gives the same flakes wherever the grains move.
    """
    middles_um = _draw_middles(carbon_um3, grains, rng)
    count = CLUSTER_SIZE * len(middles_um)
    around_um = CLUSTER_UM * rng.standard_normal((len(middles_um), CLUSTER_SIZE, 3))
    lot = rng.random(count)
    radii = 0.5 * MEDIAN_DIAMETER_UM * np.exp(0.35 * np.clip(rng.standard_normal(count), -1.7, 1.7))
    half_thickness = rng.uniform(0.2, 0.5, count)  # our choice: as flaky graphite of this length
    wobble, aside = rng.standard_normal((2, count, 3))
    bends = 0.06 * rng.standard_normal(count)

    places_um = (middles_um[:, None] + around_um).reshape(-1, 3)
    places_um[:, :2] %= period_um
    under = (places_um[:, 2] > 0.3) & (places_um[:, 2] < ceiling(places_um[:, 0], places_um[:, 1]) - 1.0)
    gap_um, outward = _nearest_grain(grains, places_um, period_um)
    # Flakes and binder hold on to grains: few float in the middle of a wide pore.
    kept = under & (gap_um > 0.0) & (lot < np.exp(-np.maximum(gap_um, 0.0) / GRAINS_REACH_UM))
    # Along the nearest grain's surface, more or less: our choice.
    normal = (outward + 0.55 * wobble)[kept]
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    first = np.cross(normal, aside[kept])
    first /= np.linalg.norm(first, axis=1)[:, None]
    axes = np.stack([first, np.cross(normal, first), normal], axis=1)
    radii, half_thickness, bends = radii[kept], half_thickness[kept], bends[kept]
    enough = int(np.searchsorted(np.cumsum(0.8 * 2.0 * np.pi * radii**2 * half_thickness), hidden * carbon_um3))
    return Flakes(places_um[kept], axes, radii, half_thickness, bends).first(enough)


def _draw_middles(carbon_um3: float, grains: Grains, rng: np.random.Generator) -> NDArray[np.float64]:
    """Middles of loose clusters on grains' surfaces and a little outside, in random order; shape (clusters, 3)."""
    clusters = int(carbon_um3 * PLACES_PER_UM3 / CLUSTER_SIZE)
    surface = np.cumsum(grains.radii_um**2)
    host = np.searchsorted(surface, rng.random(clusters) * surface[-1])
    outward = rng.standard_normal((clusters, 3))
    outward /= np.linalg.norm(outward, axis=1)[:, None]
    from_centre_um = grains.radii_um[host] + rng.exponential(GRAINS_REACH_UM, clusters)
    return np.asarray(grains.centres_um[host] + from_centre_um[:, None] * outward)


def _nearest_grain(
    grains: Grains, points_um: NDArray[np.float64], period_um: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of points from the nearest ball's surface (below zero inside), and the direction away from it."""
    wrapped = grains.centres_um.copy()
    wrapped[:, :2] %= period_um
    # A large grain's centre may lie behind those of several small ones: look at four.
    _, near = cKDTree(wrapped, boxsize=np.array([*period_um, 0.0])).query(points_um, k=4)
    apart = points_um[:, None, :] - wrapped[near]
    apart[..., :2] -= np.array(period_um) * np.rint(apart[..., :2] / period_um)
    distance = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
    gap = distance - grains.radii_um[near]
    nearest = gap.argmin(axis=1)[:, None]
    direction = np.take_along_axis(apart / distance[..., None], nearest[..., None], axis=1)[:, 0]
    return np.take_along_axis(gap, nearest, axis=1)[:, 0], direction


def cut_flakes(flakes: Flakes, frame: Frame, y_um: float, period_um: tuple[float, float]) -> NDArray[np.int32]:
    """Cut flakes by the plane y; each pixel has the number of the first flake there, or `NO_FLAKE`."""
    order = np.full(frame.rows * frame.columns, NO_FLAKE, np.int32)
    across_um = (flakes.centres_um[:, 1] - y_um + period_um[1] / 2) % period_um[1] - period_um[1] / 2
    reach_um = flakes.radii_um * np.sqrt(1.0 - flakes.axes[:, 2, 1] ** 2) + 2.0 * flakes.half_thicknesses_um
    near = np.flatnonzero(np.abs(across_um) < reach_um)
    for shift_um in (-period_um[0], 0.0, period_um[0]):
        rows, columns = frame.to_pixel(flakes.centres_um[near, 0] + shift_um, flakes.centres_um[near, 2])
        seen = frame.reaches(rows, columns, flakes.radii_um[near])
        # Some hundred at once: fast on coarse views, small in memory on fine ones.
        for some in np.array_split(np.flatnonzero(seen), 1 + int(seen.sum()) // 200):
            _stamp(flakes, near[some], (rows[some], columns[some]), across_um[near[some]], frame, order)
    return order.reshape(frame.rows, frame.columns)


def _stamp(
    flakes: Flakes,
    index: NDArray[np.intp],
    at: tuple[NDArray[np.float64], NDArray[np.float64]],
    across_um: NDArray[np.float64],
    frame: Frame,
    order: NDArray[np.int32],
) -> None:
    half_px = int(np.ceil(flakes.radii_um[index].max(initial=0.0) / frame.pixel_size_um)) + 1
    window = np.arange(-half_px, half_px + 1)
    row = np.rint(at[0]).astype(np.intp)[:, None, None] + window[:, None]
    column = np.rint(at[1]).astype(np.intp)[:, None, None] + window
    below = (row - at[0][:, None, None]).astype(np.float32)
    beside = (column - at[1][:, None, None]).astype(np.float32)
    x_um = np.float32(frame.along[0]) * beside + np.float32(frame.down[0]) * below
    z_um = np.float32(frame.along[1]) * beside + np.float32(frame.down[1]) * below
    axes = flakes.axes[index].astype(np.float32)[..., None, None]
    from_plane_um = -across_um.astype(np.float32)[:, None, None]
    u, v, w = (axes[:, k, 0] * x_um + axes[:, k, 1] * from_plane_um + axes[:, k, 2] * z_um for k in range(3))
    bend, radius, half_thickness = (
        values[index].astype(np.float32)[:, None, None]
        for values in (flakes.bends_per_um, flakes.radii_um, flakes.half_thicknesses_um)
    )
    inside = ((u * u + v * v) / radius**2) ** 2 + ((w - bend * u * u) / half_thickness) ** 2 < 1.0
    inside &= (row >= 0) & (row < frame.rows) & (column >= 0) & (column < frame.columns)
    which = np.nonzero(inside)
    pixel = (row * frame.columns + column)[which]
    np.minimum.at(order, pixel, index[which[0]].astype(np.int32))
