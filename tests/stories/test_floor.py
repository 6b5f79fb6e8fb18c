"""The floor of a virtual campaign, as `ratescope lab` leaves it."""

import json
import os

import numpy as np
import pytest

from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import CampaignError
from ratescope.floor import _key, floor_under, write_floor
from ratescope.settings import FoldSettings, Settings
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.phase_map import true_phases


@pytest.fixture(scope="module")
def floor(campaign):
    return json.loads((campaign / "truth" / "floor.json").read_text(encoding="utf-8"))


def test_the_true_phases_lie_under_the_crops_that_were_cut(campaign):
    """Grains are bright: a shift by a few pixels would mix them with pores."""
    read = read_campaign(campaign)
    crops = prepare_campaign(read, Settings().prepare)
    for crop, box, pixels in zip(crops.ids[::3], crops.boxes[::3], crops.pixels[::3], strict=True):
        (there,) = true_phases(campaign / "truth", crop.file, crops.level_to_file[crop.file], [box])
        is_grain = there == PHASES["particle"]
        green = pixels[..., 1].astype(float)
        contrast = green[is_grain].mean() - green[there == PHASES["pore"]].mean()
        moved = np.roll(is_grain, 8, axis=1)
        assert contrast > 60.0, crop
        assert contrast > 1.15 * (green[moved].mean() - green[~moved].mean()), crop


def test_the_score_of_an_oracle_is_that_of_the_best_regressor_that_was_tried(floor):
    possible = [c for c in floor["protocols"].values() if "impossible" not in c]
    assert possible
    for protocol in possible:
        for capacity in ("specific", "density"):
            assert min(protocol[capacity]["crop"]["tried_mape_percent"].values()) == pytest.approx(
                protocol[capacity]["crop"]["per_crop"]["overall"]["mape_percent"]
            )


def test_an_electrode_that_is_trained_on_is_known_to_the_electrode_oracle(floor):
    of_crops = floor["protocols"]["by-specimen"]["specific"]["electrode"]
    assert of_crops["per_electrode"]["overall"]["mape_percent"] == 0.0
    assert of_crops["regressor"].startswith("looked up")


def test_the_floor_says_every_rate_in_both_units_and_that_it_is_simulated(floor):
    assert floor["simulated"] is True
    for capacity in ("specific", "density"):
        rates = floor["protocols"]["by-specimen"][capacity]["crop"]["per_crop"]["by_c_rate"]
        assert list(rates) == ["0.2", "1", "2", "3", "5"]


def test_it_is_the_floor_of_the_same_folds_only(campaign):
    same = Settings(folds=FoldSettings("by-specimen", 5))
    assert set(floor_under(campaign, same)[0]) == {"specific", "density"}
    assert floor_under(campaign, Settings(folds=FoldSettings("by-specimen", 3))) == ({}, [])


def test_a_floor_of_other_files_is_left_out_and_that_is_said(campaign, tmp_path):
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "floor.json").write_bytes((campaign / "truth" / "floor.json").read_bytes())
    floor, (said,) = floor_under(tmp_path, Settings(folds=FoldSettings("by-specimen", 5)))
    assert floor == {}
    assert said.startswith("The oracles are left out: files of the campaign changed")


def test_asking_again_works_nothing_out(campaign):
    path = campaign / "truth" / "floor.json"
    before = path.stat().st_mtime_ns
    assert write_floor(campaign) == path
    assert path.stat().st_mtime_ns == before


READ = (
    "campaign.toml",
    "cells.csv",
    "micrographs/a.tif",
    "cycler/c.txt",
    "truth/electrodes.json",
    "truth/a_phases.png",
)


def write_inputs(folder, modified_s):
    for name in READ:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
        os.utime(folder / name, (modified_s, modified_s))
    return folder


def test_equal_campaigns_have_one_key_whenever_and_wherever_they_were_made(tmp_path):
    assert _key(write_inputs(tmp_path / "one", 1e9)) == _key(write_inputs(tmp_path / "other", 2e9))


@pytest.mark.parametrize("name", READ)
def test_the_key_is_another_when_a_file_is_even_of_the_same_size_and_time(name, tmp_path):
    before = _key(write_inputs(tmp_path, 1e9))
    (tmp_path / name).write_text(name.swapcase())
    os.utime(tmp_path / name, (1e9, 1e9))
    assert _key(tmp_path) != before


def test_the_floor_itself_does_not_change_its_key(tmp_path):
    before = _key(write_inputs(tmp_path, 1e9))
    (tmp_path / "truth" / "floor.json").write_text("{}")
    assert _key(tmp_path) == before


def test_a_campaign_without_truth_has_no_floor(campaign, tmp_path):
    for sheet in ("campaign.toml", "electrodes.csv", "micrographs.csv", "cells.csv"):
        (tmp_path / sheet).write_bytes((campaign / sheet).read_bytes())
    for folder in ("micrographs", "cycler"):
        (tmp_path / folder).symlink_to(campaign / folder)
    with pytest.raises(CampaignError, match=r"no truth/electrodes\.json.*ratescope lab"):
        write_floor(tmp_path)
