"""What the virtual laboratory costs: a mosaic of 975 × 6300 px and a whole rate test, on one core, memory included.

OMP_NUM_THREADS=1 python benchmarks/lab.py
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np

from ratescope.units import NETWORK_PIXEL_SIZE_UM
from ratescope.virtual_lab.cell import draw_cell
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.discharge import simulate_rate_test
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.tortuosity import geometric_tortuosity

ROWS, COLUMNS = 975, 6300  # section 2.1
LOOSE = VirtualElectrode("0MPa", "batch-1", load_mpa=0.0, porosity=0.495)
DENSE = VirtualElectrode("750MPa", "batch-1", load_mpa=750.0, porosity=0.196)  # the most grains, the most cracks


def mosaic(electrode: VirtualElectrode) -> None:
    rng = np.random.default_rng(1)
    section = cut_cross_section(electrode, width_um=COLUMNS * NETWORK_PIXEL_SIZE_UM, rng=rng)
    photograph(section, rows=ROWS, columns=COLUMNS, rng=rng)


def cell(electrode: VirtualElectrode) -> None:
    simulate_rate_test(draw_cell(electrode, f"{electrode.name}_c1", np.random.default_rng(1)))


def tortuosity(electrode: VirtualElectrode) -> None:
    geometric_tortuosity(electrode, np.random.default_rng(1))


WHAT = {"mosaic": mosaic, "cell": cell, "tortuosity": tortuosity}


def alone(what: str, which: str) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of one piece of work in a process of its own; start-up is not counted."""
    done = subprocess.run([sys.executable, __file__, what, which], check=True, capture_output=True, text=True)
    seconds, mib = json.loads(done.stdout)
    return seconds, mib


def main() -> None:
    if len(sys.argv) == 3:
        start = time.perf_counter()
        WHAT[sys.argv[1]]({"loose": LOOSE, "dense": DENSE}[sys.argv[2]])
        seconds = time.perf_counter() - start
        print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0]))
        return
    measured = {(what, which): alone(what, which) for what in WHAT for which in ("loose", "dense")}
    for (what, which), (seconds, mib) in measured.items():
        print(f"{what}, {which}: {seconds:.1f} s, {mib:.0f} MiB at its peak")
    worst = {what: np.max([measured[what, which] for which in ("loose", "dense")], axis=0).tolist() for what in WHAT}
    print(
        json.dumps(
            {
                "seconds_per_mosaic": round(worst["mosaic"][0], 2),
                "seconds_per_cell": round(worst["cell"][0], 2),
                "seconds_per_tortuosity": round(worst["tortuosity"][0], 2),
                "mosaic_peak_mib": round(worst["mosaic"][1]),
                "cell_peak_mib": round(worst["cell"][1]),
            }
        )
    )


if __name__ == "__main__":
    main()
