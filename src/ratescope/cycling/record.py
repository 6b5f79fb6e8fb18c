"""What a cycler logged, whatever its maker: rows in the columns of the Battery Data Format, read block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from ratescope.records import Finding

# Preferred labels of the Battery Data Format's ontology 1.1.0; its "Step Index" counts rows within a step, and is not
# the line of the test plan, which is its "Step ID".
TIME, VOLTAGE, CURRENT = "Test Time / s", "Voltage / V", "Current / A"
STEP_TIME, STEP, STEP_COUNT, CYCLE = "Step Time / s", "Step ID", "Step Count / 1", "Cycle Count / 1"
NET_CAPACITY, STEP_CAPACITY = "Net Capacity / Ah", "Step Cumulative Capacity / Ah"
CHARGING_CAPACITY, DISCHARGING_CAPACITY = "Charging Capacity / Ah", "Discharging Capacity / Ah"
CUMULATIVE_CAPACITY = "Cumulative Capacity / Ah"
MODE = "Step Type"  # words of the maker: a reader's `finish` gives the current its sign by them
REQUIRED = (TIME, VOLTAGE, CURRENT)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of a file, and what reading them brought to light.

    Attributes
    ----------
    rows : DataFrame
        ``Test Time / s``, ``Voltage / V`` and ``Current / A`` without gaps; where the maker logs them also the other
        columns named above. Signs are those of the file, or put right by its reader.
    remarks : tuple of Finding
    """

    rows: pd.DataFrame
    remarks: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class CyclerRecord:
    """One cycler file, which is read anew each time that its chunks are asked for: 2 GB need not be held.

    Attributes
    ----------
    file : str
        Where it came from.
    maker : str
        As people call it: ``"BaSyTec"``.
    chunks : callable
        From nothing to the file's chunks in their order; it raises `RateTestError` where the file cannot be read on.
    remarks : tuple of Finding
        What its header brought to light; the rest comes with the chunks.
    """

    file: str
    maker: str
    chunks: Callable[[], Iterator[Chunk]]
    remarks: tuple[Finding, ...] = ()

    @classmethod
    def of_rows(cls, file: str, rows: pd.DataFrame) -> CyclerRecord:
        """A record whose rows are in memory."""
        return cls(file, "", lambda: iter([Chunk(rows)]))

    @property
    def rows(self) -> pd.DataFrame:
        """All of its rows at once, for files that are known to be small."""
        return self.whole().rows

    def whole(self) -> Chunk:
        """All of its rows and remarks at once."""
        chunks = list(self.chunks())
        rows = pd.concat([chunk.rows for chunk in chunks], ignore_index=True) if chunks else pd.DataFrame()
        return Chunk(rows, (*self.remarks, *(remark for chunk in chunks for remark in chunk.remarks)))


@dataclass(frozen=True)
class Step:
    """Consecutive rows under a current of one direction.

    Attributes
    ----------
    begin, end : int
        Its rows in the file, the end excluded; rows that could not be read are not counted.
    direction : int
        +1 charges, −1 discharges.
    current_a : float
        Magnitude on its plateau: where half of its charge has passed.
    capacity_ah : float
        Magnitude of ∫I dt inside the step.
    counted_ah : float
        The same by the instrument's own counter; NaN where there is none.
    first_v, last_v : float
    begin_s, end_s : float
        Test time of its first and last row.
    since_s : float
        When its current began: before its first row, where an instrument logs that only after the first interval.
    cc_capacity_ah, cv_capacity_ah : float
        What passed before, and while, the voltage stood at its end value and the current faded; together the capacity.
    is_last : bool
        The file ends inside it.
    has_gap : bool
        Logging stopped under current: the capacity is a guess.
    gap_s : float
        For how long; 0 without a gap.
    cycle : int or None
        By the file's own counter, which may restart.
    """

    begin: int
    end: int
    direction: int
    current_a: float
    capacity_ah: float
    counted_ah: float
    first_v: float
    last_v: float
    begin_s: float = math.nan
    end_s: float = math.nan
    since_s: float = math.nan
    cc_capacity_ah: float = math.nan
    cv_capacity_ah: float = math.nan
    is_last: bool = False
    has_gap: bool = False
    gap_s: float = 0.0
    cycle: int | None = None
