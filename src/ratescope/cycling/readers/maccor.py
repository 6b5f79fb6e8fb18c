"""The text exports of Maccor cyclers, of which no two look the same.

The current has no sign: the state, ``C`` or ``D``, gives it. Times are numbers in a unit that the header may keep to
itself, or clocks such as ``0d 00:00:30.5``; numbers may group their thousands, and a blank line may follow the names.
"""

from __future__ import annotations

import math

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import find_header
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.record import CURRENT, CYCLE, MODE, STEP, STEP_CAPACITY, STEP_TIME, TIME, VOLTAGE

TEST_TIME, VOLTAGES = ("test time", "testtime", "test"), ("voltage", "volts")
HALLMARKS = (("rec", "rec#", "cyc#"), TEST_TIME, VOLTAGES)
COLUMNS = (
    Wanted(TIME, TEST_TIME, "s"),
    Wanted(VOLTAGE, VOLTAGES, "v"),
    Wanted(CURRENT, ("current", "amps"), "a"),
    Wanted(CURRENT, ("mamps",), "ma"),
    Wanted(STEP_TIME, ("step time", "steptime"), "s"),
    Wanted(STEP_TIME, ("step",)),  # as in "Step (Sec)"; without a unit it is the line of the test plan
    Wanted(STEP, ("step",)),
    Wanted(CYCLE, ("cyc#", "cycle c", "cycle p", "cycle")),
    Wanted(STEP_CAPACITY, ("capacity", "cap", "amp-hr"), "ah"),
    Wanted(STEP_CAPACITY, ("mamp-hr",), "mah"),
    Wanted(MODE, ("state", "md"), kind="word"),
)
HOW = {"C": 1.0, "D": -1.0, "R": 0.0}  # S, a suspended step's last row, and others say nothing


def find_layout(head: str) -> Layout | None:
    r"""The layout of a Maccor export, or None.

    >>> head = "Date of Test:\t11 Dec\nRec#\tStep\tTestTime\tAmps\tVolts\tState\n1\t2\t  0d 00:01:30.5\t0.5\t3.4\tD\n"
    >>> layout = find_layout(head)
    >>> layout.columns[2].kind, layout.remarks[0].code
    ('clock', 'current-unsigned')
    """
    header = find_header(head, HALLMARKS)
    if header is None:
        return None
    return lay_out("Maccor", header, COLUMNS, wall_clock=("dpt time",), direction=direction_of)


def direction_of(state: str) -> float:
    """
    >>> direction_of("D"), direction_of("S")
    (-1.0, nan)
    """  # noqa: D400, D205
    return HOW.get(state.strip().upper()[:1], math.nan)
