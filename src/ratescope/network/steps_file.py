"""Networks that train in other processes, or on other machines, say in a small file how far they are; here it is read.

A file is the one way that is the same on several cores and on a cluster, whose workers see the run's folder anyway. It
stands beside a training's state while the network is being trained, and is no part of what the training leaves.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratescope.errors import TrainingError
from ratescope.files import write_json
from ratescope.jobs import is_awaited
from ratescope.records import OnProgress

_EVERY_S = 2.0  # our choice: a file is written, and all of them are read, so often
_SHOWN = 2  # networks in training that are told of one by one: our choice, more make no line that can be read


def steps_file(folder: Path) -> Path:
    """Where a training in this folder says how far it is."""
    return folder / "resume" / "steps.json"


def tell_in_file(path: Path) -> OnProgress:
    """Progress for a training that nobody can hear: it goes into a file, now and then.

    Where nobody waits for the training any more, being told raises a `TrainingError`: on a cluster, it would go on
    beside the one that resumes it.
    """
    told_at = -math.inf

    def tell(step: int, steps: int, what: str) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < _EVERY_S:
            return
        if not is_awaited():
            raise TrainingError("whoever asked for this training has ended. Go on with --resume.")
        write_json(path, {"schema": 1, "step": step, "steps": steps, "what": what})
        told_at = time.monotonic()

    return tell


@contextmanager
def followed(files: Sequence[Path], steps_each: int, on_progress: OnProgress) -> Iterator[Callable[[int], None]]:
    """Tell how far trainings are that say so in these files; what is yielded is called when one has ended.

    Parameters
    ----------
    steps_each : int
        At most; a training that has ended counts with all of them.
    """
    ended: set[int] = set()
    is_over, one_at_a_time = threading.Event(), threading.Lock()

    def tell() -> None:
        with one_at_a_time:
            running = {place: told for place, file in enumerate(files) if place not in ended and (told := _read(file))}
            steps = steps_each * len(ended) + sum(told["step"] for told in running.values())
            said = [f"{len(ended)} of {len(files)} networks trained", *(told["what"] for told in running.values())]
            if len(running) > _SHOWN:
                said[1 + _SHOWN :] = [f"{len(running) - _SHOWN} more in training"]
            on_progress(steps, steps_each * len(files), "; ".join(said))

    def end(place: int) -> None:
        with one_at_a_time:
            ended.add(place)
        files[place].unlink(missing_ok=True)
        tell()

    def watch() -> None:
        while not is_over.wait(_EVERY_S):
            tell()

    for file in files:
        file.unlink(missing_ok=True)  # of an earlier training, which was killed
    tell()
    watcher = threading.Thread(target=watch, name="steps of networks", daemon=True)
    watcher.start()
    try:
        yield end
    finally:
        is_over.set()
        watcher.join()
        for file in files:
            file.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    """What a training said last; nothing before it has begun, nor after it has ended."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}  # only shown: a file that cannot be read now changes no result
