"""What stands in a run's folder, so that it can be traced and resumed."""

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ratescope.campaign.entries import CampaignFacts
from ratescope.campaign.sheets import Campaign, Electrode
from ratescope.errors import InputError, TrainingError
from ratescope.records import CropId, Fold
from ratescope.run_folder import INPUT_KEYS, check_trained, claim, electrode_facts, hashes_of, provenance, read_inputs
from ratescope.settings import Settings

CROPS = [CropId(electrode, "s1", f"{electrode}.tif", 0) for electrode in "abc"]
FOLDS = [Fold("electrode", frozenset(CROPS[:1]), frozenset(CROPS[1:2]), frozenset(CROPS[2:]))]
INPUTS = dict.fromkeys(INPUT_KEYS) | {
    "files": {"cells.csv": "1f", "a.tif": "2e"},
    "versions": {"ratescope": "0.1.0", "torch": "2.5.0"},
    "remarks": ["one remark"],
}


@pytest.fixture
def claimed(tmp_path):
    claim(tmp_path / "specific", Settings(), INPUTS, FOLDS, resume=False)
    return tmp_path / "specific"


def test_other_versions_are_noted_once_and_not_refused(claimed):
    now = INPUTS | {"versions": {"ratescope": "0.1.0", "torch": "2.13.0"}}
    for _ in range(2):
        claim(claimed, Settings(), now, FOLDS, resume=True)
    kept, said = read_inputs(claimed)["remarks"]
    assert kept == "one remark"
    assert said.startswith("Begun with torch 2.5.0, resumed with torch 2.13.0: ")


@pytest.mark.parametrize("now", [{"cells.csv": "00", "a.tif": "2e"}, {"a.tif": "2e"}])
def test_a_changed_or_missing_file_is_named_and_the_run_stays_as_it_is(claimed, now):
    before = {path: path.read_bytes() for path in claimed.iterdir()}
    with pytest.raises(
        TrainingError, match=r"other files: cells\.csv changed since\. Bring them back, or .* another --out"
    ):
        claim(claimed, Settings(), INPUTS | {"files": now}, FOLDS, resume=True)
    assert before == {path: path.read_bytes() for path in claimed.iterdir()}


@pytest.mark.parametrize("content", ["", '{"schema": 1, "na', '{"schema": 1}', "[]", None])
def test_a_damaged_campaign_json_is_said_in_a_sentence(claimed, content):
    (claimed / "campaign.json").unlink()
    if content is not None:
        (claimed / "campaign.json").write_text(content)
    with pytest.raises(InputError, match=r"campaign\.json cannot be read .*Copy the run again, or .* another --out"):
        claim(claimed, Settings(), INPUTS, FOLDS, resume=True)


def test_provenance_names_inputs_settings_seed_and_versions(tmp_path):
    settings = replace(Settings(), train=replace(Settings().train, seed=7))
    claim(tmp_path, settings, INPUTS, FOLDS, resume=False)
    assert provenance(tmp_path) == {
        "inputs": INPUTS["files"],
        "settings": asdict(settings),
        "seed": 7,
        "versions": INPUTS["versions"],
    }


def test_a_fold_that_the_recipe_leaves_out_is_no_gap(tmp_path):
    folds = [FOLDS[0], replace(FOLDS[0], train=FOLDS[0].test, test=FOLDS[0].train)]
    settings = replace(Settings(), folds=replace(Settings().folds, only=(1,)))
    claim(tmp_path / "specific", settings, INPUTS, folds, resume=False)
    with pytest.raises(InputError, match=r"0 of 1 specific network\. Finish it with `ratescope train CAMPAIGN --out"):
        check_trained(tmp_path)
    (tmp_path / "specific" / "fold_1").mkdir()
    (tmp_path / "specific" / "fold_1" / "weights.safetensors").touch()
    check_trained(tmp_path)


@pytest.mark.parametrize("cut", ["", "fold,unit\n", "unit\ncrop\n", "fold\nx\n"])
def test_folds_that_cannot_be_counted_are_not_taken_for_none(claimed, cut):
    (claimed / "folds.csv").write_text(cut)
    with pytest.raises(TrainingError, match=r"folds\.csv .*Copy the run again, or train into another --out"):
        check_trained(claimed.parent)


@pytest.mark.parametrize(
    ("porosity", "shown_as"),
    [(0.3, "E (ε = 30.0 %)"), (0.346, "E (ε = 34.6 %)"), (0.1964, "E (ε = 19.6 %)"), (None, "E")],
)
def test_an_electrode_is_shown_with_its_porosity_in_percent_to_one_decimal(porosity, shown_as):
    """As in the tables of the report; three digits had been 0.3 beside 0.346."""
    electrode = Electrode("E", "b1", 0.0, 78.45, 15.4, porosity, "", 1.963)
    campaign = Campaign(Path(), CampaignFacts("c"), {"E": electrode}, (), ())
    assert electrode_facts(electrode, campaign)["shown_as"] == shown_as


def test_a_cycler_file_may_lie_outside_of_its_campaign(tmp_path):
    folder = tmp_path / "campaign"
    folder.mkdir()
    for name in ("campaign.toml", "electrodes.csv", "micrographs.csv", "cells.csv", "own.csv", "../far.csv"):
        (folder / name).write_text(name)
    cells = [SimpleNamespace(path=path) for path in (folder / "own.csv", tmp_path / "far.csv", None)]
    hashes = hashes_of(SimpleNamespace(folder=folder, cells=cells), SimpleNamespace(hashes={"a.tif": "2e"}))
    assert set(hashes) >= {"own.csv", (tmp_path / "far.csv").as_posix(), "a.tif"}
