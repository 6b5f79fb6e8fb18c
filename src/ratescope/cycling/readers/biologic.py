"""The text exports of BioLogic's EC-Lab and BT-Lab: .mpt with a preamble, or a table that begins with its names.

The preamble tells its own length and the settings of the test; it is the line of the names that is looked for, as some
exports have no preamble. EC-Lab may write dates into ``time/s``; month and day stand in its own, fixed order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas as pd

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import Header, find_header
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.errors import RateTestError

# In a cell with a reference electrode the working electrode's potential stands beside the cell's voltage.
VOLTAGES = ("ecell", "<ecell>", "ewe", "<ewe>")
HALLMARKS = (("time",), VOLTAGES)
COLUMNS = (
    Wanted(TIME, ("time",)),
    Wanted(VOLTAGE, VOLTAGES),
    # The current of the moment: <I> is its mean since the row before.
    Wanted(CURRENT, ("i", "<i>")),
    Wanted(STEP_TIME, ("step time",)),
    Wanted(STEP, ("ns",)),
    Wanted(CYCLE, ("cycle number",)),
    Wanted(NET_CAPACITY, ("(q-qo)",)),
    Wanted(CHARGING_CAPACITY, ("q charge",)),
    Wanted(DISCHARGING_CAPACITY, ("q discharge",)),
)
DATES = ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S.%f", "%m.%d.%Y %H:%M:%S.%f")


def find_layout(head: str) -> Layout | None:
    r"""The layout of an EC-Lab or BT-Lab text export, or None.

    >>> head = "EC-Lab ASCII FILE\nNb header lines : 3\nNs\ttime/s\tEwe/V\tI/mA\t\n0\t1,5E+001\t3,6E+000\t2E+000\n"
    >>> layout = find_layout(head)
    >>> layout.lines_before, layout.decimal, layout.columns[3].factor
    (3, ',', 0.001)
    """
    header = find_header(head, HALLMARKS)
    if header is None:
        return None
    layout = lay_out("BioLogic", header, COLUMNS)
    time = next((n for n, column in layout.columns.items() if column.kind == "clock"), None)
    if time is None:
        return layout
    dated = {**layout.columns, time: replace(layout.columns[time], kind="word")}
    return replace(layout, columns=dated, finish=_from_dates(header, time))


def _from_dates(header: Header, time: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Dates → seconds since the first row."""
    first = header.values(time)[0]
    for pattern in DATES:
        start = pd.to_datetime(first, format=pattern, errors="coerce")
        if not pd.isna(start):
            return partial(_with_seconds, start=start, pattern=pattern)
    raise RateTestError(
        f"a BioLogic export whose times are neither seconds nor dates that are known; the first is {first!r}. "
        "Export the test again with relative time in seconds."
    )


def _with_seconds(rows: pd.DataFrame, start: pd.Timestamp, pattern: str) -> pd.DataFrame:
    times = pd.to_datetime(rows[TIME], format=pattern, errors="coerce")
    return rows.assign(**{TIME: (times - start).dt.total_seconds()})
