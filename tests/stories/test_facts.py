"""Networks that are told the thickness and the load beside the crop, from the sheets to the maps.

The crops are drawn instead of prepared: four grey electrodes that differ in nothing but what is told of them.
"""

import csv
import json
import shutil
from functools import partial

import numpy as np
import pytest
from PIL import Image

import ratescope.audit
import ratescope.fold_jobs
import ratescope.train
from ratescope.campaign.crops import CampaignCrops
from ratescope.cli import main
from ratescope.network.checkpoint import load_network
from ratescope.records import Box, CropId

LOADS_MPA = {"A": 0, "B": 100, "C": 200, "D": 300}
IDS = tuple(CropId(name, f"{name}{n}", f"{name}{n}.tif", 0) for name in LOADS_MPA for n in (1, 2))
BOXES = (Box(0.0, 224.0, 0.0, 672.0),) * len(IDS)
THICKNESS_UM = {crop.file: 70.0 - LOADS_MPA[crop.electrode] / 20.0 for crop in IDS}
RATES = ("0.2", "1", "2", "3", "5")
TOLD = 'facts = ["load_mpa", "coating_thickness_um"]\n\n[folds]\nonly = [0]\n'


def drawn_crops(*_arguments, **_options):
    pixels = np.full((len(IDS), 224, 672, 3), 120, np.uint8)
    pixels[:, ::8] = 90
    return CampaignCrops(IDS, pixels, THICKNESS_UM, {}, {}, BOXES, {})


def write_campaign(folder):
    folder.mkdir()
    (folder / "campaign.toml").write_text('name = "drawn"\nschema = 1\nsimulated = true\n')
    loads = [f"{name},{load},15.4,{70 - load / 20}" for name, load in LOADS_MPA.items()]
    cells = [
        f"c{name},{name},12.1," + ",".join(f"{0.0018 - load * 1e-6}" for _ in RATES) for name, load in LOADS_MPA.items()
    ]
    sheets = {
        "electrodes": ["electrode,load_mpa,loading_mg_per_cm2,coating_thickness_um", *loads],
        "micrographs": ["file,electrode,specimen", *(f"{crop.file},{crop.electrode},{crop.specimen}" for crop in IDS)],
        "cells": ["cell,electrode,active_mass_mg," + ",".join(f"capacity_ah_at_{rate}c" for rate in RATES), *cells],
    }
    for name, lines in sheets.items():
        (folder / f"{name}.csv").write_text("\n".join([*lines, ""]))
    for crop in IDS:
        (folder / crop.file).write_bytes(b"II*\0")


@pytest.fixture(scope="module")
def place(tmp_path_factory, smallest_recipe):
    """A campaign, a recipe, a run of it, and one crop."""
    folder = tmp_path_factory.mktemp("facts")
    write_campaign(folder / "campaign")
    (folder / "recipe.toml").write_text(smallest_recipe(batch=4, steps=8, more=TOLD))
    Image.fromarray(drawn_crops().pixels[0]).save(folder / "crop.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ratescope.train, "prepare_campaign", drawn_crops)
        patch.setattr(ratescope.train, "evaluate_run", lambda run, **_: [run])  # its figures take seconds
        patch.setattr(ratescope.fold_jobs, "climb", lambda *_: {})  # so does what the network is compared with
        assert main(train(folder, "run")) == 0
    return folder


def train(folder, out, *more):
    start = ["train", str(folder / "campaign"), "--out", str(folder / out), "--recipe", str(folder / "recipe.toml")]
    return [*start, "--capacity", "specific", "--folds", "4", *more]


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.setattr(ratescope.train, "prepare_campaign", drawn_crops)
    monkeypatch.setattr(ratescope.audit, "prepare_campaign", drawn_crops)


def with_model(command, place, out, *more):
    start = [command, str(place / "crop.png"), "--crops", "--out", str(out), "--model", str(place / "run")]
    return [*start, *(part for fact in more for part in ("--fact", fact))]


def test_settings_campaign_and_card_say_which_facts_were_told(place):
    part = place / "run" / "specific"
    assert 'facts = [\n    "coating_thickness_um",\n    "load_mpa",\n]' in (part / "settings.toml").read_text()
    inputs = json.loads((part / "campaign.json").read_text(encoding="utf-8"))
    assert inputs["facts"]["load_mpa"] == {"unit": "MPa", "lowest": 0.0, "highest": 300.0}
    assert inputs["learned_from"] == (
        "8 simulated micrographs of 4 electrodes, told coating_thickness_um, load_mpa of each"  # as reports quote it
    )
    _, card = load_network(part / "fold_0" / "weights.safetensors")
    assert card.facts == ("coating_thickness_um", "load_mpa")
    assert card.trained_on == inputs["learned_from"]
    (thinnest, thickest), _ = card.fact_ranges
    assert 55.0 <= thinnest < thickest <= 70.0


def test_a_crop_alone_is_not_predicted_and_the_facts_are_asked_for_by_name(place, tmp_path, capsys):
    assert main(with_model("predict", place, tmp_path, "load_mpa=100")) == 2
    assert "Give --fact coating_thickness_um=VALUE" in capsys.readouterr().err
    assert main(with_model("explain", place, tmp_path)) == 2
    assert "Give --fact coating_thickness_um=VALUE --fact load_mpa=VALUE" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_what_is_told_moves_the_prediction_and_an_extrapolation_is_said(place, tmp_path, capsys):
    predicted = {}
    for load in (100, 3000):
        out = tmp_path / str(load)
        assert main(with_model("predict", place, out, "coating_thickness_um=60", f"load_mpa={load}")) == 0
        rows = list(csv.DictReader((out / "predictions.csv").read_text(encoding="utf-8").splitlines()))
        predicted[load] = [float(row["predicted"]) for row in rows]
        assert {row["reasons"].partition(":")[0] for row in rows} == {"" if load == 100 else "fact-beyond-training"}
    assert predicted[100] != predicted[3000]
    assert "note: what was told of 1 of 1 micrographs lies outside" in capsys.readouterr().out
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "the networks were told coating_thickness_um = 60 µm, load_mpa = 3000 MPa" in report
    assert "It is also told load_mpa, and learned it from" in report


def test_a_prediction_with_facts_is_explained(place, tmp_path):
    given = ("coating_thickness_um=60", "load_mpa=3000")
    assert main([*with_model("explain", place, tmp_path, *given), "--method", "grad-ram"]) == 0
    written = json.loads((tmp_path / "explain.json").read_text(encoding="utf-8"))
    assert [remark["code"] for remark in written["remarks"]] == ["facts-told", "fact-beyond-training"]
    assert (tmp_path / written["maps"][0]["map"]).is_file()


def test_networks_with_facts_are_audited_and_what_is_left_out_is_said(place, drawn, monkeypatch, capsys):
    few = ratescope.audit.Extent(planted=3, cascades=1, hidden=1, random_orders=1, laid=1)
    monkeypatch.setattr(ratescope.audit, "audit_run", partial(ratescope.audit.audit_run, extent=few))
    assert main(["audit", str(place / "run")]) == 0
    said = capsys.readouterr().out
    assert "one network alone has no spread" in said
    assert "audit.html" in said
    report = (place / "run" / "audit.html").read_text(encoding="utf-8")
    assert "also told coating_thickness_um, load_mpa" in report
    assert "On what the maps lie is not said" in report


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--facts", "load_mpa", "--resume"), "was begun with other settings"),
        (("--facts", "load"), "--facts: there is no fact 'load'; did you mean 'load_mpa'?"),
    ],
)
def test_a_run_goes_on_with_its_own_facts_only(more, says, place, drawn, capsys):
    assert main(train(place, "run", *more)) == 2
    assert says in capsys.readouterr().err


def test_networks_of_other_facts_are_not_started_from(place, drawn, capsys):
    assert main(train(place, "other", "--facts", "load_mpa", "--start-from", str(place / "run"))) == 2
    assert "reads crops, coating_thickness_um, load_mpa, but what is to be trained reads crops, load_mpa. Ask for" in (
        capsys.readouterr().err
    )


def test_a_campaign_that_changed_since_the_training_is_not_audited(place, drawn, tmp_path, capsys):
    """Else another campaign in the same place would be audited under the name of the first."""
    changed = shutil.copytree(place, tmp_path / "place")
    inputs = changed / "run" / "specific" / "campaign.json"
    inputs.write_text(inputs.read_text().replace(str(place / "campaign"), str(changed / "campaign")))
    sheet = changed / "campaign" / "cells.csv"
    sheet.write_text(sheet.read_text().replace("12.1", "12.2"))
    assert main(["audit", str(changed / "run")]) == 2
    assert "learned from: cells.csv changed since. Bring these files back." in capsys.readouterr().err
