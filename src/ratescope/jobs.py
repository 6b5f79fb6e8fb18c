"""Many independent jobs: one after the other, on several cores, or on a Dask cluster named by its address."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from ratescope.errors import InputError

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_LOOK_EVERY_S = 0.5  # our choice: so long may a core go on when who asked it has died


def run_jobs(
    job: Callable[[Argument], Result],
    arguments: Sequence[Argument],
    *,
    jobs: int = 1,
    dask: str | None = None,
    on_done: Callable[[int], None] = lambda _done: None,
) -> Iterator[Result]:
    """Results in the order of the arguments, each as soon as it and those before it are there.

    Parameters
    ----------
    jobs, dask
        As in `finished_jobs`.
    on_done : function
        Told how many have ended, as each of them ends: also where an earlier one is still running.
    """
    early: dict[int, Result] = {}
    wanted = 0
    for done, (place, result) in enumerate(finished_jobs(job, arguments, jobs=jobs, dask=dask), start=1):
        early[place] = result
        on_done(done)
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1


def finished_jobs(
    job: Callable[[Argument], Result], arguments: Sequence[Argument], *, jobs: int = 1, dask: str | None = None
) -> Iterator[tuple[int, Result]]:
    """Each result with the place of its argument, as soon as it is there, whichever is first.

    Parameters
    ----------
    jobs : int
        How many run at once; 1 runs them in this process. The other processes end with this one, however it ends.
    dask : str, optional
        Address of a Dask scheduler, such as ``tcp://127.0.0.1:8786``; it decides how many run at once.
    """
    from joblib import Parallel, delayed

    if jobs == 1 and dask is None:
        yield from enumerate(map(job, arguments))
        return
    placed = partial(_do, job=job, asked_by=None if dask else os.getpid())
    with _backend(dask):
        yield from Parallel(n_jobs=-1 if dask else jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(
            delayed(placed)(place, argument) for place, argument in enumerate(arguments)
        )


def _do(place: int, argument: Argument, job: Callable[[Argument], Result], asked_by: int | None) -> tuple[int, Result]:
    """In another process: the job, and its place carried along."""
    if asked_by not in {None, os.getpid()}:  # where joblib cannot start processes, it does the jobs in this one
        _end_with(asked_by)
    return place, job(argument)


def _end_with(parent: int) -> None:
    """End this process when the one that started it has; joblib's would go on through the jobs they were handed.

    Ending at any moment loses nothing but time: everything is written whole or not at all. On Windows a process keeps
    the number of its parent, and goes on there until its job is done.
    """
    name = f"ends with process {parent}"
    if os.getppid() != parent and os.name == "posix":
        os._exit(1)
    if any(thread.name == name for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name=name, daemon=True).start()


def is_awaited() -> bool:
    """Whether anybody still waits for the job that is running here; a long one asks between its steps.

    A Dask worker is told when the program that asked has ended, but cannot be stopped amid a job. Elsewhere a job ends
    with the process that asked.
    """
    if "distributed" not in sys.modules:
        return True
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:  # as distributed says that this is no worker
        return True
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state != "cancelled"


def check_cluster(dask: str | None) -> None:
    """Say at once that no scheduler answers, before anything is read or made for it; nothing where none is named.

    Raises
    ------
    InputError
        If it does not answer, or the package that asks it is not there.
    """
    with _backend(dask):
        pass


@contextmanager
def _backend(dask: str | None) -> Iterator[None]:
    if dask is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--dask needs the package distributed. Install ratescope[cluster].") from error
    from joblib import parallel_config

    try:
        client = Client(dask, timeout="5s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {dask} ({error}). Check the address.") from error
    with client, parallel_config(backend="dask"):
        yield
