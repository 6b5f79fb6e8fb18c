"""Several processes that train one network together: on one machine or many, on CPUs or GPUs, by Lightning Fabric.

The first process tells the story: it reads, writes and shows progress. The others, its helpers, are told what to work
on and write nothing. On one machine the first process starts them; on several, ``torchrun`` starts all of them, and
`is_helper` tells a process which of the two it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ratescope.counted import counted
from ratescope.errors import InputError, TrainingError

_PATIENCE = timedelta(days=7)  # our choice: helpers wait while the first process evaluates, or prepares a campaign
_FAREWELL_S = 20.0  # our choice: a helper that has nothing to do ends within a second


@dataclass(frozen=True, eq=False)
class Team:
    """What one process knows of those that it trains with; one by itself is a team too.

    Attributes
    ----------
    rank : int
        0 in the first process.
    size : int
    device : torch.device
    fabric : lightning_fabric.Fabric, optional
        Carries the messages; a process by itself needs none, nor the package.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    fabric: Any = None

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the team; all of them in one message."""
        if self.fabric is None:
            return
        message = torch.cat([tensor.flatten().float() for tensor in tensors])
        with _failures_in_words():
            sums = self.fabric.all_reduce(message, reduce_op="sum")
        for tensor, total in zip(tensors, sums.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(total.view_as(tensor))

    def share(self, content: bytes = b"") -> bytes:
        """What the first process says, in every process."""
        if self.fabric is None:
            return content
        with _failures_in_words():
            length = int(self._broadcast(torch.tensor([len(content)])))
            if length == 0:
                return b""
            if self.rank == 0:
                self._broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8))  # a tensor may be written to
                return content
            return self._broadcast(torch.empty(length, dtype=torch.uint8)).numpy().tobytes()

    def _broadcast(self, tensor: Tensor) -> Tensor:
        # Not Fabric's own, which would send objects as pickles: a helper never executes what it is sent.
        there = tensor.to(self.device)
        torch.distributed.broadcast(there, src=0)
        return there.cpu()


ALONE = Team()


def is_helper() -> bool:
    """Whether ``torchrun`` started this process beside the first one, to help it."""
    return is_launched() and int(os.environ["RANK"]) > 0


def is_launched() -> bool:
    """Whether ``torchrun`` started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1


@contextmanager
def team_of(devices: int | None = None) -> Iterator[Team]:
    """The first process with its helpers, which end with the block; by itself where nothing is asked for.

    Parameters
    ----------
    devices : int, optional
        How many train together on this machine: GPUs where it has some, else processes that share its cores. Where
        ``torchrun`` has started the processes, it has decided.

    Raises
    ------
    InputError
        If Lightning Fabric is not installed, or there are not as many GPUs.
    TrainingError
        If a helper ends before it has begun.
    """
    if is_launched():
        with _connected(None, 0, 0) as team:
            yield team
            team.share()
    elif devices is None or (devices == 1 and not torch.cuda.is_available()):
        yield ALONE
    else:
        _check_devices(devices)
        with _threads_shared(devices), tempfile.TemporaryDirectory(prefix="ratescope-team-") as meeting:
            helpers = [_start_helper(Path(meeting), rank, devices) for rank in range(1, devices)]
            try:
                _await_helpers(helpers, Path(meeting))
                with _connected(Path(meeting) / "meeting", 0, devices) as team:
                    yield team
                    team.share()
                for helper in helpers:
                    with suppress(subprocess.TimeoutExpired):  # all is said and written: it is ended below
                        helper.wait(_FAREWELL_S)
            finally:
                for helper in helpers:
                    helper.kill()
                    helper.wait()


@contextmanager
def joined(meeting: Path | None = None, rank: int = 0, size: int = 0) -> Iterator[Team]:
    """A helper's side of the team: by the file at which it meets the first process, or as ``torchrun`` says."""
    with _connected(meeting, rank, size) as team:
        yield team


def _check_devices(devices: int) -> None:
    gpus = torch.cuda.device_count()
    if devices < 1 or (gpus and devices > gpus):
        there = f"this machine has {counted(gpus, 'GPU')}" if gpus else "a training needs one or more"
        raise InputError(f"--devices {devices} cannot be had: {there}. Ask for as many as there are.")
    _fabric()


def _fabric() -> Any:
    try:
        import lightning_fabric
    except ImportError as error:
        raise InputError(
            "training on several devices needs the package lightning-fabric. Install ratescope[devices]."
        ) from error
    return lightning_fabric


def _start_helper(meeting: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
    """A process like this one that waits to be told what to do; what it says goes nowhere but to stderr."""
    command = [sys.executable, "-m", "ratescope.network", str(meeting / "meeting"), str(rank), str(size)]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(command, env=os.environ | threads, stdin=subprocess.DEVNULL)  # noqa: S603  ourselves


def say_ready(meeting: Path, rank: int) -> None:
    """A helper's first word, before it waits for the others."""
    meeting.with_name(f"ready-{rank}").touch()


def _await_helpers(helpers: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Until all have said that they are ready: who waits to be connected cannot see that nobody comes."""
    waiting = dict(enumerate(helpers, start=1))
    while waiting:
        for rank, helper in list(waiting.items()):
            if (folder / f"ready-{rank}").exists():
                del waiting[rank]
            elif helper.poll() is not None:
                raise TrainingError(
                    f"a process that should help ended before the training began (exit status {helper.returncode}). "
                    "See what it said above, or ask for fewer --devices."
                )
        time.sleep(0.02)


@contextmanager
def _threads_shared(devices: int) -> Iterator[None]:
    """As many threads for each process as its share of the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // devices))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _connected(meeting: Path | None, rank: int, size: int) -> Iterator[Team]:
    """Meet the others and part from them."""
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    if meeting is not None:
        # A file is what they meet at, and the loopback what they talk over: no other machine can listen or speak.
        os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
        torch.distributed.init_process_group(
            backend, init_method=meeting.as_uri(), rank=rank, world_size=size, timeout=_PATIENCE
        )
    else:
        size, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
    try:
        yield Team(rank, size, *_device_and_fabric(rank, size, backend, local=meeting is not None))
    finally:
        torch.distributed.destroy_process_group()


def _device_and_fabric(rank: int, size: int, backend: str, *, local: bool) -> tuple[torch.device, Any]:
    import logging

    fabric_package = _fabric()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # what is going on, our own progress says
    here = size if local else int(os.environ["LOCAL_WORLD_SIZE"])
    strategy = fabric_package.strategies.DDPStrategy(
        cluster_environment=_OneMachine(rank, size) if local else None,
        process_group_backend=backend,
        timeout=_PATIENCE,
    )
    fabric = fabric_package.Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=here,
        num_nodes=size // here,
        strategy=strategy,
    )
    fabric.launch()
    return fabric.device, fabric


@dataclass(frozen=True)
class _OneMachine:
    """What Fabric asks of the place where it runs (its ``ClusterEnvironment``): we have started all processes."""

    rank: int
    size: int
    creates_processes_externally: bool = True
    main_address: str = "127.0.0.1"
    main_port: int = 0  # they have met at a file

    def world_size(self) -> int:
        return self.size

    def global_rank(self) -> int:
        return self.rank

    def local_rank(self) -> int:
        return self.rank

    def node_rank(self) -> int:
        return 0

    def set_world_size(self, size: int) -> None:
        """It is known."""

    def set_global_rank(self, rank: int) -> None:
        """It is known."""

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """They are ours."""

    def teardown(self) -> None:
        """Nothing was set up."""


@contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # as torch says that a connection was closed
        raise TrainingError(
            f"another process of this training ended ({str(error).splitlines()[0]}). Go on with --resume."
        ) from error
