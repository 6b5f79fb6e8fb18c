"""Many micrographs prepared once: in parallel, resumable, nothing done twice.

A folder of prepared micrographs holds the crops as PNG, ``prepared.json``, and in ``pictures/`` what the preparation
saw in each micrograph. An entry whose file, settings and pixel size are unchanged, and whose crops and picture are
still there, the crops whole, is taken over as it is. A crop that shows something else than was cut is said, not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ratescope
from ratescope.campaign.hashes import file_hash, pixel_hash
from ratescope.campaign.micrograph_files import MicrographFile, prepared_of
from ratescope.errors import InputError, MicrographError
from ratescope.files import prepare_folder, remove_halves, whole_file, write_json
from ratescope.imaging.prepared_file import SCHEMA, write_crops
from ratescope.imaging.reading import read_crop, read_micrograph
from ratescope.imaging.sketch import draw_preparation, view_size
from ratescope.jobs import finished_jobs
from ratescope.records import OnProgress, Prepared, no_progress
from ratescope.settings import PrepareSettings
from ratescope.units import NETWORK_PIXEL_SIZE_UM

Entry = dict[str, Any]

_LONGEST_WRITING_S = 3600.0  # our choice: another run may be preparing the same campaign


def prepare_all(
    files: Sequence[MicrographFile],
    out: Path,
    settings: PrepareSettings,
    *,
    jobs: int = 1,
    on_progress: OnProgress = no_progress,
) -> list[Entry]:
    """Prepare micrographs into a folder: crops, pictures and ``prepared.json``; returns its entries, in order.

    Raises
    ------
    InputError
        If a crop there is whole, but not the one that was cut.
    OutputError
        If the folder cannot be written. A picture that cannot be prepared raises nothing: its entry says why.
    """
    prepare_folder(out)
    remove_halves(out, out / "pictures", older_than_s=_LONGEST_WRITING_S)
    known = {entry["file"]: entry for entry in _earlier_entries(out)}
    keys = [_key(file, settings) for file in files]
    done: list[Entry | None] = [
        known[file.name] | _from_sheets(file) if _still_holds(known.get(file.name), key, out) else None
        for file, key in zip(files, keys, strict=True)
    ]
    # Written first, because it marks the folder as ours: no search for micrographs takes our pictures for some.
    _write_entries(out, [entry for entry in done if entry is not None])
    missing = [i for i, entry in enumerate(done) if entry is None]
    job = partial(_prepare_one, out=out, settings=settings)
    on_progress(len(files) - len(missing), len(files), "micrographs prepared")
    for count, (place, entry) in enumerate(finished_jobs(job, [files[i] for i in missing], jobs=jobs), start=1):
        i = missing[place]
        done[i] = entry | {"key": keys[i]} | _from_sheets(files[i])
        _write_entries(out, [entry for entry in done if entry is not None])
        on_progress(len(files) - len(missing) + count, len(files), f"micrographs prepared: {files[i].path.name}")
    entries = [entry for entry in done if entry is not None]
    _write_entries(out, entries)
    return entries


def _from_sheets(file: MicrographFile) -> Entry:
    """What a campaign says of a micrograph, for its entry."""
    return {"electrode": file.electrode, "specimen": file.specimen} if file.electrode else {}


def _prepare_one(file: MicrographFile, out: Path, settings: PrepareSettings) -> Entry:
    """Prepare one micrograph and draw what was seen in it, while its pixels are at hand."""
    prepared = prepared_of(file, settings, crops_given=False)
    pixels = prepared.pixels
    if any(reason.code == "no-pixel-size" for reason in prepared.reasons):
        pixels = _pixels_without_size(file.path)
    entry = write_crops(out, prepared, file.stem, active_volume_share=file.active_volume_share)
    for section, cut in zip(entry["sections"], prepared.sections, strict=True):
        section["pixels_sha256"] = None if cut.crop is None else pixel_hash(cut.crop)
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


def _earlier_entries(out: Path) -> list[Entry]:
    try:
        earlier = json.loads((out / "prepared.json").read_text(encoding="utf-8"))
        return list(earlier["micrographs"]) if earlier["schema"] == SCHEMA else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # nothing that could be taken over: everything is prepared anew


def _still_holds(entry: Entry | None, key: str, out: Path) -> bool:
    if entry is None or entry.get("key") != key:
        return False
    crops = [_is_as_cut(section, entry["file"], out) for section in entry["sections"] if section["crop"]]
    return all(crops) and (out / entry.get("picture", ".")).is_file()


def _is_as_cut(section: Entry, file: str, out: Path) -> bool:
    """Whether a crop is there and can be read to its end, and was cut by a version that noted its pixels.

    It is cut anew otherwise; but what shows something else was put there by somebody, and is not replaced unasked.
    """
    crop = out / section["crop"]
    try:
        seen = pixel_hash(read_crop(crop).pixels)
    except MicrographError:
        return False
    if seen != section.get("pixels_sha256", seen):
        raise InputError(
            f"{crop} is not the crop that was cut from {file}: its pixels have changed since. "
            f"Remove it, and it is cut again, or remove {out} to prepare all micrographs anew."
        )
    return "pixels_sha256" in section


def _write_entries(out: Path, entries: Sequence[Entry]) -> None:
    write_json(out / "prepared.json", {"schema": SCHEMA, "micrographs": list(entries)})
