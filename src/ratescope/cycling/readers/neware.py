"""The exports of Neware cyclers (BTS, BTSDA): a flat table of records, or cycles, steps and records nested.

The nested export has a header row for each of its three levels, one above the other; a record's row leaves the fields
of cycle and step empty. Times are clocks, of the step and, in newer software, of the test.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas as pd

from ratescope.cycling.readers.declared import Wanted, lay_out
from ratescope.cycling.readers.header import Header, find_header
from ratescope.cycling.readers.layout import Column, Layout
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    MODE,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
)

# Chinese names as in the exports of the same software set to Chinese.
RECORD = (
    "datapoint", "record", "record id", "record index", "record number", "record serial number", "数据序号", "记录序号",
)  # fmt: skip
VOLTAGES, CURRENTS = ("voltage", "电压"), ("current", "cur", "电流")
HALLMARKS = (RECORD, VOLTAGES, CURRENTS)
WALL_CLOCK = ("date", "datetime", "realtime", "absolute time", "system time", "绝对时间", "系统时间")
COLUMNS = (
    Wanted(TIME, ("total time", "cumulative time", "总时间"), "s"),
    Wanted(VOLTAGE, VOLTAGES),
    Wanted(CURRENT, CURRENTS),
    Wanted(STEP_TIME, ("time", "relative time", "step time", "record time", "时间", "相对时间", "工步时间"), "s"),
    Wanted(STEP, ("step index", "step id", "step number", "step", "steps", "工步序号", "工步号")),
    Wanted(CYCLE, ("cycle index", "cycle id", "cycle", "循环序号", "循环号")),
    Wanted(STEP_CAPACITY, ("capacity", "容量")),
    Wanted(CHARGING_CAPACITY, ("chg. cap", "capacitance chg", "charge capacity", "充电容量")),
    Wanted(DISCHARGING_CAPACITY, ("dchg. cap", "capacitance dchg", "discharge capacity", "放电容量")),
    Wanted(MODE, ("step type", "step name", "step state", "status", "state", "工步类型", "工步名称"), kind="word"),
)
LEVELS = ("in a cycle's row", "in a step's row")  # the first two fields of a line, which a record leaves empty


def find_layout(head: str) -> Layout | None:
    r"""The layout of a Neware export, or None.

    >>> head = "DataPoint,Step Type,Time,Total Time,Current(mA),Voltage(V)\n1,Rest,00:00:00,00:00:00,0,3.5\n"
    >>> layout = find_layout(head)
    >>> layout.columns[3].kind, layout.columns[4].factor
    ('clock', 0.001)
    """
    header = find_header(head, HALLMARKS)
    if header is None:
        return None
    layout = lay_out("Neware", header, COLUMNS, wall_clock=WALL_CLOCK, direction=direction_of)
    if not _is_nested(header):
        return layout
    levels = {n: Column(f"field {n + 1}", LEVELS[n], kind="word") for n in (0, 1)}
    return replace(layout, columns={**layout.columns, **levels}, finish=partial(_records_alone, then=layout.finish))


def _is_nested(header: Header) -> bool:
    """The names of cycles and of steps stand in rows of their own, above those of records and to the left of them."""
    return header.line >= 2 and not header.names[0] and not header.names[1]


def _records_alone(rows: pd.DataFrame, then: Callable[[pd.DataFrame], pd.DataFrame] | None) -> pd.DataFrame:
    is_record = (rows[list(LEVELS)].astype(str) == "").all(axis=1)
    records = rows[is_record].drop(columns=list(LEVELS)).reset_index(drop=True)
    return records if then is None else then(records)


def direction_of(step_type: str) -> float:
    """
    >>> direction_of("CC DChg"), direction_of("CCCV_Chg"), direction_of("恒流放电"), direction_of("Rest")
    (-1.0, 1.0, -1.0, 0.0)
    >>> direction_of("D"), direction_of("Control step")
    (-1.0, nan)
    """  # noqa: D400, D205
    plain = step_type.strip().lower()
    if plain == "d" or re.search(r"d_?chg|discharg|dch\b|放电", plain):
        return -1.0
    if plain == "c" or re.search(r"chg|charg|cha\b|充电", plain):
        return 1.0
    return 0.0 if plain == "r" or re.search(r"rest|pause|搁置|静置", plain) else math.nan
