"""The discharges of one cell, and what it lost between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ratescope.errors import RateTestError
from ratescope.records.finding import Finding

Role = Literal["formation", "rate", "check-up", "return", "other"]


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
