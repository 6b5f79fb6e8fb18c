"""What can be read from a campaign's micrographs without preparing them, and which of them are the same picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from ratescope.campaign.entries import Campaign, MicrographEntry
from ratescope.campaign.hashes import file_hash, pixel_hash
from ratescope.campaign.near_copies import TURNS
from ratescope.campaign.references import is_file
from ratescope.errors import MicrographError
from ratescope.imaging.readers.scan import to_rgb8
from ratescope.imaging.reading import open_scan
from ratescope.records import OnProgress, no_progress

GRID = (24, 96)  # our choice: cells of about 5 × 8 µm in the paper's mosaics, so that single grains show
SHADE_CELLS = (1.0, 2.0)  # our choice: foil, surface and slow light, which all micrographs share, are taken away
NEARLY_THE_SAME = 0.6  # our choice: others stay below 0.25 (0.35 if steeply tilted alike), re-saved ones above 0.9


@dataclass(frozen=True, eq=False)
class Picture:
    """One micrograph as a file and as a picture.

    Attributes
    ----------
    file_hash, pixel_hash : str
        Of the bytes of the file; of the decoded pixels, whatever the format and compression.
    pixel_size_um : float or None
        As the file says it.
    signature : float array, shape (24, 96)
        A coarse grid of its brightness without what all cross-sections share; its squares sum to 1, or to 0 if blank.
    """

    entry: MicrographEntry
    file_hash: str
    pixel_hash: str
    rows: int
    columns: int
    file_bytes: int
    mean_brightness: float
    pixel_size_um: float | None
    signature: NDArray[np.float32]


class SamePicture(NamedTuple):
    """Two files that hold one picture.

    ``how`` says in which sense; ``is_certain`` where the bytes or pixels are the same, else ``likeness`` decided.
    """

    first: MicrographEntry
    second: MicrographEntry
    how: str
    likeness: float
    is_certain: bool

    @property
    def is_one_specimen(self) -> bool:
        """The same picture twice in one specimen counts twice; in two, one of them is filed wrongly."""
        return (self.first.electrode, self.first.specimen) == (self.second.electrode, self.second.specimen)

    def in_words(self) -> str:
        """One sentence, and what to do."""
        where = f"electrode {self.first.electrode} specimen {self.first.specimen}"
        if not self.is_one_specimen:
            other = f"electrode {self.second.electrode} specimen {self.second.specimen}"
            where += f", and {other}: one of them is filed wrongly"
        likeness = "" if self.is_certain else f", likeness {self.likeness:.2f}"
        files = f"{self.first.file!r} and {self.second.file!r}"
        return f"{files} are {self.how}{likeness} ({where}). Keep one of them."


def read_pictures(campaign: Campaign, *, on_progress: OnProgress = no_progress) -> tuple[list[Picture], dict[str, str]]:
    """All micrographs of a campaign that are there, decoded one by one; and by file why others cannot be read."""
    pictures, refused = [], {}
    for done, entry in enumerate(campaign.micrographs, start=1):
        if is_file(entry.path):
            try:
                pictures.append(read_picture(entry))
            except MicrographError as error:
                refused[entry.file] = error.text
        on_progress(done, len(campaign.micrographs), "micrographs read")
    return pictures, refused


def read_picture(entry: MicrographEntry) -> Picture:
    """Decode one micrograph.

    Raises
    ------
    MicrographError
        If it is not one whole image.
    """
    with open_scan(entry.path) as scan:
        pixels, _ = to_rgb8(scan, entry.path.name)
        size_um = scan.pixel_size_um[0] if scan.pixel_size_um else None
    grey = Image.fromarray(pixels).convert("L")
    return Picture(
        entry=entry,
        file_hash=file_hash(entry.path),
        pixel_hash=pixel_hash(pixels),
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        file_bytes=entry.path.stat().st_size,
        mean_brightness=float(np.asarray(grey).mean()),
        pixel_size_um=size_um,
        signature=signature_of(grey),
    )


def signature_of(grey: Image.Image) -> NDArray[np.float32]:
    """The coarse grid of a picture: see `Picture`."""
    rows, columns = GRID
    grid = np.asarray(grey.resize((columns, rows), Image.Resampling.BOX), np.float32)
    grid = grid - gaussian_filter(grid, SHADE_CELLS)
    grid -= np.median(grid, axis=1, keepdims=True)  # layers run along the rows in every cross-section
    # Where the foil's edge or the surface runs, the contrast is tenfold: without a limit these few rows would decide.
    limit = 1.5 * float(np.median(np.abs(grid)))
    grid = np.clip(grid, -limit, limit)
    norm = float(np.linalg.norm(grid))
    return np.asarray(grid / norm if norm > 0.0 else grid, np.float32)


def same_pictures(pictures: Sequence[Picture]) -> list[SamePicture]:
    """Pairs of files that hold the same picture: by their bytes, their pixels, or nearly; mirrored too."""
    found: dict[tuple[int, int], SamePicture] = {}
    hashes = {"file": [p.file_hash for p in pictures], "pixels": [p.pixel_hash for p in pictures]}
    for how, known in hashes.items():
        for first, second in _equal_pairs(known):
            same = SamePicture(pictures[first].entry, pictures[second].entry, f"the same {how}", 1.0, is_certain=True)
            found.setdefault((first, second), same)
    for first, second, likeness, turned in _alike([p.signature for p in pictures]):
        if pictures[first].pixel_hash != pictures[second].pixel_hash:
            how = f"nearly the same picture{', ' if turned else ''}{turned}"
            same = SamePicture(pictures[first].entry, pictures[second].entry, how, likeness, is_certain=False)
            found.setdefault((first, second), same)
    return [found[pair] for pair in sorted(found)]


def _equal_pairs(hashes: Sequence[str]) -> list[tuple[int, int]]:
    """Each later one with the first one of the same hash."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, known in enumerate(hashes):
        places[known].append(place)
    return [(group[0], other) for group in places.values() for other in group[1:]]


def _alike(signatures: Sequence[NDArray[np.float32]]) -> list[tuple[int, int, float, str]]:
    """Pairs whose signatures correlate, as they are or turned, by a matrix product each; most alike first."""
    stack = np.array(signatures, np.float32).reshape(len(signatures), *GRID)
    flat = stack.reshape(len(stack), GRID[0] * GRID[1])
    found = []
    for turned, (down, right) in TURNS.items():
        likeness = np.triu(flat @ stack[:, ::down, ::right].reshape(flat.shape).T, k=1)
        found += [
            (int(first), int(second), float(likeness[first, second]), turned)
            for first, second in np.argwhere(likeness >= NEARLY_THE_SAME)
        ]
    return sorted(found, key=lambda pair: -pair[2])
