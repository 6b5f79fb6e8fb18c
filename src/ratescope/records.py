"""The nouns: frozen records, checked once when made, with the unit in each field's name.

Axes are (rows, columns); row 0 is the top of the image. Records that hold arrays use ``eq=False``: arrays have no
single truth value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import LeakError, MicrographError, RateTestError
from ratescope.units import UNIT_OF, Capacity

OnProgress = Callable[[int, int, str], None]
"""Called by long functions as ``on_progress(done, total, what)``."""

Status = Literal["prepared", "refused"]
CoatingSide = Literal["above", "below"]
FoldUnit = Literal["crop", "specimen", "electrode"]
Protocol = Literal["by-electrode", "by-specimen", "as-published"]
Role = Literal["formation", "rate", "check-up", "return", "other"]


def no_progress(done: int, total: int, what: str) -> None:
    """Say nothing: the default where nobody watches."""


# --- images -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """Something seen in a micrograph that its user should know; as a reason, why it or a section was refused.

    Attributes
    ----------
    code : str
        Short and stable, for scripts: ``"no-collector"``.
    text : str
        One sentence for people.
    """

    code: str
    text: str


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A bright-field image of one polished cross-section.

    Attributes
    ----------
    pixels : uint8 array, shape (rows, columns, 3)
        Row 0 is the top of the image.
    pixel_size_um : float
        Edge length of one pixel, in micrometres (0.123 in the paper, section 2.1).
    file : str
        Where it came from.
    findings : tuple of Finding
        What reading it brought to light, such as a conversion from 16 bit.
    """

    pixels: NDArray[np.uint8]
    pixel_size_um: float
    file: str = ""
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise MicrographError(
                "not-rgb",
                f"a micrograph has 8-bit pixels of shape (rows, columns, 3); got {self.pixels.dtype} "
                f"{self.pixels.shape}. Read files with ratescope.imaging.reading.read_micrograph.",
            )
        if not 0.0 < self.pixel_size_um < 1000.0:
            raise MicrographError(
                "pixel-size",
                f"a pixel size is a positive length in µm; got {self.pixel_size_um}. Give it with --pixel-size-um.",
            )


@dataclass(frozen=True, eq=False)
class Collector:
    """The least-squares line of the foil's coating-side edge, in the file's own pixels.

    Attributes
    ----------
    row_left, row_right : float
        Row of the line at the first and at the last column.
    tilt_deg : float
        Above zero when the foil falls to the right.
    coating_side : "above" or "below"
        Where the (thicker) coating lies as seen from the foil.
    confidence : float
        From 0 to 1: how much of the width speaks for this line.
    edge_rows : float array, shape (columns,)
        The edge column by column, NaN where none was seen.
    far_edge_rows : float array, shape (columns,), or None
        The foil's other edge; None where the image border cuts the foil.
    """

    row_left: float
    row_right: float
    tilt_deg: float
    coating_side: CoatingSide
    confidence: float
    edge_rows: NDArray[np.float64]
    far_edge_rows: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows ``top`` to ``bottom``, columns ``left`` to ``right``, the ends excluded."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left


@dataclass(frozen=True, eq=False)
class Coating:
    """The coating between foil and surface, in the levelled micrograph.

    Attributes
    ----------
    box : Box
        The largest rectangle of clean coating.
    thickness_um, thickness_sd_um, thickness_p95_um : float
        Distance of the surface from the foil line: mean, standard deviation and 95th percentile over the columns. The
        surface is the outline of the solid after closing gaps narrower than 6 µm.
    foil_rows, surface_rows : float array, shape (columns,)
        Foil edge and surface column by column, NaN where not seen.
    clean_rows : float array, shape (2, columns)
        First and last clean row column by column, away from burnt-in boxes too; NaN where nothing is.
    is_cut : bool
        The coating runs out of the image: its thickness is at least what is said.
    """

    box: Box
    thickness_um: float
    thickness_sd_um: float
    thickness_p95_um: float
    foil_rows: NDArray[np.float64]
    surface_rows: NDArray[np.float64]
    clean_rows: NDArray[np.float64] = field(default_factory=lambda: np.empty((2, 0)))
    is_cut: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """A slice of the micrograph, ≈ 83 µm wide, and the crop that the network sees.

    Attributes
    ----------
    index : int
        Counted from 0, left to right.
    status : "prepared" or "refused"
    reasons : tuple of Finding
        Why it was refused; empty if it was not.
    box : Box or None
        Of the crop, in the levelled micrograph at the file's own scale.
    crop : uint8 array, shape (224, 672, 3), or None
        At 0.123 µm per pixel.
    """

    index: int
    status: Status
    reasons: tuple[Finding, ...] = ()
    box: Box | None = None
    crop: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class GrainSizes:
    """Diameters of the grains as balls of a log-normal law: a tenth, a half and nine tenths of the volume are smaller.

    Attributes
    ----------
    d10_um, d50_um, d90_um : float
    d10_error_um, d50_error_um, d90_error_um : float
        Standard errors.
    profiles : int
        Whole profiles that were measured.
    """

    d10_um: float
    d50_um: float
    d90_um: float
    d10_error_um: float
    d50_error_um: float
    d90_error_um: float
    profiles: int


@dataclass(frozen=True, eq=False)
class Descriptors:
    """What is measured in the crops of one micrograph, beside what a network makes of them.

    Attributes
    ----------
    dark_shares : float array, shape (crops,)
        Share of each crop's area that is darker than grains: pores and cracks, with the carbon and binder in them.
    crop_error_by_covariance : float
        Standard error of one crop's dark share as a measure of the coating's, from its structure up to 10 µm. Too low
        where the coating varies over longer distances: of a single virtual crop by a quarter to a half.
    crop_error_by_scatter : float or None
        The same, as the standard deviation (n − 1) between these crops; None with fewer than three.
    thickness_um : float
        Of the coating.
    grain_sizes : GrainSizes or None
        None with too few whole profiles.
    """

    dark_shares: NDArray[np.float64]
    crop_error_by_covariance: float
    crop_error_by_scatter: float | None
    thickness_um: float
    grain_sizes: GrainSizes | None

    @property
    def dark_share(self) -> float:
        """Mean over the crops."""
        return float(self.dark_shares.mean())

    @property
    def larger_error(self) -> Literal["covariance", "scatter"]:
        """Which of a crop's two standard errors is the larger one: either may be too low, so it is the one to use."""
        return "scatter" if (self.crop_error_by_scatter or 0.0) > self.crop_error_by_covariance else "covariance"

    @property
    def crop_error(self) -> float:
        """Standard error of one crop's dark share: the larger one."""
        return max(self.crop_error_by_covariance, self.crop_error_by_scatter or 0.0)

    @property
    def standard_error(self) -> float:
        """Of the mean over the crops, as if none knew of its neighbour."""
        return self.crop_error / float(np.sqrt(len(self.dark_shares)))

    @property
    def crops_needed(self) -> int:
        """For ± 1 point of dark share (95 %), by the larger error."""
        return crops_for_one_point(self.crop_error)

    @property
    def micrographs_needed(self) -> int:
        """The same in micrographs with as many crops as this one."""
        return -(-self.crops_needed // len(self.dark_shares))


def crops_for_one_point(crop_error: float) -> int:
    """How many crops of this standard error have a mean that is right within ± 1 point in 95 of 100 cases.

    >>> crops_for_one_point(0.04)
    62
    """
    return max(1, int(np.ceil((1.96 * crop_error / 0.01) ** 2)))


@dataclass(frozen=True, eq=False)
class Prepared:
    """One micrograph after all stages of the preparation, with every intermediate that a person may want to see.

    Attributes
    ----------
    level_to_file : float array, shape (2, 3), or None
        (row, column, 1) in the levelled micrograph → (row, column) in the file.
    pixels : uint8 array, shape (rows, columns, 3), or None
        Of the file, as they were read; `imaging.levelling.levelled_pixels` turns them for display.
    burnt_in : tuple of Box
        Letters, scale bars and the like, in the file's own pixels.
    descriptors : Descriptors or None
        What was measured in the crops; None where there is none, or where nothing in them is darker than the rest.
    """

    file: str
    status: Status
    pixel_size_um: float | None
    reasons: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    collector: Collector | None = None
    coating: Coating | None = None
    other_coating: Coating | None = None
    level_to_file: NDArray[np.float64] | None = None
    pixels: NDArray[np.uint8] | None = None
    burnt_in: tuple[Box, ...] = ()
    descriptors: Descriptors | None = None
    sections: tuple[Section, ...] = ()

    @property
    def crops(self) -> NDArray[np.uint8]:
        """The crops of the prepared sections, shape (n, 224, 672, 3)."""
        crops = [section.crop for section in self.sections if section.crop is not None]
        return np.stack(crops) if crops else np.empty((0, 224, 672, 3), np.uint8)


# --- rate tests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Discharge:
    """One discharge of one cell, with the charge before it and where in its file it stands.

    Attributes
    ----------
    cycle : int
        Counted from 1 in the order of time.
    c_rate_per_h : float
        The nominal C-rate where the current is within 5 % of one, else the measured one; NaN where it is not known.
    current_a : float
        Mean current, below zero for a discharge as in the Battery Data Format; NaN where it is not known.
    counts : bool
        Whether it forms the rate curve.
    role : "formation", "rate", "check-up", "return" or "other"
        What it is for in the protocol. "return": in a later block at a rate of the curve, which shows degradation.
    is_complete : bool
        It follows a whole charge, reaches the cut-off voltage and has no gap.
    begin_s, end_s : float
        Test time in the file; NaN where it was typed in.
    charge_cc_ah, charge_cv_ah : float
        What the charge before it passed at constant current and at constant voltage; NaN where there is none.
    """

    cycle: int
    c_rate_per_h: float
    current_a: float
    capacity_ah: float
    counts: bool
    role: Role = "other"
    is_complete: bool = True
    begin_s: float = math.nan
    end_s: float = math.nan
    charge_cc_ah: float = math.nan
    charge_cv_ah: float = math.nan

    @property
    def coulombic_efficiency(self) -> float:
        """Its capacity over that of the charge before it; NaN where that is not known."""
        charged_ah = self.charge_cc_ah + self.charge_cv_ah
        return self.capacity_ah / charged_ah if charged_ah > 0.0 else math.nan


@dataclass(frozen=True)
class RateTest:
    """The discharges of one cell, in the order of time, and what they are divided by.

    ``active_mass_mg``, ``coating_volume_mm3`` and ``collector_area_cm2`` are None where they are not known; what
    depends on them then stays unknown. Beside each stands its standard error, None where nobody gave one. ``file`` is
    the cycler file, "" where capacities were typed in.
    """

    cell: str
    electrode: str
    discharges: tuple[Discharge, ...]
    active_mass_mg: float | None = None
    coating_volume_mm3: float | None = None
    collector_area_cm2: float | None = None
    remarks: tuple[Finding, ...] = ()
    file: str = ""
    active_mass_sd_mg: float | None = None
    coating_volume_sd_mm3: float | None = None
    collector_area_sd_cm2: float | None = None

    def __post_init__(self) -> None:
        if not self.discharges:
            raise RateTestError(f"cell {self.cell}: no discharge was found. Is this the export of a rate test?")


@dataclass(frozen=True)
class Degradation:
    """What a cell lost between the first block at a C-rate and the last one.

    Attributes
    ----------
    first_ah, last_ah : float
    cycles : int
        Between the two discharges.
    """

    c_rate_per_h: float
    first_ah: float
    last_ah: float
    cycles: int

    @property
    def loss_share(self) -> float:
        """Of the first capacity; below zero where it grew."""
        return 1.0 - self.last_ah / self.first_ah

    @property
    def loss_share_per_cycle(self) -> float:
        """The same loss spread evenly over the cycles between."""
        return self.loss_share / self.cycles


@dataclass(frozen=True, eq=False)
class RateCurve:
    """Capacity against C-rate, measured or predicted.

    Attributes
    ----------
    capacity : "specific" or "density"
    c_rates_per_h : float array, shape (rates,)
    values : float array, shape (rates,)
        In Ah kg⁻¹ of active material or Ah L⁻¹ of coating.
    spread : float array, shape (rates,), or None
        Standard deviation (n − 1) over the cells or the networks. It is not an interval.
    cells : int array, shape (rates,), or None
        Where measured: how many cells stand behind each value.
    basis_error : float array, shape (rates,), or None
        Standard error of the values from the masses and volumes that they are divided by, NaN where nobody gave these
        with errors. It is taken as common to the cells, so that more cells do not shrink it: an upper bound.
    remarks : tuple of Finding
        Cells that lie apart from the others. None of them is left out of the values.
    """

    capacity: Capacity
    c_rates_per_h: NDArray[np.float64]
    values: NDArray[np.float64]
    spread: NDArray[np.float64] | None = None
    cells: NDArray[np.int64] | None = None
    basis_error: NDArray[np.float64] | None = None
    remarks: tuple[Finding, ...] = ()

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L."""
        return UNIT_OF[self.capacity]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an ensemble says of some crops.

    Attributes
    ----------
    c_rates_per_h : float array, shape (rates,)
    by_network : float array, shape (networks, crops, rates)
    """

    capacity: Capacity
    c_rates_per_h: NDArray[np.float64]
    by_network: NDArray[np.float64]

    @property
    def unit(self) -> str:
        """Ah/kg or Ah/L."""
        return UNIT_OF[self.capacity]

    @property
    def predicted(self) -> NDArray[np.float64]:
        """Mean over the networks, shape (crops, rates)."""
        return np.asarray(self.by_network.mean(axis=0))

    @property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation (n − 1) over the networks, shape (crops, rates): network spread, not an interval."""
        return _spread(self.by_network)

    def over_crops(self) -> RateCurve:
        """The mean over all crops, with the spread of the networks' means."""
        means = self.by_network.mean(axis=1)
        return RateCurve(self.capacity, self.c_rates_per_h, np.asarray(means.mean(axis=0)), _spread(means))


def _spread(by_network: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(by_network) < 2:
        return np.full(by_network.shape[1:], np.nan)  # one network has no spread: unknown, not zero
    return np.asarray(by_network.std(axis=0, ddof=1))


# --- campaigns ----------------------------------------------------------------------------------------------------


class CropId(NamedTuple):
    """Which crop: its electrode, specimen, micrograph file and section."""

    electrode: str
    specimen: str
    file: str
    section: int


@dataclass(frozen=True)
class Fold:
    """One cross-validation round; each part is a set of crops, and no ``unit`` of the test part stands elsewhere.

    ``validation_unit`` is what training and validation do not share: the unit, or a smaller one where units are few.

    Raises
    ------
    LeakError
        If a crop stands in two parts, a unit on both sides of the test, or a validation unit in training too.
    """

    unit: FoldUnit
    train: frozenset[CropId]
    validation: frozenset[CropId]
    test: frozenset[CropId]
    remarks: tuple[str, ...] = field(default=(), compare=False)
    validation_unit: FoldUnit = "crop"

    def __post_init__(self) -> None:
        if twice := (self.train & self.validation) | (self.test & (self.train | self.validation)):
            raise LeakError(f"a fold has {len(twice)} crops in two parts, such as {min(twice)}. Parts are disjoint.")
        if shared := units_of(self.train | self.validation, self.unit) & units_of(self.test, self.unit):
            raise LeakError(
                f"a fold by {self.unit} has {sorted(shared)} in training and in test. "
                f"Crops of one {self.unit} are near copies: keep them together."
            )
        if shared := units_of(self.train, self.validation_unit) & units_of(self.validation, self.validation_unit):
            raise LeakError(
                f"a fold that is validated by {self.validation_unit} has {sorted(shared)} in training and in "
                f"validation. Early stopping would reward what is learned by heart: keep each whole."
            )


def units_of(crops: frozenset[CropId], unit: FoldUnit) -> set[tuple[str, ...]]:
    """The electrodes, specimens or crops that a set of crops comes from."""
    return {unit_of(crop, unit) for crop in crops}


def unit_of(crop: CropId, unit: FoldUnit) -> tuple[str, ...]:
    """What a fold keeps together with a crop: its electrode, its specimen, or itself alone."""
    if unit == "electrode":
        return (crop.electrode,)
    if unit == "specimen":
        return (crop.electrode, crop.specimen)
    return (crop.electrode, crop.specimen, crop.file, str(crop.section))
