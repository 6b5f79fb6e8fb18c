"""All crops of a campaign: prepared in its folder, each with the electrode and specimen that it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.hashes import file_hash
from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.campaign.prepared_folder import Entry, prepare_all
from ratescope.campaign.sheets import Campaign
from ratescope.errors import CampaignError
from ratescope.facts import shows_whole_thickness
from ratescope.imaging.reading import read_crop
from ratescope.records import Box, CropId, OnProgress, no_progress
from ratescope.settings import PrepareSettings


@dataclass(frozen=True, eq=False)
class CampaignCrops:
    """All crops of a campaign and where each comes from.

    Attributes
    ----------
    ids : tuple of CropId
    pixels : uint8 array, shape (n, 224, 672, 3)
    thickness_um : dict
        By micrograph file: the coating's mean thickness as measured in the image, where that shows all of it.
    refused : dict
        By micrograph file, or file and section: why.
    boxes : tuple of Box
        Of each crop, in its levelled micrograph at the file's own scale.
    level_to_file : dict
        By micrograph file: (row, column, 1) in the levelled micrograph → (row, column) in the file, shape (2, 3).
    """

    ids: tuple[CropId, ...]
    pixels: NDArray[np.uint8]
    thickness_um: dict[str, float]
    refused: dict[str, str]
    hashes: dict[str, str]
    boxes: tuple[Box, ...]
    level_to_file: dict[str, NDArray[np.float64]]


def prepare_campaign(
    campaign: Campaign, settings: PrepareSettings, *, jobs: int = 1, on_progress: OnProgress = no_progress
) -> CampaignCrops:
    """Crops of all micrographs of a campaign, kept in its folder ``prepared/``."""
    files = micrograph_files([campaign.folder])
    out = campaign.folder / "prepared"
    entries = prepare_all(files, out, settings, jobs=jobs, on_progress=on_progress)
    where = {m.file: m for m in campaign.micrographs}
    ids, pixels, boxes, refused = [], [], [], {}
    for entry in entries:
        if entry["status"] == "refused":
            refused[entry["file"]] = _in_words(entry)
        for section in entry["sections"]:
            if section["status"] == "refused":
                refused[f"{entry['file']} section {section['index']}"] = _in_words(section)
                continue
            micrograph = where[entry["file"]]
            ids.append(CropId(micrograph.electrode, micrograph.specimen, micrograph.file, section["index"]))
            pixels.append(read_crop(out / section["crop"]).pixels)
            boxes.append(Box(**section["box"]))
    if not ids:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
        raise CampaignError(f"{campaign.folder}: no micrograph could be prepared ({reasons}). See {out}/prepared.json.")
    thickness = {e["file"]: float(e["coating"]["thickness_um"]) for e in entries if _shows_whole_coating(e)}
    return CampaignCrops(
        ids=tuple(ids),
        pixels=np.stack(pixels),
        thickness_um=thickness,
        refused=refused,
        hashes={f.name: file_hash(f.path) for f in files},
        boxes=tuple(boxes),
        level_to_file={e["file"]: np.array(e["level_to_file"]) for e in entries if e["level_to_file"]},
    )


def _shows_whole_coating(entry: Entry) -> bool:
    return bool(entry["coating"]) and shows_whole_thickness(finding["code"] for finding in entry["findings"])


def _in_words(entry: Entry) -> str:
    return " ".join(reason["text"] for reason in entry["reasons"])
