"""What the rungs of the ladder see of a campaign's crops: looked at once, kept beside them, written into every run."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ratescope.baselines.ladder import Seen
from ratescope.baselines.light import light_of
from ratescope.baselines.texture import TEXTURE_FEATURES, texture_features
from ratescope.campaign.crops import CampaignCrops
from ratescope.campaign.hashes import file_hash, pixel_hash
from ratescope.campaign.sheets import Campaign
from ratescope.files import write_csv
from ratescope.imaging.descriptors import porosity_by_recipe
from ratescope.jobs import run_jobs
from ratescope.records import Box, OnProgress, no_progress
from ratescope.units import active_volume_share
from ratescope.virtual_lab.phase_map import area_porosity, phases_file, true_phases

SCHEMA = 2  # goes up when a feature is worked out in another way: then all crops are looked at anew
DIGITS = 6  # significant; so that what was kept and what was just worked out are the same numbers
KEPT_COLUMNS = ("crop", *TEXTURE_FEATURES, "true_porosity")
CROP_COLUMNS = (
    "electrode", "specimen", "file", "section", "electrode_porosity", "area_porosity", "true_porosity",
    *TEXTURE_FEATURES,
)  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Look:
    """The crops of one micrograph that are to be looked at: everything that another core needs.

    Attributes
    ----------
    places : tuple of int
        Which of the campaign's crops they are.
    pixels : uint8 array, shape (crops, 224, 672, 3)
    truth : Path
        The truth folder of a virtual campaign; others have none there.
    """

    file: str
    places: tuple[int, ...]
    pixels: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    level_to_file: Floats | None
    truth: Path


def look_at(campaign: Campaign, crops: CampaignCrops, *, jobs: int = 1, on_progress: OnProgress = no_progress) -> Seen:
    """Everything that the ladder's rungs may look at; kept in ``prepared/texture.csv`` of the campaign."""
    kept_file = campaign.folder / "prepared" / "texture.csv"
    truths = {file: phases_file(campaign.folder / "truth", file) for file in {crop.file for crop in crops.ids}}
    phases = {file: file_hash(path) if path.is_file() else "" for file, path in truths.items()}
    keys = [_key(pixels, phases[crop.file]) for crop, pixels in zip(crops.ids, crops.pixels, strict=True)]
    kept = _read_kept(kept_file)
    new = [place for place, key in enumerate(keys) if key not in kept]
    if new:
        looks = _looks(campaign, crops, new)
        what = "micrographs looked at for the ladder"
        on_progress(0, len(looks), what)
        found = run_jobs(_look, looks, jobs=jobs, on_done=lambda done: on_progress(done, len(looks), what))
        for look, rows in zip(looks, found, strict=True):
            kept |= {keys[place]: row for place, row in zip(look.places, rows, strict=True)}
        rows_kept = [dict(zip(KEPT_COLUMNS, (key, *kept[key].tolist()), strict=True)) for key in dict.fromkeys(keys)]
        write_csv(kept_file, KEPT_COLUMNS, rows_kept)
    seen = np.stack([kept[key] for key in keys])
    porosity = [campaign.electrodes[crop.electrode].porosity for crop in crops.ids]
    light = np.stack([light_of(crop) for crop in crops.pixels])  # some milliseconds each: not worth keeping
    known = np.array([np.nan if p is None else p for p in porosity])
    return Seen(crops.ids, light, seen[:, :-1], known, seen[:, -1])


def write_seen(path: Path, seen: Seen, campaign: Campaign) -> None:
    """A row per crop: its porosities (the area's by the recipe) and its texture."""
    share = active_volume_share(campaign.facts.weight_fractions, campaign.facts.densities_g_per_cm3)
    rows: list[dict[str, Any]] = [
        {
            **crop._asdict(),
            "electrode_porosity": float(seen.electrode_porosity[place]),
            "area_porosity": porosity_by_recipe(float(seen.dark_share[place]), share),
            "true_porosity": float(seen.true_porosity[place]),
            **dict(zip(TEXTURE_FEATURES, seen.texture[place].tolist(), strict=True)),
        }
        for place, crop in enumerate(seen.ids)
    ]
    write_csv(path, CROP_COLUMNS, rows)


def _key(crop: NDArray[np.uint8], phases: str) -> str:
    """Of what a row of ``texture.csv`` is worked out from: the crop, and the truth of its mosaic where there is one."""
    return hashlib.sha256(f"{SCHEMA} {pixel_hash(crop)} {phases}".encode()).hexdigest()[:16]


def _read_kept(path: Path) -> dict[str, Floats]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
        if not rows or tuple(rows[0]) != KEPT_COLUMNS:
            return {}
        return {row[0]: np.array([float(field or "nan") for field in row[1:]]) for row in rows[1:]}
    except (OSError, ValueError):
        return {}  # not there yet, or changed by other hands: looked at anew


def _looks(campaign: Campaign, crops: CampaignCrops, places: Sequence[int]) -> list[Look]:
    looks = []
    for file in dict.fromkeys(crops.ids[place].file for place in places):
        own = tuple(place for place in places if crops.ids[place].file == file)
        boxes = tuple(crops.boxes[place] for place in own)
        where = crops.level_to_file.get(file)
        looks.append(Look(file, own, crops.pixels[list(own)], boxes, where, campaign.folder / "truth"))
    return looks


def _look(look: Look) -> Floats:
    """Texture and true porosity of the crops of one micrograph, shape (crops, features + 1)."""
    phases = true_phases(look.truth, look.file, look.level_to_file, look.boxes)
    true = [np.nan] * len(look.pixels) if phases is None else [area_porosity(of_crop) for of_crop in phases]
    with threadpool_limits(1):  # small matrices: see `baselines.ladder.climb`
        texture = np.stack([texture_features(crop) for crop in look.pixels])
    return np.array([[float(f"{value:.{DIGITS}g}") for value in row] for row in np.column_stack([texture, true])])
