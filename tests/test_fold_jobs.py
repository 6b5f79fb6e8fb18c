"""The queue of networks: one after the other or elsewhere, the same networks, and steps that can be seen."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ratescope.fold_jobs
from ratescope.campaign.crops import CampaignCrops
from ratescope.network.team import ALONE
from ratescope.records import CropId, Fold
from ratescope.settings import NetworkSettings, Settings, TrainSettings

IDS = tuple(
    CropId(electrode, f"{electrode}1", f"{electrode}.tif", section) for electrode in "abc" for section in (0, 1)
)
SETTINGS = Settings(network=NetworkSettings(filters=(2, 2), hidden=(4,)), train=TrainSettings(batch=2, max_steps=3))


def fold_jobs(run):
    """Two networks of three steps each."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (len(IDS), 16, 24, 3), dtype=np.uint8)
    curves = {electrode: rng.uniform(50, 150, 5) for electrode in "abc"}
    fold = Fold("electrode", frozenset(IDS[:2]), frozenset(IDS[2:4]), frozenset(IDS[4:]))
    crops = CampaignCrops(IDS, pixels, {}, {}, {}, (), {})
    return [
        ratescope.fold_jobs.FoldJob(
            number, fold, "specific", run / f"fold_{number}", crops, curves, {}, SETTINGS, "nothing", True, False, None
        )
        for number in (0, 1)
    ]


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def elsewhere(monkeypatch):
    """Networks that are trained in other processes, though it be this one; the second one ends first."""
    monkeypatch.setattr(
        ratescope.fold_jobs, "finished_jobs", lambda job, queue, **_: ((place, job(queue[place])) for place in (1, 0))
    )


def test_networks_that_train_elsewhere_are_counted_with_their_steps(elsewhere, tmp_path):
    told = []
    ratescope.fold_jobs.train_folds(fold_jobs(tmp_path), 2, None, ALONE, lambda *said: told.append(said))
    assert told[0] == (0, 6, "0 of 2 networks trained")
    assert (3, 6, "1 of 2 networks trained") in told
    assert told[-1] == (6, 6, "2 of 2 networks trained")


def test_networks_that_train_elsewhere_are_those_that_train_here(elsewhere, tmp_path):
    ratescope.fold_jobs.train_folds(fold_jobs(tmp_path / "elsewhere"), 2, None, ALONE, lambda *_: None)
    ratescope.fold_jobs.train_folds(fold_jobs(tmp_path / "here"), 1, None, ALONE, lambda *_: None)
    assert files_in(tmp_path / "elsewhere") == files_in(tmp_path / "here")


def test_a_rung_that_one_fold_cannot_climb_says_nothing_there(tmp_path, monkeypatch):
    """A porosity known of one electrode only is unknown where that one is held out: still a row for each crop."""
    jobs = fold_jobs(tmp_path)
    answers = iter([{"mean curve": np.ones((6, 5)), "curve at the electrode's porosity": np.ones((6, 5))},
                    {"mean curve": np.ones((6, 5))}])  # fmt: skip
    monkeypatch.setattr(ratescope.fold_jobs, "climb", lambda *_: next(answers))
    monkeypatch.setattr(
        ratescope.fold_jobs, "read_network",
        lambda _: SimpleNamespace(predict=lambda *_: SimpleNamespace(by_network=np.ones((1, 6, 5)))),
    )  # fmt: skip
    ratescope.fold_jobs.predict_folds(tmp_path, jobs, None, lambda *_: None)
    rows = pd.read_csv(tmp_path / "baseline_predictions.csv")
    counts = rows.groupby(["baseline", "fold"])["predicted"].agg(["size", "count"])
    assert counts["size"].tolist() == [30, 30, 30, 30]
    assert counts["count"].tolist() == [30, 0, 30, 30]
