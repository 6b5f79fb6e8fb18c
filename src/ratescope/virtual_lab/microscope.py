"""A simulated bright-field mosaic of a virtual cross-section, with everything that is true of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError
from ratescope.units import FOIL_THICKNESS_UM, NETWORK_PIXEL_SIZE_UM
from ratescope.virtual_lab.artefacts import Artefact, add_scratches, add_voids
from ratescope.virtual_lab.cross_section import CrossSection, view
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.optics import expose
from ratescope.virtual_lab.surface import reflected_light

NARROW_COLUMNS = 1400  # VIRTUAL-LAB, section 2: larger tilts only where foil and surface stay in the frame
PEAK_UM = 16.0  # our choice: the surface's highest peaks over its mean
FOIL_MARGIN_UM = 4.0  # our choice: at least so much of the foil is in the frame


@dataclass(frozen=True, eq=False)
class VirtualMicrograph:
    """A simulated micrograph and its truth.

    Attributes
    ----------
    pixels : uint8 array, shape (rows, columns, 3)
    pixel_size_um : float
    phases : uint8 array, shape (rows, columns)
        Codes of `cross_section.PHASES`, artefacts included.
    foil_rows : float array, shape (columns,)
        First row of the foil, on its coating side.
    surface_rows : float array, shape (columns,)
        First row of the coating: the outline of the solid after closing gaps narrower than 6 µm.
    tilt_deg : float
        Of the least-squares line through ``foil_rows``; above zero when the foil falls to the right.
    artefacts : tuple of Artefact
    volume_porosity, field_porosity : float
        Of the whole simulated volume, and of what this field shows, both before artefacts.
    field_fractions : particle, carbon, binder and pore → area fraction of this field
    """

    pixels: NDArray[np.uint8]
    pixel_size_um: float
    phases: NDArray[np.uint8]
    foil_rows: NDArray[np.float64]
    surface_rows: NDArray[np.float64]
    tilt_deg: float
    artefacts: tuple[Artefact, ...]
    volume_porosity: float
    field_porosity: float
    field_fractions: Mapping[str, float]


def photograph(
    cross_section: CrossSection,
    *,
    rows: int = 975,
    columns: int,
    rng: np.random.Generator,
    pixel_size_um: float = NETWORK_PIXEL_SIZE_UM,
    artefacts: bool = True,
    illumination: float | None = None,
) -> VirtualMicrograph:
    """Photograph a cross-section as a stitched bright-field mosaic.

    Parameters
    ----------
    illumination : float, optional
        Brightness of the lamp; drawn from 0.92 to 1.06 if not given.

    Raises
    ------
    LabError
        If the coating does not fit into the rows.

    Examples
    --------
    >>> from ratescope.virtual_lab.design import VirtualElectrode
    >>> from ratescope.virtual_lab.packing import cut_cross_section
    >>> rng = np.random.default_rng(1)
    >>> electrode = VirtualElectrode("P20", "B1", load_mpa=750.0, porosity=0.196)
    >>> micrograph = photograph(cut_cross_section(electrode, width_um=40.0, rng=rng), columns=320, rng=rng)
    >>> micrograph.pixels.shape
    (975, 320, 3)
    """
    frame = _aim(cross_section, rows, columns, pixel_size_um, rng)
    seen = view(cross_section, frame)
    fractions = seen.fractions()
    light = reflected_light(cross_section, frame, seen, rng)
    phases, flaws = seen.phases.copy(), []
    if artefacts:
        flaws = [*add_voids(light, phases, seen, frame, rng), *add_scratches(light, phases, frame, rng)]
    lamp = float(rng.uniform(0.92, 1.06)) if illumination is None else illumination
    slope = float(np.polyfit(np.arange(columns), seen.foil_rows, 1)[0])
    return VirtualMicrograph(
        pixels=expose(light, frame, lamp, rng),
        pixel_size_um=pixel_size_um,
        phases=phases,
        foil_rows=seen.foil_rows,
        surface_rows=seen.surface_rows,
        tilt_deg=float(np.rad2deg(np.arctan(slope))),
        artefacts=tuple(flaws),
        volume_porosity=cross_section.porosity,
        field_porosity=fractions["pore"],
        field_fractions=fractions,
    )


def _aim(section: CrossSection, rows: int, columns: int, pixel_size_um: float, rng: np.random.Generator) -> Frame:
    """Point the microscope so that the foil's upper side and the whole surface are in the frame."""
    height_um, width_um = rows * pixel_size_um, columns * pixel_size_um
    needed_um = section.electrode.thickness_um + PEAK_UM + FOIL_MARGIN_UM
    spare_um = height_um - needed_um
    if spare_um < 0.0 or columns < 2:
        raise LabError(
            f"electrode {section.electrode.name}: {rows} rows of {pixel_size_um} µm show {height_um:.0f} µm, but the "
            f"coating of {section.electrode.thickness_um:.0f} µm needs {needed_um:.0f}. Ask for more rows."
        )
    largest_deg = 3.0 if columns <= NARROW_COLUMNS else 1.0
    largest_deg = min(largest_deg, float(np.rad2deg(np.arctan(spare_um / width_um))))
    tilt_deg = float(rng.uniform(-largest_deg, largest_deg))
    # Half of the foil's fall lies on each side of the middle; below the foil, resin, if there is room.
    fall_um = width_um * abs(np.tan(np.deg2rad(tilt_deg)))
    highest_um = FOIL_MARGIN_UM + fall_um / 2
    lowest_um = height_um - section.electrode.thickness_um - PEAK_UM - fall_um / 2
    wanted_um = max(highest_um, min(lowest_um, FOIL_THICKNESS_UM + fall_um / 2 + float(rng.uniform(2.0, 12.0))))
    foil_row = rows - wanted_um / pixel_size_um
    return Frame(rows, columns, pixel_size_um, foil_row, section.width_um / 2, tilt_deg)
