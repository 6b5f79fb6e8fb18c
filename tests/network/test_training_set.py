from dataclasses import replace

import numpy as np
import pytest

from ratescope.errors import TrainingError
from ratescope.network.architecture import RateNetwork
from ratescope.network.training_set import TrainingSet, fingerprint
from ratescope.settings import AugmentationSettings, NetworkSettings, Settings, TrainSettings


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    return {
        "crops": rng.integers(0, 256, (5, 4, 6, 3), dtype=np.uint8),
        "curves": rng.uniform(50, 150, (5, 2)),
        "c_rates_per_h": (0.2, 5.0),
        "train": np.array([0, 2, 4]),
        "validation": np.array([1]),
        "facts": {"coating_thickness_um": rng.uniform(50, 80, 5)},
    }


def test_mean_colour_and_its_spread_are_those_of_the_training_pixels(parts):
    given = TrainingSet(**parts)
    pixels = parts["crops"][[0, 2, 4]].reshape(-1, 3)
    assert given.mean_colour == pytest.approx(pixels.mean(axis=0))
    assert given.mean_colour is given.mean_colour  # worked out once: every step of a noisy training asks for it
    assert given.colour_spread == pytest.approx(pixels.std(axis=0))


def test_facts_stand_in_columns(parts):
    parts["facts"] = {"a": np.arange(5.0), "b": -np.arange(5.0)}
    assert TrainingSet(**parts).fact_table(np.array([1, 3])).tolist() == [[1.0, -1.0], [3.0, -3.0]]


def test_the_range_of_a_fact_is_that_of_the_training_crops(parts):
    parts["facts"] = {"a": np.array([3.0, 99.0, 1.0, -99.0, 2.0])}
    assert TrainingSet(**parts).fact_ranges == ((1.0, 3.0),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crops": np.zeros((5, 4, 6), np.uint8)}, r"shape \(n, rows, columns, 3\); got uint8.*ratescope prepare"),
        ({"crops": np.zeros((5, 4, 6, 3))}, r"8-bit.*got float64.*ratescope prepare"),
        ({"curves": np.ones((4, 2))}, r"each of 5 crops.*\(4, 2\)\. Give one row per crop"),
        ({"c_rates_per_h": (1.0,)}, r"at each of 1 C-rates.*Give one row per crop"),
        ({"curves": np.array([[1.0, 0.0]] * 5)}, r"must be positive.*lowest is 0\.0.*Check the cells"),
        ({"curves": np.array([[1.0, np.nan]] * 5)}, r"must be positive.*Check the cells"),
        ({"train": np.array([0])}, r"two crops or more.*has 1\. Add micrographs"),
        ({"validation": np.array([], int)}, r"validation part has none\. Add micrographs"),
        ({"validation": np.array([5])}, r"crops 0 to 5, but there are 5\. Prepare again"),
        ({"facts": {"thickness": np.ones(4)}}, r"'thickness' needs one finite number per crop\. Fill its column"),
        ({"facts": {"thickness": np.full(5, np.inf)}}, r"'thickness' needs one finite number"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_a_sentence(parts, change, says):
    with pytest.raises(TrainingError, match=says):
        TrainingSet(**(parts | change))


def test_capacities_of_crops_that_take_no_part_may_be_unknown(parts):
    parts["curves"][3] = np.nan
    assert len(TrainingSet(**parts).curves) == 5


def test_whatever_decides_what_is_learned_changes_the_fingerprint(parts):
    plain = Settings()
    pixel = parts["crops"].copy()
    pixel[2, 0, 0, 0] ^= 1
    curve = parts["curves"] + [[0.0, 1e-9]] * 5
    prints = [
        fingerprint(TrainingSet(**parts), plain, "specific", None),
        fingerprint(TrainingSet(**parts), plain, "density", None),
        fingerprint(TrainingSet(**parts), plain, "specific", RateNetwork(NetworkSettings(filters=(2, 2)))),
        fingerprint(TrainingSet(**parts), replace(plain, train=TrainSettings(seed=1)), "specific", None),
        fingerprint(TrainingSet(**parts), replace(plain, network=NetworkSettings(dropout=0.2)), "specific", None),
        fingerprint(
            TrainingSet(**parts), replace(plain, augmentation=AugmentationSettings(rotation_deg=1.0)), "specific", None
        ),
        fingerprint(TrainingSet(**(parts | {"crops": pixel})), plain, "specific", None),
        fingerprint(TrainingSet(**(parts | {"curves": curve})), plain, "specific", None),
        fingerprint(TrainingSet(**(parts | {"train": parts["train"][::-1]})), plain, "specific", None),
        fingerprint(TrainingSet(**(parts | {"facts": {}})), plain, "specific", None),
        fingerprint(TrainingSet(**(parts | {"c_rates_per_h": (0.2, 3.0)})), plain, "specific", None),
    ]
    assert len(set(prints)) == len(prints)


def test_how_often_a_state_is_written_does_not_change_the_fingerprint(parts):
    often = Settings(train=TrainSettings(checkpoint_every_s=0.0))
    given = TrainingSet(**parts)
    assert fingerprint(given, often, "specific", None) == fingerprint(given, Settings(), "specific", None)
