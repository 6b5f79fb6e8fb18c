"""One virtual half cell: a disc of a virtual electrode, with the scatter that cells of one electrode show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ratescope.units import DISC_DIAMETER_MM, THEORETICAL_AH_PER_KG, current_a, disc_area_cm2
from ratescope.virtual_lab.design import POROSITY_RANGE, VirtualElectrode

SEPARATOR_UM = 260.0  # glass fibre GF/C
POROSITY_SD = 0.007  # estimate: 0.7 points between discs of one coating
LOADING_SD = 0.015  # estimate, relative
TORTUOSITY_SD = 0.05  # estimate, relative
SEPARATOR_SD = 0.03  # estimate, relative
WIDEST_SD = 3.0  # our choice: a disc further out than this would have been thrown away


@dataclass(frozen=True)
class VirtualCell:
    """A half cell against lithium; simulated, known in full.

    Attributes
    ----------
    electrode : VirtualElectrode
        The coating that the disc was cut from, as designed.
    porosity : float
        Of this disc, a fraction.
    loading_factor, tau_factor, separator_factor : float
        This disc's loading and tortuosity, and its separator's thickness, relative to the design.
    """

    name: str
    electrode: VirtualElectrode
    porosity: float
    loading_factor: float = 1.0
    tau_factor: float = 1.0
    separator_factor: float = 1.0

    @property
    def disc(self) -> VirtualElectrode:
        """The coating of this disc: the electrode with the cell's own scatter."""
        return replace(
            self.electrode,
            porosity=self.porosity,
            active_loading_mg_per_cm2=self.electrode.active_loading_mg_per_cm2 * self.loading_factor,
            tau_factor=self.electrode.tau_factor * self.tau_factor,
        )

    @property
    def area_cm2(self) -> float:
        """Of the disc."""
        return disc_area_cm2(DISC_DIAMETER_MM)

    @property
    def active_mass_mg(self) -> float:
        """Of the active material alone."""
        return self.disc.active_loading_mg_per_cm2 * self.area_cm2

    @property
    def separator_um(self) -> float:
        """Thickness of the separator."""
        return SEPARATOR_UM * self.separator_factor

    def current_a(self, c_rate_per_h: float) -> float:
        """Magnitude of the current at a C-rate, from the cell's own active mass (1C = 159.7 Ah kg⁻¹)."""
        return current_a(c_rate_per_h, self.active_mass_mg, THEORETICAL_AH_PER_KG)


def nominal_cell(electrode: VirtualElectrode, name: str = "nominal") -> VirtualCell:
    """The cell that is exactly as its electrode was designed."""
    return VirtualCell(name, electrode, electrode.porosity)


def draw_cell(electrode: VirtualElectrode, name: str, rng: np.random.Generator) -> VirtualCell:
    """Draw one cell of an electrode: porosity ± 0.7 points, loading ± 1.5 %, τ ± 5 %, separator ± 3 % (all estimates).

    Examples
    --------
    >>> sheet = VirtualElectrode("e30", "b1", load_mpa=200.0, porosity=0.30)
    >>> round(draw_cell(sheet, "e30-1", np.random.default_rng(1)).porosity, 4)
    0.3024
    """
    porosity, loading, tau, separator = rng.standard_normal(4).clip(-WIDEST_SD, WIDEST_SD)
    return VirtualCell(
        name=name,
        electrode=electrode,
        porosity=float(np.clip(electrode.porosity + POROSITY_SD * porosity, *POROSITY_RANGE)),
        loading_factor=float(1.0 + LOADING_SD * loading),
        tau_factor=float(1.0 + TORTUOSITY_SD * tau),
        separator_factor=float(1.0 + SEPARATOR_SD * separator),
    )
