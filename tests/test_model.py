"""What is known of a model besides its weights."""

import json

import numpy as np
import pytest
import tifffile

import ratescope
from ratescope.campaign.micrograph_files import micrograph_files, prepared_of
from ratescope.errors import InputError, MicrographError
from ratescope.model import how_far_off, model_card, prepare_settings, read_model
from ratescope.predict import predict_rate_curve
from ratescope.settings import PrepareSettings, Settings


@pytest.fixture
def run(tmp_path):
    """A run that was evaluated: only what is asked of it here."""
    score = {"mape_percent": 12.0}
    slices = {"electrodes": 3, "per_electrode": {"overall": score, "by_c_rate": {"5": score}}}
    (tmp_path / "specific").mkdir()
    (tmp_path / "specific" / "metrics.json").write_text(json.dumps({"test": {"network": slices}}))
    (tmp_path / "specific" / "settings.toml").write_text('[folds]\nprotocol = "by-specimen"\n')
    return tmp_path


def test_the_bundled_ensemble_comes_with_its_errors():
    card = model_card(read_model(None), None)
    assert [part.capacity for part in card.errors] == ["specific", "density"]
    for part in card.errors:
        assert part.protocol == "by-electrode"
        assert part.mape_percent < part.rung_mape_percent  # else it would not be worth bundling
        assert part.electrodes >= 20


def test_the_mean_of_the_bundled_networks_is_known_by_later_electrodes_and_better_than_one_of_them():
    card = model_card(read_model(None), None)
    assert [part.capacity for part in card.afterwards] == ["specific", "density"]
    for alone, together in zip(card.errors, card.afterwards, strict=True):
        assert together.mape_percent < alone.mape_percent
        assert together.by_c_rate.keys() == alone.by_c_rate.keys()


def test_of_a_run_nothing_is_known_by_later_electrodes(run):
    assert model_card(read_model(None), run).afterwards == ()


def test_a_run_is_known_by_its_evaluation_and_its_protocol(run):
    known = how_far_off(run, "specific")
    assert (known.protocol, known.electrodes, known.mape_percent) == ("by-specimen", 3, 12.0)
    assert how_far_off(run, "density") is None


def test_a_damaged_evaluation_is_said(run):
    (run / "specific" / "metrics.json").write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json cannot be read .* again with `ratescope evaluate`"):
        how_far_off(run, "specific")


def test_an_evaluation_that_lost_its_numbers_is_said(run):
    (run / "specific" / "metrics.json").write_text('{"test": {}}')
    with pytest.raises(InputError, match=r"metrics\.json lacks the network's errors.* again with `ratescope evaluate`"):
        how_far_off(run, "specific")


def test_a_model_is_asked_of_crops_that_are_cut_as_for_its_training(run):
    (run / "specific" / "settings.toml").write_text("[prepare]\nmost_artefact_share = 0.02\n")
    assert prepare_settings(run).most_artefact_share == 0.02
    assert prepare_settings(None) == PrepareSettings()
    (file,) = micrograph_files([ratescope.bundled_micrographs()[0]])
    assert prepared_of(file, PrepareSettings(thinnest_coating_um=200.0), crops_given=False).status == "refused"


def test_one_call_does_not_predict_a_refused_micrograph(tmp_path):
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, np.full((975, 1000, 3), 90, np.uint8), photometric="rgb", resolution=(81300, 81300),
                     resolutionunit="CENTIMETER")  # fmt: skip
    with pytest.raises(MicrographError, match=r"grey\.tif is refused: "):
        predict_rate_curve(path, read_model(None)["specific"], Settings())
