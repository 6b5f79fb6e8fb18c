"""What the ladder's rungs see of a campaign's crops is looked at once and kept beside them."""

from dataclasses import replace

import numpy as np
import pytest

from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.ladder import _read_kept, look_at
from ratescope.settings import PrepareSettings


def test_what_was_seen_is_kept_and_taken_over(run, campaign):
    sheets = read_campaign(campaign)
    crops = prepare_campaign(sheets, PrepareSettings())
    told = []
    again = look_at(sheets, crops, on_progress=lambda *step: told.append(step))
    assert told == [], "the run has looked at all of them already"
    kept = _read_kept(campaign / "prepared" / "texture.csv")
    assert len(kept) == len(crops.ids)
    assert np.column_stack([again.texture, again.true_porosity]) == pytest.approx(np.stack(list(kept.values())))


def test_truth_that_comes_later_is_seen(run, campaign, tmp_path):
    sheets = read_campaign(campaign)
    crops = prepare_campaign(sheets, PrepareSettings())
    moved = replace(sheets, folder=tmp_path)
    assert np.isnan(look_at(moved, crops).true_porosity).all()
    (tmp_path / "truth").symlink_to(campaign / "truth")
    assert look_at(moved, crops).true_porosity == pytest.approx(look_at(sheets, crops).true_porosity)


def test_a_crop_that_has_changed_is_looked_at_anew(run, campaign, tmp_path):
    sheets = read_campaign(campaign)
    crops = prepare_campaign(sheets, PrepareSettings())
    before = look_at(sheets, crops)
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "texture.csv").write_text((campaign / "prepared" / "texture.csv").read_text())
    pixels = crops.pixels.copy()
    pixels[1] = 255 - pixels[1]
    after = look_at(replace(sheets, folder=tmp_path), replace(crops, pixels=pixels))
    changed = np.flatnonzero((after.texture != before.texture).any(axis=1))
    assert changed.tolist() == [1]
