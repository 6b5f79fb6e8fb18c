"""One ideal rate test as every maker's export: for the tests, and for fuzz_cycler_files.py beside this file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import openpyxl
import pandas as pd

ACTIVE_MASS_MG = 12.0
ONE_C_A = 159.7 * ACTIVE_MASS_MG * 1e-6
RATES_PER_H = (0.1, 0.2, 0.2, 0.5, 1.0, 5.0, 0.2)


def capacity_ah(c_rate_per_h: float) -> float:
    """What the ideal cell gives at a C-rate."""
    return 0.95 * ONE_C_A / (1.0 + 0.1 * c_rate_per_h)


def ideal_rate_test(rates_per_h=RATES_PER_H, rows=12) -> pd.DataFrame:
    """Charges and discharges of constant current with rests between them; Ah by step, currents signed."""
    parts, time_s, step = [], 0.0, 0
    for cycle, rate in enumerate(rates_per_h, start=1):
        current_a = rate * ONE_C_A
        lasts_s = capacity_ah(rate) / current_a * 3600.0
        for mode, sign, volts, step_s in (
            ("Charge", 1, (3.0, 4.3), lasts_s),
            ("Rest", 0, (4.25, 4.2), 600.0),
            ("Discharge", -1, (4.2, 3.0), lasts_s),
            ("Rest", 0, (3.1, 3.2), 600.0),
        ):
            step += 1
            at_s = np.round(np.linspace(0.0, step_s, rows), 1)
            part = {
                "time_s": time_s + at_s,
                "step_s": at_s,
                "volt": np.round(np.linspace(*volts, rows), 4),
                "amp": sign * current_a,
                "step_ah": abs(sign) * current_a * at_s / 3600.0,
                "step": step,
                "cycle": cycle,
                "mode": mode,
            }
            parts.append(pd.DataFrame(part))
            time_s = round(time_s + float(at_s[-1]) + 0.1, 1)
    test = pd.concat(parts, ignore_index=True)
    signed = test.step_ah * np.sign(test.amp)
    ends = signed.groupby(test.step).last().shift(fill_value=0.0).cumsum()
    return test.assign(net_ah=signed + test.step.map(ends), row=np.arange(1, len(test) + 1))


def whole_files() -> dict[str, bytes]:
    """The ideal rate test as every maker exports it, by file name; and the capacities alone."""
    test = ideal_rate_test()
    text = {
        "basytec.txt": basytec(test),
        "basytec_hours.txt": commas(basytec(test, hours=True)),
        "biologic.mpt": commas(biologic(test)),
        "biologic.txt": biologic(test, preamble=False),
        "biologic_dates.mpt": biologic(test, dates=True),
        "neware.csv": neware(test),
        "neware_milli.csv": neware(test, milli=1e3),
        "neware_nested.csv": neware_nested(test),
        "neware_chinese.csv": neware_chinese(test),
        "maccor_minutes.txt": commas(maccor_minutes(test)),
        "maccor_clocks.txt": maccor_clocks(test),
        "maccor_grouped.csv": maccor_grouped(test),
        "arbin.csv": "\ufeff" + arbin(test),
        "arbin_old.csv": arbin(test).replace(" (", "(").replace("Test Time", "Test_Time").replace("Data P", "Data_P"),
        "novonix.csv": novonix(test),
        "bdf.csv": bdf(test),
        "basytec_blanks.txt": basytec_blanks(test),
        "maccor_colons.csv": maccor_colons(test),
        "neware_titles.csv": neware_titles(test),
        "novonix_quoted.csv": quoted_lines(novonix(test, protocol_lines=600)),
        "bdf_hours.csv": bdf_hours(test),
        "digatron.csv": digatron(test),
        "units_below.csv": units_below(test),
        "units_at_the_end.csv": units_at_the_end(test),
        "typed.csv": "C-rate;Capacity (mAh)\n"
        + "".join(f"{r};{capacity_ah(r) * 1e3:.5f}\n" for r in RATES_PER_H[1:-1:2]),
    }
    latin = {"biologic.mpt", "biologic.txt"}
    files = {name: content.encode("latin-1" if name in latin else "utf-8") for name, content in text.items()}
    parquet = io.BytesIO()
    pd.read_csv(io.StringIO(text["bdf.csv"])).to_parquet(parquet)
    channel = [line.split(",") for line in arbin(test).splitlines()]
    record = [line.split(",") for line in neware(test).splitlines()]
    return {
        **files,
        "bdf.parquet": parquet.getvalue(),
        "neware.xlsx": workbook({"unit": [["Start Time", "x"]], "cycle": [["Cycle Index"], [1]], "record": record}),
        "arbin.xlsx": workbook(
            {
                "Info": [["TEST REPORT"]],
                "Channel_1-006_1": channel[:200],
                "Channel_1-006_2": channel[:1] + channel[200:],
            }
        ),
    }


def commas(text: str) -> str:
    """Decimal commas instead of points; units such as mA.h keep theirs."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text)


def lines(test: pd.DataFrame, row: Callable[[object], str]) -> str:
    return "".join(row(values) + "\n" for values in test.itertuples())


def basytec(test, hours=False):
    unit, factor = ("h", 3600.0) if hours else ("s", 1.0)
    above = "~Resultfile from Basytec Battery Test System\n"
    names = f"~Time[{unit}]\tLine\tt-Step[{unit}]\tU[V]\tI[A]\tAh-Step\tT1[\ufffdC]\n"
    return (
        above
        + names
        + lines(
            test,
            lambda r: (
                f"{r.time_s / factor:.8f}\t{r.step}\t{r.step_s / factor:.8f}\t{r.volt}\t{r.amp:.9f}"
                f"\t{r.step_ah:.9f}\t25"
            ),
        )
    )


def basytec_blanks(test):
    """Columns that stand apart by blanks; the time of day is a field of its own without a name."""
    return (
        "~Resultfile from Basytec Battery Test System\n~Time[h]   DateTime  Line  t-Step[h]  U[V]  I[A]  Ah-Step\n"
        + lines(
            test,
            lambda r: (
                f"  {r.time_s / 3600:.8f}  {wall_clock(r):%d.%m.%Y %H:%M:%S}  {r.step}  {r.step_s / 3600:.8f}  {r.volt}"
                f"   {r.amp:.9f}  {r.step_ah:.9f}"
            ),
        )
    )


def biologic(test, preamble=True, dates=False):
    names = "Ns\ttime/s\tEwe/V\t<I>/mA\tQ charge/discharge/mA.h\t(Q-Qo)/mA.h\tTemperature/°C\tcycle number\t\n"
    above = [
        "EC-Lab ASCII FILE",
        "Nb header lines : 7",
        "",
        "Galvanostatic Cycling with Potential Limitation",
        "Ns  0  1",
        "",
    ]
    start = pd.Timestamp("2024-11-20 11:38:41.700")

    def time_of(r):
        moment = start + pd.Timedelta(seconds=r.time_s)
        return moment.strftime("%m/%d/%Y %H:%M:%S.%f")[:-3] if dates else f"{r.time_s:.7E}"

    return (
        ("\n".join(above) + "\n" if preamble else "")
        + names
        + lines(
            test,
            lambda r: (
                f"{r.step}\t{time_of(r)}\t{r.volt:.7E}\t{r.amp * 1e3:.7E}\t0\t{r.net_ah * 1e3:.9E}\t25\t{r.cycle}"
            ),
        )
    )


def clock(seconds: float, days: bool = False) -> str:
    whole, part = divmod(round(seconds * 1000), 1000)
    hours, rest = divmod(whole, 3600)
    day, hours = divmod(hours, 24) if days else (0, hours)
    return (f"{day}d " if days else "") + f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{part:03d}"


NEWARE_MODE = {"Charge": "CC Chg", "Discharge": "CC DChg", "Rest": "Rest"}


def neware(test, milli=1.0):
    m = "m" if milli > 1.0 else ""
    head = (
        f"DataPoint,Cycle Index,Step Index,Step Type,Time,Total Time,Current({m}A),Voltage(V),Capacity({m}Ah),"
        "Spec. Cap.(mAh/g)\n"
    )
    return head + lines(
        test,
        lambda r: (
            f"{r.row},{r.cycle},{r.step},{NEWARE_MODE[r.mode]},{clock(r.step_s)},{clock(r.time_s, days=milli > 1)},"
            f"{r.amp * milli:.8f},{r.volt},{r.step_ah * milli:.8f},{r.step_ah * 1e6:.2f}"
        ),
    )


def neware_nested(test):
    """Three header rows, cells that start with a tab, and no time of the test."""

    def cells(values, before, width=12):
        quoted = [f'"\t{value}"' for value in values]
        return "," * before + ",".join(quoted) + "," * (width - before - len(quoted)) + "\n"

    out = 'Cycle ID,"\tCap_Chg(mAh)","\tCap_DChg(mAh)",,,,,,,,,\n'
    out += cells(("Step ID", "Step Name", "Step Time(h:min:s.ms)", "Capacity(mAh)", "End Voltage(V)"), 1)
    out += cells(
        ("Record ID", "Time(h:min:s.ms)", "Voltage(V)", "Current(mA)", "Capacity(mAh)", "Capacity Density(mAh/g)"), 2
    )
    for cycle, of_cycle in test.groupby("cycle"):
        out += f'{cycle},"\t1.9","\t1.8",,,,,,,,,\n'
        for step, of_step in of_cycle.groupby("step"):
            out += cells((step, of_step["mode"].iloc[0], clock(of_step.step_s.iloc[-1]), "1.9", "4.3"), 1)
            for r in of_step.itertuples():
                row = (r.row, clock(r.step_s), r.volt, f"{r.amp * 1e3:.6f}", f"{r.step_ah * 1e3:.6f}", "100.0")
                out += cells(row, 2)
    return out


def neware_titles(test):
    """Above the rows of each step a line with its title alone; charge and discharge in a column of letters."""
    names = "Record ID,Cycle ID,Step ID,Step State,Relative Time(Sec),Voltage(V),Current(A),Capacity(Ah)\n"
    out = ""
    for step, of_step in test.groupby("step"):
        out += f"step {step} : {of_step['mode'].iloc[0]}(1--12): 0.0Ah,,,,,,,\n"
        out += lines(
            of_step,
            lambda r: (
                f"{r.row},{r.cycle},{r.step},{STATE[r.mode]},{r.step_s},{r.volt},{abs(r.amp):.8f},{r.step_ah:.8f}"
            ),
        )
    return names + out


def neware_chinese(test):
    mode = {"Charge": "恒流充电", "Discharge": "恒流放电", "Rest": "搁置"}
    return "数据序号,循环号,工步号,工步类型,时间,总时间,电流(A),电压(V),容量(Ah)\n" + lines(
        test,
        lambda r: (
            f"{r.row},{r.cycle},{r.step},{mode[r.mode]},{clock(r.step_s)},{clock(r.time_s)},"
            f"{r.amp:.8f},{r.volt},{r.step_ah:.8f}"
        ),
    )


def wall_clock(r, start="2023-11-23 15:56:08") -> pd.Timestamp:
    return pd.Timestamp(start) + pd.Timedelta(seconds=round(r.time_s))


STATE = {"Charge": "C", "Discharge": "D", "Rest": "R"}


def maccor_minutes(test):
    """Unsigned current, and a test time in minutes that no unit tells: the clock does. A blank line below the names."""
    names = "Rec\tCycle P\tCycle C\tStep\tTestTime\tStepTime\tCap. [Ah]\tCurrent [A]\tVoltage [V]\tMd\tES\tDPT Time\n\n"
    return (
        "Name:\tcell\nStarted\t06/05/2021 11:23:46\n\n"
        + names
        + lines(
            test,
            lambda r: (
                f"{r.row}\t0\t{r.cycle}\t{r.step}\t{r.time_s / 60:.7f}\t{r.step_s / 60:.7f}"
                f"\t{r.step_ah:.8f}\t{abs(r.amp):.8f}"
                f"\t{r.volt}\t{STATE[r.mode]}\t1\t{wall_clock(r):%d/%m/%Y %H:%M:%S}"
            ),
        )
    )


def maccor_clocks(test):
    names = "Rec#\tCyc#\tStep\tTestTime\tStepTime\tAmp-hr\tAmps\tVolts\tState\tES\tDPt Time\tAux #1\t Units\t\n"
    return (
        "Today's Date:\t14 December 2020\tDate of Test:\t11 December 2020\nFilename:\tx\n"
        + names
        + lines(
            test,
            lambda r: (
                f"{r.row}\t{r.cycle}\t{r.step}\t  {clock(r.time_s, days=True)}\t  {clock(r.step_s, days=True)}"
                f"\t{r.step_ah:.8f}"
                f"\t{abs(r.amp):.8f}\t{r.volt}\t{STATE[r.mode]}\t1\t{wall_clock(r):%m/%d/%Y %H:%M:%S}\t25.0\t C  \t"
            ),
        )
    )


def maccor_grouped(test):
    """Thousands in groups, so that fields need quotes."""
    names = "Rec,Cycle C,Step,Test Time (sec),Step Time (sec),Capacity,Energy,Current,Voltage,State,DPT Time\n"
    return (
        "Today's Date ,28-Nov-23\nDate of Test:,23-Nov-23 3:56:08 PM\n"
        + names
        + lines(
            test,
            lambda r: (
                f'{r.row},{r.cycle},{r.step},"{r.time_s:,.4f}","{r.step_s:,.4f}",{r.step_ah:.8f},0,{abs(r.amp):.8f},{r.volt}'
                f",{STATE[r.mode]},{wall_clock(r):%d-%b-%y %I:%M:%S %p}"
            ),
        )
    )


def maccor_colons(test):
    """Clocks of days, hours, minutes and seconds, all between colons."""

    def colons(seconds):
        return ":" + clock(seconds, days=True).replace("d ", ":")

    return "Rec#,Cycle P,Step,Test Time,Step Time,Capacity (AHr),Current (A),Voltage (V),MD,ES\n" + lines(
        test,
        lambda r: (
            f"{r.row},{r.cycle},{r.step},{colons(r.time_s)},{colons(r.step_s)},{r.step_ah:.9f},{abs(r.amp):.9f},{r.volt}"
            f",{STATE[r.mode]},1"
        ),
    )


def arbin(test):
    names = (
        "Data Point,Date Time,Test Time (s),Step Time (s),Cycle Index,Step Index,Current (A),Voltage (V),"
        "Charge Capacity (Ah),Discharge Capacity (Ah),mAh/g\n"
    )
    charged = test.step_ah.where(test.amp > 0, 0.0).groupby(test.cycle).cummax()
    discharged = test.step_ah.where(test.amp < 0, 0.0).groupby(test.cycle).cummax()
    return names + lines(
        test.assign(charged=charged, discharged=discharged),
        lambda r: (
            f"{r.row},\t{wall_clock(r):%m/%d/%Y %H:%M:%S}.558,{r.time_s},{r.step_s},{r.cycle},{r.step},"
            f"{r.amp:.9f},{r.volt},{r.charged:.9f},{r.discharged:.9f},0"
        ),
    )


def novonix(test, protocol_lines=1):
    above = "[Summary]\nNovonix UHPC data file\nMass (g): 1.000\n[End Summary]\n[Protocol]\n"
    above += '{"a":[{"b":"c, d"}]}\n' * protocol_lines
    names = (
        "[End Protocol]\n[Data]\nDate and Time,Cycle Number,Step Type,Run Time (h),Step Time (h),Current (A),"
        "Potential (V),Capacity (Ah),Temperature (°C),Step Number\n"
    )
    kind = {"Charge": 7, "Discharge": 9, "Rest": 0}
    return (
        above
        + names
        + lines(
            test,
            lambda r: (
                f"{wall_clock(r)},{r.cycle},{kind[r.mode]},{r.time_s / 3600:.7f},{r.step_s / 3600:.7f},"
                f"{r.amp:.8f},{r.volt},{r.net_ah:.8f},25,{r.step}"
            ),
        )
    )


def bdf(test):
    return "Test Time / s,Voltage / V,Current / A,Step ID,Cycle Count / 1,Net Capacity / Ah\n" + lines(
        test, lambda r: f"{r.time_s},{r.volt},{r.amp:.9f},{r.step},{r.cycle},{r.net_ah:.9f}"
    )


def bdf_hours(test):
    """The labels of the Battery Data Format with other units than it has."""
    return "Test Time / h,Voltage / mV,Current / mA,Step ID,Discharge Capacity / mAh\n" + lines(
        test,
        lambda r: (
            f"{r.time_s / 3600:.9f},{r.volt * 1e3:.1f},{r.amp * 1e3:.6f},{r.step},"
            f"{r.step_ah * 1e3 if r.amp < 0 else 0.0:.6f}"
        ),
    )


def digatron(test):
    """Units behind a number sign; the times count milliseconds, as the clock on the wall shows."""
    mode = {"Charge": "CHA", "Discharge": "DCH", "Rest": "PAU"}
    names = "Step,Status,Timestamp,Program Duration#s,Step Duration#s,Voltage#V,Current#A,AhStep#Ah\n"
    return names + lines(
        test,
        lambda r: (
            f"{r.step},{mode[r.mode]},{wall_clock(r)}+00:00,{r.time_s * 1e3:.0f},{r.step_s * 1e3:.0f},{r.volt},"
            f"{r.amp:.9f},{r.step_ah:.9f}"
        ),
    )


def units_below(test):
    """No maker's: the units in a row below the names."""
    return "Step,Prog Time,Voltage,Current,AhStep\n,,[mV],[mA],[mAh]\n" + lines(
        test,
        lambda r: f"{r.step},{clock(r.time_s)},{r.volt * 1e3:.1f},{r.amp * 1e3:.6f},{r.step_ah * 1e3:.6f}",
    )


def units_at_the_end(test):
    """No maker's: notes above it, semicolons, decimal commas, and units at the end of the names."""
    names = "cell model:;;;;\n\nstep_index;total_time_s;cell_voltage_V;current_mA;step_capacity_mAh\n"
    rows = lines(test, lambda r: f"{r.step};{r.time_s};{r.volt};{r.amp * 1e3:.6f};{r.step_ah * 1e3:.6f}")
    return names + commas(rows)


def quoted_lines(text: str) -> str:
    """Every line with commas in one pair of quotes, as a spreadsheet programme leaves it."""
    return "".join(f'"{line}"\n' if "," in line and '"' not in line else f"{line}\n" for line in text.splitlines())


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([number_or_text(cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def number_or_text(cell):
    try:
        return float(cell)
    except ValueError:
        return cell
