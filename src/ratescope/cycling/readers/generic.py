"""Tables of makers who are not known, which say themselves what they hold: time, voltage and current, each with a unit.

Digatron, PEC, Landt, Wonik, Bitrode and programs that simulate cells write such tables. All makers that are known come
first. What is asked of every file, that the voltage agrees with the current's direction and the counter of charge with
the integral, guards these too, and a remark says which columns were read.
"""

from __future__ import annotations

from dataclasses import replace

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import Header, find_header
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.readers.neware import direction_of
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    MODE,
    REQUIRED,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.records import Finding

TIMES = (
    "test time", "testtime", "total time", "tottime", "prog time", "program duration", "run time", "elapsed time",
    "time",
)  # fmt: skip
VOLTAGES = ("voltage", "cell voltage", "channel voltage", "volts", "potential", "ecell", "u")
CURRENTS = ("current", "channel current", "amps", "i")
HALLMARKS = (TIMES, VOLTAGES, CURRENTS)
WALL_CLOCK = (
    "timestamp", "date time", "datetime", "date time iso string", "real time", "realtime", "absolute time",
    "system time",
)  # fmt: skip
COLUMNS = (
    Wanted(TIME, TIMES),
    Wanted(VOLTAGE, VOLTAGES),
    Wanted(CURRENT, CURRENTS),
    Wanted(STEP_TIME, ("step time", "steptime", "step duration")),
    Wanted(STEP, ("step", "step id", "stepid", "step index", "step number", "stepno")),
    Wanted(CYCLE, ("cycle", "cycle id", "cycle index", "cycle number", "totcycle")),
    Wanted(STEP_CAPACITY, ("ahstep", "step capacity", "capacity")),
    Wanted(CHARGING_CAPACITY, ("charge capacity", "ahcha", "char. cap")),
    Wanted(DISCHARGING_CAPACITY, ("discharge capacity", "ahdch", "dischar. cap")),
    Wanted(MODE, ("status", "state", "step type", "step name", "instruction name", "type"), kind="word"),
)


def find_layout(head: str) -> Layout | None:
    r"""The layout of a table that has columns of these names, or None.

    Raises
    ------
    RateTestError
        If its header gives no unit of time, voltage or current.

    Examples
    --------
    >>> layout = find_layout("Step,Prog Time,Voltage,Current\n,,[V],[mA]\n1,00:00:00,3.0,0.5\n1,00:01:00,3.1,0.5\n")
    >>> layout.columns[1].kind, layout.columns[3].factor, layout.lines_before
    ('clock', 0.001, 2)
    """
    header = find_header(head, HALLMARKS)
    if header is None:
        return None
    layout = lay_out("generic", header, COLUMNS, wall_clock=WALL_CLOCK, direction=direction_of)
    return replace(layout, remarks=(_what_is_read(header, layout), *layout.remarks))


def _what_is_read(header: Header, layout: Layout) -> Finding:
    place = {column.target: place for place, column in layout.columns.items()}
    read = ", ".join(f"{name.partition(' / ')[0].lower()} from {header.names[place[name]]!r}" for name in REQUIRED)
    text = f"No export of a maker that is known; read as a table: {read}. Check one capacity by hand."
    return Finding("generic-table", text)
