"""Training and what it leaves meet bad input: one sentence, nothing overwritten, and it can go on afterwards."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from filelock import FileLock
from PIL import Image

import ratescope
import ratescope.fold_jobs
import ratescope.train
from ratescope.cli import main
from ratescope.imaging.reading import read_crop
from ratescope.network.checkpoint import load_network, save_network

PLACES = {"D": ("dense", (0, 900, 1800)), "L": ("loose", (900, 1800)), "M": ("medium", (1200,))}  # each gives one crop
CELLS = """\
cell,electrode,active_mass_mg,capacity_ah_at_0.2c,capacity_ah_at_1c,capacity_ah_at_2c,capacity_ah_at_3c,capacity_ah_at_5c
c1,D,12.1,0.0019,0.0018,0.0016,0.0013,0.0008
c2,L,12.1,0.0019,0.00185,0.00175,0.0016,0.0013
c3,M,12.1,0.0019,0.00182,0.0017,0.00145,0.0011
"""
WEIGHTS, STATE = "run/specific/fold_1/weights.safetensors", "run/specific/fold_1/resume/state.safetensors"
CROP = "campaign/prepared/D900_s0.png"


@pytest.fixture(scope="session")
def made(shared, smallest_recipe):
    """A campaign of three electrodes and six crops, recipes, and a run: made by the first worker. Never change it."""
    place = shared / "bad_training_input"
    with FileLock(place.with_suffix(".lock")):
        if not place.exists():
            make(shared / "half", smallest_recipe).rename(place)
    return place


def make(place, smallest_recipe):
    place.mkdir()
    write_campaign(place / "campaign")
    for name, different in {
        "recipe": {},
        "wide": {"filters": 4},
        "large_batch": {"batch": 38, "more": "[folds]\nonly = [0]\n"},
        "no_such_fold": {"more": "[folds]\nonly = [1, 7]\n"},
    }.items():
        (place / f"{name}.toml").write_text(smallest_recipe(**{"batch": 2, "steps": 6} | different))
    with pytest.MonkeyPatch.context() as patch:
        be_quick(patch)
        assert main(train(place, "--out", "run")) == 0
    return place


def write_campaign(folder):
    folder.mkdir()
    files = ["file,electrode,specimen"]
    for electrode, (kind, lefts) in PLACES.items():
        (path,) = (path for path in ratescope.bundled_micrographs() if kind in path.name)
        pixels = tifffile.imread(path)
        for left in lefts:
            files.append(f"{electrode}{left}.tif,{electrode},s{left}")
            tifffile.imwrite(
                folder / f"{electrode}{left}.tif",
                pixels[:, left : left + 1000],
                photometric="rgb",
                resolution=(81300, 81300),
                resolutionunit="CENTIMETER",
            )
    (folder / "campaign.toml").write_text('name = "tiny"\nschema = 1\nsimulated = true\n')
    (folder / "electrodes.csv").write_text(
        "electrode,loading_mg_per_cm2,coating_thickness_um\nD,15.4,50\nL,15.4,70\nM,15.4,60\n"
    )
    (folder / "micrographs.csv").write_text("\n".join([*files, ""]))
    (folder / "cells.csv").write_text(CELLS)


def be_quick(patch):
    """Leave out what takes seconds: figures, and what the network is compared with."""
    patch.setattr(ratescope.train, "evaluate_run", lambda run, **_: [run])
    patch.setattr(ratescope.fold_jobs, "climb", lambda *_: {})


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A copy that may be changed: files are shared until they are replaced."""
    be_quick(monkeypatch)
    return shutil.copytree(made, tmp_path / "place", copy_function=os.link)


def train(place, *more, recipe="recipe.toml"):
    """The command; what is named after --out and --start-from lies in the place."""
    paths = [
        str(place / part) if before in {"--out", "--start-from"} else part
        for before, part in zip(("", *more), more, strict=False)
    ]
    return ["train", str(place / "campaign"), "--recipe", str(place / recipe), "--folds", "3", *paths]


def rewrite(path: Path, change):
    """Replace a file by what ``change`` makes of its bytes; it may be shared with other places."""
    content = change(path.read_bytes())
    path.unlink()
    path.write_bytes(content)


def cut_short(path):
    return lambda place: rewrite(place / path, lambda content: content[: len(content) // 2])


def altered(path):
    """One bit among the last tensors."""
    return lambda place: rewrite(place / path, lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def other_text(path, old, new):
    def change(content):
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return lambda place: rewrite(place / path, change)


def only(*files):
    """A campaign of these micrographs alone."""
    rows = "".join(f"{file}.tif,{file[0]},s{file[1:]}\n" for file in files)
    return lambda place: rewrite(
        place / "campaign/micrographs.csv", lambda _: f"file,electrode,specimen\n{rows}".encode()
    )


def gone(path):
    return lambda place: shutil.rmtree(place / path) if (place / path).is_dir() else (place / path).unlink()


def density_as_specific(place):
    shutil.rmtree(place / "run/specific")
    shutil.copytree(place / "run/density", place / "run/specific")


def weights_of_density(place):
    rewrite(place / WEIGHTS, lambda _: (place / WEIGHTS.replace("specific", "density")).read_bytes())


def other_rates(place):
    network, card = load_network(place / WEIGHTS)
    (place / WEIGHTS).unlink()
    save_network(place / WEIGHTS, network, replace(card, c_rates_per_h=(0.2, 1.0, 2.0, 3.0, 10.0)))


def files_in(place):
    """Of the sheets, the micrographs and every run; ``prepared/`` is made anew from them at any time."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and "prepared" not in path.parts
    }


NEW = ("--out", "new")
START = ("--out", "new", "--start-from", "run")
RESUME = ("--out", "run", "--resume")
AGAIN = "Copy it again, or remove it and train that fold again with `ratescope train … --resume`"
CUT = f"{WEIGHTS}: not weights of ratescope, or cut short. {AGAIN}"
ALTERED = f"{WEIGHTS}: altered since it was written: its checksum differs. {AGAIN}"
OTHER_FILES = "specific was begun on other files: {} changed since. Bring them back, or choose another --out"
NO_FILE = "micrographs.csv row 7, column 'file': 'M1200.tif' does not exist in {place}/campaign. Put it there or"
CELLS_CSV, ONE_ELECTRODE = "campaign/cells.csv", only("D0", "D900", "D1800")
BAD = {
    "one electrode": (
        (ONE_ELECTRODE, NEW),
        "there are crops of 1 electrode. Add electrodes, or hold out less with --protocol by-specimen.",
    ),
    "one crop to train on": (
        (ONE_ELECTRODE, (*NEW, "--protocol", "by-specimen")),
        "of 3 crops fold 0 by-specimen leaves 1 to train on. Add micrographs.",
    ),
    "few crops": (
        (only("D0", "D900", "D1800", "L900"), (*NEW, "--protocol", "as-published")),
        "one to validate and one to test, which takes 6 crops; there are 4. Choose --folds 2, or add micrographs.",
    ),
    "a capacity of zero": (
        (other_text(CELLS_CSV, "0.0008", "0"), NEW),
        "electrode 'D' has no capacity above zero at 5C; its cells give 0.2C, 1C, 2C, 3C, 5C. Networks learn these",
    ),
    "a missing rate": (
        (other_text(CELLS_CSV, "0.0008", ""), NEW),
        "electrode 'D' has no capacity above zero at 5C; its cells give 0.2C, 1C, 2C, 3C. Networks learn these rates",
    ),
    "no micrograph": ((gone("campaign/M1200.tif"), NEW), NO_FILE),
    "start from another capacity": (
        (density_as_specific, START),
        "fold_0/weights.safetensors predicts density, but what is to be trained predicts specific. Name a run whose",
    ),
    "start from other C-rates": (
        (other_rates, START),
        "at 0.2C, 1.0C, 2.0C, 3.0C, 10.0C, but what is to be trained predicts at 0.2C, 1.0C, 2.0C, 3.0C, 5.0C. Name",
    ),
    "start from one capacity": (
        (gone("run/density"), START),
        "run has no trained networks for density, so there is nothing to start from. Name a run that has, or",
    ),
    "start from an unfinished run": (
        (gone(WEIGHTS), START),
        "run is not finished: it holds 2 of 3 specific networks and 3 of 3 density networks. Finish it with",
    ),
    "start from networks that saw what is tested": (
        (lambda _: None, (*START, "--protocol", "as-published", "--capacity", "specific")),
        "learned: its error would not be one on what was held out. Start from a run with the same protocol and folds",
    ),
    "the other capacity by another protocol": (
        (gone("run/density"), ("--out", "run", "--capacity", "density", "--protocol", "by-specimen")),
        "run/specific beside it was trained with other settings (see its settings.toml). Both capacities of a run",
    ),
    "the other capacity from other files": (
        (
            lambda place: (gone("run/density")(place), other_text(CELLS_CSV, "0.0008", "0.0007")(place)),
            ("--out", "run", "--capacity", "density"),
        ),
        "run/specific beside it learned from other files: cells.csv. Both capacities of a run are of one campaign",
    ),
    "start from half a file": ((cut_short(WEIGHTS), START), CUT),
    "half a file": ((cut_short(WEIGHTS), RESUME), CUT),
    "an altered file": ((altered(WEIGHTS), RESUME), ALTERED),
    "weights of another training": (
        (weights_of_density, RESUME),
        f"{WEIGHTS}: was begun with other settings, crops or capacities",
    ),
    "half a state": (
        (lambda place: (gone(WEIGHTS)(place), cut_short(STATE)(place)), RESUME),
        "Remove the folder of this fold, then --resume: the fold is trained anew, the others stay.",
    ),
    "an altered state": (
        (lambda place: (gone(WEIGHTS)(place), altered(STATE)(place)), RESUME),
        "fold_1/resume/state.safetensors: altered since it was written: its checksum differs. Remove the folder",
    ),
    "a changed sheet": ((other_text(CELLS_CSV, "0.0008", "0.0007"), RESUME), OTHER_FILES.format("cells.csv")),
    "a changed micrograph": ((cut_short("campaign/M1200.tif"), RESUME), OTHER_FILES.format("M1200.tif")),
    "a lost micrograph": ((gone("campaign/M1200.tif"), RESUME), NO_FILE),
}


@pytest.mark.parametrize(("done", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_trained_is_said_and_nothing_is_overwritten(done, said, place, capsys):
    change, options = done
    change(place)
    before = files_in(place)
    assert main(train(place, *options)) == 2
    error = capsys.readouterr().err
    assert said.replace("{place}", str(place)) in error
    assert "Traceback" not in error
    assert files_in(place) == before


def test_a_network_of_other_layers_is_not_started_from(place, capsys):
    assert main(train(place, *START, recipe="wide.toml")) == 2
    assert (
        "fold_0/weights.safetensors has 2 2 filters, 4 hidden units, a linear output and sees 1/8 of the resolution, "
        "but what is to be trained has 4 4 filters, 4 hidden units, a linear output and sees 1/8 of the resolution. "
        "Take over the [network] settings of its run into the recipe, or train without --start-from."
    ) in capsys.readouterr().err
    assert not (place / "new").exists()


def test_a_run_that_is_there_is_noticed_before_a_campaign_is_prepared(place, monkeypatch, capsys):
    monkeypatch.setattr(ratescope.train, "prepare_campaign", None)
    assert main(train(place, "--out", "run")) == 2
    assert "holds a run already. Go on with it by --resume, or choose another --out." in capsys.readouterr().err
    assert main(train(place, *RESUME, recipe="wide.toml")) == 2
    assert "was begun with other settings" in capsys.readouterr().err


def test_a_fold_that_is_not_there_is_said(place, capsys):
    assert main(train(place, *NEW, recipe="no_such_fold.toml")) == 2
    assert "folds.only must be of the folds 0 to 4; it is (1, 7). Change it in the recipe." in capsys.readouterr().err
    assert not (place / "new").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--folds", "2"), "so 3 are the fewest; asked for 2. Choose --folds 3 or more."),
        (("--dask", "tcp://127.0.0.1:9"), "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_prepared(place, capsys, asked, said):
    shutil.rmtree(place / "campaign/prepared")
    assert main([*train(place, *NEW), *asked]) == 2
    assert said in capsys.readouterr().err
    assert not (place / "new").exists()
    assert not (place / "campaign/prepared").exists()


def test_a_refused_micrograph_is_named_at_the_end_and_by_the_exit_status(place, capsys):
    micrograph = place / "campaign/M1200.tif"
    micrograph.unlink()
    tifffile.imwrite(
        micrograph,
        np.full((975, 1000, 3), 90, np.uint8),
        photometric="rgb",
        resolution=(81300, 81300),
        resolutionunit="CENTIMETER",
    )
    options = (*NEW, "--protocol", "as-published", "--folds", "2", "--capacity", "specific")
    assert main(train(place, *options)) == 3
    said = capsys.readouterr().out
    assert "refused: M1200.tif" in said
    assert "1 of 6 inputs was refused." in said


def test_fewer_crops_than_a_batch_are_learned_from_all_at_once_and_the_report_says_so(place):
    """From networks of the same kind, too."""
    assert main(train(place, *START, "--capacity", "specific", recipe="large_batch.toml")) == 0
    remarks = json.loads((place / "new/specific/campaign.json").read_text(encoding="utf-8"))["remarks"]
    assert any("learns from 38 crops per step, but a fold has as few as 2 to train on" in said for said in remarks)
    remarks = json.loads((place / "run/specific/campaign.json").read_text(encoding="utf-8"))["remarks"]
    assert not any("crops per step" in said for said in remarks)


def test_crops_that_vanished_or_were_damaged_are_cut_again_and_the_run_stays(place):
    prepared = place / "campaign/prepared"
    whole = {path.name: read_crop(path).pixels for path in prepared.glob("*.png")}
    gone(CROP)(place)
    cut_short("campaign/prepared/D0_s0.png")(place)
    rewrite(prepared / "L900_s0.png", lambda png: png[:9000] + bytes([png[9000] ^ 1]) + png[9001:])
    (prepared / "L1800_s0.png").unlink()
    Image.new("RGB", (30, 20)).save(prepared / "L1800_s0.png")
    rewrite(prepared / "M1200_s0.png", lambda png: png[:8] + b"\0\0\0\3IHDR" + png[16:])
    before = files_in(place)
    assert main(train(place, *RESUME)) == 0
    assert files_in(place) == before
    again = {path.name: read_crop(path).pixels for path in prepared.glob("*.png")}
    assert sorted(again) == sorted(whole)
    assert all(np.array_equal(again[name], whole[name]) for name in whole)


@pytest.mark.parametrize("change", [cut_short(WEIGHTS), weights_of_density])
def test_a_fold_whose_weights_were_lost_is_trained_again_to_the_same_weights(change, place):
    before = files_in(place)
    change(place)
    assert main(train(place, *RESUME)) == 2
    shutil.rmtree(place / "run/specific/fold_1")
    assert main(train(place, *RESUME)) == 0
    assert files_in(place) == before


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(place, monkeypatch, capsys):
    real = os.replace

    def full(source, target):
        if Path(target) == place / "again/specific/fold_1/weights.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert main(train(place, "--out", "again", "--capacity", "specific")) == 2
    assert (
        "fold_1/weights.safetensors: No space left on device. Choose a folder that can be written and has room."
    ) in capsys.readouterr().err
    assert not list(place.rglob("*.part*"))
    assert main(train(place, "--out", "again", "--capacity", "specific", "--resume")) == 0
    files = files_in(place)
    for fold in range(3):
        name = f"specific/fold_{fold}/weights.safetensors"
        assert files[f"again/{name}"] == files[f"run/{name}"]


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cut_short(WEIGHTS), CUT),
        (altered(WEIGHTS), ALTERED),
        (density_as_specific, "run/specific: its networks predict density. Move them to density/."),
        (other_rates, "fold_1/weights.safetensors: predicts specific at 0.2, 1.0, 2.0, 3.0, 10.0C from crops, but"),
    ],
    ids=["half a file", "an altered file", "another capacity", "other C-rates"],
)
def test_a_model_that_cannot_be_used_is_said_and_nothing_is_written(command, change, said, place, capsys):
    change(place)
    out = place / "out"
    assert main([command, str(place / CROP), "--crops", "--out", str(out), "--model", str(place / "run")]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("fold_predictions.csv", lambda rows: rows[: len(rows) // 2], "whole rows that were predicted by network, but"),
        ("fold_predictions.csv", lambda rows: rows[:-3], "density holds 89 whole rows that were predicted by network"),
        ("fold_predictions.csv", lambda _: b"", "fold_predictions.csv cannot be read (No columns to"),
        ("baseline_predictions.csv", lambda _: b"a\n1\n", "baseline_predictions.csv lacks the column 'baseline'. Copy"),
        ("folds.csv", lambda rows: b"\xff\xfe" + rows, "folds.csv cannot be read ("),
    ],
)
def test_a_run_with_damaged_tables_is_not_evaluated(file, change, said, place, capsys):
    rewrite(place / "run/density" / file, change)
    before = files_in(place)
    assert main(["evaluate", str(place / "run")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Copy the run again; `ratescope train … --resume` writes its predictions again." in error
    assert files_in(place) == before


@pytest.mark.parametrize(("name", "content"), [("campaign.json", b"{}"), ("floor.json", b"{"), ("floor.json", b"{}")])
def test_a_run_with_damaged_descriptions_is_not_evaluated(name, content, place, capsys):
    (place / "run/density" / name).unlink(missing_ok=True)  # shared with other places
    (place / "run/density" / name).write_bytes(content)
    before = files_in(place)
    assert main(["evaluate", str(place / "run")]) == 2
    error = capsys.readouterr().err
    assert f"{name} cannot be read (" in error
    assert "Copy the run again, or" in error
    assert files_in(place) == before
