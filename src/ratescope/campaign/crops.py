"""Many micrographs prepared once: in parallel, resumable, nothing done twice.

A folder of prepared micrographs holds the crops as PNG, ``prepared.json``, and in ``pictures/`` what the preparation
saw in each micrograph. An entry whose file, settings and pixel size are unchanged, and whose crops and picture are
still there, the crops whole, is taken over as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ratescope
from ratescope.campaign.crop_facts import facts_in_sheets
from ratescope.campaign.sheets import Campaign
from ratescope.errors import CampaignError, InputError, MicrographError
from ratescope.files import prepare_folder, whole_file, write_json
from ratescope.imaging.prepare import prepare_file
from ratescope.imaging.prepared_file import SCHEMA, read_crop, write_crops
from ratescope.imaging.reading import find_micrograph_files, matching_paths, read_micrograph
from ratescope.imaging.sketch import draw_preparation, view_size
from ratescope.jobs import run_jobs
from ratescope.records import Box, CropId, OnProgress, Prepared, no_progress
from ratescope.settings import PrepareSettings
from ratescope.units import NETWORK_PIXEL_SIZE_UM, active_volume_share

Entry = dict[str, Any]


@dataclass(frozen=True)
class MicrographFile:
    """A micrograph to be prepared.

    Attributes
    ----------
    name, stem : str
        What it goes by; the stem names its crops.
    pixel_size_um : float, optional
        Where the caller knows it better than the file.
    otherwise_um : float, optional
        The campaign's pixel size: where the file says nothing.
    active_volume_share : float, optional
        Of the solid's volume, where a campaign tells the recipe.
    facts : dict
        What a campaign's sheets say of its electrode, by name (`ratescope.facts`).
    electrode : str
        Its name, where a campaign tells it.
    """

    path: Path
    name: str
    stem: str
    pixel_size_um: float | None = None
    otherwise_um: float | None = None
    active_volume_share: float | None = None
    facts: dict[str, float] = field(default_factory=dict)
    electrode: str = ""


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

    found: list[MicrographFile] = []
    for path in matching_paths(paths):
        if path.is_dir() and is_campaign(path):
            campaign = read_campaign(path)
            share = active_volume_share(campaign.facts.weight_fractions, campaign.facts.densities_g_per_cm3)
            found.extend(
                MicrographFile(
                    m.path,
                    m.file,
                    m.path.stem,
                    pixel_size_um,
                    m.pixel_size_um or campaign.facts.pixel_size_um,
                    share,
                    facts_in_sheets(campaign.electrodes[m.electrode]),
                    m.electrode,
                )
                for m in campaign.micrographs
            )
        else:
            found.extend(MicrographFile(f, str(f), f.stem, pixel_size_um) for f in find_micrograph_files([path]))
    once = {file.path.resolve(): file for file in found}
    if not once:
        raise InputError(
            f"no micrograph in {', '.join(map(str, paths))}. Name TIFF, PNG or JPEG files or their folder."
        )
    return _with_own_stems(list(once.values()))


def _with_own_stems(files: Sequence[MicrographFile]) -> list[MicrographFile]:
    """Where two files share a stem, as many folders as needed are put before it."""
    stems = [file.stem for file in files]
    depth = 1
    while depth < 20 and len(set(stems)) < len(stems):
        depth += 1
        often = Counter(stems)
        stems = [
            "_".join([*file.path.resolve().parts[1:-1][1 - depth :], file.path.stem]) if often[stem] > 1 else stem
            for stem, file in zip(stems, files, strict=True)
        ]
    if len(set(stems)) < len(stems):  # one folder holds a.tif and a.png
        stems = [f"{stem}_{file.path.suffix[1:]}" for stem, file in zip(stems, files, strict=True)]
    return [replace(file, stem=stem) for stem, file in zip(stems, files, strict=True)]


def prepare_all(
    files: Sequence[MicrographFile],
    out: Path,
    settings: PrepareSettings,
    *,
    facts: Mapping[str, dict[str, str]] | None = None,
    jobs: int = 1,
    on_progress: OnProgress = no_progress,
) -> list[Entry]:
    """Prepare micrographs into a folder: crops, pictures and ``prepared.json``; returns its entries, in order.

    Parameters
    ----------
    facts : by micrograph's name, what a campaign says of it, such as its electrode: goes into its entry

    Raises
    ------
    OutputError
        If the folder cannot be written. A picture that cannot be prepared raises nothing: its entry says why.
    """
    prepare_folder(out)
    known = {entry["file"]: entry for entry in _earlier_entries(out)}
    facts = facts or {}
    keys = [_key(file, settings) for file in files]
    done: list[Entry | None] = [
        known[file.name] | facts.get(file.name, {}) if _still_holds(known.get(file.name), key, out) else None
        for file, key in zip(files, keys, strict=True)
    ]
    # Written first, because it marks the folder as ours: no search for micrographs takes our pictures for some.
    _write_entries(out, [entry for entry in done if entry is not None])
    missing = [i for i, entry in enumerate(done) if entry is None]
    job = partial(_prepare_one, out=out, settings=settings)
    on_progress(len(files) - len(missing), len(files), "micrographs prepared")
    for count, (i, entry) in enumerate(
        zip(missing, run_jobs(job, [files[i] for i in missing], jobs=jobs), strict=True), start=1
    ):
        done[i] = entry | {"key": keys[i]} | facts.get(files[i].name, {})
        _write_entries(out, [entry for entry in done if entry is not None])
        on_progress(len(files) - len(missing) + count, len(files), f"micrographs prepared: {files[i].path.name}")
    entries = [entry for entry in done if entry is not None]
    _write_entries(out, entries)
    return entries


def _prepare_one(file: MicrographFile, out: Path, settings: PrepareSettings) -> Entry:
    """Prepare one micrograph and draw what was seen in it, while its pixels are at hand."""
    prepared = prepare_file(file.path, settings, file.pixel_size_um, file.otherwise_um)
    prepared = replace(prepared, file=file.name)
    pixels = prepared.pixels
    if any(reason.code == "no-pixel-size" for reason in prepared.reasons):
        pixels = _pixels_without_size(file.path)
    entry = write_crops(out, prepared, file.stem, active_volume_share=file.active_volume_share)
    return entry | _write_picture(out, prepared, pixels, file.stem)


def _pixels_without_size(path: Path) -> NDArray[np.uint8] | None:
    """What a file shows that does not say how large its pixels are."""
    try:
        return read_micrograph(path, pixel_size_um=NETWORK_PIXEL_SIZE_UM).pixels
    except MicrographError:
        return None


def _write_picture(out: Path, prepared: Prepared, pixels: NDArray[np.uint8] | None, stem: str) -> Entry:
    """Write the picture as JPEG, so that the PNG of the folder stay crops alone.

    Returns its name, and the rows and columns of the micrograph in it; the words stand below.
    """
    name = f"pictures/{stem}.jpg"
    with whole_file(out / name) as part:
        # Colour at full resolution: the lines are thin.
        draw_preparation(prepared, pixels, burnt_in=prepared.burnt_in).save(
            part, format="JPEG", quality=82, subsampling=0
        )
    shape = None if pixels is None else (pixels.shape[0], pixels.shape[1])
    return {"picture": name, "picture_size": list(view_size(shape))}


def _key(file: MicrographFile, settings: PrepareSettings) -> str:
    """Changes with the file's content, the settings, the pixel size and the version of ratescope."""
    known = [file.pixel_size_um, file.otherwise_um, file.active_volume_share, file.stem, ratescope.__version__]
    facts = json.dumps([asdict(settings), *known], sort_keys=True)
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
    if not (out / entry.get("picture", ".")).is_file():
        return False
    return all(_is_whole(out / s["crop"]) for s in entry["sections"] if s["status"] == "prepared")


def _is_whole(crop: Path) -> bool:
    """Whether a crop is there and can be read to its end: it is cut anew otherwise."""
    try:
        read_crop(crop)
    except MicrographError:
        return False
    return True


def _write_entries(out: Path, entries: Sequence[Entry]) -> None:
    write_json(out / "prepared.json", {"schema": SCHEMA, "micrographs": list(entries)})


def prepare_campaign(
    campaign: Campaign, settings: PrepareSettings, *, jobs: int = 1, on_progress: OnProgress = no_progress
) -> CampaignCrops:
    """Crops of all micrographs of a campaign, kept in its folder ``prepared/``."""
    files = micrograph_files([campaign.folder])
    out = campaign.folder / "prepared"
    entries = prepare_all(files, out, settings, facts=electrodes_of(campaign), jobs=jobs, on_progress=on_progress)
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
    """Where the coating runs out of the image, it is only known to be at least so thick."""
    return bool(entry["coating"]) and all(finding["code"] != "surface-not-seen" for finding in entry["findings"])


def electrodes_of(campaign: Campaign) -> dict[str, dict[str, str]]:
    """By micrograph's name: its electrode and specimen, for `prepare_all`."""
    return {m.file: {"electrode": m.electrode, "specimen": m.specimen} for m in campaign.micrographs}


def _in_words(entry: Entry) -> str:
    return " ".join(reason["text"] for reason in entry["reasons"])
