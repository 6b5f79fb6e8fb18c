"""How long predicting a mosaic of 975 × 6300 px takes with the bundled ensemble, and what a further micrograph holds.

The last line is one JSON object: seconds_per_mosaic (crops to both capacities, all networks, median of five after a
warm-up), seconds_cold_start (`ratescope predict` as a fresh process, file to report, median of three), peak_mib (of
that process) and peak_growth_mib_per_micrograph (how much higher the peak is per further micrograph of a folder, from
10 to 40 copies of a bundled one). A report holds some 0.6 MiB of each.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mosaic import paper_mosaic
from ratescope.demo import bundled_micrographs
from ratescope.imaging.prepare import prepare_file
from ratescope.model import read_model
from ratescope.predict import predicted_with_maps
from ratescope.settings import PrepareSettings

FEW, MANY = 10, 40  # the first ten fill what the allocator keeps
# Linux counts the memory of the parent into ru_maxrss of a child, so the child reads its own line.
CHILD = """\
import resource, sys
from pathlib import Path
from ratescope.cli import main
status = main(["predict", sys.argv[1], "--out", sys.argv[2]])
lines = Path("/proc/self/status")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if lines.is_file():
    peak = int(next(line for line in lines.read_text().splitlines() if line.startswith("VmHWM")).split()[1])
print(f"peak {peak} KiB")
sys.exit(status)
"""


def predicted(path: Path) -> tuple[float, float]:
    """Seconds and the peak of the memory in MiB of `ratescope predict` as a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        command = [sys.executable, "-c", CHILD, str(path), out]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
    return seconds, int(re.findall(r"^peak (\d+) KiB$", said, re.MULTILINE)[-1]) / 1024


def peak_of_copies_mib(count: int) -> float:
    """The peak while a folder of copies of one micrograph is predicted."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            shutil.copy(bundled_micrographs()[0], Path(folder) / f"copy_{number:03d}.tif")
        return predicted(Path(folder))[1]


def main() -> None:
    path = paper_mosaic()
    cold = [predicted(path) for _ in range(3)]
    ensembles = read_model(None)
    prepared = prepare_file(path, PrepareSettings())
    warm = []
    for _ in range(6):
        start = time.perf_counter()
        predicted_with_maps(prepared, ensembles)
        warm.append(time.perf_counter() - start)
    growth_mib = (peak_of_copies_mib(MANY) - peak_of_copies_mib(FEW)) / (MANY - FEW)
    networks = sum(len(ensemble.networks) for ensemble in ensembles.values())
    print(f"{len(prepared.crops)} crops, {networks} networks; cold (s, MiB): {cold}; warm (s): {warm}")
    result = {
        "seconds_per_mosaic": round(statistics.median(warm[1:]), 3),
        "seconds_cold_start": round(statistics.median(seconds for seconds, _ in cold), 2),
        "peak_mib": round(max(peak for _, peak in cold)),
        "peak_growth_mib_per_micrograph": round(growth_mib, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
