"""Damaged cycler files through `ratescope rates`: none may crash it, or hang it for 10 s.

One ideal rate test is written in the notation of every maker; these files, and the real ones where they are beside the
checkout, are damaged at random, and each is read in a worker process under a watch. File n is the same for the same
seed. The table has a row for each kind of damage and outcome: "as before" gave the capacities of the whole file,
"other, said" others with a remark, "other, unsaid" others without one; "refused" gave a sentence. Faults are said, and
their files kept in a temporary folder (--keep). It runs on Linux and macOS, because a worker's memory is limited:

    python docs/studies/fuzz_cycler_files.py --files 5000 --jobs 2 --seed 0
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import re
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from ratescope.campaign.rate_table import write_rates
from ratescope.errors import RatescopeError
from ratescope.files import write_csv

TABLE = Path(__file__).with_name("0004-fuzz.csv")
COLUMNS = ("seed", "damage", "outcome", "files")
REAL = Path(__file__).resolve().parents[2] / "../shared/real/cycler"
REAL_BYTES = 60_000  # about so much of a real file: small ones are damaged more thoroughly
MOST_SECONDS = 10.0  # of one core
PATIENCE_S = 120.0  # what is not done by then never ends
MOST_MEMORY = 8 * 2**30  # of address space
ACTIVE_MASS_MG = 12.0
ONE_C_A = 159.7 * ACTIVE_MASS_MG * 1e-6
RATES_PER_H = (0.1, 0.2, 0.2, 0.5, 1.0, 5.0, 0.2)


# --- one rate test in every notation -------------------------------------------------------------------------------


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


def novonix(test):
    above = '[Summary]\nNovonix UHPC data file\nMass (g): 1.000\n[End Summary]\n[Protocol]\n{"a":[{"b":"c, d"}]}\n'
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


def real_files() -> dict[str, bytes]:
    """The real files where they are, the long ones thinned: their header and a part of their rows, to the end."""
    return {f"real_{file.name}": thinned(file.read_bytes()) for file in sorted(REAL.iterdir())} if REAL.is_dir() else {}


def thinned(content: bytes) -> bytes:
    rows = content.split(b"\n")
    every = max(1, len(content) // REAL_BYTES)
    return b"\n".join(rows[:40] + rows[40::every])


# --- damage ---------------------------------------------------------------------------------------------------------


def damaged(whole: dict[str, bytes], seed: int, number: int) -> tuple[str, str, bytes]:
    """Name, kind of damage and content of file ``number``: a whole one damaged once or twice in the same way."""
    rng = np.random.default_rng([seed, number])
    name = str(rng.choice(sorted(whole)))
    kind = list(WAYS)[int(rng.integers(len(WAYS)))]
    content = whole[name]
    for _ in range(int(rng.integers(1, 3))):
        content = WAYS[kind](content, rng) if len(content) > 8 else content
    return name, kind, content


def cut_short(content, rng):
    return content[: rng.integers(0, len(content))]


def bytes_flipped(content, rng):
    changed = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 20)):
        changed[place] = rng.choice([rng.integers(0, 256), changed[place] ^ (1 << rng.integers(0, 8)), 0, 255])
    return bytes(changed)


def by_lines(change):
    @wraps(change)
    def way(content, rng):
        return b"\n".join(change(content.split(b"\n"), rng))

    return way


@by_lines
def lines_doubled(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:end] + rows[begin:]


@by_lines
def lines_lost(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:begin] + rows[end:]


@by_lines
def lines_shuffled(rows, rng):
    begin, end = sorted(rng.integers(0, len(rows) + 1, 2))
    return rows[:begin] + [rows[n] for n in rng.permutation(np.arange(begin, end))] + rows[end:]


@by_lines
def header_lost(rows, rng):
    return rows[int(rng.integers(1, min(len(rows), 20) + 1)) :]


@by_lines
def blank_lines(rows, rng):
    for place in rng.integers(0, len(rows) + 1, 5):
        rows.insert(int(place), rng.choice([b"", b" ", b"\t\t\t", b",,,", b"~", b"\x00"]))
    return rows


@by_lines
def number_becomes_text(rows, rng):
    for place in rng.integers(0, len(rows), rng.integers(1, 30)):
        mark = separator_of(rows[place])
        fields = rows[place].split(mark)
        word = (b"---", b"", b"inf", b"-1e999", b"NaN", b"1,2,3", b'"', b"4.2V", b"1e400", b"99:99:99", "µ".encode())
        fields[int(rng.integers(len(fields)))] = word[int(rng.integers(len(word)))]
        rows[place] = mark.join(fields)
    return rows


@by_lines
def columns_swapped(rows, rng):
    mark = separator_of(rows[-2] if len(rows) > 1 else rows[0])
    one, two = rng.integers(0, rows[-2].count(mark) + 1 if len(rows) > 1 else 1, 2)
    return [swapped(row.split(mark), one, two, mark) for row in rows]


def swapped(fields, one, two, mark):
    if max(one, two) < len(fields):
        fields[one], fields[two] = fields[two], fields[one]
    return mark.join(fields)


@by_lines
def names_changed(rows, rng):
    """A name in one of the first lines loses a letter, its unit, or gets another."""
    place = int(rng.integers(min(len(rows), 10)))
    swaps = (
        (b"A)", b"mA)"),
        (b"(s)", b"(h)"),
        (b"[", b"("),
        (b"(", b""),
        (b"V", b"mV"),
        (b"Ah", b"mAh/g"),
        (b"e", b""),
    )
    old, new = swaps[int(rng.integers(len(swaps)))]
    rows[place] = rows[place].replace(old, new)
    return rows


def separator_of(row):
    return max((b"\t", b";", b","), key=row.count)


def separators_changed(content, rng):
    mark = separator_of(content)
    return content.replace(mark, (b"\t", b";", b",", b" ", b"|", b";;")[int(rng.integers(6))])


def decimals_changed(content, rng):
    old, new = ((b".", b","), (b",", b"."), (b".", b"'"))[int(rng.integers(3))]
    half = int(rng.integers(0, 2)) * len(content) // 2
    return content[:half] + content[half:].replace(old, new)


def encoded_otherwise(content, rng):
    text = content.decode("utf-8", "replace")
    return text.encode(
        ("utf-16", "utf-8-sig", "latin-1", "utf-32", "utf-16-le", "cp037")[int(rng.integers(6))], "replace"
    )


def line_ends_changed(content, rng):
    return content.replace(b"\n", (b"\r\n", b"\r", b"\n\r", b"\x0b", b"\xe2\x80\xa8", b"")[int(rng.integers(6))])


def two_files_joined(content, rng):
    return content + content[int(rng.integers(0, 2)) * len(content) // 2 :]


def a_piece_of_another(content, rng):
    place = int(rng.integers(0, len(content)))
    return content[:place] + rng.bytes(int(rng.integers(1, 500))) + content[place:]


WAYS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    way.__name__: way
    for way in (
        cut_short,
        bytes_flipped,
        lines_doubled,
        lines_lost,
        lines_shuffled,
        header_lost,
        blank_lines,
        number_becomes_text,
        columns_swapped,
        names_changed,
        separators_changed,
        decimals_changed,
        encoded_otherwise,
        line_ends_changed,
        two_files_joined,
        a_piece_of_another,
    )
}


# --- one file -------------------------------------------------------------------------------------------------------


def outcome_of(path: Path, out: Path) -> tuple[str, list[float], list[str]]:
    """Whether it was "read", "refused" or a "fault"; the capacities that count; what was said."""
    try:
        written = write_rates([path], out, ACTIVE_MASS_MG)
    except RatescopeError as error:
        return "refused", [], [str(error)]
    except Exception as error:  # noqa: BLE001 - any at all is what is looked for
        return "fault", [], [f"{type(error).__name__}: {error}"]
    if written.refused:
        said = list(written.refused.values())
        return ("refused" if all(text.strip() and "\n" not in text for text in said) else "fault", [], said)
    table = pd.read_csv(out)
    return "read", table.loc[table.counts, "capacity_ah"].to_list(), list(written.remarks)


def serve(line, seed: int) -> None:
    """In a process of its own: read the files whose numbers come, until None comes."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    warnings.simplefilter("ignore")
    whole = {**whole_files(), **real_files()}
    with tempfile.TemporaryDirectory() as folder:
        right = {name: outcome_in(Path(folder), name, content) for name, content in whole.items()}
        line.send("ready")
        while (number := line.recv()) is not None:
            name, _, content = damaged(whole, seed, number)
            begun = time.process_time()
            outcome, capacities, said = outcome_in(Path(folder), name, content)
            seconds = time.process_time() - begun
            if seconds > MOST_SECONDS:
                outcome, said = "fault", [f"{seconds:.0f} s"]
            _, expected, usual = right[name]
            line.send((kind_of(outcome, capacities, expected, [text for text in said if text not in usual]), said))


def outcome_in(folder: Path, name: str, content: bytes) -> tuple[str, list[float], list[str]]:
    path = folder / name
    path.write_bytes(content)
    return outcome_of(path, folder / "rates.csv")


def kind_of(outcome: str, capacities: list[float], right: list[float], said: list[str]) -> str:
    if outcome != "read":
        return outcome
    if len(capacities) == len(right) and np.allclose(capacities, right, rtol=1e-3):
        return "as before"
    return "other, said" if said else "other, unsaid"


class Watched:
    """A worker process under a watch; it is replaced when it dies or takes too long."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.seed), daemon=True)
        self.process.start()
        theirs.close()
        self.line.recv()

    def outcome(self, number: int) -> tuple[str, list[str]]:
        try:
            self.line.send(number)
            if self.line.poll(PATIENCE_S):
                return self.line.recv()
            said = "it hangs"
        except (EOFError, OSError):
            self.process.join()
            said = f"the process died ({self.process.exitcode})"
        self.process.kill()
        self.start()
        return "fault", [said]


# --- many files -----------------------------------------------------------------------------------------------------


def run(first: int, files: int, jobs: int, seed: int, keep: Path) -> int:
    """How many faults there were."""
    whole = {**whole_files(), **real_files()}
    workers = [Watched(seed) for _ in range(jobs)]
    numbers = range(first, first + files)
    with ThreadPoolExecutor(jobs) as pool:
        shares = list(pool.map(share_of, workers, [numbers[i::jobs] for i in range(jobs)]))
    for worker in workers:
        worker.line.send(None)
    counts: Counter[tuple[str, str]] = Counter()
    for number, (outcome, said) in sorted({n: o for share in shares for n, o in share.items()}.items()):
        name, kind, content = damaged(whole, seed, number)
        counts[kind, outcome] += 1
        if outcome in {"fault", "other, unsaid"}:
            (keep / outcome.replace(", ", "_")).mkdir(parents=True, exist_ok=True)
            (keep / outcome.replace(", ", "_") / f"{number}_{kind}_{name}").write_bytes(content)
        if outcome == "fault":
            print(f"{number} {kind} {name}: {said}", flush=True)
    rows = [{"seed": seed, "damage": k, "outcome": o, "files": n} for (k, o), n in sorted(counts.items())]
    write_csv(TABLE, COLUMNS, rows)
    return sum(n for (_, outcome), n in counts.items() if outcome == "fault")


def share_of(worker: Watched, numbers: range) -> dict[int, tuple[str, list[str]]]:
    return {number: worker.outcome(number) for number in numbers}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "fuzz_cycler_found"))
    arguments = parser.parse_args()
    sys.exit(bool(run(arguments.first, arguments.files, arguments.jobs, arguments.seed, arguments.keep)))
