"""The csv and xlsx exports of Arbin cyclers: ``Test Time (s)``, or ``Test_Time(s)`` from older software.

Dates stand in cells that begin with a tab, csv files begin with a byte-order mark, and a workbook has a sheet of
information before its ``Channel_1-006`` sheets.
"""

from __future__ import annotations

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import find_header
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    STEP,
    STEP_TIME,
    TIME,
    VOLTAGE,
)

HALLMARKS = (("test time",), ("voltage",), ("data point", "cycle index"), ("step index", "charge capacity"))
COLUMNS = (
    Wanted(TIME, ("test time",), "s"),
    Wanted(VOLTAGE, ("voltage",), "v"),
    Wanted(CURRENT, ("current",), "a"),
    Wanted(STEP_TIME, ("step time",), "s"),
    Wanted(STEP, ("step index",)),
    Wanted(CYCLE, ("cycle index",)),
    Wanted(CHARGING_CAPACITY, ("charge capacity",), "ah"),
    Wanted(DISCHARGING_CAPACITY, ("discharge capacity",), "ah"),
)


def find_layout(head: str) -> Layout | None:
    r"""The layout of an Arbin export, or None.

    >>> head = "\ufeffData_Point,Test_Time(s),Step_Index,Current(A),Voltage(V)\n1,0.5,1,0,3.5\n"
    >>> {place: column.target for place, column in find_layout(head).columns.items()}
    {1: 'Test Time / s', 4: 'Voltage / V', 3: 'Current / A', 2: 'Step ID'}
    """
    header = find_header(head, HALLMARKS)
    return None if header is None else lay_out("Arbin", header, COLUMNS, wall_clock=("date time",))
