"""Many micrographs prepared once: in parallel, resumable, nothing done twice.

A folder of prepared micrographs holds the crops as PNG and ``prepared.json``. An entry whose file, settings and pixel
size are unchanged, and whose crops are still there, is taken over as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ratescope
from ratescope.campaign.sheets import Campaign
from ratescope.errors import CampaignError, InputError
from ratescope.files import prepare_folder, write_json
from ratescope.imaging.prepare import prepare_file
from ratescope.imaging.prepared_file import SCHEMA, read_crop, write_crops
from ratescope.imaging.reading import find_micrograph_files
from ratescope.jobs import run_jobs
from ratescope.records import Box, CropId, OnProgress, no_progress
from ratescope.settings import PrepareSettings

Entry = dict[str, Any]


@dataclass(frozen=True)
class MicrographFile:
    """A micrograph to be prepared: its path, the name it goes by, and its pixel size where the caller knows it."""

    path: Path
    name: str
    stem: str
    pixel_size_um: float | None = None


@dataclass(frozen=True, eq=False)
class CampaignCrops:
    """All crops of a campaign and where each comes from.

    Attributes
    ----------
    ids : tuple of CropId
    pixels : uint8 array, shape (n, 224, 672, 3)
    thickness_um : dict
        By micrograph file: the coating's mean thickness as measured in the image.
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
    boxes: tuple[Box, ...] = ()
    level_to_file: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def micrograph_files(paths: Sequence[Path], pixel_size_um: float | None = None) -> list[MicrographFile]:
    """The micrographs that paths name: files, folders, or campaigns (whose sheets give the pixel size).

    Raises
    ------
    InputError
        If a path does not exist, or there is no micrograph at all.
    """
    from ratescope.campaign.sheets import is_campaign, read_campaign

    found: list[tuple[Path, str, float | None]] = []
    for path in paths:
        if path.is_dir() and is_campaign(path):
            campaign = read_campaign(path)
            size = pixel_size_um or campaign.facts.pixel_size_um
            found.extend((m.path, m.file, pixel_size_um or m.pixel_size_um or size) for m in campaign.micrographs)
        else:
            found.extend((file, str(file), pixel_size_um) for file in find_micrograph_files([path]))
    once = {path.resolve(): (path, name, size) for path, name, size in found}
    if not once:
        raise InputError(
            f"no micrograph in {', '.join(map(str, paths))}. Name TIFF, PNG or JPEG files or their folder."
        )
    return _with_stems(list(once.values()))


def _with_stems(found: list[tuple[Path, str, float | None]]) -> list[MicrographFile]:
    """Stems name the crops; where two files share one, as many folders as needed are put before it."""
    stems = [path.stem for path, _, _ in found]
    depth = 1
    while depth < 20 and len(set(stems)) < len(stems):
        depth += 1
        often = Counter(stems)
        stems = [
            "_".join([*path.resolve().parts[1:-1][1 - depth :], path.stem]) if often[stem] > 1 else stem
            for stem, (path, _, _) in zip(stems, found, strict=True)
        ]
    if len(set(stems)) < len(stems):  # one folder holds a.tif and a.png
        stems = [f"{stem}_{path.suffix[1:]}" for stem, (path, _, _) in zip(stems, found, strict=True)]
    return [MicrographFile(path, name, stem, size) for stem, (path, name, size) in zip(stems, found, strict=True)]


def prepare_all(
    files: Sequence[MicrographFile],
    out: Path,
    settings: PrepareSettings,
    *,
    jobs: int = 1,
    on_progress: OnProgress = no_progress,
) -> list[Entry]:
    """Prepare micrographs into a folder: crops as PNG and ``prepared.json``; returns its entries, in order.

    Raises
    ------
    OutputError
        If the folder cannot be written. A picture that cannot be prepared raises nothing: its entry says why.
    """
    prepare_folder(out)
    known = {entry["file"]: entry for entry in _earlier_entries(out)}
    keys = [_key(file, settings) for file in files]
    done: list[Entry | None] = [
        known[file.name] if _still_holds(known.get(file.name), key, out) else None
        for file, key in zip(files, keys, strict=True)
    ]
    missing = [i for i, entry in enumerate(done) if entry is None]
    job = partial(_prepare_one, out=out, settings=settings)
    on_progress(len(files) - len(missing), len(files), "micrographs prepared")
    for count, (i, entry) in enumerate(
        zip(missing, run_jobs(job, [files[i] for i in missing], jobs=jobs), strict=True), start=1
    ):
        done[i] = entry | {"key": keys[i]}
        _write_entries(out, [entry for entry in done if entry is not None])
        on_progress(len(files) - len(missing) + count, len(files), f"micrographs prepared: {files[i].path.name}")
    entries = [entry for entry in done if entry is not None]
    _write_entries(out, entries)
    return entries


def _prepare_one(file: MicrographFile, out: Path, settings: PrepareSettings) -> Entry:
    prepared = prepare_file(file.path, settings, pixel_size_um=file.pixel_size_um)
    return write_crops(out, prepared, file.stem) | {"file": file.name}


def _key(file: MicrographFile, settings: PrepareSettings) -> str:
    """Changes with the file's content, the settings, the pixel size and the version of ratescope."""
    facts = json.dumps([asdict(settings), file.pixel_size_um, file.stem, ratescope.__version__], sort_keys=True)
    return hashlib.sha256(file_hash(file.path).encode() + facts.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content; of its name alone where it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(str(path).encode()).hexdigest()


def _earlier_entries(out: Path) -> list[Entry]:
    try:
        earlier = json.loads((out / "prepared.json").read_text(encoding="utf-8"))
        return list(earlier["micrographs"]) if earlier["schema"] == SCHEMA else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # nothing that could be taken over: everything is prepared anew


def _still_holds(entry: Entry | None, key: str, out: Path) -> bool:
    if entry is None or entry.get("key") != key:
        return False
    return all((out / s["crop"]).is_file() for s in entry["sections"] if s["status"] == "prepared")


def _write_entries(out: Path, entries: Sequence[Entry]) -> None:
    write_json(out / "prepared.json", {"schema": SCHEMA, "micrographs": list(entries)})


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
            pixels.append(read_crop(out / section["crop"]))
            boxes.append(Box(**section["box"]))
    if not ids:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
        raise CampaignError(f"{campaign.folder}: no micrograph could be prepared ({reasons}). See {out}/prepared.json.")
    thickness = {e["file"]: float(e["coating"]["thickness_um"]) for e in entries if e["coating"]}
    return CampaignCrops(
        ids=tuple(ids),
        pixels=np.stack(pixels),
        thickness_um=thickness,
        refused=refused,
        hashes={f.name: file_hash(f.path) for f in files},
        boxes=tuple(boxes),
        level_to_file={e["file"]: np.array(e["level_to_file"]) for e in entries if e["level_to_file"]},
    )


def _in_words(entry: Entry) -> str:
    return " ".join(reason["text"] for reason in entry["reasons"])
