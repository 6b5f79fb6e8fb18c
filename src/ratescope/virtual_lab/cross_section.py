"""A virtual cross-section: exact geometry to be looked at with any pixel size, from any place, tilted or level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.units import FOIL_THICKNESS_UM
from ratescope.virtual_lab.carbon import Flakes, cut_flakes
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.fields import HeightField, solid_noise
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import GrainCut, Grains, cut_grains

PHASES: Mapping[str, int] = {
    "resin": 0,
    "pore": 1,
    "particle": 2,
    "crack": 3,
    "carbon": 4,
    "binder": 5,
    "foil": 6,
    "void": 7,
    "scratch": 8,
    "smear": 9,
    "bubble": 10,
    "dust": 11,
}
"""What a pixel of a phase map shows; resin is that above the coating and below the foil, though pores hold it too."""

SOLIDS = ("particle", "carbon", "binder")
CLOSED_GAP_UM = 6.0  # as `PrepareSettings.closed_gap_um`: the surface spans gaps narrower than this


@dataclass(frozen=True, eq=False)
class CrossSection:
    """One plane through one simulated coating.

    Attributes
    ----------
    electrode : VirtualElectrode
    width_um : float
        What was asked for; the coating goes on beyond it and repeats after ``period_um``.
    plane_um : float
        y of the plane.
    period_um : (float, float)
        In x and y.
    grains, flakes : Grains, Flakes
    flakes_seen : int
        As many of the flakes, from the first on, as the recipe has carbon for.
    foil_top, foil_bottom : HeightField
        The foil's two surfaces; the lower one without the foil's thickness.
    binder_seed, binder_score : int, float
        Binder fills, grainily, the pores that score higher than this.
    volume_fractions : particle, carbon, binder and pore → fraction
        Of the whole volume under the surface, measured on planes through it; pore includes cracks.
    """

    electrode: VirtualElectrode
    width_um: float
    plane_um: float
    period_um: tuple[float, float]
    grains: Grains
    flakes: Flakes
    flakes_seen: int
    foil_top: HeightField
    foil_bottom: HeightField
    binder_seed: int
    binder_score: float
    volume_fractions: Mapping[str, float]

    @property
    def porosity(self) -> float:
        """Of the whole volume, measured."""
        return self.volume_fractions["pore"]


@dataclass(frozen=True, eq=False)
class View:
    """What a frame shows of a cross-section.

    Attributes
    ----------
    phases : uint8 array, shape (rows, columns)
        Codes of `PHASES`.
    grain : int32 array, shape (rows, columns)
        Number of the grain, −1 where there is none.
    level : float32 array, shape (rows, columns)
        Distance from the grain's centre over that of its surface.
    foil_rows : float array, shape (columns,)
        First row of the foil; NaN where it is out of the frame.
    surface_rows : float array, shape (columns,)
        First row of the coating: the outline of the solid after closing gaps narrower than 6 µm.
    """

    phases: NDArray[np.uint8]
    grain: NDArray[np.int32]
    level: NDArray[np.float32]
    foil_rows: NDArray[np.float64]
    surface_rows: NDArray[np.float64]

    def fractions(self) -> dict[str, float]:
        """Area fractions of the coating, from the foil to the surface; pore includes cracks."""
        counts = np.bincount(self.phases.ravel(), minlength=len(PHASES))
        parts = {name: int(counts[PHASES[name]]) for name in (*SOLIDS, "pore", "crack")}
        parts["pore"] += parts.pop("crack")
        total = sum(parts.values())
        return {name: count / total for name, count in parts.items()}


def view(section: CrossSection, frame: Frame, *, deeper_um: float = 0.0) -> View:
    """Look at a cross-section, or at a plane that lies deeper."""
    y_um = section.plane_um + deeper_um
    grains = cut_grains(section.grains, frame, y_um, section.period_um)
    phases = lay_grains(section, frame, y_um, grains)
    flakes = section.flakes.first(section.flakes_seen)
    lay_carbon(phases, cut_flakes(flakes, frame, y_um, section.period_um), section.flakes_seen)
    lay_binder(phases, binder_scores(phases, frame, y_um, section.binder_seed), section.binder_score)
    foil_rows, surface_rows = edges(phases, frame)
    _fill_pores(phases, surface_rows, foil_rows)
    return View(phases, np.where(grains.level < 1.0, grains.owner, -1), grains.level, foil_rows, surface_rows)


def lay_grains(section: CrossSection, frame: Frame, y_um: float, cut: GrainCut) -> NDArray[np.uint8]:
    """A phase map of the foil and of the grains upon and in it."""
    phases = np.where(_is_foil(section, frame, y_um), PHASES["foil"], PHASES["resin"]).astype(np.uint8)
    is_grain = cut.level < 1.0
    phases[is_grain] = np.where(cut.is_gap[is_grain], PHASES["crack"], PHASES["particle"])
    return phases


def lay_carbon(phases: NDArray[np.uint8], order: NDArray[np.int32], count: int) -> None:
    """Put the first ``count`` flakes where nothing else is."""
    phases[(order < count) & (phases == PHASES["resin"])] = PHASES["carbon"]


def lay_binder(phases: NDArray[np.uint8], scores: NDArray[np.float32], lowest: float) -> None:
    """Put binder where nothing else is and enough speaks for it."""
    phases[(scores > lowest) & (phases == PHASES["resin"])] = PHASES["binder"]


def edges(phases: NDArray[np.uint8], frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First row of the foil and first row of the coating, column by column."""
    is_solid = np.isin(phases, [PHASES[name] for name in SOLIDS])
    return _first_rows(phases == PHASES["foil"]), outline(is_solid, frame)


def _is_foil(section: CrossSection, frame: Frame, y_um: float) -> NDArray[np.bool_]:
    x_um, z_um = frame.to_um(
        np.arange(frame.rows, dtype=np.float32)[:, None], np.arange(frame.columns, dtype=np.float32)[None, :]
    )
    at_um = np.arange(x_um.min() - 1.0, x_um.max() + 1.0, 0.3)
    top_um, bottom_um = section.foil_top(at_um, y_um), section.foil_bottom(at_um, y_um) - FOIL_THICKNESS_UM
    is_foil = np.zeros((frame.rows, frame.columns), bool)
    for row in np.flatnonzero((z_um.min(axis=1) < top_um.max()) & (z_um.max(axis=1) > bottom_um.min())):
        below_top = z_um[row] < np.interp(x_um[row], at_um, top_um)
        is_foil[row] = below_top & (z_um[row] > np.interp(x_um[row], at_um, bottom_um))
    return is_foil


def binder_scores(phases: NDArray[np.uint8], frame: Frame, y_um: float, seed: int) -> NDArray[np.float32]:
    """How much speaks for binder at each free pixel: near contacts, in clouds of 2 µm, in grains of 0.4 µm.

    The grainy domain has fine pores of its own: two fifths of it score −∞, as do places far from any solid.
    """
    solid = np.isin(phases, (PHASES["particle"], PHASES["carbon"])).astype(np.float32)
    nearness = ndimage.gaussian_filter(solid, 1.0 / frame.pixel_size_um, truncate=3.0)
    scores = np.full(phases.shape, -np.inf, np.float32)
    asked = (phases == PHASES["resin"]) & (nearness > 0.2)
    clouds = solid_noise(frame, y_um, spacing_um=1.6, seed=seed, where=asked)
    grain = solid_noise(frame, y_um, spacing_um=0.3, seed=seed + 1, where=asked)
    # 40 % of a normal distribution lie below −0.25.
    scores[asked] = np.where(grain > -0.25, 3.0 * nearness[asked] + 0.5 * clouds + 0.2 * grain, -np.inf)
    return scores


def outline(is_solid: NDArray[np.bool_], frame: Frame) -> NDArray[np.float64]:
    """First row of the solid in each column after closing gaps narrower than 6 µm along the foil."""
    fall = np.arange(frame.columns) * np.tan(np.deg2rad(frame.tilt_deg))
    level = _first_rows(is_solid) - fall
    level[np.isnan(level)] = np.nanmax(level, initial=0.0)
    gap_px = max(1, round(CLOSED_GAP_UM / frame.pixel_size_um))
    # Rows grow downwards: closing a gap in the solid is opening the row.
    surface: NDArray[np.float64] = ndimage.grey_opening(level, size=(gap_px,), mode="nearest") + fall
    return surface


def _first_rows(is_there: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(is_there.any(axis=0), is_there.argmax(axis=0).astype(np.float64), np.nan)


def _fill_pores(phases: NDArray[np.uint8], surface_rows: NDArray[np.float64], foil_rows: NDArray[np.float64]) -> None:
    row = np.arange(len(phases))[:, None]
    bottom = np.where(np.isnan(foil_rows), len(phases), foil_rows)
    inside = (row >= np.rint(surface_rows)[None, :]) & (row < bottom[None, :])
    phases[inside & (phases == PHASES["resin"])] = PHASES["pore"]
