"""How well the preparation does on a virtual campaign whose truth is known; every number of study 0001 on it.

make bundled                                                  # makes scratch/bundled-campaign, among others
python docs/studies/preparation_against_truth.py scratch/bundled-campaign
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

campaign = Path(sys.argv[1])
entries = json.loads((campaign / "prepared" / "prepared.json").read_text(encoding="utf-8"))["micrographs"]
tilt_deg, line_px = [], []
for entry in (entry for entry in entries if entry["collector"]):
    truth = json.loads((campaign / "truth" / f"{Path(entry['file']).stem}.json").read_text(encoding="utf-8"))
    foil, found = np.array(truth["foil_rows"]), entry["collector"]
    columns = np.arange(foil.size)
    true_line = np.polyval(np.polyfit(columns, foil, 1), columns)
    line_px.append(np.abs(np.linspace(found["row_left"], found["row_right"], foil.size) - true_line).max())
    tilt_deg.append(abs(found["tilt_deg"] - truth["tilt_deg"]))
sections = [section for entry in entries for section in entry["sections"]]
result = {
    "micrographs": dict(Counter(entry["status"] for entry in entries)),
    "sections": dict(Counter(section["status"] for section in sections)),
    "reasons": dict(Counter(reason["code"] for section in sections for reason in section["reasons"])),
    "tilt_error_deg_median_p95": [round(float(np.quantile(tilt_deg, share)), 4) for share in (0.5, 0.95)],
    "line_error_px_median_p95_max": [round(float(np.quantile(line_px, share)), 2) for share in (0.5, 0.95, 1.0)],
}
print(json.dumps(result))
