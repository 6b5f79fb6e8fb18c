"""How surely a copied, changed or overlapping crop is found, and how often different crops are taken for copies.

    python docs/studies/near_copies_of_crops.py CAMPAIGN/prepared docs/studies/0004-near-copies.csv

CAMPAIGN/prepared: the crops of a virtual campaign (`ratescope lab`, then `ratescope prepare`). Forty crops are changed
one after the other and filed under another electrode; then all crops as they are, where every pair found is wrong.
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ratescope.campaign.near_copies import near_copies
from ratescope.files import write_csv
from ratescope.imaging.reading import read_crop
from ratescope.records import CropId

CROPS_CHANGED = 40


def as_jpeg(crop, quality):
    stream = io.BytesIO()
    Image.fromarray(crop).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def shifted(crop, other, down, right):
    """The crop moved, and another one where it has gone."""
    moved = other.copy()
    moved[down:, right:] = crop[: crop.shape[0] - down, : crop.shape[1] - right]
    return moved


def scaled(crop, factor):
    rows, columns = crop.shape[:2]
    size = (int(columns * factor), int(rows * factor))
    return np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC))[:rows, :columns]


def turned(crop, degrees):
    fill = tuple(int(value) for value in crop.mean((0, 1)))
    return np.asarray(Image.fromarray(crop).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=fill))


CHANGES = {
    "JPEG, quality 30": lambda crop, _: as_jpeg(crop, 30),
    "10 % brighter": lambda crop, _: np.clip(crop * 1.1, 0, 255).astype(np.uint8),
    "mirrored left to right": lambda crop, _: crop[:, ::-1],
    "turned by 180°": lambda crop, _: crop[::-1, ::-1],
    **{
        f"shifted by {down} rows and {right} columns": lambda crop, other, at=(down, right): shifted(crop, other, *at)
        for down, right in ((0, 20), (0, 50), (0, 100), (0, 200), (0, 328), (20, 50), (60, 0), (100, 200))
    },
    "turned by 1°": lambda crop, _: turned(crop, 1),
    "turned by 3°": lambda crop, _: turned(crop, 3),
    "enlarged by 5 %": lambda crop, _: scaled(crop, 1.05),
    "enlarged by 10 %": lambda crop, _: scaled(crop, 1.1),
}


def main(prepared, out):
    entries = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))["micrographs"]
    found = [
        (CropId(entry["electrode"], entry["specimen"], entry["file"], section["index"]), section["crop"])
        for entry in entries
        for section in entry["sections"]
        if section["status"] == "prepared"
    ]
    crops = np.stack([read_crop(prepared / name).pixels for _, name in found])
    chosen = np.random.default_rng(0).choice(len(crops), CROPS_CHANGED, replace=False)
    rows = []
    for what, change in CHANGES.items():
        likeness = []
        for i in chosen:
            copy = change(crops[i], crops[(i + len(crops) // 3) % len(crops)])
            pair = near_copies([CropId("a", "s", "a", 0), CropId("b", "s", "b", 0)], np.stack([crops[i], copy]))
            likeness += [pair[0].likeness] if pair else []
        least = round(min(likeness), 3) if likeness else None
        rows.append({"what": what, "found": len(likeness), "of": CROPS_CHANGED, "least_likeness": least})
    wrong = near_copies([crop for crop, _ in found], crops)
    files = [crop.file for crop, _ in found]
    pairs = sum(first != second for i, first in enumerate(files) for second in files[i + 1 :])
    rows.append({"what": "different crops (false alarms)", "found": len(wrong), "of": pairs})
    write_csv(out, ["what", "found", "of", "least_likeness"], rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
