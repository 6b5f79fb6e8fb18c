"""The story in a minute: the bundled micrographs, which are simulated, through the bundled ensemble."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from ratescope.predict import Written, predict_files
from ratescope.records import OnProgress, no_progress


def run_demo(out: Path, *, on_progress: OnProgress = no_progress) -> Written:
    """Predict the bundled micrographs into a folder, maps and report included."""
    with as_file(files("ratescope") / "bundled" / "micrographs") as folder:
        return predict_files([folder], out, on_progress=on_progress)
