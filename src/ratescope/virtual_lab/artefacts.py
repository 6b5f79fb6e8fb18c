"""What preparation does wrong, at known places: grains pulled out while polishing, and scratches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.records import Box
from ratescope.virtual_lab.cross_section import PHASES, View
from ratescope.virtual_lab.frame import Frame

VOIDS_PER_MM = 7.0  # our choice: most sections have none
SCRATCHES_PER_MM = 3.0  # our choice


@dataclass(frozen=True)
class Artefact:
    """A flaw of preparation and the pixels that it touches."""

    kind: Literal["void", "scratch"]
    box: Box


def add_voids(
    light: NDArray[np.float32], phases: NDArray[np.uint8], seen: View, frame: Frame, rng: np.random.Generator
) -> list[Artefact]:
    """Pull some grains out; where they were it is dark, with a bright crescent. Changes light and phases."""
    wanted = int(rng.poisson(VOIDS_PER_MM * frame.columns * frame.pixel_size_um * 1e-3))
    pixels = np.bincount(seen.grain[seen.grain >= 0]) if (seen.grain >= 0).any() else np.zeros(0, np.int64)
    large = np.flatnonzero(pixels * frame.pixel_size_um**2 > 12.0)  # our choice: sections wider than 4 µm
    artefacts = []
    for grain in rng.permutation(large)[:wanted]:
        rows, columns = np.nonzero(seen.grain == grain)
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        is_void = seen.grain[box] == grain
        depth = ndimage.distance_transform_edt(is_void).astype(np.float32) * np.float32(frame.pixel_size_um)
        down, right = np.gradient(ndimage.gaussian_filter(depth, 2.0))
        wall = np.clip(0.6 * down - 0.8 * right, 0.0, None) * np.exp(-depth / 0.9)
        ground = ndimage.gaussian_filter(rng.standard_normal(depth.shape, np.float32), 9.0) * np.float32(32.0)
        dark = 0.055 + 0.02 * np.clip(ground, 0.0, 3.0) + 0.06 * np.exp(-depth / 0.6) + 0.9 * wall
        light[box][is_void] = dark[is_void][:, None]
        phases[box][is_void] = PHASES["void"]
        artefacts.append(Artefact("void", _box(rows, columns)))
    return artefacts


def add_scratches(
    light: NDArray[np.float32], phases: NDArray[np.uint8], frame: Frame, rng: np.random.Generator
) -> list[Artefact]:
    """Draw some scratches over everything: a dark groove with a bright lip. Changes light and phases."""
    count = int(rng.poisson(SCRATCHES_PER_MM * frame.columns * frame.pixel_size_um * 1e-3))
    return [_scratch(light, phases, frame, rng) for _ in range(count)]


def _scratch(light: NDArray[np.float32], phases: NDArray[np.uint8], frame: Frame, rng: np.random.Generator) -> Artefact:
    length_px = rng.uniform(25.0, 110.0) / frame.pixel_size_um
    half_px = rng.uniform(0.2, 0.55) / frame.pixel_size_um
    angle = rng.uniform(0.0, np.pi)
    middle = rng.uniform(0.0, 1.0, 2) * (frame.rows, frame.columns)
    reach = 0.5 * length_px * np.abs([np.sin(angle), np.cos(angle)]) + 8.0
    low = np.maximum(middle - reach, 0).astype(int)
    high = np.minimum(middle + reach + 1, (frame.rows, frame.columns)).astype(int)
    row, column = np.arange(low[0], high[0])[:, None] - middle[0], np.arange(low[1], high[1]) - middle[1]
    along = row * np.sin(angle) + column * np.cos(angle)
    bend = 2e-4 * rng.standard_normal() * along**2 + 0.4 * np.sin(along / 19.0)
    across = row * np.cos(angle) - column * np.sin(angle) - bend
    taper = np.clip(1.0 - (2.0 * np.abs(along) / length_px) ** 4, 0.0, None)
    groove = np.exp(-((across / half_px) ** 2)) * taper
    lip = np.exp(-(((across - 1.9 * half_px) / half_px) ** 2)) * taper
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    light[box] *= (1.0 - 0.62 * groove + 0.16 * lip)[..., None].astype(np.float32)
    is_scratch = groove > 0.4
    phases[box][is_scratch] = PHASES["scratch"]
    rows, columns = np.nonzero(is_scratch)
    return Artefact("scratch", _box(rows + low[0], columns + low[1]))


def _box(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Box:
    return Box(float(rows.min()), float(rows.max() + 1), float(columns.min()), float(columns.max() + 1))
