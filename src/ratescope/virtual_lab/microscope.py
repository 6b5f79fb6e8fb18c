"""A simulated bright-field mosaic of a virtual cross-section, with everything that is true of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LabError
from ratescope.records import Box
from ratescope.units import FOIL_THICKNESS_UM
from ratescope.virtual_lab.artefacts import Artefact, Canvas
from ratescope.virtual_lab.cross_section import PHASES, SOLIDS, CrossSection, view
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grooves import add_scratches, add_smears, add_voids
from ratescope.virtual_lab.instrument import (
    FLAWLESS_PREPARATION,
    REFERENCE_MICROSCOPE,
    REFERENCE_PREPARATION,
    Microscope,
    Preparation,
)
from ratescope.virtual_lab.optics import BlurredField, Stitching, digitised, draw_focus, draw_stitching, expose
from ratescope.virtual_lab.specks import add_bubbles, add_dust
from ratescope.virtual_lab.surface import reflected_light

Bits = Literal[8, 16]

NARROW_COLUMNS, NARROW_DEG, WIDE_DEG = 1400, 5.0, 1.0  # docs/virtual-laboratory.md
PEAK_UM = 16.0  # our choice: the surface's highest peaks over its mean
FOIL_MARGIN_UM = 4.0  # our choice: at least so much of the foil is in the frame
BLURRED_PX = (2.0, 3.0)  # our choice: deviation of the blur of a field that was taken out of focus


@dataclass(frozen=True)
class FieldTruth:
    """One stitched field as far as it is in the frame: its columns, ends excluded, and its porosity before artefacts.

    The porosity is None where the columns show no coating.
    """

    left: int
    right: int
    porosity: float | None


@dataclass(frozen=True, eq=False)
class VirtualMicrograph:
    """A simulated micrograph and its truth.

    Attributes
    ----------
    pixels : uint8 or uint16 array, shape (rows, columns, 3)
    pixel_size_um : float
    phases : uint8 array, shape (rows, columns)
        Codes of `cross_section.PHASES`, artefacts included.
    foil_rows : float array, shape (columns,)
        First row of the foil, on its coating side.
    surface_rows : float array, shape (columns,)
        First row of the coating: the outline of the solid after closing gaps narrower than 6 µm.
    foil_line : (float, float)
        Rows of the least-squares line through ``foil_rows`` at the first and at the last column.
    tilt_deg : float
        Of that line; above zero when the foil falls to the right.
    artefacts : tuple of Artefact
    volume_porosity, field_porosity : float
        Of the whole simulated volume, and of what this mosaic shows, both before artefacts.
    field_fractions : particle, carbon, binder and pore → area fraction of this mosaic
    fields : tuple of FieldTruth
        The stitched fields, left to right; they overlap.
    blur_px : float array, shape (columns,)
        Deviation of a point's image in green.
    illumination : float
        Of the lamp.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    pixel_size_um: float
    phases: NDArray[np.uint8]
    foil_rows: NDArray[np.float64]
    surface_rows: NDArray[np.float64]
    foil_line: tuple[float, float]
    tilt_deg: float
    artefacts: tuple[Artefact, ...]
    volume_porosity: float
    field_porosity: float
    field_fractions: Mapping[str, float]
    fields: tuple[FieldTruth, ...]
    blur_px: NDArray[np.float64]
    illumination: float


def photograph(
    cross_section: CrossSection,
    *,
    rows: int = 975,
    columns: int,
    rng: np.random.Generator,
    microscope: Microscope = REFERENCE_MICROSCOPE,
    preparation: Preparation = REFERENCE_PREPARATION,
    artefacts: bool = True,
    illumination: float | None = None,
    tilt_deg: float | None = None,
    bits: Bits = 8,
) -> VirtualMicrograph:
    """Photograph a cross-section as a stitched bright-field mosaic.

    Parameters
    ----------
    microscope, preparation : Microscope, Preparation
        The laboratory; the pixel size is the microscope's.
    artefacts : bool
        False leaves out whatever ``preparation`` does wrong, as `instrument.FLAWLESS_PREPARATION` does.
    illumination : float, optional
        Brightness of the lamp; drawn from the microscope's range if not given.
    tilt_deg : float, optional
        Above zero when the foil falls to the right; drawn if not given: up to 5° where the mosaic is at most 1400
        pixels wide and foil and surface stay in the frame, and up to 1° otherwise.
    bits : 8 or 16
        Of each colour: the camera's own depth, not 8 bits made longer.

    Raises
    ------
    LabError
        If the coating does not fit into the rows, level or at the tilt that is asked for.

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
    preparation = preparation if artefacts else FLAWLESS_PREPARATION
    frame = _aim(cross_section, rows, columns, microscope.pixel_size_um, tilt_deg, rng)
    seen = view(cross_section, frame)
    stitching = draw_stitching(frame, microscope, rng)
    light = reflected_light(
        cross_section, frame, seen, rng, microscope=microscope, lines_per_mm=preparation.lines_per_mm
    )
    canvas = Canvas(light, seen.phases.copy(), seen, frame, polish_deg=float(rng.uniform(0.0, 180.0)))
    flaws = _spoil(canvas, preparation, rng)
    blurred = _draw_blurred_fields(canvas, stitching, preparation.blurred_fields_per_mm, rng)
    flaws += [Artefact("blur", Box(0.0, float(rows), float(field.left), float(field.right))) for field in blurred]
    focus = draw_focus(frame, microscope, blurred, rng)
    lamp = float(rng.uniform(*microscope.lamp)) if illumination is None else illumination
    fractions = seen.fractions()
    foil_line, tilt = _line_through(seen.foil_rows)
    return VirtualMicrograph(
        pixels=digitised(expose(light, stitching, focus, lamp, microscope, rng), bits),
        pixel_size_um=microscope.pixel_size_um,
        phases=canvas.phases,
        foil_rows=seen.foil_rows,
        surface_rows=seen.surface_rows,
        foil_line=foil_line,
        tilt_deg=tilt,
        artefacts=tuple(flaws),
        volume_porosity=cross_section.porosity,
        field_porosity=fractions["pore"],
        field_fractions=fractions,
        fields=_true_fields(stitching, seen.phases),
        blur_px=focus.blur_px,
        illumination=lamp,
    )


def _spoil(canvas: Canvas, preparation: Preparation, rng: np.random.Generator) -> list[Artefact]:
    """Paint what goes wrong before the light reaches the lens, in the order in which it happens."""
    return [
        *add_bubbles(canvas, preparation.bubbles_per_mm, rng),
        *add_voids(canvas, preparation.voids_per_mm, rng),
        *add_smears(canvas, preparation.smears_per_mm, rng),
        *add_scratches(canvas, preparation.scratches_per_mm, rng),
        *add_dust(canvas, preparation.dust_per_mm, rng),
    ]


def _draw_blurred_fields(
    canvas: Canvas, stitching: Stitching, per_mm: float, rng: np.random.Generator
) -> tuple[BlurredField, ...]:
    """Fields, or parts of them, that were taken out of focus."""
    blurred = []
    for place in rng.permutation(len(stitching.fields))[: canvas.many(per_mm, rng)]:
        field = stitching.fields[place]
        left, right = max(field.left, 0), min(field.right, canvas.frame.columns)
        if rng.random() < 0.5:  # our choice: half of them are soft on one side only
            middle = left + int(rng.uniform(0.35, 0.65) * (right - left))
            left, right = (left, middle) if rng.random() < 0.5 else (middle, right)
        blurred.append(BlurredField(left, right, float(rng.uniform(*BLURRED_PX))))
    return tuple(blurred)


def _true_fields(stitching: Stitching, phases: NDArray[np.uint8]) -> tuple[FieldTruth, ...]:
    """What each stitched field shows of the coating."""
    of_column = np.stack([_count(phases, "pore", "crack"), _count(phases, *SOLIDS)])
    fields = []
    for field in stitching.fields:
        left, right = max(field.left, 0), min(field.right, phases.shape[1])
        pores, solids = (int(count) for count in of_column[:, left:right].sum(axis=1))
        fields.append(FieldTruth(left, right, pores / (pores + solids) if pores + solids else None))
    return tuple(fields)


def _count(phases: NDArray[np.uint8], *names: str) -> NDArray[np.int64]:
    """Pixels of some phases, column by column."""
    is_one = np.isin(np.arange(len(PHASES)), [PHASES[name] for name in names])
    return np.asarray(is_one[phases].sum(axis=0), np.int64)


def _line_through(foil_rows: NDArray[np.float64]) -> tuple[tuple[float, float], float]:
    """The least-squares line of the foil's edge: its rows at the first and last column, and its tilt in degrees."""
    columns = np.flatnonzero(np.isfinite(foil_rows))
    slope, row_left = np.polyfit(columns, foil_rows[columns], 1)
    row_right = row_left + slope * (len(foil_rows) - 1)
    return (float(row_left), float(row_right)), float(np.rad2deg(np.arctan(slope)))


def _aim(
    section: CrossSection,
    rows: int,
    columns: int,
    pixel_size_um: float,
    tilt_deg: float | None,
    rng: np.random.Generator,
) -> Frame:
    """Point the microscope so that the foil's upper side and the whole surface are in the frame."""
    height_um, width_um = rows * pixel_size_um, columns * pixel_size_um
    needed_um = section.electrode.thickness_um + PEAK_UM + FOIL_MARGIN_UM
    spare_um = height_um - needed_um
    if spare_um < 0.0 or columns < 2:
        raise LabError(
            f"electrode {section.electrode.name}: {rows} rows of {pixel_size_um} µm show {height_um:.0f} µm, but the "
            f"coating of {section.electrode.thickness_um:.0f} µm needs {needed_um:.0f}. Ask for more rows."
        )
    farthest_deg = float(np.rad2deg(np.arctan(spare_um / width_um)))
    largest_deg = min(NARROW_DEG if columns <= NARROW_COLUMNS else WIDE_DEG, farthest_deg)
    drawn_deg = float(rng.uniform(-largest_deg, largest_deg))
    tilt_deg = drawn_deg if tilt_deg is None else tilt_deg
    if abs(tilt_deg) > farthest_deg:
        raise LabError(
            f"electrode {section.electrode.name}: at a tilt of {tilt_deg:g}° the foil or the surface leaves the frame; "
            f"{rows} × {columns} pixels allow {farthest_deg:.1f}°. Ask for more rows, fewer columns or less tilt."
        )
    # Half of the foil's fall lies on each side of the middle; below the foil, resin, if there is room.
    fall_um = width_um * abs(np.tan(np.deg2rad(tilt_deg)))
    highest_um = FOIL_MARGIN_UM + fall_um / 2
    lowest_um = height_um - section.electrode.thickness_um - PEAK_UM - fall_um / 2
    wanted_um = max(highest_um, min(lowest_um, FOIL_THICKNESS_UM + fall_um / 2 + float(rng.uniform(2.0, 12.0))))
    foil_row = rows - wanted_um / pixel_size_um
    return Frame(rows, columns, pixel_size_um, foil_row, section.width_um / 2, tilt_deg)
