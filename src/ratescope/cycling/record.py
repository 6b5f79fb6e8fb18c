"""What a cycler logged, whatever its maker: rows in the columns of the Battery Data Format."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ratescope.records import Finding

TIME, VOLTAGE, CURRENT = "Test Time / s", "Voltage / V", "Current / A"
STEP_TIME, STEP = "Step Time / s", "Step Index / 1"
NET_CAPACITY, STEP_CAPACITY = "Net Capacity / Ah", "Step Capacity / Ah"
REQUIRED = (TIME, VOLTAGE, CURRENT)


@dataclass(frozen=True, eq=False)
class CyclerRecord:
    """The rows of one cycler file.

    Attributes
    ----------
    file : str
        Where it came from.
    rows : DataFrame
        ``Test Time / s``, ``Voltage / V`` and ``Current / A`` without gaps; where the maker logs them also
        ``Step Time / s``, ``Step Index / 1`` (the line of the test plan), ``Net Capacity / Ah`` and
        ``Step Capacity / Ah``. Signs are those of the file.
    remarks : tuple of Finding
        What reading it brought to light.
    """

    file: str
    rows: pd.DataFrame
    remarks: tuple[Finding, ...] = ()
