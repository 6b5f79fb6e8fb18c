"""The same jobs, whoever runs them."""

import math
import signal
import subprocess
import sys
import time

import joblib
import pytest

from ratescope.errors import InputError
from ratescope.jobs import finished_jobs, is_awaited, run_jobs
from ratescope.settings import Settings
from ratescope.train import train_campaign

ARGUMENTS = [9.0, 4.0, 1.0, 16.0, 25.0]


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra ratescope[cluster] is not installed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_arguments(jobs):
    assert list(run_jobs(math.sqrt, ARGUMENTS, jobs=jobs)) == [3.0, 2.0, 1.0, 4.0, 5.0]


def test_a_dask_cluster_gives_the_same_results_in_the_same_order(cluster):
    assert list(run_jobs(math.sqrt, ARGUMENTS, dask=cluster)) == [3.0, 2.0, 1.0, 4.0, 5.0]


def test_an_address_without_a_scheduler_is_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9.*Check the address"):
        list(run_jobs(math.sqrt, ARGUMENTS, dask="tcp://127.0.0.1:9"))


@pytest.fixture
def waiting(tmp_path):
    """A gate, and a job that waits until somebody opens it where its argument is "slow"."""
    gate = tmp_path / "open"

    def job(argument):  # inside a function, so that it is sent to another process as it stands
        give_up_at = time.monotonic() + 20
        while argument == "slow" and not gate.exists():
            assert time.monotonic() < give_up_at, "nobody was told that the other job had ended"
            time.sleep(0.01)
        return argument

    return gate, job


def test_what_ends_first_is_given_first_with_its_place(waiting):
    gate, job = waiting
    finished = finished_jobs(job, ["slow", "fast"], jobs=2)
    assert next(finished) == (1, "fast")
    gate.touch()
    assert list(finished) == [(0, "slow")]


def test_each_job_is_counted_when_it_ends_also_behind_a_slow_one(waiting):
    gate, job = waiting
    counted = []

    def on_done(done):
        counted.append(done)
        gate.touch()

    assert list(run_jobs(job, ["slow", "fast", "fast"], jobs=2, on_done=on_done)) == ["slow", "fast", "fast"]
    assert counted == [1, 2, 3]


ASKS_AND_IS_KILLED = """
import time
from ratescope.jobs import run_jobs
def job(number):
    print("begun", flush=True)
    time.sleep(60)
list(run_jobs(job, [1, 2, 3], jobs=2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process on Windows does not see that its parent has ended")
def test_no_job_goes_on_when_who_asked_was_killed():
    """What the jobs print into ends when the last process that could print has ended."""
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKS_AND_IS_KILLED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert asking.stdout.readline() == b"begun\n"
    asking.send_signal(signal.SIGKILL)
    asking.communicate(timeout=20)


def test_where_no_process_can_be_started_this_one_does_the_jobs_and_lives():
    with joblib.parallel_config(backend="threading"):
        assert list(run_jobs(math.sqrt, ARGUMENTS, jobs=2)) == [3.0, 2.0, 1.0, 4.0, 5.0]


def test_a_job_on_a_cluster_sees_that_nobody_waits_for_it_any_more(cluster, tmp_path):
    def job(folder):
        (folder / "awaited").write_text(str(is_awaited()))
        while is_awaited():
            time.sleep(0.01)
        (folder / "left").touch()

    def wait_for(name):
        give_up_at = time.monotonic() + 20
        while not (tmp_path / name).exists():
            assert time.monotonic() < give_up_at, name
            time.sleep(0.01)

    assert is_awaited()  # here, where nobody but us asks
    from distributed import Client

    with Client(cluster) as client:
        future = client.submit(job, tmp_path)
        wait_for("awaited")
        future.release()
    wait_for("left")
    assert (tmp_path / "awaited").read_text() == "True"


def test_nothing_to_do_is_done_at_once():
    assert list(run_jobs(math.sqrt, [], jobs=2)) == []


def test_one_shares_whole_networks_or_every_batch_but_not_both(tmp_path):
    with pytest.raises(
        InputError, match=r"--devices and torchrun share every batch, --jobs and --dask whole networks\. Ask for one"
    ):
        train_campaign(tmp_path / "campaign", tmp_path / "run", Settings(), devices=2, jobs=2)
