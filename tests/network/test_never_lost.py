"""Whatever stops a training, it goes on from there and ends with the same bits."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ratescope.errors import OutputError
from ratescope.network.training import train_network
from ratescope.settings import NetworkSettings, Settings, TrainSettings

FULL = OSError(errno.ENOSPC, "No space left on device")
WRITTEN = ("state.safetensors", "history.csv", "weights.safetensors")


def train(folder, steps=12, on_progress=lambda *_: None):
    rng = np.random.default_rng(0)
    return train_network(
        rng.integers(0, 256, (10, 16, 24, 3), dtype=np.uint8),
        rng.uniform(50, 150, (10, 2)),
        train=np.arange(8),
        validation=np.arange(8, 10),
        settings=Settings(
            network=NetworkSettings(filters=(4, 4), hidden=(8,)),
            train=TrainSettings(batch=4, max_steps=steps, checkpoint_every_s=0.0),
        ),
        capacity="specific",
        c_rates_per_h=(0.2, 5.0),
        folder=folder,
        resume=True,
        on_progress=on_progress,
    )


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The files of a training that nothing disturbed."""
    folder = tmp_path_factory.mktemp("straight")
    train(folder)
    return files_in(folder)


def fail_at(monkeypatch, operation, name, times):
    """Let the disk be full at some call of ``os.replace`` or ``os.fsync`` for a file."""
    real, calls = getattr(os, operation), []

    def call(*arguments):
        calls.append(arguments)
        concerned = operation == "fsync" or str(arguments[1]).endswith(name)
        if concerned and len(calls) == times:
            raise FULL
        return real(*arguments)

    monkeypatch.setattr(os, operation, call)


@pytest.mark.parametrize("operation", ["replace", "fsync"])
@pytest.mark.parametrize(("times", "name"), [(1, "state.safetensors"), (7, "state.safetensors"), (14, WRITTEN[2])])
def test_a_full_disk_is_said_in_a_sentence_and_what_stood_there_stands(
    operation, times, name, tmp_path, straight, monkeypatch
):
    with monkeypatch.context() as patch:
        fail_at(patch, operation, name, times)
        with pytest.raises(OutputError, match=rf"cannot write .*{name}: No space left on device\. Choose .* has room"):
            train(tmp_path)
    assert not [file for file in files_in(tmp_path) if ".part." in file]
    train(tmp_path)
    assert files_in(tmp_path) == straight


def test_a_disk_that_takes_no_more_is_said_in_a_sentence(tmp_path):
    """By the kernel itself, in the middle of the file: whatever library writes it has to say so."""
    resource = pytest.importorskip("resource", reason="limits on the size of files are Unix'")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*state\.safetensors: File too large\. Choose a folder"):
            train(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(tmp_path) == {}


def test_what_a_kill_left_half_written_is_swept_away(tmp_path, straight):
    (tmp_path / "resume").mkdir()
    for half in (tmp_path / "resume" / ".state.4711.part.safetensors", tmp_path / ".weights.4711.part.safetensors"):
        half.write_bytes(b"half")
    train(tmp_path)
    assert files_in(tmp_path) == straight


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process per kill takes too long to start")
def test_a_training_killed_at_50_random_moments_ends_with_the_same_bits(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, __file__, tmp_path], check=True, env=environment, timeout=300)


def kill_50_times(folder):
    """SIGKILL at 50 moments, each in the life of another process that goes on where the one before was killed."""
    train(folder / "straight", steps=200)
    wanted, rng = files_in(folder / "straight"), np.random.default_rng()
    kills = rounds = 0
    while kills < 50:
        kills += was_killed(folder / f"killed_{rounds}", rng.exponential(0.3))
        if (folder / f"killed_{rounds}" / "weights.safetensors").exists():
            train(folder / f"killed_{rounds}", steps=200)
            check_same(files_in(folder / f"killed_{rounds}"), wanted)
            rounds += 1
    train(folder / f"killed_{rounds}", steps=200)
    check_same(files_in(folder / f"killed_{rounds}"), wanted)
    print(f"{kills} kills in {rounds + 1} trainings")  # noqa: T201  read where the test is run with -s


def check_same(found, wanted):
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == [], "differ"


def was_killed(folder, after_s):
    """Train in a process of its own and kill it; whether it was still at it."""
    child = os.fork()
    if child == 0:
        train(folder, steps=200)
        os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    kill_50_times(Path(sys.argv[1]))
