"""What a virtual campaign consists of: its design, its electrodes, and the chance of each of its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import qmc

from ratescope.errors import LabError
from ratescope.units import LOADS_MPA, NETWORK_PIXEL_SIZE_UM, POROSITIES
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.laboratories import Laboratory, laboratory_named

Design = Literal["densification", "continuum"]
DEFAULT_CONTINUUM_ELECTRODES = 40

MOSAIC_ROWS = 975  # section 2.1, of 0.123 µm
THINNEST_UM, THICKEST_UM = 42.0, 95.0  # our choice: a crop of 27.6 µm fits in, and the coating into a mosaic's 120 µm

ELECTRODE, MICROGRAPH, CELL, SPECIMEN, LOADING, GEOMETRY = range(6)  # one stream of random numbers each


@dataclass(frozen=True)
class CampaignPlan:
    """Which campaign: two plans that are equal give the same files.

    Attributes
    ----------
    electrodes : int or None
        How many; only the continuum leaves the choice.
    small : bool
        The whole design in little: all electrodes and rates, fewer and smaller mosaics, one cell each.
    preset : str
        Name of the virtual laboratory: one of `laboratories.LABORATORIES`.
    """

    design: Design = "densification"
    electrodes: int | None = None
    seed: int = 0
    small: bool = False
    preset: str = "reference"

    def __post_init__(self) -> None:
        if self.design == "densification" and self.laboratory.loading_range_mg_per_cm2 is not None:
            raise LabError(
                f"the densification is one sheet of one loading, but the preset {self.preset!r} draws one for each "
                "electrode. Choose --design continuum, or another preset."
            )
        if self.design == "densification" and self.electrodes not in {None, len(LOADS_MPA)}:
            raise LabError(
                f"the densification design has the paper's {len(LOADS_MPA)} electrodes, one for each load; asked for "
                f"{self.electrodes}. Leave --electrodes out, or choose --design continuum."
            )
        if self.electrodes is not None and self.electrodes < 1:
            raise LabError(f"a campaign has at least one electrode; asked for {self.electrodes}. Choose --electrodes.")

    @property
    def laboratory(self) -> Laboratory:
        """Who makes it."""
        return laboratory_named(self.preset)

    @property
    def specimens(self) -> int:
        """Per electrode (section 2.1: three)."""
        return 2 if self.small and self.design == "continuum" else 3

    @property
    def areas(self) -> int:
        """Micrographs per specimen (section 2.1: up to three)."""
        return 3 if self.design == "densification" and not self.small else 1

    @property
    def mosaic_rows(self) -> int:
        """Height of a mosaic in pixels of the laboratory's microscope."""
        return self._pixels(MOSAIC_ROWS)

    @property
    def mosaic_columns(self) -> int:
        """Width of a mosaic in pixels of the laboratory's microscope: each shows the same length in µm."""
        if self.small:
            return self._pixels(1400)
        return self._pixels(6300 if self.design == "densification" else 3000)

    def _pixels(self, reference_px: int) -> int:
        return round(reference_px * NETWORK_PIXEL_SIZE_UM / self.laboratory.microscope.pixel_size_um)

    @property
    def cells(self) -> int:
        """Per electrode (section 2.1: three)."""
        return 1 if self.small else 3


def plan_electrodes(plan: CampaignPlan) -> list[VirtualElectrode]:
    """The electrodes of a plan, known in full.

    `densification` is one batch of one sheet under the paper's loads (Table 1): one law of transport, exactly the
    laboratory's first, so that the reference preset meets the reference table. `continuum` spreads porosity evenly and
    draws what differs between batches, the electrolyte and transport that no picture shows included (our ranges).
    """
    if plan.design == "densification":
        sheet = _sheet(plan.laboratory)
        return [
            replace(sheet, name=f"{load:g}MPa", load_mpa=load, porosity=porosity)
            for load, porosity in zip(LOADS_MPA, POROSITIES, strict=True)
        ]
    count = plan.electrodes or DEFAULT_CONTINUUM_ELECTRODES
    draws = qmc.LatinHypercube(d=6, rng=chance(plan, ELECTRODE, 0)).random(count)
    loadings = qmc.LatinHypercube(d=1, rng=chance(plan, LOADING, 0)).random(count)[:, 0]
    electrodes = [_continuum_electrode(n, draw.tolist(), plan.laboratory) for n, draw in enumerate(draws, start=1)]
    if (within := plan.laboratory.loading_range_mg_per_cm2) is None:
        return electrodes
    return [_with_loading(e, float(share), within) for e, share in zip(electrodes, loadings, strict=True)]


def _sheet(laboratory: Laboratory) -> VirtualElectrode:
    """The sheet that a laboratory's densification starts from."""
    return VirtualElectrode(
        name="sheet",
        batch="batch-1",
        load_mpa=LOADS_MPA[0],
        porosity=POROSITIES[0],
        active_loading_mg_per_cm2=laboratory.loading_mg_per_cm2,
        particle_d50_um=laboratory.particle_d50_um,
        particles=laboratory.particles,
        **asdict(laboratory.transport[0]),
    )


def _continuum_electrode(number: int, draw: Sequence[float], laboratory: Laboratory) -> VirtualElectrode:
    porosity = _between(0.18, 0.52, draw[0])
    law = laboratory.transport[int(draw[3] * len(laboratory.transport))]
    scattered = replace(
        law,
        tau_factor=round(law.tau_factor * _between(0.85, 1.15, draw[4]), 4),
        solid_diffusivity_m2_per_s=law.solid_diffusivity_m2_per_s * float(np.exp(_between(-0.3, 0.3, draw[5]))),
    )
    return replace(
        _sheet(laboratory).with_transport(scattered),
        name=f"e{number:03d}",
        batch=f"batch-{number}",
        load_mpa=load_for_porosity(porosity),
        porosity=porosity,
        particle_d50_um=_between(*laboratory.particle_d50_range_um, draw[1]),
        carbon_weight_fraction=_between(0.03, 0.05, draw[2]),
    )


def _with_loading(electrode: VirtualElectrode, share: float, within: tuple[float, float]) -> VirtualElectrode:
    """The electrode with a loading drawn from a range, as far as the coating is neither too thin nor too thick."""
    per_um = electrode.active_loading_mg_per_cm2 / electrode.thickness_um
    low, high = max(within[0], THINNEST_UM * per_um), min(within[1], THICKEST_UM * per_um)
    return replace(electrode, active_loading_mg_per_cm2=_between(low, high, share))


def _between(low: float, high: float, share: float) -> float:
    return float(round(low + (high - low) * share, 4))


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
