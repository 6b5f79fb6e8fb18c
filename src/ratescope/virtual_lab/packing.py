"""A coating in three dimensions, cut by a plane: grains packed on the foil, flakes and binder between them.

What the load does is physics, not paint: grains settle loosely, then large pores close, grains are pressed together and
into the foil, the surface's peaks are flattened, and from 300 MPa grains break. Everything here is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError
from ratescope.units import POROSITIES
from ratescope.virtual_lab.carbon import Flakes, draw_flakes
from ratescope.virtual_lab.cross_section import CrossSection
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.fields import Height, HeightField, between, draw_height_field
from ratescope.virtual_lab.fractures import Fractures, draw_fractures
from ratescope.virtual_lab.grains import (
    LARGEST_OVER_D50,
    Grains,
    draw_diameters_um,
    shape_grains,
)
from ratescope.virtual_lab.recipe import measured_fractions, to_recipe
from ratescope.virtual_lab.relaxation import Walls, relax

JAMMED = 0.60  # our choice: grains between large pores touch at this fraction, a little under random close packing
# Our choice: films of binder keep grains apart, which makes their radii larger by this factor until they are pressed.
# Crops of the loose coating then differ about as much as those of hard spheres (docs/studies/scatter_between_crops.py).
FILM = 1.08
HOLES_OVER_D50 = (0.5, 1.2)  # our choice: diameters of the large pores
BROKEN_FROM_MPA = 200.0  # the paper's pictures: cracks at 300 MPa, hardly any below
HIGHEST_MPA = 750.0  # Table 1
FOIL_ROUGHNESS_UM = 0.16  # our choice: rolled aluminium
FOIL_WAVINESS_UM = 0.5  # our choice: as embedded
DIP_UM = 1.7  # by so much the outline of packed grains lies under what bounds them; the recipe corrects the rest
SURFACE_ROUGHNESS_UM = 6.5  # our choice: the smallest clean rectangle is near 224 px (section 2.3)
GRID_UM = 0.5  # our choice: heights are known this close, a sixth of the shortest wave
SETTLE_STEPS, PRESS_STEPS = 70, 60  # our choice: touching grains overlap by 6 to 7 % of the smaller radius on average


@dataclass(frozen=True, eq=False)
class Bed:
    """What bounds the grains of one coating, before any load.

    Attributes
    ----------
    period_um : (float, float)
        In x and y.
    foil_top, foil_bottom : HeightField
    surface : HeightField
        Peaks and valleys of the coating, of deviation 1.
    """

    period_um: tuple[float, float]
    foil_top: HeightField
    foil_bottom: HeightField
    surface: HeightField

    def on_grid(self, field: HeightField) -> NDArray[np.float64]:
        """Heights of a field on a grid over the whole slab; shape (x, y)."""
        x_um, y_um = (np.linspace(0.0, length, round(length / GRID_UM), endpoint=False) for length in self.period_um)
        return field.on_grid(x_um, y_um)


def cut_cross_section(electrode: VirtualElectrode, *, width_um: float, rng: np.random.Generator) -> CrossSection:
    """Make a coating and cut it by a plane.

    The same chance gives the same coating at every load: the same grains, moved, pressed and broken.

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
    """Grains and flakes roughly as the recipe has them; `to_recipe` makes them exact."""
    # Each kind of chance has its own numbers, so that one seed gives one coating, whatever the load makes of it.
    of_bed, of_balls, of_dents, of_breaks, of_shapes, of_flakes, of_plane = (
        np.random.default_rng(int(seed)) for seed in rng.integers(2**62, size=7)
    )
    bed = _draw_bed(period_um, of_bed)
    loose = replace(electrode, load_mpa=0.0, porosity=max(electrode.porosity, POROSITIES[0]))
    places_um, radii_um, holes = _draw_balls(loose, period_um, of_balls)
    places_um = _settle(places_um, radii_um, holes, loose, bed)
    if electrode.porosity < loose.porosity:
        dents_um = _indentation_um(electrode.load_mpa) * of_dents.random(len(radii_um))
        places_um = _press(places_um, radii_um, holes, electrode, loose, bed, dents_um)
    centres_um, radii_um = places_um[~holes], radii_um[~holes]
    fractures = _draw_fractures(electrode, centres_um, radii_um, of_breaks)
    grains = shape_grains(centres_um, radii_um, fractures, electrode.particles, of_shapes)
    return CrossSection(
        electrode=electrode,
        width_um=width_um,
        plane_um=float(of_plane.uniform(0.0, period_um[1])),
        period_um=period_um,
        grains=grains,
        flakes=_draw_carbon(electrode, grains, bed, of_flakes),
        flakes_seen=0,
        foil_top=bed.foil_top,
        foil_bottom=bed.foil_bottom,
        binder_seed=int(of_plane.integers(2**31)),
        binder_score=float("inf"),
        volume_fractions={},
    )


def _draw_bed(period_um: tuple[float, float], rng: np.random.Generator) -> Bed:
    top, bottom = (_draw_foil(period_um, waviness_um, rng) for waviness_um in (FOIL_WAVINESS_UM, 0.3))
    return Bed(period_um, top, bottom, draw_height_field(period_um, (30.0, 130.0), 1.0, rng))


def _draw_foil(period_um: tuple[float, float], waviness_um: float, rng: np.random.Generator) -> HeightField:
    # A piece shorter than the waves shows less of them: slopes, not heights, are alike.
    share = min(1.0, period_um[0] / 400.0)
    waves = draw_height_field(period_um, (150.0, 400.0), share * waviness_um, rng, waves=12)
    return waves + draw_height_field(period_um, (3.0, 25.0), FOIL_ROUGHNESS_UM, rng, waves=60)


def _draw_balls(
    loose: VirtualElectrode, period_um: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Places and radii of grains and of the holes that keep a loose coating's large pores open; which are holes."""
    volume_um3 = period_um[0] * period_um[1] * loose.thickness_um
    grain_um3 = loose.volume_fractions["active"] * volume_um3
    grains_um = draw_diameters_um(grain_um3, loose.particle_d50_um, loose.particles, rng)
    low, high = HOLES_OVER_D50
    one_um3 = np.pi / 6.0 * (high**4 - low**4) / (high - low) / 4.0 * loose.particle_d50_um**3
    # They overlap, hence a fifth more.
    count = round(1.2 * _open_share(loose, FILM) * volume_um3 / one_um3)
    holes_um = loose.particle_d50_um * rng.uniform(low, high, count)
    diameters_um = np.concatenate([grains_um, holes_um])
    places_um = rng.random((len(diameters_um), 3)) * (*period_um, loose.thickness_um)
    return places_um, diameters_um / 2.0, np.arange(len(diameters_um)) >= len(grains_um)


def _open_share(electrode: VirtualElectrode, film: float) -> float:
    """Share of the volume that grains with their films cannot bridge: the large pores."""
    return max(0.0, 1.0 - electrode.volume_fractions["active"] * film**3 / JAMMED)


def _settle(
    places_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    holes: NDArray[np.bool_],
    loose: VirtualElectrode,
    bed: Bed,
) -> NDArray[np.float64]:
    """Let grains find their places in the coating as it dried."""
    walls = Walls(bed.period_um, between(bed.on_grid(bed.foil_top), bed.period_um), _ceiling(loose, bed))
    return relax(places_um, np.where(holes, 1.0, FILM) * radii_um, holes, walls, steps=SETTLE_STEPS)


def _press(
    places_um: NDArray[np.float64],
    radii_um: NDArray[np.float64],
    holes: NDArray[np.bool_],
    electrode: VirtualElectrode,
    loose: VirtualElectrode,
    bed: Bed,
    dents_um: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Bring settled grains to the thickness that the load leaves, some pressed into the foil: films and pores close."""
    thinner = electrode.thickness_um / loose.thickness_um
    shrinks = np.cbrt(thinner * _open_share(electrode, 1.0) / _open_share(loose, FILM))
    smaller_um = np.where(holes, shrinks, 1.0) * radii_um
    left = smaller_um > 0.0
    foil_top = between(bed.on_grid(bed.foil_top), bed.period_um)
    walls = Walls(bed.period_um, lambda x, y: foil_top(x, y) - dents_um[left], _ceiling(electrode, bed))
    lower_um: NDArray[np.float64] = places_um * np.array([1.0, 1.0, thinner])
    lower_um[left] = relax(lower_um[left], smaller_um[left], holes[left], walls, steps=PRESS_STEPS)
    return lower_um


def _ceiling(electrode: VirtualElectrode, bed: Bed) -> Height:
    """The surface under which grains lie: rough, and the more its peaks are flattened the higher the load."""
    peak = 2.5 - 2.2 * np.sqrt(min(electrode.load_mpa / HIGHEST_MPA, 1.0))
    flattened = peak - np.logaddexp(0.0, 4.0 * (peak - bed.on_grid(bed.surface))) / 4.0
    mean_um = electrode.thickness_um + DIP_UM
    return between(mean_um + SURFACE_ROUGHNESS_UM * (flattened - flattened.mean()), bed.period_um)


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


def _draw_carbon(electrode: VirtualElectrode, grains: Grains, bed: Bed, rng: np.random.Generator) -> Flakes:
    volume_um3 = bed.period_um[0] * bed.period_um[1] * electrode.thickness_um
    carbon_um3 = electrode.volume_fractions["carbon"] * volume_um3
    # Up to half of a flake is hidden in grains and in other flakes, more where grains and pores are fine.
    hidden = (1.6 + 3.0 * (0.52 - electrode.porosity)) * max(1.0, 9.2 / electrode.particle_d50_um)
    return draw_flakes(carbon_um3, hidden, grains, bed.period_um, _ceiling(electrode, bed), rng)
