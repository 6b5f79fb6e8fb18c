import dataclasses

import numpy as np
import pytest

from ratescope.baselines.ladder import RUNGS, Seen, climb
from ratescope.baselines.texture import TEXTURE_FEATURES
from ratescope.evaluation.ladder import ELECTRODE_POROSITY, LADDER, LIGHT_ALONE, THRESHOLDED, TRUE_POROSITY
from ratescope.records import CropId, Fold

POROSITY = {"A": 0.50, "B": 0.40, "C": 0.30, "D": 0.20}


@pytest.fixture
def seen():
    """Four electrodes of two specimens with three crops each; the picture shows the porosity, blurred."""
    rng = np.random.default_rng(3)
    ids = tuple(CropId(name, f"{name}{s}", f"{name}{s}.tif", k) for name in POROSITY for s in "12" for k in range(3))
    porosity = np.array([POROSITY[crop.electrode] for crop in ids])
    texture = rng.normal(size=(len(ids), len(TEXTURE_FEATURES)))
    texture[:, 0] = porosity + 0.1 + 0.02 * rng.normal(size=len(ids))
    of_micrograph = {name: 100.0 + 40.0 * rng.normal(size=2) for name in sorted({crop.file for crop in ids})}
    light = np.stack([of_micrograph[crop.file] + rng.normal(size=2) for crop in ids])
    return Seen(ids, light, texture, porosity, porosity + 0.01 * rng.normal(size=len(ids)))


@pytest.fixture
def curves(seen):
    return np.stack([np.full(len(seen.ids), 150.0), 200.0 * seen.electrode_porosity], axis=1)


def held_out(seen, electrode, unit="electrode"):
    test = frozenset(crop for crop in seen.ids if crop.electrode == electrode)
    validation = frozenset(crop for crop in seen.ids if crop.electrode != electrode and crop.specimen.endswith("2"))
    return Fold(unit, frozenset(seen.ids) - test - validation, validation, test)


def test_every_rung_answers_for_every_crop_in_the_order_of_the_report(seen, curves):
    answers = climb(held_out(seen, "C"), seen, curves)
    assert list(answers) == list(RUNGS) == list(LADDER)
    assert all(answer.shape == curves.shape and np.isfinite(answer).all() for answer in answers.values())


def test_no_rung_reads_a_curve_outside_of_its_training_part(seen, curves):
    """Whatever stands in the validation and test parts, the answers are the same."""
    fold = held_out(seen, "C")
    told_lies = np.where([[crop in fold.train] for crop in seen.ids], curves, 7.0)
    before, after = climb(fold, seen, curves), climb(fold, seen, told_lies)
    for name in RUNGS:
        assert after[name] == pytest.approx(before[name]), name


def test_the_electrodes_porosity_is_read_between_its_neighbours_without_looking(seen, curves):
    answers = climb(held_out(seen, "C"), seen, curves)
    of_c = [place for place, crop in enumerate(seen.ids) if crop.electrode == "C"]
    assert answers[ELECTRODE_POROSITY][of_c, 1] == pytest.approx(60.0)
    assert np.ptp(answers[THRESHOLDED][of_c, 1]) > 0.5


def test_an_electrode_that_is_trained_on_is_looked_up_by_its_porosity(seen, curves):
    test = frozenset(crop for crop in seen.ids if crop.specimen.endswith("2"))
    some = frozenset(crop for crop in seen.ids if crop not in test and crop.section == 0)
    fold = Fold("specimen", frozenset(seen.ids) - test - some, some, test, validation_unit="crop")
    assert climb(fold, seen, curves)[ELECTRODE_POROSITY] == pytest.approx(curves)


def test_light_alone_looks_up_what_it_has_seen_and_knows_nothing_else(seen, curves):
    """With neighbours in training it needs no coating; with whole electrodes held out it can only be wrong."""
    test = frozenset(crop for crop in seen.ids if crop.section == 2)
    validation = frozenset(crop for crop in seen.ids if crop.section == 1 and crop.specimen.endswith("2"))
    drawn = Fold("crop", frozenset(seen.ids) - test - validation, validation, test)
    assert climb(drawn, seen, curves)[LIGHT_ALONE] == pytest.approx(curves)
    said = climb(held_out(seen, "C"), seen, curves)[LIGHT_ALONE]
    is_c = np.array([crop.electrode == "C" for crop in seen.ids])
    assert (np.abs(said[is_c, 1] - curves[is_c, 1]) > 10.0).all()


def test_without_sheets_or_truth_their_rungs_are_missing(seen, curves):
    unknown = np.full(len(seen.ids), np.nan)
    bare = dataclasses.replace(seen, electrode_porosity=unknown, true_porosity=unknown)
    assert set(RUNGS) - set(climb(held_out(seen, "C"), bare, curves)) == {ELECTRODE_POROSITY, TRUE_POROSITY}


def test_an_electrode_without_a_porosity_is_not_answered_for_by_it_alone(seen, curves):
    is_c = np.array([crop.electrode == "C" for crop in seen.ids])
    part_known = dataclasses.replace(seen, electrode_porosity=np.where(is_c, np.nan, seen.electrode_porosity))
    said = climb(held_out(seen, "C"), part_known, curves)[ELECTRODE_POROSITY]
    assert np.isnan(said[is_c]).all()
    assert np.isfinite(said[~is_c]).all()
