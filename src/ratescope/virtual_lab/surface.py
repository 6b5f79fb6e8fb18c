"""What a polished surface reflects in bright field, before any optics: foil, NCM, flakes, binder, resin in this order.

Brightness belongs to the material, never to the electrode's porosity. Light is a share of what a mirror would send
back; its planes are red, green and blue, shape (3, rows, columns). All amounts of texture are our choice, after section
2.2 and published bright-field micrographs of NCM cathodes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.virtual_lab.cross_section import PHASES, CrossSection, View
from ratescope.virtual_lab.fields import solid_noise
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import cut_grains
from ratescope.virtual_lab.instrument import Microscope
from ratescope.virtual_lab.texture import TILE, laid, mottle, primary_particles

Light = NDArray[np.float32]

COARSE = 4  # pixels of what lies below the surface: it is out of focus
STANDS_PROUD: Mapping[str, float] = {"particle": 1.0, "foil": 0.75, "carbon": 0.3, "binder": 0.12}
"""What polishing leaves higher: hard grains stand above soft resin, and light is lost on the slopes between."""


def reflected_light(
    section: CrossSection,
    frame: Frame,
    seen: View,
    rng: np.random.Generator,
    *,
    microscope: Microscope,
    lines_per_mm: float,
) -> Light:
    """Light from each pixel by colour; float32, shape (3, rows, columns), from 0 to 1."""
    light = by_phase(microscope.reflected)[seen.phases]
    light += _buried(section, frame) * by_phase({"resin": 1.0, "pore": 1.0, "crack": 0.5, "binder": 0.5})[seen.phases]
    _shade_grains(light, section, frame, seen, rng)
    _shade_carbon(light, frame, seen, section.binder_seed, rng)
    _shade_foil(light, frame, seen, section.binder_seed, rng)
    light *= _relief(seen, frame, microscope.relief)
    light *= _polishing_lines(seen, frame, lines_per_mm, rng)
    tints = np.stack([by_phase({name: tint[c] for name, tint in microscope.tints.items()}, 1.0) for c in range(3)])
    return np.stack([light * tint[seen.phases] for tint in tints])


def by_phase(table: Mapping[str, float], otherwise: float = 0.0) -> NDArray[np.float32]:
    """Values in the order of the phases' codes."""
    return np.array([table.get(name, otherwise) for name in PHASES], np.float32)


def _buried(section: CrossSection, frame: Frame) -> Light:
    """Resin is clear and a little cloudy: grains a few µm below the surface shine through it, out of focus."""
    coarse = frame.coarser(COARSE)
    glow = 0.009 * solid_noise(coarse, section.plane_um, spacing_um=9.0, seed=section.binder_seed + 7)
    for depth_um, blur_um, share in ((1.0, 0.45, 0.075), (2.8, 1.3, 0.07)):
        below = cut_grains(section.grains, coarse, section.plane_um + depth_um, section.period_um)
        glow += share * ndimage.gaussian_filter((below.level < 1.0).astype(np.float32), blur_um / coarse.pixel_size_um)
    return _enlarged(glow, COARSE, frame)


def _enlarged(coarse: Light, factor: int, frame: Frame) -> Light:
    shift = (1.0 / factor - 1.0) / 2.0
    enlarged = np.empty((frame.rows, frame.columns), np.float32)
    ndimage.affine_transform(coarse, np.full(2, 1.0 / factor), [shift, shift], output=enlarged, order=1, mode="nearest")
    return enlarged


def _shade_grains(light: Light, section: CrossSection, frame: Frame, seen: View, rng: np.random.Generator) -> None:
    """Each grain a little brighter or darker; in it, primary particles of about 0.6 µm and fine pores."""
    count, size_um, seed = len(section.grains.radii_um), frame.pixel_size_um, section.binder_seed
    shade = (1.0 + 0.045 * rng.standard_normal(count)).astype(np.float32)
    crystalline = rng.uniform(0.025, 0.075, count).astype(np.float32)
    porous = (3.1 - rng.gamma(1.4, 0.42, count).clip(0.0, 1.5)).astype(np.float32)
    place = np.flatnonzero(seen.phases == PHASES["particle"])
    owner = seen.grain.ravel()[place]
    tile_place = _places_on_tile(place, owner, frame, rng.integers(0, TILE, (2, count)))
    speck = mottle(0.42 / size_um, 0.42 / size_um, seed + 4).ravel()[tile_place]
    facet = primary_particles(size_um, seed).ravel()[tile_place]
    broad = mottle(2.2 / size_um, 2.2 / size_um, seed + 3).ravel()[tile_place]
    hole = np.clip((speck - porous[owner]) * np.float32(2.5), 0.0, 1.0)
    rounding = np.clip((seen.level.ravel()[place] - 0.86) / 0.14, 0.0, 1.0)
    texture = shade[owner] * (1.0 + crystalline[owner] * facet + np.float32(0.012) * broad)
    texture *= (1.0 - np.float32(0.62) * hole) * (1.0 - np.float32(0.05) * rounding)
    light.ravel()[place] *= texture


def _places_on_tile(
    place: NDArray[np.intp], owner: NDArray[np.int32], frame: Frame, starts: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Where on a tile each pixel finds its texture: each grain starts from another place."""
    row, column = np.divmod(place, frame.columns)
    down, right = (row + starts[0][owner]) % TILE, (column + starts[1][owner]) % TILE
    return np.asarray(down * TILE + right, np.intp)


def _shade_carbon(light: Light, frame: Frame, seen: View, seed: int, rng: np.random.Generator) -> None:
    """Flakes dip in and out of the surface, binder is a grainy haze, and pores hold traces of both."""
    size_um, shape = frame.pixel_size_um, (frame.rows, frame.columns)
    fine = laid(mottle(0.42 / size_um, 0.42 / size_um, seed + 6), *shape, rng)
    patch = laid(mottle(1.5 / size_um, 1.5 / size_um, seed + 8), *shape, rng)
    fine_share = {"carbon": 0.13, "binder": 0.20, "pore": 0.10, "resin": 0.03, "crack": 0.1}
    patch_share = {"carbon": 0.19, "binder": 0.12, "pore": 0.06}
    light *= 1.0 + by_phase(fine_share)[seen.phases] * fine + by_phase(patch_share)[seen.phases] * patch


def _shade_foil(light: Light, frame: Frame, seen: View, seed: int, rng: np.random.Generator) -> None:
    """Rolled aluminium: streaks along the foil, etched grains, and small dark inclusions."""
    rows = np.flatnonzero((seen.phases == PHASES["foil"]).any(axis=1))
    if rows.size == 0:
        return
    band, size_um = np.s_[rows[0] : rows[-1] + 1], frame.pixel_size_um
    shape = (rows[-1] + 1 - rows[0], frame.columns)
    fall = float(np.tan(np.deg2rad(frame.tilt_deg)))
    streak = laid(mottle(0.5 / size_um, 7.0 / size_um, seed + 9), *shape, rng, fall=fall)
    etched = laid(mottle(0.8 / size_um, 0.8 / size_um, seed + 10), *shape, rng)
    texture = 1.0 + 0.014 * streak + 0.016 * etched - 0.22 * np.clip(2.0 * (etched - 3.0), 0.0, 1.0)
    light[band] *= np.where(seen.phases[band] == PHASES["foil"], texture, 1.0)


def _relief(seen: View, frame: Frame, strength: float) -> Light:
    """Slopes at the edges of what stands proud lose light, and more so on the side away from the lamp's axis."""
    height = ndimage.gaussian_filter(by_phase(STANDS_PROUD)[seen.phases], 0.22 / frame.pixel_size_um, truncate=3.0)
    down, right = np.zeros_like(height), np.zeros_like(height)
    down[1:-1] = 0.5 * (height[2:] - height[:-2])
    right[:, 1:-1] = 0.5 * (height[:, 2:] - height[:, :-2])
    slopes = 0.21 * down + 0.28 * right - 1.1 * np.hypot(down, right)
    shading = np.asarray(1.0 + np.float32(strength) * slopes, np.float32)
    # Neighbouring grains meet in a fine groove.
    grain = seen.grain
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        shading[here][(grain[here] != grain[there]) & (grain[here] >= 0) & (grain[there] >= 0)] *= 0.6
    return shading


def _polishing_lines(seen: View, frame: Frame, lines_per_mm: float, rng: np.random.Generator) -> Light:
    """The last polish leaves faint, fine lines on what is hard."""
    lines = np.ones((frame.rows, frame.columns), np.float32)
    count = int(rng.poisson(lines_per_mm * frame.columns * frame.pixel_size_um * 1e-3))
    for slope, depth in zip(np.tan(rng.uniform(-1.2, 1.2, count)), rng.uniform(0.02, 0.07, count), strict=True):
        row, column = rng.random(2) * (frame.rows, frame.columns)
        if abs(slope) < 1.0:
            columns = np.arange(frame.columns)
            rows = np.rint(row + slope * (columns - column)).astype(np.intp)
        else:
            rows = np.arange(frame.rows)
            columns = np.rint(column + (rows - row) / slope).astype(np.intp)
        inside = (rows >= 0) & (rows < frame.rows) & (columns >= 0) & (columns < frame.columns)
        lines[rows[inside], columns[inside]] -= np.float32(depth)
    lines[by_phase({"particle": 1.0, "foil": 1.0})[seen.phases] == 0.0] = 1.0
    return lines
