"""The story in a minute: the bundled micrographs, which are simulated, through the bundled ensemble."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ratescope.predict import predict_files
from ratescope.records import OnProgress, no_progress
from ratescope.written import Written


def run_demo(out: Path, *, on_progress: OnProgress = no_progress) -> Written:
    """Predict the bundled micrographs into a folder, maps and report included."""
    return predict_files(bundled_micrographs(), out, micrographs_simulated=True, on_progress=on_progress)


def bundled_micrographs() -> list[Path]:
    """The micrographs that ratescope brings along, by name; they are simulated."""
    return sorted(Path(str(files("ratescope"))).glob("bundled/micrographs/*.tif"))
