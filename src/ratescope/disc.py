"""A punched disc of an electrode: from its mass, thickness and diameter to loading and porosity, with their errors.

Section 2.1: the mass of the collector is subtracted from that of the disc, the bulk density follows from thickness and
diameter, the skeletal density from weight fractions and densities of the components.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratescope.errors import InputError
from ratescope.measured import Measured, propagated
from ratescope.units import (
    DENSITIES_G_PER_CM3,
    WEIGHT_FRACTIONS,
    loading_from_disc,
    porosity_from_mass,
    skeletal_density_g_per_cm3,
)


def _exact(values: Mapping[str, float]) -> dict[str, Measured]:
    return {name: Measured(value) for name, value in values.items()}


@dataclass(frozen=True)
class Recipe:
    """What a dry coating consists of; the defaults are the paper's (section 2.1), taken as exact.

    Attributes
    ----------
    weight_fractions : mapping of str to Measured
        Of the dry coating, by component; "active" is one of them. Their errors are those of weighing them in; the
        fractions are put to a sum of one again.
    densities_g_per_cm3 : mapping of str to Measured
    """

    weight_fractions: Mapping[str, Measured] = field(default_factory=lambda: _exact(WEIGHT_FRACTIONS))
    densities_g_per_cm3: Mapping[str, Measured] = field(default_factory=lambda: _exact(DENSITIES_G_PER_CM3))

    def __post_init__(self) -> None:
        if "active" not in self.weight_fractions:
            raise InputError(f"a recipe has a component 'active'; it names {sorted(self.weight_fractions)}. Add it.")
        if missing := {"active", *self.weight_fractions} - set(self.densities_g_per_cm3):
            raise InputError(f"a recipe has a density for each component; {sorted(missing)} have none. Add them.")


@dataclass(frozen=True)
class Disc:
    """What was measured of one disc.

    Attributes
    ----------
    mass_mg : Measured
        Coating and foil together.
    foil_mass_mg : Measured
        Of a disc of blank foil.
    diameter_mm : Measured
    coating_thickness_um : Measured
        Without the foil: a gauge reads both together.
    """

    mass_mg: Measured
    foil_mass_mg: Measured
    diameter_mm: Measured
    coating_thickness_um: Measured


def coating_loading(disc: Disc) -> Measured:
    """mg of dry coating per cm²: active material, binder and carbon.

    >>> paper = Disc(Measured(16.33, 0.1), Measured(3.18, 0.05), Measured(10.0, 0.02), Measured(56.6, 1.0))
    >>> print(coating_loading(paper))
    16.74 ± 0.16
    """
    return propagated(
        loading_from_disc, mass_mg=disc.mass_mg, foil_mass_mg=disc.foil_mass_mg, diameter_mm=disc.diameter_mm
    )


def active_loading(disc: Disc, recipe: Recipe) -> Measured:
    """mg of active material per cm²."""
    return propagated(_active_loading, **_of_disc(disc), **_fractions(recipe))


def porosity(disc: Disc, recipe: Recipe) -> Measured:
    """Porosity as a fraction, with what each measurement contributes to its error.

    >>> paper = Disc(Measured(16.33, 0.1), Measured(3.18, 0.05), Measured(10.0, 0.02), Measured(56.6, 1.0))
    >>> found = porosity(paper, Recipe())
    >>> print(found, max(found.contributions, key=found.contributions.get))
    0.300 ± 0.014 coating_thickness_um
    """
    inputs = _of_disc(disc) | {"coating_thickness_um": disc.coating_thickness_um}
    return propagated(_porosity, **inputs, **_fractions(recipe), **_densities(recipe))


def skeletal_density(recipe: Recipe) -> Measured:
    """g cm⁻³ of the solid without pores.

    >>> print(skeletal_density(Recipe()))
    4.22531
    """
    return propagated(_skeletal_density, **_fractions(recipe), **_densities(recipe))


FRACTION, DENSITY = "weight fraction of ", "density of "  # how components are called among the contributions


def _of_disc(disc: Disc) -> dict[str, Measured]:
    return {"mass_mg": disc.mass_mg, "foil_mass_mg": disc.foil_mass_mg, "diameter_mm": disc.diameter_mm}


def _fractions(recipe: Recipe) -> dict[str, Measured]:
    return {FRACTION + part: fraction for part, fraction in recipe.weight_fractions.items()}


def _densities(recipe: Recipe) -> dict[str, Measured]:
    return {DENSITY + part: recipe.densities_g_per_cm3[part] for part in recipe.weight_fractions}


def _parts(prefix: str, values: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _skeletal_density(**values: float) -> float:
    return skeletal_density_g_per_cm3(_parts(FRACTION, values), _parts(DENSITY, values))


def _active_loading(mass_mg: float, foil_mass_mg: float, diameter_mm: float, **values: float) -> float:
    fractions = _parts(FRACTION, values)
    return loading_from_disc(mass_mg, foil_mass_mg, diameter_mm) * fractions["active"] / sum(fractions.values())


def _porosity(
    mass_mg: float, foil_mass_mg: float, diameter_mm: float, coating_thickness_um: float, **values: float
) -> float:
    loading = loading_from_disc(mass_mg, foil_mass_mg, diameter_mm)
    return porosity_from_mass(loading, coating_thickness_um, _skeletal_density(**values))
