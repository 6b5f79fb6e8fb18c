"""What is round or lies on top: bubbles in the resin, and dust and fibres that fell on the polished surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.virtual_lab.artefacts import Artefact, Canvas, box_of, strip_around
from ratescope.virtual_lab.cross_section import PHASES

BUBBLE_RADII_UM = (1.2, 8.0)  # our choice: what vacuum leaves
FROM_SOLID_UM = 1.0  # our choice: wetted solids keep a skin of resin
LOOK_PX = 8  # places for bubbles are looked for on every eighth pixel
RIM_UM = 0.35  # our choice: the edge of the cut bubble, rounded by polishing, reflects
DUST_RADII_UM = (0.8, 3.2)  # our choice
FIBRES = 0.25  # our choice: one piece of dust in four is a fibre
DUST_BLUR_UM = 0.45  # our choice: it lies above the plane in focus


def add_bubbles(canvas: Canvas, per_mm: float, rng: np.random.Generator) -> list[Artefact]:
    """Leave gas in the resin, mostly above the coating, at times in a large pore. Changes the canvas."""
    wanted = canvas.many(per_mm, rng)
    if wanted == 0:
        return []
    size_um = canvas.frame.pixel_size_um
    clear = np.isin(canvas.seen.phases[::LOOK_PX, ::LOOK_PX], (PHASES["resin"], PHASES["pore"]))
    room_um = ndimage.distance_transform_edt(clear) * LOOK_PX * size_um - FROM_SOLID_UM - LOOK_PX * size_um
    bubbles = []
    for _ in range(wanted):
        places = np.argwhere(room_um > BUBBLE_RADII_UM[0])
        if len(places) == 0:
            break
        place = places[rng.integers(len(places))]
        radius_um = min(
            float(rng.triangular(BUBBLE_RADII_UM[0], 2.0, BUBBLE_RADII_UM[1])), float(room_um[tuple(place)])
        )
        bubbles.append(_bubble(canvas, place * float(LOOK_PX), radius_um, rng))
    return [bubble for bubble in bubbles if bubble]


def _bubble(canvas: Canvas, middle: NDArray[np.float64], radius_um: float, rng: np.random.Generator) -> Artefact | None:
    """A bowl cut open: its steep wall sends light aside, its ground sends some back, its rim shines."""
    lit_from_deg = float(rng.uniform(180.0, 270.0))
    strip = strip_around(canvas.frame, middle, lit_from_deg, 0.0, margin_um=radius_um + 4.0 * RIM_UM)
    distance_um = np.hypot(strip.along_um, strip.across_um)
    lit = 0.6 + 0.4 * strip.along_um / np.maximum(distance_um, 0.1)
    ground = 0.10 * np.exp(-((distance_um / (0.42 * radius_um)) ** 2))
    dark = 0.045 + ground + 0.05 * lit * (distance_um / radius_um) ** 4
    is_inside = distance_um < radius_um
    rim = 0.30 * lit * np.exp(-(((distance_um - radius_um) / RIM_UM) ** 2))
    is_free = np.isin(canvas.phases[strip.part], (PHASES["resin"], PHASES["pore"]))
    light = canvas.light[:, *strip.part]
    painted = np.where(is_inside, dark, light) + rim
    canvas.light[:, *strip.part] = np.where(is_free, painted, light)
    is_bubble = is_inside & is_free
    box = box_of(is_bubble, strip.part)
    if box is None:
        return None
    canvas.phases[strip.part][is_bubble] = PHASES["bubble"]
    return Artefact("bubble", box)


def add_dust(canvas: Canvas, per_mm: float, rng: np.random.Generator) -> list[Artefact]:
    """Let dark specks and fibres fall on the surface; they are out of focus. Changes the canvas."""
    dust = [_dust(canvas, rng) for _ in range(canvas.many(per_mm, rng))]
    return [piece for piece in dust if piece]


def _dust(canvas: Canvas, rng: np.random.Generator) -> Artefact | None:
    middle = rng.random(2) * (canvas.frame.rows, canvas.frame.columns)
    is_fibre = rng.random() < FIBRES
    length_um = rng.uniform(15.0, 45.0) if is_fibre else 0.0
    half_um = rng.uniform(0.35, 0.7) if is_fibre else rng.uniform(*DUST_RADII_UM)
    strip = strip_around(canvas.frame, middle, rng.uniform(0.0, 180.0), length_um, margin_um=2.2 * half_um + 6.0)
    bend_um = rng.normal(0.0, 0.012) * strip.along_um**2 if is_fibre else 0.0
    along_um = np.maximum(np.abs(strip.along_um) - length_um / 2, 0.0)
    distance_um = np.hypot(along_um, strip.across_um - bend_um)
    turn = np.arctan2(strip.across_um, strip.along_um)
    lobes = (
        0.0 if is_fibre else sum(rng.normal(0.0, 0.13) * np.cos(k * turn + rng.uniform(0.0, 6.3)) for k in (2, 3, 5))
    )
    cover = (distance_um < half_um * (1.0 + lobes)).astype(np.float32)
    cover = ndimage.gaussian_filter(cover, DUST_BLUR_UM / canvas.frame.pixel_size_um)
    canvas.light[:, *strip.part] *= 1.0 - np.float32(0.72) * cover
    is_dust = cover > 0.3
    box = box_of(is_dust, strip.part)
    if box is None:
        return None
    canvas.phases[strip.part][is_dust] = PHASES["dust"]
    return Artefact("dust", box)
