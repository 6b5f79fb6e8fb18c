"""Two processes on this machine, which talk over its loopback and nothing else; slow, because each imports torch."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ratescope.errors import InputError, TrainingError
from ratescope.network.checkpoint import load_network
from ratescope.network.learning import learn
from ratescope.network.message import from_message, to_message
from ratescope.network.progress import start_progress, tensors_of
from ratescope.network.team import ALONE, is_helper, joined, team_of
from ratescope.network.training import help_out, new_network, train_network
from ratescope.network.training_set import TrainingSet
from ratescope.settings import NetworkSettings, Settings, TrainSettings

SETTINGS = Settings(
    network=NetworkSettings(filters=(4, 4, 6, 6), hidden=(8, 8), batch_norm_momentum=0.1),
    train=TrainSettings(batch=7, max_steps=12, l2=1e-3, checkpoint_every_s=0.0),
)
RATES = (0.2, 5.0)


@pytest.fixture(scope="module")
def told():
    """16 crops with their capacities and a fact."""
    return told_set()


def told_set():
    rng = np.random.default_rng(0)
    crops, curves = rng.integers(0, 256, (16, 16, 24, 3), dtype=np.uint8), rng.uniform(50, 150, (16, 2))
    return TrainingSet(crops, curves, RATES, np.arange(11), np.arange(11, 16), {"thickness": rng.uniform(50, 90, 16)})


def train(folder, team, settings=SETTINGS, **changes):
    given = told_set()
    parts = {name: getattr(given, name) for name in ("train", "validation", "facts")}
    known = {"settings": settings, "capacity": "density", "c_rates_per_h": RATES, "folder": folder, "team": team}
    return train_network(given.crops, given.curves, **parts, **known, **changes)


def in_one_process(given, parts):
    """The same parts of a batch one after the other; test_parts.py compares this with a plain reference."""
    progress = start_progress(new_network(given, SETTINGS), SETTINGS.train, "", parts)
    learn(given, progress, SETTINGS)
    return progress


def history_in(folder):
    return np.genfromtxt(folder / "history.csv", delimiter=",", skip_header=1)


def test_who_asks_for_nothing_is_alone():
    with team_of(None) as team:
        assert team is ALONE
    assert not is_helper()


def test_what_helpers_are_told_is_the_whole_training(told):
    progress = in_one_process(told, parts=2)
    given, there, settings = from_message(to_message(told, progress, SETTINGS))
    assert (settings, given.c_rates_per_h, there.parts) == (SETTINGS, RATES, 2)
    assert np.array_equal(given.crops, told.crops)
    assert np.array_equal(given.facts["thickness"], told.facts["thickness"])
    for name, tensor in tensors_of(progress).items():
        assert torch.equal(tensors_of(there)[name], tensor), name


def test_more_gpus_than_there_are_cannot_be_had(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(InputError, match=r"--devices 3 cannot be had: this machine has 1 GPU.*Ask for as many as there"),
        team_of(3),
    ):
        pass


def test_without_lightning_fabric_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with (
        pytest.raises(InputError, match=r"needs the package lightning-fabric\. Install ratescope\[devices\]"),
        team_of(2),
    ):
        pass


def test_a_helper_that_ends_before_it_begins_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(
        "ratescope.network.team._start_helper", lambda *_: subprocess.Popen([sys.executable, "-c", "exit(3)"])
    )
    with pytest.raises(TrainingError, match=r"exit status 3.*fewer --devices"), team_of(2):
        pytest.fail("nobody came")


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_that_normalises_two_halves(told, tmp_path):
    """A batch of seven: the halves have three crops and four, and still every crop counts alike."""
    pytest.importorskip("lightning_fabric", reason="the extra ratescope[devices] is not installed")
    with team_of(2) as team:
        train(tmp_path / "first", team)
        train(tmp_path / "second", team, seed_of(1))  # helpers stay for the next network
    one = in_one_process(told, parts=2)
    assert history_in(tmp_path / "first") == pytest.approx(np.array(one.history), rel=1e-5)
    assert history_in(tmp_path / "second")[0, 3] != pytest.approx(one.history[0][3], rel=1e-3)
    card = load_network(tmp_path / "first" / "weights.safetensors")[1]
    assert card.arithmetic == "float32, batches normalised in 2 parts"


def seed_of(seed):
    return replace(SETTINGS, train=replace(SETTINGS.train, seed=seed))


class Interrupted(Exception):  # noqa: N818  a stop from outside, no error of the training
    pass


def stop_after(steps):
    def on_progress(done, _total, _what):
        if done == steps:
            raise Interrupted

    return on_progress


@pytest.mark.slow
def test_one_process_ends_what_two_began_and_two_what_one_began_in_halves(told, tmp_path):
    pytest.importorskip("lightning_fabric", reason="the extra ratescope[devices] is not installed")
    with pytest.raises(Interrupted), team_of(2) as team:
        train(tmp_path / "fold", team, on_progress=stop_after(5))
    with pytest.raises(Interrupted):
        train(tmp_path / "fold", ALONE, on_progress=stop_after(9), resume=True)
    with team_of(2) as team:
        train(tmp_path / "fold", team, resume=True)
    assert history_in(tmp_path / "fold") == pytest.approx(np.array(in_one_process(told, parts=2).history), rel=1e-5)
    with pytest.raises(Interrupted):
        train(tmp_path / "whole", ALONE, on_progress=stop_after(5))
    with (
        pytest.raises(TrainingError, match=r"in 1 part\(s\), which 2 processes cannot share .*with --devices 1"),
        team_of(2) as team,
    ):
        train(tmp_path / "whole", team, resume=True)


def children(pid):
    listed = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("killed", ["helper", "first"])
def test_when_one_process_is_killed_the_other_ends_and_nothing_is_lost(told, tmp_path, killed):
    pytest.importorskip("lightning_fabric", reason="the extra ratescope[devices] is not installed")
    state = tmp_path / "fold" / "resume" / "state.safetensors"
    with subprocess.Popen([sys.executable, __file__, tmp_path], stderr=subprocess.PIPE, text=True) as first:
        wait_until(state.exists)
        (helper,) = [child for child in children(first.pid) if is_alive(child)]
        os.kill(helper if killed == "helper" else first.pid, signal.SIGKILL)
        _, said = first.communicate(timeout=60)
    wait_until(lambda: not is_alive(helper))
    if killed == "helper":
        assert "another process of this training ended" in said
        assert "Go on with --resume" in said
    train(tmp_path / "fold", ALONE, resume=True)
    assert history_in(tmp_path / "fold") == pytest.approx(np.array(in_one_process(told, parts=2).history), rel=1e-5)


@pytest.mark.slow
def test_processes_that_torchrun_started_train_together(told, tmp_path):
    """As on several machines: all of them run the same script, and all but the first help."""
    pytest.importorskip("lightning_fabric", reason="the extra ratescope[devices] is not installed")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    subprocess.run([*torchrun, "--master-port", "29571", __file__, tmp_path], check=True, timeout=120, env=environment)
    assert history_in(tmp_path / "fold") == pytest.approx(np.array(in_one_process(told, parts=2).history), rel=1e-5)


if __name__ == "__main__":
    if is_helper():
        with joined() as team:
            help_out(team)
    else:
        with team_of(2) as team:
            train(Path(sys.argv[1]) / "fold", team, on_progress=lambda *_: time.sleep(0.05))
