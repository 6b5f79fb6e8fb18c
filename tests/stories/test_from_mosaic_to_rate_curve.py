"""The whole method through the command line, on a simulated campaign of three electrodes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ratescope.audit import Extent, audit_run
from ratescope.baselines.ladder import RUNGS
from ratescope.cli import main


def rows_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


def test_a_campaign_has_all_its_files_and_nothing_to_mend(campaign, capsys):
    assert main(["campaign", "check", str(campaign)]) == 0
    assert (
        "3 electrodes, 6 micrographs and 3 cells; nothing to mend. All of it is simulated." in capsys.readouterr().out
    )
    electrodes = rows_of(campaign / "electrodes.csv")
    assert electrodes.porosity.between(0.18, 0.52).all()
    for stem in (Path(file).stem for file in rows_of(campaign / "micrographs.csv").file):
        assert (campaign / "truth" / f"{stem}.json").is_file()
        assert (campaign / "truth" / f"{stem}_phases.png").is_file()
    with Image.open(campaign / "micrographs" / f"{stem}.tif") as mosaic:
        assert mosaic.size == (1400, 975)


def test_asking_for_the_same_campaign_again_changes_nothing(campaign, capsys):
    before = {path: path.stat().st_mtime_ns for path in campaign.glob("*/*.t*")}
    again = ["lab", str(campaign), "--design", "continuum", "--electrodes", "3", "--small"]
    assert main([*again, "--seed", "4"]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert main([*again, "--seed", "6"]) == 2
    assert "holds another virtual campaign" in capsys.readouterr().err


def test_the_measured_capacities_are_the_true_ones(campaign, tmp_path):
    assert main(["rates", str(campaign), "--out", str(tmp_path / "rates.csv")]) == 0
    table = rows_of(tmp_path / "rates.csv")
    assert sorted(table.cell.unique()) == sorted(rows_of(campaign / "cells.csv").cell)
    for cell, of_cell in table[table.counts].groupby("cell"):
        truth = json.loads((campaign / "truth" / f"{cell}.json").read_text())
        true_ah = dict(zip(truth["c_rates_per_h"], truth["capacities_ah"], strict=True))
        measured_ah = dict(zip(of_cell.c_rate_per_h, of_cell.capacity_ah, strict=True))
        for rate in (0.2, 1.0, 2.0, 3.0, 5.0):
            assert measured_ah[rate] == pytest.approx(true_ah[rate], rel=1e-3)


def test_capacity_falls_with_the_rate_and_the_three_units_agree(campaign, tmp_path):
    main(["rates", str(campaign), "--out", str(tmp_path / "rates.csv")])
    electrodes = rows_of(campaign / "electrodes.csv").set_index("electrode")
    table = rows_of(tmp_path / "rates.csv")
    for _, cell in table[table.counts].groupby("cell"):
        assert cell.sort_values("c_rate_per_h").specific_capacity_ah_per_kg.is_monotonic_decreasing
    areal = table.specific_capacity_ah_per_kg * table.electrode.map(electrodes.loading_mg_per_cm2) * 1e-3
    assert table.areal_capacity_mah_per_cm2.to_numpy() == pytest.approx(areal.to_numpy(), rel=1e-6)
    thickness = table.electrode.map(electrodes.coating_thickness_um)
    assert table.capacity_density_ah_per_l.to_numpy() == pytest.approx((areal / thickness * 1e4).to_numpy(), rel=1e-4)


def test_prepared_json_agrees_with_the_truth(campaign, prepared):
    content = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))
    assert content["schema"] == 1
    assert len(content["micrographs"]) == 6
    for entry in content["micrographs"]:
        truth = json.loads((campaign / "truth" / f"{Path(entry['file']).stem}.json").read_text())
        assert entry["status"] == "prepared", entry["reasons"]
        assert entry["collector"]["tilt_deg"] == pytest.approx(truth["tilt_deg"], abs=0.1)
        assert (entry["collector"]["row_right"] > entry["collector"]["row_left"]) == (
            entry["collector"]["tilt_deg"] > 0
        )
        for section in entry["sections"]:
            if section["status"] == "prepared":
                with Image.open(prepared / section["crop"]) as crop:
                    assert crop.size == (672, 224)


def test_preparing_again_takes_over_what_stands(campaign, prepared, tmp_path):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    gone = min(first)
    (tmp_path / gone).unlink()
    content = (tmp_path / "prepared.json").read_text()
    main(["prepare", str(campaign), "--out", str(tmp_path)])
    second = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    assert set(second) == set(first)
    stem = gone.rpartition("_s")[0]
    assert all(second[name] == first[name] for name in first if not name.startswith(stem))
    assert (tmp_path / "prepared.json").read_text() == content


def test_a_run_has_all_its_files(run):
    for capacity in ("specific", "density"):
        part = run / capacity
        for name in ("settings.toml", "campaign.json", "folds.csv", "fold_predictions.csv", "metrics.json"):
            assert (part / name).is_file(), name
        for fold in range(3):
            assert (part / f"fold_{fold}" / "weights.safetensors").is_file()
            assert (part / f"fold_{fold}" / "history.csv").is_file()
        table = rows_of(part / "fold_predictions.csv")
        assert list(table.columns) == (
            [
                "fold",
                "part",
                "electrode",
                "specimen",
                "file",
                "section",
                "c_rate_per_h",
                "measured",
                "predicted",
                "network",
            ]
        )
        assert np.isfinite(table.predicted).all()
        metrics = json.loads((part / "metrics.json").read_text())
        assert list(metrics["test"]) == ["network", *RUNGS]
        assert metrics["implied_porosity"]["per_crop"]["against_area_porosity"]["values"] > 0
    assert (run / "implied_porosity.csv").is_file()
    crops = rows_of(run / "crops.csv")
    assert np.isfinite(crops.select_dtypes("number")).all().all()
    assert crops.true_porosity.corr(crops.dark_share) > 0.8
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "simulated" in report
    assert "http://" not in report.replace("http://www.w3.org", "")


def test_the_held_out_electrode_is_in_no_other_part_of_its_fold(run):
    folds = rows_of(run / "specific" / "folds.csv")
    for _, fold in folds.groupby("fold"):
        test = set(fold[fold.part == "test"].electrode)
        assert test
        assert not test & set(fold[fold.part != "test"].electrode)


def test_a_run_is_not_overwritten_nor_resumed_with_other_settings(campaign, run, recipe, capsys):
    again = ["train", str(campaign), "--out", str(run), "--recipe", str(recipe)]
    assert main([*again, "--folds", "3"]) == 2
    assert "holds a run already. Go on with it by --resume" in capsys.readouterr().err
    assert main([*again, "--protocol", "by-specimen", "--folds", "3", "--resume"]) == 2
    assert "was begun with other settings" in capsys.readouterr().err


@pytest.mark.slow  # tests/network kills trainings in the quick run
def test_a_killed_run_ends_with_the_same_weights(campaign, run, recipe, tmp_path):
    """SIGKILL at whatever moment; then --resume until it is done."""
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "ratescope", "train", str(campaign), "--out", str(out)]
    command += ["--recipe", str(recipe), "--folds", "3", "--capacity", "specific", "--resume"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(out.glob("specific/fold_1")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"
    assert not (out / "report.html").exists()
    subprocess.run(command, check=True, capture_output=True)
    for weights in run.glob("specific/fold_*/weights.safetensors"):
        assert (out / weights.relative_to(run)).read_bytes() == weights.read_bytes()


def test_evaluating_again_gives_the_same_metrics(run):
    path = run / "specific" / "metrics.json"
    before = path.read_text()
    path.unlink()
    assert main(["evaluate", str(run)]) == 0
    assert path.read_text() == before


def test_a_campaign_is_predicted_by_its_own_run(campaign, run, tmp_path):
    assert main(["predict", str(campaign), "--out", str(tmp_path), "--model", str(run)]) in {0, 3}
    predictions, curves = rows_of(tmp_path / "predictions.csv"), rows_of(tmp_path / "curves.csv")
    assert list(predictions.columns) == (
        ["file", "section", "status", "reasons", "capacity", "c_rate_per_h", "predicted", "spread", "unit"]
    )
    assert list(curves.columns) == [
        "level",
        "name",
        "sections",
        "capacity",
        "c_rate_per_h",
        "predicted",
        "spread",
        "unit",
    ]
    assert set(curves.level) == {"micrograph", "electrode"}
    prepared = predictions[predictions.status == "prepared"]
    assert (prepared.groupby(["file", "section", "capacity"]).size() == 5).all()
    one = curves[(curves.level == "electrode") & (curves.capacity == "specific") & (curves.c_rate_per_h == 1.0)]
    assert sorted(one.name) == sorted(rows_of(campaign / "electrodes.csv").electrode)
    assert set(curves[curves.capacity == "density"].unit) == {"Ah/L"}


def test_crops_can_be_predicted_and_explained_as_they_are(prepared, run, tmp_path):
    crop = min(prepared.glob("*.png"))
    assert main(["predict", str(crop), "--crops", "--out", str(tmp_path / "p"), "--model", str(run)]) == 0
    assert len(rows_of(tmp_path / "p" / "predictions.csv")) == 10
    command = ["explain", str(crop), "--crops", "--out", str(tmp_path / "e"), "--model", str(run)]
    assert main([*command, "--method", "all", "--capacity", "density", "--stride-px", "56", "--size-px", "56"]) == 0
    shapes = {
        path.stem.rpartition("_")[2]: np.load(path, allow_pickle=False).shape for path in (tmp_path / "e").glob("*.npy")
    }
    assert shapes == {"grad-ram": (5, 56, 168), "guided-backprop": (5, 224, 672), "occlusion": (5, 4, 12)}
    entries = json.loads((tmp_path / "e" / "explain.json").read_text())["maps"]
    assert [entry["section"] for entry in entries] == [0, 0, 0]
    assert all((tmp_path / "e" / entry["picture"]).is_file() for entry in entries)


@pytest.fixture(scope="module")
def audited(run, tmp_path_factory):
    """Half of the run, audited by few crops; what was written and said."""
    half = tmp_path_factory.mktemp("audited")
    shutil.copytree(run / "specific", half / "specific")
    written, said = audit_run(half, extent=Extent(planted=4, cascades=1, hidden=1, random_orders=1, laid=2))
    return {path.name: path for path in written}, said


def test_an_audit_plants_artefacts(audited):
    files, said = audited
    assert said[1].startswith("a planted scratch moves the specific prediction by")
    table = rows_of(files["audit.csv"])
    assert set(table.artefact) == {"void", "scratch", "brightness step", "stamp"}
    assert (table.shift_in_spreads - table.mean_absolute_shift / table.spread).abs().max() < 1e-6
    assert table.measured_error.notna().all()


def test_an_audit_lays_maps_over_the_truth_and_makes_weights_random(audited):
    files, _ = audited
    relevance = rows_of(files["audit_relevance.csv"])
    whole = relevance[relevance.electrode.isna()].groupby(["capacity", "method", "c_rate_per_h"])
    assert whole[["area", "mass"]].sum().to_numpy() == pytest.approx(1.0)
    assert len(whole) == 3 * 5
    assert rows_of(files["audit_sanity.csv"]).random_layers.max() == 11
    assert set(rows_of(files["audit_deletion.csv"]).order) == {"grad-ram", "guided-backprop", "occlusion", "random"}
    assert "On what do the maps lie? (simulated, by the truth)" in files["audit.html"].read_text(encoding="utf-8")


def test_the_audit_of_a_run_whose_campaign_is_gone_says_so_and_writes_nothing(run, tmp_path, capsys):
    for fold in (0, 1, 2):
        shutil.copytree(run / "specific" / f"fold_{fold}", tmp_path / "run" / "specific" / f"fold_{fold}")
    for name in ("settings.toml", "folds.csv"):
        shutil.copy(run / "specific" / name, tmp_path / "run" / "specific")
    inputs = json.loads((run / "specific" / "campaign.json").read_text(encoding="utf-8"))
    inputs["folder"] = str(tmp_path / "gone")
    (tmp_path / "run" / "specific" / "campaign.json").write_text(json.dumps(inputs), encoding="utf-8")
    assert main(["audit", str(tmp_path / "run")]) == 2
    assert f"{tmp_path / 'gone'}, which is not there. Bring the campaign back." in capsys.readouterr().err
    assert not list((tmp_path / "run").glob("audit*"))
