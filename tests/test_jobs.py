"""The same jobs, whoever runs them."""

import math

import pytest

from ratescope.errors import InputError
from ratescope.jobs import run_jobs
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


def test_nothing_to_do_is_done_at_once():
    assert list(run_jobs(math.sqrt, [], jobs=2)) == []


def test_one_shares_whole_networks_or_every_batch_but_not_both(tmp_path):
    with pytest.raises(
        InputError, match=r"--devices and torchrun share every batch, --jobs and --dask whole networks\. Ask for one"
    ):
        train_campaign(tmp_path / "campaign", tmp_path / "run", Settings(), devices=2, jobs=2)
