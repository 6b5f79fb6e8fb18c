"""What the capacities of a cell are divided by, from its mass and the loading and thickness of its electrode."""

from __future__ import annotations

from dataclasses import replace

from ratescope.campaign.sheets import Campaign, Cell, Electrode
from ratescope.measured import Measured, propagated
from ratescope.records import RateTest
from ratescope.units import coating_volume_mm3


def with_basis(test: RateTest, cell: Cell, campaign: Campaign) -> RateTest:
    """The rate test with the area of collector and the volume of coating that belong to the cell's active mass.

    The mass was weighed for this cell, so that area and volume follow it: mass over loading, times thickness. The
    area's standard error is known where those of mass and loading are, the volume's where that of the thickness is too.
    """
    electrode = campaign.electrodes[cell.electrode]
    loading, density = electrode.active_loading_mg_per_cm2, electrode.active_density_kg_per_l
    if cell.active_mass_mg is None:
        return test
    area, volume = _measured_area_and_volume(cell, electrode)
    return replace(
        test,
        active_mass_sd_mg=cell.active_mass_sd_mg,
        collector_area_cm2=cell.active_mass_mg / loading if loading else None,
        collector_area_sd_cm2=None if area is None else area.standard_error,
        coating_volume_mm3=cell.active_mass_mg / density if density else None,  # 1 kg/L = 1 mg/mm³
        coating_volume_sd_mm3=None if volume is None else volume.standard_error,
    )


def _measured_area_and_volume(cell: Cell, electrode: Electrode) -> tuple[Measured | None, Measured | None]:
    mass = _measured(cell.active_mass_mg, cell.active_mass_sd_mg)
    loading = _measured(electrode.active_loading_mg_per_cm2, electrode.active_loading_sd_mg_per_cm2)
    thickness = _measured(electrode.coating_thickness_um, electrode.coating_thickness_sd_um)
    if mass is None or loading is None:
        return None, None
    area = propagated(_area_cm2, mass_mg=mass, loading_mg_per_cm2=loading)
    if thickness is None:
        return area, None
    return area, propagated(_volume_mm3, mass_mg=mass, loading_mg_per_cm2=loading, thickness_um=thickness)


def _measured(value: float | None, standard_error: float | None) -> Measured | None:
    return None if not value or standard_error is None else Measured(value, standard_error)


def _area_cm2(mass_mg: float, loading_mg_per_cm2: float) -> float:
    return mass_mg / loading_mg_per_cm2


def _volume_mm3(mass_mg: float, loading_mg_per_cm2: float, thickness_um: float) -> float:
    return coating_volume_mm3(_area_cm2(mass_mg, loading_mg_per_cm2), thickness_um)
