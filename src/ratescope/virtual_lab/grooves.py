"""What the last polish does wrong: grains pulled out, scratches, and soft matter smeared along its direction."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.records import Box
from ratescope.virtual_lab.artefacts import Artefact, Canvas, Strip, box_of, strip_around
from ratescope.virtual_lab.cross_section import PHASES

LEAST_VOID_UM2 = 12.0  # our choice: sections of grains wider than 4 µm leave holes that one sees
SCRATCH_LENGTHS_UM, SCRATCH_HALF_WIDTHS_UM = (25.0, 110.0), (0.2, 0.55)  # our choice
SMEAR_LENGTHS_UM, SMEAR_HALF_WIDTHS_UM = (9.0, 28.0), (0.9, 2.6)  # our choice
DRAGGED_UM = 6.0  # our choice: how far soft matter is dragged
SMEARED_LIGHT = 0.40  # our choice: a film of aluminium, binder and polishing debris


def add_voids(canvas: Canvas, per_mm: float, rng: np.random.Generator) -> list[Artefact]:
    """Pull some grains out; where they were it is dark, with a bright crescent. Changes the canvas."""
    grain, wanted = canvas.seen.grain, canvas.many(per_mm, rng)
    if wanted == 0 or not (grain >= 0).any():
        return []
    pixels = np.bincount(grain[grain >= 0])
    large = np.flatnonzero(pixels * canvas.frame.pixel_size_um**2 > LEAST_VOID_UM2)
    parts = ndimage.find_objects(grain + 1)
    return [_pull_out(canvas, int(one), parts[one], rng) for one in rng.permutation(large)[:wanted]]


def _pull_out(canvas: Canvas, grain: int, part: tuple[slice, slice], rng: np.random.Generator) -> Artefact:
    is_void = canvas.seen.grain[part] == grain
    depth_um = ndimage.distance_transform_edt(is_void).astype(np.float32) * np.float32(canvas.frame.pixel_size_um)
    down, right = np.gradient(ndimage.gaussian_filter(depth_um, 2.0)) if min(is_void.shape) > 1 else (0.0, 0.0)
    wall = np.clip(0.6 * down - 0.8 * right, 0.0, None) * np.exp(-depth_um / 0.9)
    ground = ndimage.gaussian_filter(rng.standard_normal(depth_um.shape, np.float32), 9.0) * np.float32(32.0)
    dark = 0.055 + 0.02 * np.clip(ground, 0.0, 3.0) + 0.06 * np.exp(-depth_um / 0.6) + 0.9 * wall
    canvas.light[:, *part][:, is_void] = dark[is_void]
    canvas.phases[part][is_void] = PHASES["void"]
    return Artefact("void", Box(*(float(end) for side in part for end in (side.start, side.stop))))


def add_scratches(canvas: Canvas, per_mm: float, rng: np.random.Generator) -> list[Artefact]:
    """Draw some scratches over everything: a dark groove with a bright lip. Changes the canvas."""
    scratches = [_scratch(canvas, rng) for _ in range(canvas.many(per_mm, rng))]
    return [scratch for scratch in scratches if scratch]


def _scratch(canvas: Canvas, rng: np.random.Generator) -> Artefact | None:
    length_um, half_um = rng.uniform(*SCRATCH_LENGTHS_UM), rng.uniform(*SCRATCH_HALF_WIDTHS_UM)
    middle = rng.random(2) * (canvas.frame.rows, canvas.frame.columns)
    strip = strip_around(canvas.frame, middle, rng.uniform(0.0, 180.0), length_um, margin_um=2.0)
    bend_um = 0.8e-3 * rng.standard_normal() * strip.along_um**2 + 0.05 * np.sin(strip.along_um / 2.3)
    across = (strip.across_um - bend_um) / half_um
    taper = np.clip(1.0 - (2.0 * np.abs(strip.along_um) / length_um) ** 4, 0.0, None)
    groove, lip = np.exp(-(across**2)) * taper, np.exp(-((across - 1.9) ** 2)) * taper
    canvas.light[:, *strip.part] *= (1.0 - 0.62 * groove + 0.16 * lip).astype(np.float32)
    return _marked(canvas, groove > 0.4, strip, "scratch")


def add_smears(canvas: Canvas, per_mm: float, rng: np.random.Generator) -> list[Artefact]:
    """Drag soft matter along the polishing direction over grains and pores. Changes the canvas."""
    coating = np.argwhere(canvas.seen.phases[::8, ::8] == PHASES["particle"])
    wanted = canvas.many(per_mm, rng) if len(coating) else 0
    smears = [_smear(canvas, 8.0 * coating[place], rng) for place in rng.integers(0, max(len(coating), 1), wanted)]
    return [smear for smear in smears if smear]


def _smear(canvas: Canvas, middle: NDArray[np.float64], rng: np.random.Generator) -> Artefact | None:
    length_um, half_um = rng.uniform(*SMEAR_LENGTHS_UM), rng.uniform(*SMEAR_HALF_WIDTHS_UM)
    angle_deg = canvas.polish_deg + rng.normal(0.0, 3.0)
    strip = strip_around(canvas.frame, middle, angle_deg, length_um, margin_um=2.0 * half_um + 1.0)
    streak = _streaks(strip, half_um, rng)
    ends = np.clip(1.0 - (2.0 * np.abs(strip.along_um) / length_um) ** 2, 0.0, None)
    cover = np.clip(1.5 * ends * np.exp(-((strip.across_um / half_um) ** 2)) * streak, 0.0, 0.92).astype(np.float32)
    light = canvas.light[:, *strip.part]
    dragged = _dragged(light, angle_deg, DRAGGED_UM / canvas.frame.pixel_size_um)
    film = np.float32(0.55) * dragged + np.float32(0.45 * SMEARED_LIGHT) * streak.astype(np.float32)
    light += cover * (film - light)
    return _marked(canvas, cover > 0.35, strip, "smear")


def _streaks(strip: Strip, half_um: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Uneven from line to line across the smear, and even along it; mean 1."""
    lines = ndimage.gaussian_filter1d(rng.standard_normal(96), 1.2)
    at = strip.across_um / (6.0 * half_um) * 96 + 48
    return np.clip(1.0 + 0.6 * np.interp(at, np.arange(96), lines), 0.1, None)


def _dragged(light: NDArray[np.float32], angle_deg: float, length_px: float) -> NDArray[np.float32]:
    """Light averaged along a direction: what a finger does to wet paint."""
    steps = np.linspace(-0.5, 0.5, 17) * length_px
    down, right = (np.rint(steps * f(np.deg2rad(angle_deg))).astype(int) for f in (np.sin, np.cos))
    reach = int(np.abs([down, right]).max())
    padded = np.pad(light, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    rows, columns = light.shape[1:]
    shifted = [
        padded[:, reach + d : reach + d + rows, reach + r : reach + r + columns]
        for d, r in zip(down, right, strict=True)
    ]
    return np.asarray(sum(shifted) / np.float32(len(shifted)), np.float32)


def _marked(
    canvas: Canvas, is_flaw: NDArray[np.bool_], strip: Strip, kind: Literal["scratch", "smear"]
) -> Artefact | None:
    box = box_of(is_flaw, strip.part)
    if box is None:
        return None
    canvas.phases[strip.part][is_flaw] = PHASES[kind]
    return Artefact(kind, box)
