"""What tells whether a file, or the pixels of a crop, are still the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content; of its name alone where it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return hashlib.sha256(str(path).encode()).hexdigest()


def pixel_hash(crop: NDArray[np.uint8]) -> str:
    """SHA-256 of what a crop shows, however its file packs it."""
    return hashlib.sha256(f"{crop.shape} ".encode() + crop.tobytes()).hexdigest()
