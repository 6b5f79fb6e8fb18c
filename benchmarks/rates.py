"""How fast a BaSyTec export becomes a rate test on one core, and how much memory that takes.

The export is synthetic: 21 columns in the manner of a genuine one, the rate test of Table 2, and so many rows that the
file has the size asked for (256 MB; ``--gb 2`` for 2 GB, a long test logged often), in a temporary folder. The last
line is one JSON object: mb_per_s (file → steps → rate test, one thread, a fresh process), mb_per_cpu_s (by the
processor's time, for a machine that others use too), peak_mib (growth of the resident memory of that process over what
its imports take), file_mib, and pandas_mb_per_cpu_s (pandas.read_csv of all the columns of the first 128 MB: the plain
way, which holds the file).
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.readers import read_cycler_file
from ratescope.protocol import TABLE_2
from ratescope.units import THEORETICAL_AH_PER_KG, current_a

ACTIVE_MASS_MG = 12.0
PLAIN_BYTES = 128 * 10**6
BYTES_PER_ROW = 320  # as written below


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=0.256)
    parser.add_argument("--measure", type=Path, help="file to read in this fresh process")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.txt"
        write_export(path, arguments.gb * 1e9)
        fresh = [sys.executable, __file__, "--measure", str(path)]
        grown = subprocess.run(fresh, capture_output=True, check=True, text=True)
        plain_mb_per_cpu_s = plain(path)
    print(json.dumps(json.loads(grown.stdout) | {"pandas_mb_per_cpu_s": round(plain_mb_per_cpu_s, 1)}))


def write_export(path: Path, size: float) -> None:
    """Charges and discharges of Table 2 at a straight voltage; each gets the same number of rows."""
    runs = [(block.c_rate_per_h, sign) for block in TABLE_2.sequence for _ in range(block.cycles) for sign in (1, -1)]
    rows = max(int(size / BYTES_PER_ROW / len(runs)), 10)
    start_s = 0.0
    with path.open("wb") as file:
        for number, (rate, sign) in enumerate(runs):
            table = step_of(number, rate, sign, start_s + np.linspace(0.0, 3240.0 / rate, rows))
            if number == 0:
                file.write(b"~Resultfile from Basytec Battery Test System (SYNTHETIC)\n~")
                file.write("\t".join(table).encode() + b"\n")
            as_text = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
            pyarrow.csv.write_csv(pa.table(table), file, as_text)
            start_s += 3240.0 / rate


def step_of(number: int, rate: float, sign: int, time_s: np.ndarray) -> dict[str, object]:
    """The columns of one step; the noise on voltage and current is that of a good cycler."""
    count, rng = len(time_s), np.random.default_rng(number)
    step_s, amperes = time_s - time_s[0], sign * current_a(rate, ACTIVE_MASS_MG, THEORETICAL_AH_PER_KG)
    voltage_v = np.linspace(*((3.0, 4.3) if sign > 0 else (4.2, 2.6)), count) + 1e-5 * rng.standard_normal(count)
    passed_ah = amperes * step_s / 3600.0
    counters = {
        f"{unit}{name}": passed_ah * (3.8 if unit == "Wh" else 1.0) * factor
        for unit in ("Ah", "Wh")
        for name, factor in ((f"[{unit}]", 1), ("-Cyc-Charge", 2), ("-Cyc-Discharge", 3), ("-Step", 1))
    }
    return {
        "Time[s]": time_s,
        "DataSet": number * count + np.arange(count),
        "t-Step[s]": step_s,
        "t-Set[s]": time_s,
        "t-Cyc[s]": step_s,
        "Line": np.full(count, 4 if sign > 0 else 6),
        "Command": ["Charge" if sign > 0 else "Discharge"] * count,
        "U[V]": voltage_v,
        "I[A]": amperes * (1.0 + 1e-4 * rng.standard_normal(count)),
        "P[W]": voltage_v * amperes,
        **counters,
        "T1[°C]": np.round(20.0 + 0.05 * rng.standard_normal(count), 3),
        "Cyc-Count": np.full(count, number // 2 + 1),
        "State": np.ones(count, dtype=int),
    }


def measure(path: Path) -> dict[str, float]:
    before = peak_bytes()
    start, start_of_cpu = time.perf_counter(), time.process_time()
    test = rate_test(read_cycler_file(path), cell="c", electrode="e", active_mass_mg=ACTIVE_MASS_MG)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_of_cpu
    if len(counting := [d for d in test.discharges if d.counts]) != len(TABLE_2.curve_rates_per_h):
        raise SystemExit(f"{len(counting)} discharges count")
    size = path.stat().st_size
    return {
        "mb_per_s": round(size / 1e6 / seconds, 1),
        "mb_per_cpu_s": round(size / 1e6 / cpu_seconds, 1),
        "peak_mib": round((peak_bytes() - before) / 2**20, 1),
        "file_mib": round(size / 2**20, 1),
    }


def plain(path: Path) -> float:
    with path.open("rb") as file:
        rows = sum(1 for _ in zip(range(PLAIN_BYTES // BYTES_PER_ROW), file, strict=False))
        size = file.tell()
    start = time.process_time()
    pd.read_csv(path, sep="\t", skiprows=1, nrows=rows)
    return size / 1e6 / (time.process_time() - start)


def peak_bytes() -> int:
    """Peak of the resident memory; Linux counts that of the parent into ru_maxrss, so its own line is read there."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
