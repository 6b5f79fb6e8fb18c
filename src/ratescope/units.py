"""Units and the constants of section 2.1, each with its source: the only place where one unit becomes another.

Lengths are µm, capacities never bare: Ah kg⁻¹ of active material (specific capacity), Ah L⁻¹ of coating (capacity
density), mAh cm⁻² of collector (areal capacity).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

Capacity = Literal["specific", "density"]
CAPACITIES: tuple[Capacity, ...] = ("specific", "density")
UNIT_OF: Mapping[Capacity, str] = {"specific": "Ah/kg", "density": "Ah/L"}
CAPACITY_NAME: Mapping[Capacity, str] = {"specific": "specific capacity", "density": "capacity density"}
LoadingBasis = Literal["active", "coating"]
"""What a loading counts: the active material alone, or the whole dry coating. It is never assumed (decision 0004)."""

NETWORK_PIXEL_SIZE_UM = 0.123  # section 2.1: scaling factor of the mosaics
CROP_ROWS, CROP_COLUMNS = 224, 672  # section 2.3
RATES_PER_H = (0.2, 1.0, 2.0, 3.0, 5.0)  # section 2.2

AREAL_CAPACITY_MAH_PER_CM2 = 2.46  # section 2.1
ACTIVE_LOADING_MG_PER_CM2 = 15.4  # section 2.1; counts the NCM alone, docs/decisions/0004
THEORETICAL_AH_PER_KG = 159.7  # 2.46 mAh cm⁻² / 15.4 mg cm⁻² (decision 0004)
FOIL_THICKNESS_UM = 15.0  # section 2.1, aluminium
ALUMINIUM_G_PER_CM3 = 2.70  # handbook value
DISC_DIAMETER_MM = 10.0  # section 2.1
WEIGHT_FRACTIONS: Mapping[str, float] = {"active": 0.92, "binder": 0.04, "carbon": 0.04}  # section 2.1
DENSITIES_G_PER_CM3: Mapping[str, float] = {"active": 4.75, "binder": 1.78, "carbon": 1.95}  # NCM111, PVDF, carbon
LOADS_MPA = (0.0, 100.0, 200.0, 300.0, 750.0)  # Table 1
POROSITIES = (0.495, 0.346, 0.300, 0.254, 0.196)  # Table 1, calculated
POROSITY_LABELS = (50, 35, 30, 25, 20)  # Table 1, labelled, in %

CHARGES: Mapping[str, float] = {"ah": 1.0, "mah": 1e-3, "uah": 1e-6, "µah": 1e-6, "μah": 1e-6}
"""In Ah; as headers write them, in small letters, with either of the two letters that look like a micro sign."""


def skeletal_density_g_per_cm3(
    weight_fractions: Mapping[str, float], densities_g_per_cm3: Mapping[str, float]
) -> float:
    """Density of the solid without pores, from weight fractions and component densities (section 2.1).

    >>> round(skeletal_density_g_per_cm3(WEIGHT_FRACTIONS, DENSITIES_G_PER_CM3), 3)
    4.225
    """
    return sum(weight_fractions.values()) / sum(w / densities_g_per_cm3[part] for part, w in weight_fractions.items())


def bar_length_um(most_um: float) -> int:
    """The longest round length for a scale bar that is at most so long; 1 µm if none is.

    >>> bar_length_um(20.7)
    20
    """
    lengths = [step * 10**power for power in range(6) for step in (1, 2, 5)]
    return max((length for length in lengths if length <= most_um), default=1)


def active_volume_share(weight_fractions: Mapping[str, float], densities_g_per_cm3: Mapping[str, float]) -> float:
    """Share of the active material in the volume of the solid.

    >>> round(active_volume_share(WEIGHT_FRACTIONS, DENSITIES_G_PER_CM3), 3)
    0.818
    """
    volumes = {part: weight / densities_g_per_cm3[part] for part, weight in weight_fractions.items()}
    return volumes["active"] / sum(volumes.values())


def disc_area_cm2(diameter_mm: float) -> float:
    """Area of a disc.

    >>> round(disc_area_cm2(DISC_DIAMETER_MM), 4)
    0.7854
    """
    return math.pi / 4.0 * (diameter_mm / 10.0) ** 2


def foil_mass_mg(diameter_mm: float, thickness_um: float, density_g_per_cm3: float = ALUMINIUM_G_PER_CM3) -> float:
    """Mass of a disc of foil; a punched disc of blank foil on the same balance is better.

    >>> round(foil_mass_mg(DISC_DIAMETER_MM, FOIL_THICKNESS_UM), 2)
    3.18
    """
    return disc_area_cm2(diameter_mm) * thickness_um * density_g_per_cm3 * 0.1  # cm² µm g cm⁻³ = 0.1 mg


def loading_from_disc(mass_mg: float, foil_mass_mg: float, diameter_mm: float) -> float:
    """mg of dry coating per cm² from a disc's mass, its foil's and its diameter (section 2.1).

    >>> round(loading_from_disc(16.33, 3.18, 10.0), 2)
    16.74
    """
    return (mass_mg - foil_mass_mg) / disc_area_cm2(diameter_mm)


def coating_loading_mg_per_cm2(
    loading_mg_per_cm2: float, active_weight_fraction: float, *, basis: LoadingBasis
) -> float:
    """mg of dry coating per cm² from a loading on its stated basis.

    >>> round(coating_loading_mg_per_cm2(15.4, 0.92, basis="active"), 2)
    16.74
    """
    return loading_mg_per_cm2 / active_weight_fraction if basis == "active" else loading_mg_per_cm2


def active_loading_mg_per_cm2(
    loading_mg_per_cm2: float, active_weight_fraction: float, *, basis: LoadingBasis
) -> float:
    """mg of active material per cm² from a loading on its stated basis.

    >>> round(active_loading_mg_per_cm2(16.74, 0.92, basis="coating"), 1)
    15.4
    """
    return loading_mg_per_cm2 if basis == "active" else loading_mg_per_cm2 * active_weight_fraction


def porosity_from_mass(coating_mass_mg_per_cm2: float, thickness_um: float, skeletal_density: float) -> float:
    """Porosity (a fraction) of a coating from its areal mass and thickness (section 2.1).

    ``coating_mass_mg_per_cm2`` counts active material, binder and carbon, without the foil; ``skeletal_density`` is
    in g cm⁻³.

    >>> round(porosity_from_mass(16.74, 56.6, 4.225), 2)
    0.3
    """
    bulk_density = coating_mass_mg_per_cm2 / thickness_um * 10.0  # mg cm⁻² µm⁻¹ = 10 g cm⁻³
    return 1.0 - bulk_density / skeletal_density


def coating_thickness_um(coating_mass_mg_per_cm2: float, porosity: float, skeletal_density: float) -> float:
    """Thickness of a coating of known areal mass at a porosity: the inverse of `porosity_from_mass`.

    >>> round(coating_thickness_um(16.74, 0.30, 4.225), 1)
    56.6
    """
    return coating_mass_mg_per_cm2 / (skeletal_density * (1.0 - porosity)) * 10.0


def specific_capacity_ah_per_kg(capacity_ah: float, active_mass_mg: float) -> float:
    """Ah kg⁻¹ of active material.

    >>> round(specific_capacity_ah_per_kg(1.93e-3, 12.095), 1)
    159.6
    """
    return capacity_ah / active_mass_mg * 1e6


def capacity_density_ah_per_l(capacity_ah: float, coating_volume_mm3: float) -> float:
    """Ah L⁻¹ of coating, its pores included.

    >>> round(capacity_density_ah_per_l(1.93e-3, 4.445), 1)
    434.2
    """
    return capacity_ah / coating_volume_mm3 * 1e6


def coating_volume_mm3(area_cm2: float, thickness_um: float) -> float:
    """Of a piece of coating, its pores included.

    >>> round(coating_volume_mm3(disc_area_cm2(DISC_DIAMETER_MM), 56.6), 3)
    4.445
    """
    return area_cm2 * thickness_um * 0.1  # 1 cm² µm = 0.1 mm³


def active_density_kg_per_l(active_loading_mg_per_cm2: float, thickness_um: float) -> float:
    """Active material per litre of coating, its pores included.

    >>> round(active_density_kg_per_l(15.4, 56.6), 3)
    2.721
    """
    return active_loading_mg_per_cm2 / thickness_um * 10.0  # 1 mg cm⁻² µm⁻¹ = 10 g cm⁻³


def areal_from_cell(capacity_ah: float, area_cm2: float) -> float:
    """mAh cm⁻² of collector from what a cell gave.

    >>> round(areal_from_cell(1.932e-3, disc_area_cm2(DISC_DIAMETER_MM)), 2)
    2.46
    """
    return capacity_ah * 1e3 / area_cm2


def areal_capacity_mah_per_cm2(specific_ah_per_kg: float, active_loading_mg_per_cm2: float) -> float:
    """mAh cm⁻² from Ah kg⁻¹ of active material and mg of active material per cm² (Ah kg⁻¹ = mAh g⁻¹).

    >>> round(areal_capacity_mah_per_cm2(159.7, 15.4), 2)
    2.46
    """
    return specific_ah_per_kg * active_loading_mg_per_cm2 * 1e-3


def density_from_areal(areal_mah_per_cm2: float, thickness_um: float) -> float:
    """Ah L⁻¹ of coating from mAh cm⁻² and µm: 1 mAh cm⁻² in 1 µm is 10⁴ mAh cm⁻³, or 10⁴ Ah L⁻¹.

    >>> density_from_areal(2.46, 80.0)
    307.5
    """
    return areal_mah_per_cm2 / thickness_um * 1e4


def areal_from_density(density_ah_per_l: float, thickness_um: float) -> float:
    """mAh cm⁻² from Ah L⁻¹ of coating and its thickness in µm.

    >>> areal_from_density(307.5, 80.0)
    2.46
    """
    return density_ah_per_l * thickness_um * 1e-4


def current_a(c_rate_per_h: float, active_mass_mg: float, theoretical_ah_per_kg: float) -> float:
    """Current of a C-rate for a mass of active material.

    >>> round(current_a(1.0, 12.095, 159.7), 6)
    0.001932
    """
    return c_rate_per_h * active_mass_mg * 1e-6 * theoretical_ah_per_kg
