"""A coating in three dimensions, cut by a plane: grains packed on the foil, flakes and binder between them.

What the load does is physics, not paint: large pores close first, grains are pressed together and into the foil, the
surface's peaks are flattened, and from 300 MPa grains break. Everything here is simulated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError
from ratescope.virtual_lab.carbon import draw_flakes
from ratescope.virtual_lab.cross_section import CrossSection
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.fields import HeightField, draw_height_field
from ratescope.virtual_lab.fractures import Fractures, draw_fractures
from ratescope.virtual_lab.grains import (
    LARGEST_OVER_D50,
    draw_diameters_um,
    shape_grains,
)
from ratescope.virtual_lab.recipe import measured_fractions, to_recipe
from ratescope.virtual_lab.relaxation import Height, Walls, relax

JAMMED = 0.60  # our choice: grains between large pores touch at this fraction, a little under random close packing
BROKEN_FROM_MPA = 200.0  # VIRTUAL-LAB, section 1: cracks at 300 MPa, hardly any below
HIGHEST_MPA = 750.0  # Table 1
FOIL_ROUGHNESS_UM = 0.16  # our choice: rolled aluminium
FOIL_WAVINESS_UM = 0.5  # our choice: as embedded
DIP_UM = 1.7  # by so much the outline of packed grains lies under what bounds them; the recipe corrects the rest
SURFACE_ROUGHNESS_UM = 6.5  # our choice: the smallest clean rectangle is near 224 px (VIRTUAL-LAB, section 2)


def cut_cross_section(electrode: VirtualElectrode, *, width_um: float, rng: np.random.Generator) -> CrossSection:
    """Make a coating and cut it by a plane.

    Parameters
    ----------
    electrode : VirtualElectrode
    width_um : float
        Of the piece that is to be looked at.

    Raises
    ------
    LabError
        If the width is not a positive length.

    Examples
    --------
    >>> electrode = VirtualElectrode("P30", "B1", load_mpa=200.0, porosity=0.30)
    >>> section = cut_cross_section(electrode, width_um=40.0, rng=np.random.default_rng(1))
    >>> abs(section.porosity - 0.30) < 0.005
    True
    """
    if not 0.0 < width_um < 20_000.0:
        raise LabError(f"a cross-section has a width from 0 to 20000 µm; asked for {width_um}. Choose one inside.")
    largest_um = LARGEST_OVER_D50 * electrode.particle_d50_um
    # Twice the largest grain: no grain may meet two images of its neighbour.
    period_um = (max(width_um, 2.0 * largest_um), 2.0 * largest_um)
    section = _pack(electrode, width_um, period_um, rng)
    # The second round mends what the first one's new thickness did to the overlaps.
    section = to_recipe(to_recipe(section, effort=0.5))
    return replace(section, volume_fractions=measured_fractions(section))


def _pack(
    electrode: VirtualElectrode, width_um: float, period_um: tuple[float, float], rng: np.random.Generator
) -> CrossSection:
    """Grains and flakes roughly as the recipe has them; `_to_recipe` makes them exact."""
    foil_top = _draw_foil(period_um, FOIL_WAVINESS_UM, rng)
    ceiling = _draw_ceiling(electrode, period_um, rng)
    radii_um, is_hole = _draw_balls(electrode, period_um, rng)
    depth_um = _indentation_um(electrode.load_mpa) * rng.random(len(radii_um))
    walls = Walls(period_um, lambda x, y: foil_top(x, y) - depth_um, ceiling)
    start = rng.random((len(radii_um), 3)) * (*period_um, electrode.thickness_um)
    centres_um = relax(start, radii_um, is_hole, walls)[~is_hole]
    radii_um = radii_um[~is_hole]
    fractures = _draw_fractures(electrode, centres_um, radii_um, rng)
    grains = shape_grains(centres_um, radii_um, fractures, rng)
    volume_um3 = period_um[0] * period_um[1] * electrode.thickness_um
    # About half of a flake is hidden in grains and in other flakes, and more where grains and pores are fine.
    hidden = 2.4 * max(1.0, 9.2 / electrode.particle_d50_um) ** 1.5
    wanted_um3 = hidden * electrode.volume_fractions["carbon"] * volume_um3
    return CrossSection(
        electrode=electrode,
        width_um=width_um,
        plane_um=float(rng.uniform(0.0, period_um[1])),
        period_um=period_um,
        grains=grains,
        flakes=draw_flakes(wanted_um3, grains, period_um, ceiling, rng),
        flakes_seen=0,
        foil_top=foil_top,
        foil_bottom=_draw_foil(period_um, 0.3, rng),
        binder_seed=int(rng.integers(2**31)),
        binder_score=float("inf"),
        volume_fractions={},
    )


def _draw_foil(period_um: tuple[float, float], waviness_um: float, rng: np.random.Generator) -> HeightField:
    # A piece shorter than the waves shows less of them: slopes, not heights, are alike.
    share = min(1.0, period_um[0] / 400.0)
    waves = draw_height_field(period_um, (150.0, 400.0), share * waviness_um, rng, waves=12)
    return waves + draw_height_field(period_um, (3.0, 25.0), FOIL_ROUGHNESS_UM, rng, waves=60)


def _draw_ceiling(electrode: VirtualElectrode, period_um: tuple[float, float], rng: np.random.Generator) -> Height:
    """The surface under which grains lie: rough, and the more its peaks are flattened the higher the load."""
    field = draw_height_field(period_um, (30.0, 130.0), 1.0, rng)
    peak = 2.5 - 2.2 * np.sqrt(min(electrode.load_mpa / HIGHEST_MPA, 1.0))

    def flattened(x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(peak - np.logaddexp(0.0, 4.0 * (peak - field(x_um, y_um))) / 4.0)

    places = np.meshgrid(np.linspace(0.0, period_um[0], 200), np.linspace(0.0, period_um[1], 20))
    mean_um = electrode.thickness_um + DIP_UM - SURFACE_ROUGHNESS_UM * float(flattened(*places).mean())

    def ceiling(x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        return mean_um + SURFACE_ROUGHNESS_UM * flattened(x_um, y_um)

    return ceiling


def _draw_balls(
    electrode: VirtualElectrode, period_um: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Radii of the grains and of the holes that keep large pores open where the coating is loose."""
    fraction = electrode.volume_fractions["active"]
    volume_um3 = period_um[0] * period_um[1] * electrode.thickness_um
    grains_um = draw_diameters_um(fraction * volume_um3, electrode.particle_d50_um, rng)
    share = max(0.0, 1.0 - fraction / JAMMED)
    # Diameters from half to one and a half D50, so 1.08 D50³ on average; they overlap, hence a fifth more.
    one_um3 = np.pi / 6.0 * 1.25 * electrode.particle_d50_um**3
    holes_um = electrode.particle_d50_um * rng.uniform(0.5, 1.5, round(1.2 * share * volume_um3 / one_um3))
    diameters_um = np.concatenate([grains_um, holes_um])
    return diameters_um / 2.0, np.arange(len(diameters_um)) >= len(grains_um)


def _indentation_um(load_mpa: float) -> float:
    """How deep grains may be pressed into the foil: our choice, visible at 300 and plain at 750 MPa."""
    return 2.2 * float((load_mpa / HIGHEST_MPA) ** 0.8)


def _draw_fractures(
    electrode: VirtualElectrode,
    centres_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    rng: np.random.Generator,
) -> Fractures:
    """Grains near foil and surface break first, and large ones before small ones."""
    severity = float(np.clip((electrode.load_mpa - BROKEN_FROM_MPA) / (HIGHEST_MPA - BROKEN_FROM_MPA), 0.0, 1.0))
    from_wall_um = np.minimum(centres_um[:, 2], electrode.thickness_um - centres_um[:, 2]) - radii_um
    odds = 0.36 * severity**0.7 * 2.0 * radii_um / electrode.particle_d50_um
    odds *= 1.0 + 0.8 * np.exp(-np.maximum(from_wall_um, 0.0) / 6.0)
    return draw_fractures(radii_um, np.minimum(odds, 0.9), severity, rng)
