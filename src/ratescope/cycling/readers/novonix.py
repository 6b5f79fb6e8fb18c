"""The csv export of Novonix chargers: ``[Summary]``, ``[Protocol]`` and then ``[Data]``; times are in hours."""

from __future__ import annotations

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import find_header
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.record import CURRENT, CYCLE, NET_CAPACITY, STEP, STEP_TIME, TIME, VOLTAGE

HALLMARKS = (("run time",), ("potential",))
COLUMNS = (
    Wanted(TIME, ("run time",), "h"),
    Wanted(VOLTAGE, ("potential",), "v"),
    Wanted(CURRENT, ("current",), "a"),
    Wanted(STEP_TIME, ("step time",), "h"),
    Wanted(STEP, ("step number", "step type")),
    Wanted(CYCLE, ("cycle number",)),
    Wanted(NET_CAPACITY, ("capacity",), "ah"),  # rises while it charges and falls while it discharges
)


def find_layout(head: str) -> Layout | None:
    r"""The layout of a Novonix export, or None.

    >>> head = "[Data]\nRun Time (h),Step Number,Current (A),Potential (V)\n0.5,1,0.5,3.8\n"
    >>> [column.factor for column in find_layout(head).columns.values()]
    [3600.0, 1.0, 1.0, 1.0]
    """
    header = find_header(head, HALLMARKS)
    return None if header is None else lay_out("Novonix", header, COLUMNS, wall_clock=("date and time",))
