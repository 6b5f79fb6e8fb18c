"""What a virtual campaign consists of: its design, its electrodes, and the chance of each of its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import qmc

from ratescope.errors import LabError
from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.design import VirtualElectrode

Design = Literal["densification", "continuum"]
DESIGNS: tuple[Design, ...] = ("densification", "continuum")
PRESETS = ("reference",)
DEFAULT_CONTINUUM_ELECTRODES = 40

ELECTRODE, MICROGRAPH, CELL, SPECIMEN = range(4)  # kinds of chance: one stream of random numbers each


@dataclass(frozen=True)
class CampaignPlan:
    """Which campaign: two plans that are equal give the same files.

    Attributes
    ----------
    electrodes : int or None
        How many; only the continuum leaves the choice.
    small : bool
        The whole design in little: all electrodes and rates, fewer and smaller mosaics, one cell each.
    """

    design: Design = "densification"
    electrodes: int | None = None
    seed: int = 0
    small: bool = False
    preset: str = "reference"

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise LabError(f"no preset {self.preset!r} of the virtual laboratory. Known are {', '.join(PRESETS)}.")
        if self.design == "densification" and self.electrodes not in {None, len(LOADS_MPA)}:
            raise LabError(
                f"the densification design has the paper's {len(LOADS_MPA)} electrodes, one for each load; asked for "
                f"{self.electrodes}. Leave --electrodes out, or choose --design continuum."
            )
        if self.electrodes is not None and self.electrodes < 1:
            raise LabError(f"a campaign has at least one electrode; asked for {self.electrodes}. Choose --electrodes.")

    @property
    def specimens(self) -> int:
        """Per electrode (section 2.1: three)."""
        return 2 if self.small and self.design == "continuum" else 3

    @property
    def areas(self) -> int:
        """Micrographs per specimen (section 2.1: up to three)."""
        return 3 if self.design == "densification" and not self.small else 1

    @property
    def mosaic_columns(self) -> int:
        """Width of a mosaic in pixels."""
        if self.small:
            return 1400
        return 6300 if self.design == "densification" else 3000

    @property
    def cells(self) -> int:
        """Per electrode (section 2.1: three)."""
        return 1 if self.small else 3


def plan_electrodes(plan: CampaignPlan) -> list[VirtualElectrode]:
    """The electrodes of a plan, known in full.

    `densification` is one batch of one sheet under the paper's loads (Table 1). `continuum` spreads porosity evenly
    and draws what differs between laboratories, the electrolyte and transport that no picture shows included
    (our ranges, around sets A and B).
    """
    if plan.design == "densification":
        return [
            VirtualElectrode(name=f"{load:g}MPa", batch="batch-1", load_mpa=load, porosity=porosity)
            for load, porosity in zip(LOADS_MPA, POROSITIES, strict=True)
        ]
    count = plan.electrodes or DEFAULT_CONTINUUM_ELECTRODES
    rng = chance(plan, ELECTRODE, 0)
    draws = qmc.LatinHypercube(d=6, rng=rng).random(count)
    return [_continuum_electrode(number, draw.tolist()) for number, draw in enumerate(draws, start=1)]


def _continuum_electrode(number: int, draw: Sequence[float]) -> VirtualElectrode:
    def between(low: float, high: float, share: float) -> float:
        return float(round(low + (high - low) * share, 4))

    porosity = between(0.18, 0.52, draw[0])
    is_set_a = draw[3] < 0.5
    tau_factor = between(0.85, 1.15, draw[4])
    return VirtualElectrode(
        name=f"e{number:03d}",
        batch=f"batch-{number}",
        load_mpa=load_for_porosity(porosity),
        porosity=porosity,
        particle_d50_um=between(7.5, 11.0, draw[1]),
        carbon_weight_fraction=between(0.03, 0.05, draw[2]),
        electrolyte="landesfeind" if is_set_a else "nyman",
        tau_exponent=-1.3 if is_set_a else -0.8,
        tau_factor=tau_factor if is_set_a else round(1.3 * tau_factor, 4),
        solid_diffusivity_m2_per_s=6e-15 * float(np.exp(between(-0.3, 0.3, draw[5]))),
    )


def load_for_porosity(porosity: float) -> float:
    """Load (MPa) that calenders to a porosity: monotone interpolation of Table 1, straight on beyond its ends.

    >>> load_for_porosity(0.300)
    200.0
    """
    if porosity >= POROSITIES[0]:
        return 0.0
    if porosity <= POROSITIES[-1]:
        return float(round(LOADS_MPA[-1] + (POROSITIES[-1] - porosity) * 8000.0, 1))  # our choice: Table 1's last slope
    law = PchipInterpolator(POROSITIES[::-1], LOADS_MPA[::-1])
    return float(round(float(law(porosity)), 1))


def chance(plan: CampaignPlan, kind: int, number: int) -> np.random.Generator:
    """Random numbers of one job alone: they depend on the seed, the kind of job and its number."""
    return np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(kind, number)))
