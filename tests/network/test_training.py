import csv
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ratescope.errors import TrainingError
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import load_network
from ratescope.network.learning import batch_rows, steps_per_epoch, validation_mape
from ratescope.network.training import new_network, train_network
from ratescope.network.training_set import TrainingSet
from ratescope.settings import AugmentationSettings, NetworkSettings, Settings, TrainSettings

RATES = (0.2, 5.0)
TRAIN, VALIDATION, TEST = np.arange(16), np.arange(16, 20), np.arange(20, 24)


class Interrupted(Exception):  # noqa: N818  a stop from outside, no error of the training
    """What a test raises in the middle of a training."""


@pytest.fixture
def train(brightness_set, brief, tmp_path):
    """Train on the brightness set into a folder of the test, with some arguments changed."""

    def call(folder="fold_0", **changes):
        return trained(brightness_set, tmp_path / folder, **({"settings": brief} | changes))

    return call


def trained(brightness_set, folder, **changes):
    crops, curves = brightness_set
    usual = {
        "crops": crops,
        "curves": curves,
        "train": TRAIN,
        "validation": VALIDATION,
        "capacity": "density",
        "c_rates_per_h": RATES,
    }
    return train_network(**(usual | changes), folder=folder)


@pytest.fixture(scope="module")
def learned(brightness_set, thorough, tmp_path_factory):
    """A network that has learned what brightness says. Use it, never change it."""
    return trained(brightness_set, tmp_path_factory.mktemp("learned") / "fold_0", settings=thorough)


def stop_after(steps):
    def on_progress(done, _total, _what):
        if done == steps:
            raise Interrupted

    return on_progress


def history_of(folder):
    with (folder / "history.csv").open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def weights_in(folder):
    return (folder / "weights.safetensors").read_bytes()


def error_of(network, crops, curves, rows):
    """MAPE in % of a network on some crops."""
    with torch.no_grad():
        predicted = network(torch.from_numpy(crops[rows]).permute(0, 3, 1, 2).float()).numpy()
    return 100 * np.abs(predicted / curves[rows] - 1).mean()


def test_training_beats_the_mean_curve_on_crops_it_never_saw(learned, brightness_set):
    crops, curves = brightness_set
    mean_curve = 100 * np.abs(curves[TRAIN].mean(axis=0) / curves[TEST] - 1).mean()
    assert error_of(learned, crops, curves, TEST) < 0.5 * mean_curve


def test_under_other_lamps_nothing_is_learned_from_the_light(learned, brightness_set, thorough, tmp_path):
    """Here brightness is all there is: with it unsaid, a network knows no more than the mean curve."""
    crops, curves = brightness_set
    lit = replace(thorough, augmentation=AugmentationSettings(light=1.0))
    network = trained(brightness_set, tmp_path, settings=lit)
    known = error_of(learned, crops, curves, TEST)
    assert error_of(network, crops, curves, TEST) > 3.0 * known


def test_what_is_returned_is_what_is_saved(train, brightness_set, tmp_path):
    crops, curves = brightness_set
    network = train(trained_on="simulated micrographs: drawn")
    loaded, card = load_network(tmp_path / "fold_0" / "weights.safetensors")
    assert error_of(network, crops, curves, TEST) == error_of(loaded, crops, curves, TEST)
    assert (card.capacity, card.unit, card.c_rates_per_h) == ("density", "Ah/L", RATES)
    assert card.mean_colour == pytest.approx(crops[TRAIN].mean(axis=(0, 1, 2)))
    assert card.trained_on == "simulated micrographs: drawn"


def test_the_history_has_a_row_per_epoch_and_the_best_of_them_is_kept(train, brightness_set, tmp_path):
    crops, curves = brightness_set
    network = train()
    history = history_of(tmp_path / "fold_0")
    assert [row["step"] for row in history] == [6, 12, 18, 24]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    best = min(row["validation_mape_percent"] for row in history)
    assert error_of(network, crops, curves, VALIDATION) == pytest.approx(best, rel=0.02)  # float16 weights
    assert all(row["train_loss"] > row["train_mape_percent"] for row in history)  # by the L2 term


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(train, brief, tmp_path):
    train("first")
    torch.rand(7)  # whatever else draws numbers in the meantime
    train("second")
    train("third", settings=replace(brief, train=replace(brief.train, seed=1)))
    assert weights_in(tmp_path / "first") == weights_in(tmp_path / "second")
    assert weights_in(tmp_path / "first") != weights_in(tmp_path / "third")


def test_training_leaves_the_global_generator_alone(train):
    state = torch.random.get_rng_state()
    train()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("stops", [(1,), (6,), (7, 13), (2, 3, 23)])
def test_an_interrupted_training_ends_with_the_same_bits(train, brief, tmp_path, stops):
    always = replace(brief, train=replace(brief.train, checkpoint_every_s=0.0))
    train("straight")
    for steps in stops:
        with pytest.raises(Interrupted):
            train("interrupted", settings=always, resume=True, on_progress=stop_after(steps))
    train("interrupted", settings=always, resume=True)
    for file in ("weights.safetensors", "history.csv"):
        straight, interrupted = (tmp_path / name / file for name in ("straight", "interrupted"))
        assert straight.read_bytes() == interrupted.read_bytes()


def train_slowly(folder):
    """A training that leaves time to be killed."""
    rng = np.random.default_rng(0)
    return train_network(
        rng.integers(0, 256, (10, 16, 24, 3), dtype=np.uint8),
        rng.uniform(50, 150, (10, 2)),
        train=np.arange(8),
        validation=np.arange(8, 10),
        settings=Settings(
            network=NetworkSettings(filters=(4, 4), hidden=(8,)),
            train=TrainSettings(batch=4, max_steps=40, checkpoint_every_s=0.0),
        ),
        capacity="specific",
        c_rates_per_h=RATES,
        folder=folder,
        resume=True,
        on_progress=lambda *_: time.sleep(0.01),
    )


def test_a_training_killed_at_a_random_moment_ends_with_the_same_bits(tmp_path):
    """SIGKILL: nothing is cleaned up, and whatever was being written stays half written."""
    state = tmp_path / "killed" / "resume" / "state.safetensors"
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen([sys.executable, __file__, tmp_path / "killed"], env=environment) as training:
        until = time.monotonic() + 60
        while not state.exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(np.random.default_rng().uniform(0.0, 0.5))
        training.kill()
    train_slowly(tmp_path / "killed")
    train_slowly(tmp_path / "straight")
    assert weights_in(tmp_path / "straight") == weights_in(tmp_path / "killed")


def test_a_finished_training_is_returned_at_once(train, brightness_set, tmp_path):
    crops, curves = brightness_set
    first = train()
    again = train(resume=True, on_progress=lambda *_: pytest.fail("it trained again"))
    assert error_of(first, crops, curves, TEST) == error_of(again, crops, curves, TEST)


def test_a_training_is_not_overwritten(train):
    with pytest.raises(Interrupted):
        train(on_progress=stop_after(1))
    with pytest.raises(TrainingError, match=r"holds a training already\. Go on with --resume, or .* another --out"):
        train()
    train(resume=True)
    with pytest.raises(TrainingError, match="holds a training already"):
        train()


def test_another_training_is_not_resumed(train, brightness_set, brief):
    _crops, curves = brightness_set
    with pytest.raises(Interrupted):
        train(on_progress=stop_after(1))
    with pytest.raises(TrainingError, match=r"begun with other settings, crops or capacities .*another --out"):
        train(resume=True, settings=replace(brief, network=replace(brief.network, dropout=0.3)))
    train(resume=True)
    with pytest.raises(TrainingError, match=r"begun with other settings, crops or capacities .*another --out"):
        train(resume=True, curves=1.01 * curves)


def test_a_damaged_state_is_said_to_be_damaged(train, tmp_path):
    with pytest.raises(Interrupted):
        train(on_progress=stop_after(2))
    state = tmp_path / "fold_0" / "resume" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"state\.safetensors: damaged .*Remove the folder of this fold"):
        train(resume=True)


def test_patience_ends_a_training_that_gets_no_better(train, brief, tmp_path):
    """At a learning rate of almost nothing, validation errors only wander with what batch norm counts."""
    patient = TrainSettings(
        batch=8, max_steps=600, warm_up_share=0.01, patience_epochs=3, lowest_rate=1e-12, highest_rate=1e-12
    )
    frozen = replace(brief, train=patient, network=replace(brief.network, batch_norm_momentum=1e-9))
    train(settings=frozen)
    assert 24 <= history_of(tmp_path / "fold_0")[-1]["step"] < 600


def test_the_best_is_not_sought_before_the_warm_up_has_ended(train, brief, tmp_path):
    """The mean curve, which an untrained network says, fits some validation parts by luck."""
    crops = np.full((4, 16, 24, 3), 100, np.uint8)
    curves = np.array([[50.0, 10.0], [150.0, 30.0], [100.0, 20.0], [100.0, 20.0]])
    settings = replace(brief, train=replace(brief.train, warm_up_share=0.5, highest_rate=1e-2))
    parts = {"train": np.array([0, 1]), "validation": np.array([2, 3])}
    network = train(crops=crops, curves=curves, settings=settings, **parts)
    errors = [row["validation_mape_percent"] for row in history_of(tmp_path / "fold_0") if row["step"] >= 12]
    assert error_of(network, crops, curves, np.array([2, 3])) == pytest.approx(min(errors), rel=0.05, abs=0.05)


def test_a_loss_that_is_not_finite_ends_the_training_with_a_remedy(train, brief):
    hot = replace(brief, train=replace(brief.train, highest_rate=1e30, warm_up_share=0.0))
    with pytest.raises(
        TrainingError, match=r"the loss became (nan|inf) at step \d+\. Lower train\.highest_rate, now 1e\+30"
    ):
        train(settings=hot)


def test_facts_help_where_the_crop_says_nothing(train, brightness_set, thorough):
    crops, curves = brightness_set
    thickness = curves[:, 1] + 5.0
    silent = np.random.default_rng(0).integers(0, 256, crops.shape).astype(np.uint8)
    network = train(crops=silent, facts={"coating_thickness_um": thickness}, settings=thorough)
    with torch.no_grad():
        pixels = torch.from_numpy(silent[TEST]).permute(0, 3, 1, 2).float()
        predicted = network(pixels, torch.from_numpy(thickness[TEST])[:, None].float()).numpy()
    mean_curve = np.abs(curves[TRAIN].mean(axis=0) / curves[TEST] - 1).mean()
    assert np.abs(predicted / curves[TEST] - 1).mean() < 0.5 * mean_curve


def test_training_can_start_from_another_network(learned, brightness_set, thorough):
    """Another microscope has another light, so the input is scaled anew; the weights speak in units of their output."""
    crops, curves = brightness_set
    given = TrainingSet(crops // 2, curves, RATES, TRAIN, VALIDATION)
    network = new_network(given, thorough, learned)
    assert torch.equal(network.extractor[0].weight, learned.extractor[0].weight)
    assert validation_mape(network, given) < 0.7 * validation_mape(new_network(given, thorough), given)
    richer = new_network(TrainingSet(crops, 2 * curves, RATES, TRAIN, VALIDATION), thorough, learned)
    assert torch.equal(richer.output_scale, learned.output_scale)


def test_only_a_network_of_the_same_architecture_can_be_started_from(train):
    with pytest.raises(TrainingError, match=r"another architecture.*without --start-from"):
        train(start_from=RateNetwork(NetworkSettings(filters=(2, 2)), rates=2))


def test_with_output_unit_capacity_the_last_layer_speaks_in_ah(brightness_set, brief):
    crops, curves = brightness_set
    given = TrainingSet(crops, curves, RATES, TRAIN, VALIDATION)
    published = new_network(given, replace(brief, train=replace(brief.train, output_unit="capacity")))
    ours = new_network(given, brief)
    assert (published.output_offset.tolist(), published.output_scale.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert ours.output_offset.tolist() == pytest.approx(curves[TRAIN].mean(axis=0))
    assert ours.output_scale.tolist() == pytest.approx([1.5, curves[TRAIN, 1].std()])  # 1.5: all cells agree at 150


def test_an_exponential_output_has_the_scale_of_the_curves_logarithms(brightness_set, brief, narrow):
    crops, curves = brightness_set
    given = TrainingSet(crops, curves, RATES, TRAIN, VALIDATION)
    network = new_network(given, replace(brief, network=replace(narrow, output="exponential")))
    logarithms = np.log(curves[TRAIN])
    assert network.output_offset.tolist() == pytest.approx(logarithms.mean(axis=0))
    assert network.output_scale.tolist() == pytest.approx([0.01, logarithms[:, 1].std()])  # where all agree, 1 %


def test_a_network_of_another_output_is_not_started_from(train, learned, brief, narrow):
    other = replace(brief, network=replace(narrow, output="exponential"))
    with pytest.raises(TrainingError, match=r"has the output 'linear', but the recipe asks for 'exponential'"):
        train(start_from=learned, settings=other)


@pytest.mark.parametrize(("crops", "batch"), [(251, 38), (25, 38), (38, 38), (17, 8), (2, 38)])
def test_each_pass_sees_every_crop_at_most_once_and_leaves_out_less_than_a_batch(crops, batch):
    per_pass = crops // min(batch, crops)
    for passed in range(2):
        rows = np.concatenate([batch_rows(crops, batch, 0, passed * per_pass + place) for place in range(per_pass)])
        assert len(set(rows.tolist())) == len(rows) > crops - min(batch, crops)


@pytest.mark.parametrize(("crops", "steps"), [(251, 6), (38, 6), (100, 6), (152, 8), (400, 10)])
def test_an_epoch_has_six_steps_or_more_and_ends_with_a_pass(crops, steps):
    assert steps_per_epoch(crops, 38) == steps
    assert steps % (crops // 38) == 0


if __name__ == "__main__":
    train_slowly(Path(sys.argv[1]))
