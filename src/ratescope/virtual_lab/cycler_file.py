"""A simulated rate test as the text export of a BaSyTec cycler: what a laboratory would bring, marked as simulated.

The layout is that of a genuine XCTS export: 13 header lines that start with ``~``, the last of them with the column
names; tab-separated rows; a state that is 3 on the first row of a step, 0 on the next, 1 while it runs, 2 on its last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ratescope.errors import LabError
from ratescope.files import write_bytes
from ratescope.virtual_lab.discharge import RateTestTrace, StepKind, TraceStep

VOLTAGE_NOISE_V = 1e-4  # our choice, standard deviation: that of a good cycler
CURRENT_NOISE = 1e-4  # our choice, standard deviation relative to the current
TEMPERATURE_C, TEMPERATURE_NOISE_C = 20.0, 0.05  # section 2.1; the noise is our choice
SECOND_ROW_S = 0.004  # a genuine export has its second row 4 ms after the first

LINES: dict[StepKind, int] = {"charge": 4, "hold": 5, "discharge": 6}  # of the test plan
COMMANDS: dict[StepKind, str] = {"charge": "Charge", "hold": "Charge", "discharge": "Discharge"}
FIRST, SECOND, RUNNING, LAST = 3, 0, 1, 2  # states of a row


@dataclass(frozen=True)
class ExportStyle:
    """What differs between genuine exports of one maker.

    Attributes
    ----------
    decimal : "." or ","
    time_unit : "s" or "h"
        Of ``Time``; the times within a step stay in seconds.
    encoding : "utf-8" or "latin-1"
        In latin-1 the degree sign is one byte.
    restarting_cycles : bool
        Whether the cycle counter begins again at each C-rate.
    """

    decimal: Literal[".", ","] = "."
    time_unit: Literal["s", "h"] = "s"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    restarting_cycles: bool = False

    def __post_init__(self) -> None:
        if self.decimal not in {".", ","} or self.time_unit not in {"s", "h"}:
            raise LabError(
                f"an export has the decimal sign . or , and times in s or h; asked for {self.decimal!r} and "
                f"{self.time_unit!r}. Choose among these."
            )


PLAIN = ExportStyle()


def write_basytec(path: Path, trace: RateTestTrace, *, rng: np.random.Generator, style: ExportStyle = PLAIN) -> None:
    """Write a simulated rate test as a BaSyTec text export, with a little instrument noise on what it reads.

    The counters of charge and energy carry no noise: an instrument integrates them far faster than it logs.
    """
    table = _export_columns(_log(trace), rng, style)
    rows = table.to_csv(sep="\t", index=False, header=False, lineterminator="\n", decimal=style.decimal)
    header = [*_header(trace), "~" + "\t".join(table.columns)]
    write_bytes(path, ("\n".join(header) + "\n" + rows).encode(style.encoding))


def _header(trace: RateTestTrace) -> list[str]:
    """The twelve lines before the column names; the dates are fixed: the same inputs give the same file."""
    cell = trace.cell
    return [
        "~Resultfile from Basytec Battery Test System",
        "~Date and Time of Data Converting: 01.01.2024 00:00:00",
        "~",
        f"~Name of Test: SIMULATED rate test of {cell.name}",
        f"~Battery: {cell.name} (SIMULATED, virtual electrode {cell.electrode.name})",
        "~Testplan: SIMULATED by the virtual laboratory of ratescope",
        "~Testchannel: 0 simulated",
        "~Start of Test: 01.01.2024 00:00:00",
        "~End of Test: 01.01.2024 00:00:00",
        "~Operator (Test): ratescope",
        "~Operator (Data converting): ratescope",
        "~",
    ]


def _log(trace: RateTestTrace) -> pd.DataFrame:
    """The rows of all steps, free of noise, with the counters of charge (Ah) and energy (Wh) since the beginning."""
    resting_v = trace.steps[0].voltage_v[0]
    parts = []
    for number, step in enumerate(trace.steps):
        parts.append(_log_of_step(step, resting_v).assign(step=number))
        resting_v = step.voltage_v[-1]
    log = pd.concat(parts, ignore_index=True)
    first_cycle = log.groupby("block")["cycle"].transform("first")
    log["cycle_of_block"] = log["cycle"] - first_cycle + 1
    for direction, sign in (("charge", 1.0), ("discharge", -1.0)):
        current_a = (sign * log["current_a"]).clip(lower=0.0)
        log[f"{direction}_ah"] = _integral_h(current_a, log["time_s"])
        log[f"{direction}_wh"] = _integral_h(current_a * log["voltage_v"], log["time_s"])
    return log


def _log_of_step(step: TraceStep, voltage_before_v: float) -> pd.DataFrame:
    """A step's rows: the first still shows the cell without current, the second follows at once."""
    start_s = step.time_s[0]
    later = step.time_s > start_s + SECOND_ROW_S
    state = np.full(2 + int(later.sum()), RUNNING)
    state[0], state[1], state[-1] = FIRST, SECOND, LAST
    return pd.DataFrame(
        {
            "time_s": np.concatenate([[start_s, start_s + SECOND_ROW_S], step.time_s[later]]),
            "voltage_v": np.concatenate([[voltage_before_v, step.voltage_v[0]], step.voltage_v[later]]),
            "current_a": np.concatenate([[0.0, step.current_a[0]], step.current_a[later]]),
            "line": LINES[step.kind],
            "command": COMMANDS[step.kind],
            "block": step.block,
            "cycle": step.cycle,
            "state": state,
        }
    )


def _integral_h(rate: pd.Series[float], time_s: pd.Series[float]) -> pd.Series[float]:
    """Its running integral over time, in hours times the unit of the rate."""
    mean_rate = (rate + rate.shift(fill_value=0.0)) / 2.0
    return (mean_rate * time_s.diff().fillna(0.0)).cumsum() / 3600.0


def _export_columns(log: pd.DataFrame, rng: np.random.Generator, style: ExportStyle) -> pd.DataFrame:
    """The columns of the export in their order, with noise on voltage, current and temperature."""
    count = len(log)
    voltage_v = log["voltage_v"] + VOLTAGE_NOISE_V * rng.standard_normal(count)
    current_a = log["current_a"] * (1.0 + CURRENT_NOISE * rng.standard_normal(count))
    temperature_c = TEMPERATURE_C + TEMPERATURE_NOISE_C * rng.standard_normal(count)
    time = log["time_s"] if style.time_unit == "s" else log["time_s"] / 3600.0
    return pd.DataFrame(
        {
            f"Time[{style.time_unit}]": time.round(8),
            "DataSet": np.arange(1, count + 1),
            "t-Step[s]": _since_start(log, "time_s", "step").round(5),
            "t-Set[s]": log["time_s"].round(5),
            "t-Cyc[s]": _since_start(log, "time_s", "cycle").round(5),
            "Line": log["line"],
            "Command": log["command"],
            "U[V]": voltage_v.round(6),
            "I[A]": current_a.round(10),
            "P[W]": (voltage_v * current_a).round(10),
            **_counter_columns(log, "Ah"),
            **_counter_columns(log, "Wh"),
            "T1[°C]": temperature_c.round(3),
            "R-AC": 0,
            "R-DC": 0,
            "Level": 1,
            "Cyc-Count": log["cycle_of_block" if style.restarting_cycles else "cycle"],
            "Count": 1,
            "State": log["state"],
        }
    )


def _counter_columns(log: pd.DataFrame, unit: Literal["Ah", "Wh"]) -> dict[str, pd.Series[float]]:
    """The six counters of charge or of energy: net, of the cycle, since the beginning, of the step."""
    charge, discharge = f"charge_{unit.lower()}", f"discharge_{unit.lower()}"
    by_step = _since_start(log, charge, "step") - _since_start(log, discharge, "step")
    columns = {
        f"{unit}[{unit}]": log[charge] - log[discharge],
        f"{unit}-Cyc-Charge": _since_start(log, charge, "cycle"),
        f"{unit}-Cyc-Discharge": _since_start(log, discharge, "cycle"),
        f"{unit}-Cyc-Charge-0": log[charge],
        f"{unit}-Cyc-Discharge-0": log[discharge],
        f"{unit}-Step": by_step,
    }
    return {name: counter.round(11) for name, counter in columns.items()}


def _since_start(log: pd.DataFrame, column: str, group: str) -> pd.Series[float]:
    return log[column] - log.groupby(group)[column].transform("first")
