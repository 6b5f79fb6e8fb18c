import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from ratescope.errors import TrainingError
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import checksum_of
from ratescope.network.progress import read_progress, start_progress, write_progress
from ratescope.settings import NetworkSettings, TrainSettings

TINY = NetworkSettings(filters=(2, 2), hidden=(3,))


def started(fingerprint="one"):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return start_progress(RateNetwork(TINY, rates=2), TrainSettings(max_steps=20), fingerprint)


def take_step(progress, loss, error):
    progress.optimiser.zero_grad()
    progress.network(torch.rand(4, 3, 8, 8)).sum().backward()
    progress.optimiser.step()
    progress.count_step(loss, error)


@pytest.fixture
def progress():
    """Five steps, the first epoch of two the best, the third one begun."""
    progress = started()
    for step, validation in enumerate([None, 3.0, None, 4.0, None]):
        take_step(progress, loss=10.0 - step, error=5.0 - step)
        if validation:
            progress.close_epoch(step // 2 + 1, 1e-3, validation, counts=True)
    return progress


def test_an_epoch_has_the_means_of_its_own_steps(progress):
    assert progress.history == [(2, 1, 1e-3, 9.5, 4.5, 3.0), (4, 2, 1e-3, 7.5, 2.5, 4.0)]
    assert progress.sums == [6.0, 1.0]


def test_the_best_stays_while_others_are_worse(progress):
    assert (progress.best_mape, progress.epochs_since_best) == (3.0, 1)
    assert not torch.equal(progress.best["regressor.0.weight"], progress.network.regressor[0].weight)


def test_an_epoch_that_does_not_count_is_history_and_nothing_more(progress):
    before = progress.best
    progress.close_epoch(3, 1e-3, 0.1, counts=False)
    assert (progress.best_mape, progress.epochs_since_best, len(progress.history)) == (3.0, 1, 3)
    assert progress.best is before


def test_everything_survives_the_way_through_the_file(progress, tmp_path):
    write_progress(tmp_path / "state.safetensors", progress)
    other = started()
    read_progress(tmp_path / "state.safetensors", other)
    for name in ("steps", "best_mape", "epochs_since_best", "sums", "history", "fingerprint"):
        assert getattr(other, name) == getattr(progress, name), name
    for mine, theirs in (
        (other.best, progress.best),
        (other.network.state_dict(), progress.network.state_dict()),
        (other.optimiser.tensors(), progress.optimiser.tensors()),
    ):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_state_of_another_training_is_refused(progress, tmp_path):
    write_progress(tmp_path / "state.safetensors", progress)
    with pytest.raises(TrainingError, match=r"other settings, crops or capacities \(fingerprint one, now two\).*--out"):
        read_progress(tmp_path / "state.safetensors", started("two"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tensors: {n: t for n, t in tensors.items() if n != "marks"}, "lacks tensors"),
        (lambda tensors: {n: t for n, t in tensors.items() if n != "network.input_mean"}, "lacks tensors"),
        (lambda tensors: tensors | {"network.input_mean": torch.zeros(4)}, "lacks tensors"),
        (lambda tensors: {n: t for n, t in tensors.items() if n != "best.input_mean"}, "lacks tensors"),
        (lambda tensors: tensors | {"marks": torch.full((4,), torch.inf)}, "lacks tensors"),
    ],
)
def test_a_state_without_all_its_tensors_is_refused(progress, tmp_path, change, says):
    path = tmp_path / "state.safetensors"
    write_progress(path, progress)
    tensors, about = change(load_file(path)), {"fingerprint": "one", "parts": 1}
    save_file(tensors, path, {"training": json.dumps(about | {"checksum": checksum_of(tensors, about)})})
    with pytest.raises(TrainingError, match=rf"state\.safetensors: {says}\. Remove the folder of this fold"):
        read_progress(path, started())


@pytest.mark.parametrize("place", [-1, -2000])
def test_one_changed_bit_is_noticed(progress, tmp_path, place):
    """Else the training would go on, and end with other weights."""
    path = tmp_path / "state.safetensors"
    write_progress(path, progress)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"altered since it was written.*Remove the folder of this fold"):
        read_progress(path, started())
