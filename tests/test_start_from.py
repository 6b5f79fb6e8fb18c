"""What networks that are started from have seen, and which fold starts from which."""

import pytest

from ratescope.errors import LeakError, TrainingError
from ratescope.network.ensemble import weights_by_fold
from ratescope.records import CropId, Fold
from ratescope.run_folder import INPUT_KEYS, claim
from ratescope.settings import Settings
from ratescope.start_from import check_unseen, remembered, start_of_fold, start_remarks

CROPS = [CropId(electrode, f"{electrode}1", f"{electrode}.tif", section) for electrode in "abcd" for section in (0, 1)]
HASHES = {f"{electrode}.tif": f"hash of {electrode}" for electrode in "abcd"}


def by_electrode(test, validation):
    held, stop = ({crop for crop in CROPS if crop.electrode == name} for name in (test, validation))
    return Fold("electrode", frozenset(CROPS) - held - stop, frozenset(stop), frozenset(held))


def by_crop(test):
    others = [crop for crop in CROPS if crop != test]
    return Fold("crop", frozenset(others[1:]), frozenset(others[:1]), frozenset([test]))


@pytest.fixture
def run(tmp_path):
    """A finished run of given folds: as much of it as is asked."""

    def begun(*folds):
        inputs = dict.fromkeys(INPUT_KEYS) | {"files": HASHES, "learned_from": "4 micrographs of 4 electrodes"}
        claim(tmp_path / "run" / "specific", Settings(), inputs, folds, resume=False)
        for number, _ in enumerate(folds):
            weights = tmp_path / "run" / "specific" / f"fold_{number}" / "weights.safetensors"
            weights.parent.mkdir()
            weights.write_bytes(bytes([number]))
        return weights_by_fold(tmp_path / "run" / "specific")

    return begun


def test_the_same_folds_can_be_started_from(run):
    folds = [by_electrode("a", "b"), by_electrode("b", "c")]
    check_unseen(run(*folds), folds, HASHES)


@pytest.mark.parametrize("fold", [by_electrode("b", "c"), by_electrode("c", "b"), by_crop(CROPS[4])])
def test_what_a_network_learned_from_or_was_stopped_by_is_not_tested(run, fold):
    found = run(by_electrode("a", "b"))
    with pytest.raises(
        LeakError, match=r"fold 0 tests [bc]\.tif, from which .*fold_0 learned.*same protocol and folds"
    ):
        check_unseen(found, [fold], HASHES)


def test_one_crop_of_an_electrode_is_enough_to_know_it(run):
    """The published protocol tests one crop and learns from its neighbour: no start for whole electrodes."""
    found = run(by_crop(CROPS[0]))
    check_unseen(found, [by_crop(CROPS[0])], HASHES)
    with pytest.raises(LeakError, match=r"tests a\.tif"):
        check_unseen(found, [by_electrode("a", "b")], HASHES)


def test_micrographs_are_known_by_their_content(run):
    found = run(by_electrode("a", "b"))
    renamed = {name: f"hash of {name} elsewhere" for name in HASHES}
    check_unseen(found, [by_electrode("c", "b")], renamed)
    with pytest.raises(LeakError, match=r"tests c\.tif"):
        check_unseen(found, [by_electrode("c", "b")], renamed | {"c.tif": "hash of d"})


def test_weights_alone_are_taken_on_trust(run):
    found = run(by_electrode("a", "b"))
    (found[0].parents[1] / "campaign.json").unlink()
    check_unseen(found, [by_electrode("c", "b")], HASHES)
    assert start_remarks(found)[0].endswith("of the run run, which learned from what is not known.")


def test_damaged_folds_are_said(run):
    found = run(by_electrode("a", "b"))
    (found[0].parents[1] / "folds.csv").write_text("fold,part\n0,train\n")
    with pytest.raises(TrainingError, match=r"folds\.csv cannot be read .*Copy the run again, or train without"):
        check_unseen(found, [by_electrode("c", "b")], HASHES)


def test_each_fold_starts_from_its_own_number_also_beyond_ten(run):
    found = run(*[by_electrode("a", "b")] * 12)
    assert [path.parent.name for path in found] == [f"fold_{number}" for number in range(12)]
    assert [start_of_fold(found, number).parent.name for number in (1, 2, 10, 11)] == [
        "fold_1",
        "fold_2",
        "fold_10",
        "fold_11",
    ]
    assert start_of_fold(found, 13).parent.name == "fold_1"
    assert start_of_fold([], 0) is None


def test_a_run_remembers_what_it_started_from(run):
    found = run(by_electrode("a", "b"), by_electrode("b", "a"))
    kept = remembered(found)["started_from"]
    assert kept["run"] == str(found[0].parents[2].resolve())
    assert kept["weights"].keys() == {"fold_0", "fold_1"}
    assert kept["weights"]["fold_0"] != kept["weights"]["fold_1"]
    (said,) = start_remarks(found)
    assert said.endswith("those of the run run, which learned from 4 micrographs of 4 electrodes.")
    assert (remembered([]), start_remarks([])) == ({}, [])
