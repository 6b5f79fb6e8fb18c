"""Folds promise what they keep apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.campaign.folds import make_folds
from ratescope.errors import LeakError, TrainingError
from ratescope.records import CropId, Fold, units_of


def crops_of(electrodes: int, specimens: int, sections: int) -> list[CropId]:
    return [
        CropId(f"e{e}", f"s{s}", f"e{e}_s{s}.tif", n)
        for e in range(electrodes)
        for s in range(specimens)
        for n in range(sections)
    ]


def test_the_papers_crops_are_split_80_10_10():
    """314 crops in five folds: 251 to train, 31 or 32 each to validate and to test (section 2.6)."""
    crops = [CropId("e", "s", "f", n) for n in range(314)]
    folds = make_folds(crops, "as-published", 5, np.random.default_rng(1))
    assert {len(fold.train) for fold in folds} == {251, 252}
    assert all(31 <= len(part) <= 32 for fold in folds for part in (fold.validation, fold.test))


@given(st.integers(3, 6), st.integers(0, 2**32 - 1))
def test_every_crop_is_tested_once_by_specimen(count, seed):
    crops = crops_of(4, 3, 2)
    folds = make_folds(crops, "by-specimen", count, np.random.default_rng(seed))
    assert sorted(crop for fold in folds for crop in fold.test) == sorted(crops)


@given(st.sampled_from([(5, 5), (4, 3), (12, 4), (10, 5)]), st.integers(0, 2**32 - 1))
def test_every_electrode_is_held_out_once(shape, seed):
    electrodes, count = shape
    crops = crops_of(electrodes, 2, 2)
    folds = make_folds(crops, "by-electrode", count, np.random.default_rng(seed))
    assert sorted(crop for fold in folds for crop in fold.test) == sorted(crops)
    for fold in folds:
        assert not units_of(fold.test, "electrode") & units_of(fold.train | fold.validation, "electrode")
        assert fold.train
        assert fold.validation


def test_five_electrodes_are_left_out_one_by_one_with_a_warning():
    folds = make_folds(crops_of(5, 3, 2), "by-electrode", 5, np.random.default_rng(0))
    assert sorted(len(units_of(fold.test, "electrode")) for fold in folds) == [1] * 5
    assert all("cannot see that a network learns its electrodes by heart" in fold.remarks[0] for fold in folds)


def test_validation_is_by_electrode_where_there_are_ten():
    for fold in make_folds(crops_of(10, 2, 1), "by-electrode", 5, np.random.default_rng(0)):
        assert not units_of(fold.validation, "electrode") & units_of(fold.train, "electrode")
        assert fold.remarks == ()


def test_the_order_of_the_crops_does_not_matter():
    crops = crops_of(5, 3, 2)
    forwards = make_folds(crops, "by-electrode", 5, np.random.default_rng(3))
    assert make_folds(crops[::-1], "by-electrode", 5, np.random.default_rng(3)) == forwards


def test_a_fold_with_one_electrode_on_both_sides_cannot_be_built():
    first, second, third = crops_of(1, 3, 1)
    with pytest.raises(LeakError, match=r"by electrode has .*e0.* Crops of one electrode are near copies"):
        Fold("electrode", frozenset([first]), frozenset([second]), frozenset([third]))
    assert Fold("specimen", frozenset([first]), frozenset([second]), frozenset([third])).unit == "specimen"


def test_a_crop_in_two_parts_cannot_be_built():
    first, second, third = crops_of(1, 3, 1)
    with pytest.raises(LeakError, match="1 crops in two parts"):
        Fold("crop", frozenset([first, second]), frozenset([second]), frozenset([third]))


@pytest.mark.parametrize(
    ("protocol", "count", "said"),
    [
        (
            "by-electrode",
            6,
            r"take 6 electrodes; there are crops of 5 electrodes\. Choose --folds 5 or fewer, or add ele",
        ),
        ("by-specimen", 40, r"take 40 specimens; there are crops of 15 specimens\. .*out less with --protocol as-publ"),
        ("as-published", 30, r"takes 60 crops; there are 30\. Choose --folds 15 or fewer, or add micrographs\."),
        ("by-specimen", 2, r"so 3 are the fewest; asked for 2\. Choose --folds 3 or more\."),
        ("as-published", 1, r"2 folds as-published are the fewest; asked for 1\. Choose --folds 2 or more\."),
    ],
)
def test_too_few_units_are_said_in_a_sentence(protocol, count, said):
    with pytest.raises(TrainingError, match=said):
        make_folds(crops_of(5, 3, 2), protocol, count, np.random.default_rng(0))


def test_fewer_folds_are_no_remedy_for_one_electrode():
    with pytest.raises(
        TrainingError, match=r"crops of 1 electrode\. Add electrodes, or hold .* --protocol by-specimen"
    ):
        make_folds(crops_of(1, 3, 2), "by-electrode", 5, np.random.default_rng(0))


def test_one_crop_to_train_on_is_refused_before_a_run_is_begun():
    with pytest.raises(TrainingError, match=r"of 3 crops fold 0 by-specimen leaves 1 to train on\. Add micrographs"):
        make_folds(crops_of(1, 3, 1), "by-specimen", 3, np.random.default_rng(0))


def test_single_specimens_leave_nothing_to_validate_on():
    with pytest.raises(TrainingError, match=r"nothing is left to validate on\. Bring a second specimen"):
        make_folds(crops_of(5, 1, 4), "by-electrode", 5, np.random.default_rng(0))


uneven_campaigns = st.lists(st.lists(st.integers(1, 4), min_size=2, max_size=4), min_size=4, max_size=12).map(
    lambda sections_of: [
        CropId(f"e{e}", f"s{s}", f"e{e}_s{s}.tif", n)
        for e, specimens in enumerate(sections_of)
        for s, sections in enumerate(specimens)
        for n in range(sections)
    ]
)


@settings(max_examples=30)
@given(uneven_campaigns, st.sampled_from(["by-electrode", "by-specimen"]), st.integers(0, 2**32 - 1))
def test_whatever_the_campaign_its_folds_keep_their_promise(crops, protocol, seed):
    """Every crop is tested once, parts are balanced to one unit, no unit stands on both sides, chance is the rng's."""
    folds = make_folds(crops, protocol, 4, np.random.default_rng(seed))
    assert sorted(crop for fold in folds for crop in fold.test) == sorted(crops)
    for fold in folds:
        assert fold.train | fold.validation | fold.test == set(crops)
        assert not units_of(fold.test, fold.unit) & units_of(fold.train | fold.validation, fold.unit)
        assert fold.validation_unit in {"specimen", fold.unit}
        assert not units_of(fold.validation, fold.validation_unit) & units_of(fold.train, fold.validation_unit)
    sizes = [len(units_of(fold.test, fold.unit)) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    assert make_folds(crops, protocol, 4, np.random.default_rng(seed)) == folds


@settings(max_examples=30)
@given(st.integers(10, 60), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_as_published_holds_every_crop_out_once_and_tests_half_of_them(crops, count, seed):
    ids = [CropId("e", "s", "f", n) for n in range(crops)]
    folds = make_folds(ids, "as-published", count, np.random.default_rng(seed))
    assert sorted(crop for fold in folds for crop in fold.test | fold.validation) == sorted(ids)
    held_out = [len(fold.test | fold.validation) for fold in folds]
    assert max(held_out) - min(held_out) <= 1
    assert all(0 <= len(fold.test) - len(fold.validation) <= 1 for fold in folds)


def test_the_rng_decides_which_crops_are_tested():
    first, second = (make_folds(crops_of(8, 3, 2), "by-specimen", 4, np.random.default_rng(seed)) for seed in (0, 1))
    assert first != second


def test_a_fold_with_one_electrode_in_validation_and_test_cannot_be_built():
    """The test stands against all the rest: early stopping must not know what is tested either."""
    first, second, other = *crops_of(1, 2, 1), CropId("e1", "s0", "e1.tif", 0)
    with pytest.raises(LeakError, match="Crops of one electrode are near copies: keep them together"):
        Fold("electrode", frozenset([other]), frozenset([first]), frozenset([second]))


def test_a_fold_that_is_validated_by_specimen_shares_none_with_training():
    first, second = crops_of(1, 1, 2)
    test = frozenset([CropId("e1", "s0", "e1.tif", 0)])
    with pytest.raises(LeakError, match=r"validated by specimen has .*'s0'.* keep each whole"):
        Fold("electrode", frozenset([first]), frozenset([second]), test, validation_unit="specimen")
