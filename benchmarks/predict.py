"""How long predicting a mosaic of 975 × 6300 px takes with the bundled ensemble.

The last line is one JSON object: seconds_per_mosaic (crops to both capacities, all networks, median of five after a
warm-up), seconds_cold_start (`ratescope predict` as a fresh process, file to report, median of three) and peak_mib (of
that process).
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from mosaic import paper_mosaic
from ratescope.imaging.prepare import prepare_file
from ratescope.predict import predict_prepared, read_model
from ratescope.settings import PrepareSettings


def main() -> None:
    path = paper_mosaic()
    cold = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            command = [sys.executable, "-m", "ratescope", "predict", str(path), "--out", out]
            subprocess.run(command, check=True, capture_output=True)
            cold.append(time.perf_counter() - start)
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    ensembles = read_model(None)
    prepared = prepare_file(path, PrepareSettings())
    warm = []
    for _ in range(6):
        start = time.perf_counter()
        predict_prepared(prepared, ensembles)
        warm.append(time.perf_counter() - start)
    networks = sum(len(ensemble.networks) for ensemble in ensembles.values())
    print(f"{len(prepared.crops)} crops, {networks} networks; cold: {cold}; warm: {warm}")
    result = {
        "seconds_per_mosaic": round(statistics.median(warm[1:]), 3),
        "seconds_cold_start": round(statistics.median(cold), 2),
        "peak_mib": round(peak_mib),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
