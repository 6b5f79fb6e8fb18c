"""How long preparing a mosaic of 975 × 6300 px takes on one core, and how much memory beside its decoded pixels.

The last line is one JSON object: seconds_per_mosaic (median of five, after a warm-up) and peak_over_decoded (growth of
the resident memory of a fresh process over the decoded size).
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from mosaic import DECODED_BYTES, paper_mosaic
from ratescope.imaging.prepare import prepare_file
from ratescope.settings import PrepareSettings

RUNS = 5


def peak_bytes() -> int:
    """Peak of the resident memory; Linux counts that of the parent into ru_maxrss, so its own line is read there."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    path = paper_mosaic()
    if "--memory" in sys.argv:
        before = peak_bytes()
        prepare_file(path, PrepareSettings())
        print(peak_bytes() - before)
        return
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        prepared = prepare_file(path, PrepareSettings())
        seconds.append(time.perf_counter() - start)
    print(f"{len(prepared.crops)} crops of {len(prepared.sections)} sections; seconds: {seconds}")
    grown = subprocess.run([sys.executable, __file__, "--memory"], capture_output=True, check=True, text=True)
    result = {
        "seconds_per_mosaic": round(statistics.median(seconds[1:]), 3),
        "peak_over_decoded": round(int(grown.stdout) / DECODED_BYTES, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
