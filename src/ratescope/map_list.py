"""``explain.json``: which maps lie in a folder, of this call and of earlier ones, and what each was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope import __version__
from ratescope.files import write_json
from ratescope.network.ensemble import Ensemble

SCHEMA = 1
NAME = "explain.json"

Entry = dict[str, Any]


class MapList:
    """The maps of a folder by their file's name, in the order in which they were made.

    A folder whose list is lost or damaged is taken for one without maps: they are made again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {entry["map"]: entry for entry in _read(folder / NAME)}

    def known(self, name: str, made_from: str) -> Entry | None:
        """The entry of a map that was made from the same and still lies there with its picture."""
        entry = self.entries.get(name)
        if entry is None or entry.get("made_from") != made_from or not _lies_in(self.folder, entry):
            return None
        return entry

    def write(self, refused: Sequence[Mapping[str, str]], remarks: Sequence[Mapping[str, str]]) -> Path:
        """Write the list; maps that were removed by hand are left out."""
        maps = [entry for entry in self.entries.values() if _lies_in(self.folder, entry)]
        said = {"schema": SCHEMA, "maps": maps, "refused": list(refused), "remarks": list(remarks)}
        write_json(self.folder / NAME, said)
        return self.folder / NAME


def origin_of(ensemble: Ensemble, crop: NDArray[np.uint8], how: Mapping[str, Any]) -> str:
    """A hash of all that decides a map: weights with what the networks are told, crop, question, and our version."""
    seen = hashlib.sha256(repr((__version__, SCHEMA, crop.shape, sorted(how.items()))).encode() + crop.tobytes())
    for network in ensemble.networks:
        for name, values in network.state_dict().items():
            seen.update(name.encode() + values.numpy().tobytes())
    return seen.hexdigest()[:16]


def _read(path: Path) -> list[Entry]:
    try:
        maps = json.loads(path.read_text(encoding="utf-8"))["maps"]
        return [dict(entry) for entry in maps if {"map", "picture"} <= set(entry)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _lies_in(folder: Path, entry: Entry) -> bool:
    return all((folder / str(entry[kind])).is_file() for kind in ("map", "picture"))
