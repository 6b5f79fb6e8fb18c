"""Virtual laboratories by name: who made the coatings, with which materials, and who photographed them.

A second laboratory differs in everything at once, on purpose: a network that learned from the reference laboratory is
to be asked what it makes of another's micrographs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ratescope.errors import LabError
from ratescope.units import ACTIVE_LOADING_MG_PER_CM2
from ratescope.virtual_lab.design import REFERENCE_PARTICLES, SET_A, SET_B, ParticleLaw, TransportLaw
from ratescope.virtual_lab.instrument import (
    REFERENCE_MICROSCOPE,
    REFERENCE_PREPARATION,
    SECOND_MICROSCOPE,
    SECOND_PREPARATION,
    Microscope,
    Preparation,
)


@dataclass(frozen=True)
class Laboratory:
    """What is common to all campaigns of one laboratory; the defaults are the reference laboratory's.

    Attributes
    ----------
    says : str
        In one sentence, what it is.
    microscope_name : str
        As its micrographs.csv calls the microscope.
    particles : ParticleLaw
    particle_d50_um : float
        Of the densification.
    particle_d50_range_um : (float, float)
        From which the continuum draws, lowest and highest.
    transport : tuple of TransportLaw
        The densification takes the first, exactly; the continuum draws one for each electrode, and scatters around it.
    loading_mg_per_cm2 : float
        Of active material.
    loading_range_mg_per_cm2 : (float, float), optional
        From which the continuum draws, as far as the coating fits under the microscope; without it, it is fixed.
    """

    name: str
    says: str
    microscope: Microscope = REFERENCE_MICROSCOPE
    preparation: Preparation = REFERENCE_PREPARATION
    microscope_name: str = "simulated bright field"
    particles: ParticleLaw = REFERENCE_PARTICLES
    particle_d50_um: float = 9.2
    particle_d50_range_um: tuple[float, float] = (7.5, 11.0)  # our choice, around the paper's 9 to 10 µm
    transport: tuple[TransportLaw, ...] = (SET_A, SET_B)
    loading_mg_per_cm2: float = ACTIVE_LOADING_MG_PER_CM2
    loading_range_mg_per_cm2: tuple[float, float] | None = None


LABORATORIES: Mapping[str, Laboratory] = {
    laboratory.name: laboratory
    for laboratory in (
        Laboratory("reference", "The paper's laboratory: set A in the densification, around A and B in the continuum."),
        Laboratory(
            "set-b", "The reference laboratory with Nyman's electrolyte and τ = 1.3 ε^−0.8.", transport=(SET_B,)
        ),
        Laboratory(
            "drawn-loading",
            "The reference laboratory with another loading for each electrode, for networks that know the thickness.",
            loading_range_mg_per_cm2=(10.0, 20.0),  # our choice: where 5C differs by a factor of six
        ),
        # Made up, our choice throughout: within what laboratories differ by, and in every respect at once.
        Laboratory(
            "second-laboratory",
            "Another laboratory, made up: other microscope and polish, finer, less round particles, other transport.",
            microscope=SECOND_MICROSCOPE,
            preparation=SECOND_PREPARATION,
            microscope_name="simulated bright field, second laboratory",
            particles=ParticleLaw(size_spread=0.56, elongation=0.14, bumpiness=1.6),
            particle_d50_um=7.0,
            particle_d50_range_um=(5.8, 8.4),
            transport=(TransportLaw(-1.1, 1.1, "nyman", 4.5e-15), TransportLaw(-1.1, 1.1, "landesfeind", 4.5e-15)),
        ),
    )
}


def laboratory_named(name: str) -> Laboratory:
    """The virtual laboratory of a name.

    Raises
    ------
    LabError
        If there is none; it says which there are.

    Examples
    --------
    >>> laboratory_named("set-b").transport[0].electrolyte
    'nyman'
    """
    if name not in LABORATORIES:
        near = get_close_matches(name, LABORATORIES, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise LabError(f"no preset {name!r} of the virtual laboratory. {hint}Known are {', '.join(LABORATORIES)}.")
    return LABORATORIES[name]
