"""What is read of real cycler files, and what is said of each; for study 0004.

    python docs/studies/real_cycler_files.py FOLDER

One row per file in 0004-real-files.csv. The files are not in the repository; their makers' licences differ.
"""

import sys
from pathlib import Path

import numpy as np

from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import TIME
from ratescope.cycling.steps import find_steps
from ratescope.errors import RateTestError
from ratescope.files import write_csv

COLUMNS = ("file", "maker", "rows", "hours", "charges", "discharges", "largest_difference_from_counter", "said")
LEAST_AH_SHARE = 0.01  # of the largest step: the counters of shorter ones have too few digits


def row_of(path):
    row = {"file": path.name}
    try:
        record = read_cycler_file(path)
        rows = record.rows
        steps, remarks = find_steps(record)
    except RateTestError as error:
        return row | {"said": str(error).replace(f"{path}: ", "")}
    largest = max((step.capacity_ah for step in steps), default=0.0)
    off = [
        abs(step.counted_ah / step.capacity_ah - 1.0)
        for step in steps
        if step.counted_ah > 0 and step.capacity_ah > LEAST_AH_SHARE * largest
    ]
    return row | {
        "maker": record.maker,
        "rows": len(rows),
        "hours": round(float(np.ptp(rows[TIME])) / 3600.0, 3),
        "charges": sum(step.direction > 0 for step in steps),
        "discharges": sum(step.direction < 0 for step in steps),
        "largest_difference_from_counter": f"{max(off):.2%}" if off else "",
        "said": " ".join(remark.text for remark in (*record.remarks, *remarks)),
    }


def main(folder):
    rows = [row_of(path) for path in sorted(folder.iterdir()) if path.is_file()]
    write_csv(Path(__file__).with_name("0004-real-files.csv"), COLUMNS, rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
