"""What the virtual laboratory is asked to make: one electrode, known in full. Everything here is simulated.

The size of the particles in the picture is the size in the physics: both rooms read the same record.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from ratescope.errors import LabError
from ratescope.units import (
    ACTIVE_LOADING_MG_PER_CM2,
    DENSITIES_G_PER_CM3,
    WEIGHT_FRACTIONS,
    coating_thickness_um,
    skeletal_density_g_per_cm3,
)

Electrolyte = Literal["landesfeind", "nyman"]
POROSITY_RANGE = (0.15, 0.60)  # our choice: beyond, no packing of grains is a coating


@dataclass(frozen=True)
class ParticleLaw:
    """Sizes and shapes of the active material's secondary particles; the defaults are the reference laboratory's.

    Attributes
    ----------
    size_spread : float
        Deviation of ln(diameter) by volume: 0.46 puts D10 and D90 at 5 and 16 µm around 9.2
        (docs/virtual-laboratory.md).
    elongation : float
        Deviation of the logarithm of each axis: 0.085 gives aspect ratios of about 1.2 (our choice).
    bumpiness : float
        Heights of the bumps relative to those of the reference laboratory.
    """

    size_spread: float = 0.46
    elongation: float = 0.085
    bumpiness: float = 1.0


REFERENCE_PARTICLES = ParticleLaw()


@dataclass(frozen=True)
class TransportLaw:
    """What no picture shows: how lithium moves in the pores and in the active material.

    The fields are those of the same names in `VirtualElectrode`.

    Attributes
    ----------
    tau_exponent, tau_factor : float
        Tortuosity τ = factor × ε^exponent.
    electrolyte : "landesfeind" or "nyman"
    solid_diffusivity_m2_per_s : float
        Of lithium in the active material at 298 K.
    """

    tau_exponent: float
    tau_factor: float
    electrolyte: Electrolyte
    solid_diffusivity_m2_per_s: float


SET_A = TransportLaw(-1.3, 1.0, "landesfeind", 6e-15)
"""The default, calibrated (docs/virtual-laboratory.md)."""

SET_B = TransportLaw(-0.8, 1.3, "nyman", 6e-15)
"""The alternative: nothing published tells it from set A (docs/virtual-laboratory.md)."""


@dataclass(frozen=True)
class VirtualElectrode:
    """One coating at one densification, with what is true of it.

    Attributes
    ----------
    load_mpa : float
        Calendering load; it moves, indents and breaks.
    porosity : float
        Of the volume, a fraction within `POROSITY_RANGE`.
    active_loading_mg_per_cm2 : float
        Mass of the active material alone.
    particle_d50_um : float
        Median diameter by volume; the physics' particle radius is half of it (4.6 µm by default).
    carbon_weight_fraction, binder_weight_fraction : float
        The active material is the rest.
    tau_exponent, tau_factor : float
        Tortuosity τ = factor × ε^exponent (set A: ε^−1.3).
    electrolyte : "landesfeind" or "nyman"
        Landesfeind & Gasteiger 2019 in EC:EMC 3:7 (set A), or Nyman 2008 (set B).
    solid_diffusivity_m2_per_s : float
        Of lithium in the active material at 298 K.
    particles : ParticleLaw
        How sizes scatter around the median, and how far from spheres the particles are.
    """

    name: str
    batch: str
    load_mpa: float
    porosity: float
    active_loading_mg_per_cm2: float = ACTIVE_LOADING_MG_PER_CM2
    particle_d50_um: float = 9.2
    carbon_weight_fraction: float = WEIGHT_FRACTIONS["carbon"]
    binder_weight_fraction: float = WEIGHT_FRACTIONS["binder"]
    tau_exponent: float = SET_A.tau_exponent
    tau_factor: float = SET_A.tau_factor
    electrolyte: Electrolyte = SET_A.electrolyte
    solid_diffusivity_m2_per_s: float = SET_A.solid_diffusivity_m2_per_s
    particles: ParticleLaw = REFERENCE_PARTICLES

    def __post_init__(self) -> None:
        low, high = POROSITY_RANGE
        if not low <= self.porosity <= high:
            raise LabError(
                f"electrode {self.name}: the virtual laboratory makes porosities from {low} to {high}; "
                f"asked for {self.porosity}. Choose one inside."
            )

    @property
    def weight_fractions(self) -> dict[str, float]:
        """Of active material, binder and carbon in the dry coating."""
        carbon, binder = self.carbon_weight_fraction, self.binder_weight_fraction
        return {"active": 1.0 - carbon - binder, "binder": binder, "carbon": carbon}

    @property
    def skeletal_density_g_per_cm3(self) -> float:
        """Of the solid without pores."""
        return skeletal_density_g_per_cm3(self.weight_fractions, DENSITIES_G_PER_CM3)

    @property
    def volume_fractions(self) -> dict[str, float]:
        """Of active material, binder, carbon and pore in the coating: they follow from the recipe and sum to 1."""
        solid = 1.0 - self.porosity
        specific_volume = {part: w / DENSITIES_G_PER_CM3[part] for part, w in self.weight_fractions.items()}
        total = sum(specific_volume.values())
        return {part: solid * v / total for part, v in specific_volume.items()} | {"pore": self.porosity}

    @property
    def coating_mass_mg_per_cm2(self) -> float:
        """Active material, binder and carbon, without the foil."""
        return self.active_loading_mg_per_cm2 / self.weight_fractions["active"]

    @property
    def thickness_um(self) -> float:
        """Of the coating: mass is conserved, so thickness falls as porosity does."""
        return coating_thickness_um(self.coating_mass_mg_per_cm2, self.porosity, self.skeletal_density_g_per_cm3)

    @property
    def tortuosity(self) -> float:
        """The τ of the physics."""
        return float(self.tau_factor * self.porosity**self.tau_exponent)

    def with_transport(self, law: TransportLaw) -> VirtualElectrode:
        """The same coating where lithium moves by another law.

        >>> sheet = VirtualElectrode("e30", "b1", load_mpa=200.0, porosity=0.30)
        >>> sheet.with_transport(SET_B).electrolyte
        'nyman'
        """
        return replace(self, **asdict(law))
