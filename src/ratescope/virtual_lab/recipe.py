"""Volumes as the recipe has them: measured on planes through the whole coating, then brought to what its mass says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError
from ratescope.virtual_lab.carbon import NO_FLAKE, cut_flakes
from ratescope.virtual_lab.cross_section import (
    PHASES,
    CrossSection,
    binder_scores,
    edges,
    lay_binder,
    lay_carbon,
    lay_grains,
    view,
)
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import cut_grains

COARSE_UM = 0.6  # our choice: points are hit without bias at any pixel size
PLANES_PER_D50_UM = 36_000.0  # our choice: area of all planes together in µm² per µm, thousands of grains and flakes
FEWEST_PLANES, MOST_PLANES = 8, 20  # our choice: one in half a median grain's width or closer
HEADROOM_UM, FOOTROOM_UM = 20.0, 8.0  # above and below the coating's mean surfaces: more than any peak and dent


def to_recipe(section: CrossSection, *, effort: float = 1.0) -> CrossSection:
    """Bring grains, flakes and binder to the recipe's volumes, and then the surface to the thickness of this mass.

    Volumes are those of the mass, so nothing here can change it; the porosity follows from the thickness.

    Parameters
    ----------
    effort : float
        Share of the planes to look at.
    """
    wanted = section.electrode.volume_fractions
    planes = _planes(section, effort=effort)
    frame = planes[0][0]
    nominal_px = len(planes) * frame.columns * section.electrode.thickness_um / frame.pixel_size_um

    cuts = [cut_grains(section.grains, frame, y_um, section.period_um) for frame, y_um in planes]
    levels = [np.where(cut.is_gap, np.inf, cut.level) for cut in cuts]
    size = _value_with(levels, wanted["active"] * nominal_px, "particles")
    section = replace(section, grains=section.grains.scaled(size, 1.0))
    maps = [
        lay_grains(section, frame, y_um, replace(cut, level=cut.level / np.float32(size)))
        for (frame, y_um), cut in zip(planes, cuts, strict=True)
    ]

    orders = [cut_flakes(section.flakes, frame, y_um, section.period_um) for frame, y_um in planes]
    free = [np.where(phases == PHASES["resin"], order, NO_FLAKE) for phases, order in zip(maps, orders, strict=True)]
    count = int(_value_with(free, wanted["carbon"] * nominal_px, "carbon flakes"))
    for phases, order in zip(maps, orders, strict=True):
        lay_carbon(phases, order, count)

    scores = [
        binder_scores(phases, frame, y_um, section.binder_seed)
        for phases, (frame, y_um) in zip(maps, planes, strict=True)
    ]
    free = [np.where(phases == PHASES["resin"], -score, np.inf) for phases, score in zip(maps, scores, strict=True)]
    lowest = -_value_with(free, wanted["binder"] * nominal_px, "binder")
    for phases, score in zip(maps, scores, strict=True):
        lay_binder(phases, score, lowest)

    foil_and_surface = [edges(phases, frame) for phases, (frame, _) in zip(maps, planes, strict=True)]
    thickness_um = float(np.mean([foil - surface for foil, surface in foil_and_surface])) * frame.pixel_size_um
    # Centres move, grains keep their size: those at the surface are centred below it.
    missing_um = section.electrode.thickness_um - thickness_um
    stretch = 1.0 + missing_um / (thickness_um - 0.7 * section.electrode.particle_d50_um)
    return replace(
        section,
        grains=section.grains.scaled(1.0, stretch),
        flakes=section.flakes.scaled(stretch),
        flakes_seen=count,
        binder_score=lowest,
    )


def measured_fractions(section: CrossSection) -> dict[str, float]:
    """Volume fractions of the coating under its surface, measured on the recipe's planes and half-way between them."""
    planes = [*_planes(section), *_planes(section, offset=0.5)]
    views = [view(replace(section, plane_um=y_um), frame) for frame, y_um in planes]
    whole = np.concatenate([seen.phases for seen in views], axis=1)
    return replace(views[0], phases=whole).fractions()


def _planes(section: CrossSection, *, effort: float = 1.0, offset: float = 0.0) -> list[tuple[Frame, float]]:
    """Level views of the whole slab, evenly spread over its depth, the first beside the section's own plane."""
    width_um, depth_um = section.period_um
    enough = PLANES_PER_D50_UM * section.electrode.particle_d50_um / (width_um * section.electrode.thickness_um)
    planes = int(effort * np.clip(enough, FEWEST_PLANES, MOST_PLANES))
    columns = round(width_um / COARSE_UM)
    pixel_size_um = width_um / columns
    foil_row = (section.electrode.thickness_um + HEADROOM_UM) / pixel_size_um
    frame = Frame(round(foil_row + FOOTROOM_UM / pixel_size_um), columns, pixel_size_um, foil_row, width_um / 2)
    return [(frame, section.plane_um + depth_um * (k + offset) / planes) for k in range(planes)]


def _value_with(maps: list[NDArray[np.float32]] | list[NDArray[np.int32]], wanted_px: float, what: str) -> float:
    """The value below which as many pixels lie as are wanted."""
    values = np.concatenate([values.ravel() for values in maps])
    rank = round(wanted_px)
    value = float(np.partition(values, rank)[rank]) if rank < values.size else np.inf
    if not np.isfinite(value) or value == NO_FLAKE:
        raise LabError(
            f"the virtual laboratory cannot fit the recipe's {what} into the coating: too little room is left. "
            "Choose a higher porosity or less of it."
        )
    return value
