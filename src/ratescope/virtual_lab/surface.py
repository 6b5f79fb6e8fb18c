"""What a polished surface reflects in bright field, before any optics: foil, NCM, flakes, binder, resin in this order.

Brightness belongs to the material, never to the electrode's porosity. All levels are our choice, after section 2.2 and
published bright-field micrographs of NCM cathodes: a share of the light that a mirror would send back.
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

REFLECTED: Mapping[str, float] = {
    "resin": 0.13,
    "pore": 0.13,
    "particle": 0.62,
    "crack": 0.11,
    "carbon": 0.36,
    "binder": 0.25,
    "foil": 0.93,
}
TINTS: Mapping[str, tuple[float, float, float]] = {
    "resin": (0.97, 1.0, 1.05),
    "pore": (0.97, 1.0, 1.05),
    "particle": (1.035, 1.0, 0.925),
    "crack": (0.97, 1.0, 1.05),
    "carbon": (0.995, 1.0, 1.01),
    "binder": (1.0, 1.0, 1.01),
    "foil": (1.0, 1.0, 0.995),
}
MOTTLE: Mapping[str, float] = {"foil": 0.018, "carbon": 0.10, "binder": 0.14, "resin": 0.03, "pore": 0.05}
CLOUDS: Mapping[str, float] = {"foil": 0.012, "resin": 0.07, "pore": 0.05, "particle": 0.01}
LINES_PER_MM = 150.0  # our choice: well polished
STANDS_PROUD: Mapping[str, float] = {"particle": 1.0, "foil": 0.75, "carbon": 0.35, "binder": 0.15}
"""What polishing leaves higher: hard grains stand above soft resin, and light is lost on the slopes between."""


def reflected_light(section: CrossSection, frame: Frame, seen: View, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light from each pixel by colour; float32, shape (rows, columns, 3), from 0 to 1."""
    light = _by_phase(REFLECTED)[seen.phases]
    light += _glow_from_below(section, frame) * np.isin(seen.phases, _codes("resin", "pore", "crack"))
    light *= _grain_texture(section, frame, seen, rng)
    light *= _fine_texture(section, frame, seen)
    light *= _relief(seen, frame)
    light *= _polishing_lines(seen, frame, rng)
    tints = np.ones((len(PHASES), 3), np.float32)
    for name, tint in TINTS.items():
        tints[PHASES[name]] = tint
    coloured: NDArray[np.float32] = light[..., None] * tints[seen.phases]
    return coloured


def _by_phase(table: Mapping[str, float], otherwise: float = 0.0) -> NDArray[np.float32]:
    """Values in the order of the phases' codes."""
    return np.array([table.get(name, otherwise) for name in PHASES], np.float32)


def _codes(*names: str) -> list[int]:
    return [PHASES[name] for name in names]


def _glow_from_below(section: CrossSection, frame: Frame) -> NDArray[np.float32]:
    """Resin is clear: grains a few µm below the surface shine through it, out of focus."""
    coarse = frame.coarser(3)
    glow = np.zeros((coarse.rows, coarse.columns), np.float32)
    for depth_um, blur_um, share in ((1.0, 0.45, 0.08), (2.8, 1.3, 0.075)):
        below = cut_grains(section.grains, coarse, section.plane_um + depth_um, section.period_um)
        glow += share * ndimage.gaussian_filter((below.level < 1.0).astype(np.float32), blur_um / coarse.pixel_size_um)
    return _enlarged(glow, 3, frame)


def _enlarged(coarse: NDArray[np.float32], factor: int, frame: Frame) -> NDArray[np.float32]:
    shift = (1.0 / factor - 1.0) / 2.0
    enlarged = np.empty((frame.rows, frame.columns), np.float32)
    ndimage.affine_transform(coarse, np.full(2, 1.0 / factor), [shift, shift], output=enlarged, order=1, mode="nearest")
    return enlarged


def _grain_texture(section: CrossSection, frame: Frame, seen: View, rng: np.random.Generator) -> NDArray[np.float32]:
    """Each grain a little brighter or darker; in it, primary particles of about 0.7 µm and fine pores."""
    count = len(section.grains.radii_um)
    shade = (1.0 + 0.045 * rng.standard_normal(count)).astype(np.float32)
    porous = (3.0 - rng.gamma(1.6, 0.4, count).clip(0.0, 1.5)).astype(np.float32)
    y_um, seed = section.plane_um, section.binder_seed
    aside, upwards = (solid_noise(frame, y_um, spacing_um=0.9, seed=seed + k) for k in (2, 3))
    is_grain = seen.phases == PHASES["particle"]
    owner = seen.grain[is_grain]
    primary = _primary_particles(frame, is_grain, 0.35 * aside[is_grain], 0.35 * upwards[is_grain], seed)
    speck = solid_noise(frame, y_um, spacing_um=0.34, seed=seed + 4)[is_grain]
    hole = np.clip((speck - porous[owner]) * 2.0, 0.0, 1.0)
    texture = np.ones(is_grain.shape, np.float32)
    texture[is_grain] = shade[owner] * (1.0 + 0.21 * primary + 0.03 * aside[is_grain]) * (1.0 - 0.55 * hole)
    return texture


def _primary_particles(
    frame: Frame, where: NDArray[np.bool_], aside: NDArray[np.float32], upwards: NDArray[np.float32], seed: int
) -> NDArray[np.float32]:
    """One value from −½ to ½ for each primary particle: cells of 0.7 µm with crooked borders."""
    row, column = np.nonzero(where)
    x_um, z_um = frame.to_um(row.astype(np.float32), column.astype(np.float32))
    iz = np.floor(z_um / 0.62 + upwards)
    ix = np.floor(x_um / 0.72 + aside + 0.5 * (iz % 2))
    low_x, low_z = int(ix.min(initial=0)), int(iz.min(initial=0))
    table = np.random.default_rng([seed, 5]).random(
        (int(iz.max(initial=0)) - low_z + 1, int(ix.max(initial=0)) - low_x + 1), np.float32
    )
    return table[(iz - low_z).astype(np.intp), (ix - low_x).astype(np.intp)] - np.float32(0.5)


def _fine_texture(section: CrossSection, frame: Frame, seen: View) -> NDArray[np.float32]:
    """Rolled foil, cloudy resin, mottled flakes and binder."""
    mottle = solid_noise(frame, section.plane_um, spacing_um=0.45, seed=section.binder_seed + 6)
    clouds = solid_noise(frame.coarser(8), section.plane_um, spacing_um=9.0, seed=section.binder_seed + 7)
    texture = _by_phase(MOTTLE)[seen.phases] * mottle
    texture += _by_phase(CLOUDS)[seen.phases] * _enlarged(clouds, 8, frame)
    texture += 1.0
    return texture


def _relief(seen: View, frame: Frame) -> NDArray[np.float32]:
    """Slopes at the edges of what stands proud lose light, and more so on the side away from the lamp's axis."""
    height = ndimage.gaussian_filter(_by_phase(STANDS_PROUD)[seen.phases], 0.22 / frame.pixel_size_um)
    down, right = np.gradient(height)
    shading: NDArray[np.float32] = 1.0 - 1.1 * np.hypot(down, right) + 0.35 * (0.6 * down + 0.8 * right)
    # Neighbouring grains meet in a fine groove.
    grain = seen.grain
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        shading[here][(grain[here] != grain[there]) & (grain[here] >= 0) & (grain[there] >= 0)] *= 0.6
    return shading


def _polishing_lines(seen: View, frame: Frame, rng: np.random.Generator) -> NDArray[np.float32]:
    """The last polish leaves faint, fine lines on what is hard."""
    lines = np.ones((frame.rows, frame.columns), np.float32)
    count = int(rng.poisson(LINES_PER_MM * frame.columns * frame.pixel_size_um * 1e-3))
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
    lines[~np.isin(seen.phases, _codes("particle", "foil"))] = 1.0
    return lines
