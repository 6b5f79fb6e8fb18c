"""Many independent jobs: one after the other, on several cores, or on a Dask cluster named by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ratescope.errors import InputError

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def run_jobs(
    job: Callable[[Argument], Result], arguments: Sequence[Argument], *, jobs: int = 1, dask: str | None = None
) -> Iterator[Result]:
    """Results in the order of the arguments, each as soon as it and those before it are there.

    Parameters
    ----------
    jobs : int
        How many run at once; 1 runs them in this process.
    dask : str, optional
        Address of a Dask scheduler, such as ``tcp://127.0.0.1:8786``; it decides how many run at once.
    """
    from joblib import Parallel, delayed

    if jobs == 1 and dask is None:
        yield from map(job, arguments)
        return
    with _backend(dask):
        yield from Parallel(n_jobs=-1 if dask else jobs, return_as="generator", pre_dispatch="2*n_jobs")(
            delayed(job)(argument) for argument in arguments
        )


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
