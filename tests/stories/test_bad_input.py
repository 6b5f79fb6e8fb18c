"""Bad input gets one clear sentence and loses nothing: through the command line, as a user meets it."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

import ratescope
from ratescope.cli import main
from ratescope.errors import InputError
from ratescope.explain import explain_files
from ratescope.predict import predict_files
from ratescope.prepare import prepare_micrographs

NOISE = np.random.default_rng(1).integers(0, 255, (400, 800, 3), np.uint8)


def prepared(path, tmp_path, *more):
    status = main(["prepare", str(path), "--out", str(tmp_path / "out"), *more])
    entries = json.loads((tmp_path / "out" / "prepared.json").read_text(encoding="utf-8"))["micrographs"]
    return status, entries


def write_text(path):
    path.write_text("not an image at all")


def write_truncated(path):
    tifffile.imwrite(path, NOISE, resolution=(81300, 81300), resolutionunit="CENTIMETER")
    path.write_bytes(path.read_bytes()[:3000])


def write_one_pixel(path):
    tifffile.imwrite(path, NOISE[:1, :1], photometric="rgb")


def write_empty(path):
    path.write_bytes(b"")


def write_stack(path):
    tifffile.imwrite(path, np.stack([NOISE] * 3), photometric="rgb")


@pytest.mark.skipif(os.name == "nt", reason="Windows' names are text, not bytes")
def test_a_name_that_is_no_utf8_is_written_as_an_escape_and_its_crops_can_be_used(tmp_path):
    path = tmp_path / os.fsdecode(b"10_\xb5m.tif")
    shutil.copy(ratescope.bundled_micrographs()[2], path)
    status, ((entry),) = prepared(path, tmp_path)
    assert (status, entry["file"]) == (0, str(tmp_path / r"10_\udcb5m.tif"))
    crops = tmp_path / "out" / r"10_\udcb5m_s0.png"
    assert main(["explain", str(crops), "--crops", "--method", "grad-ram", "--out", str(tmp_path / "maps")]) == 0


@pytest.mark.parametrize("command", ["prepare", "predict"])
def test_what_is_neither_file_nor_folder_is_said(command, tmp_path, capsys):
    assert main([command, os.devnull, "--out", str(tmp_path / "out")]) == 2
    assert f"{os.devnull} cannot be read (" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("write", [write_text, write_truncated, write_one_pixel, write_empty, write_stack])
def test_a_file_that_is_no_micrograph_is_refused_with_a_sentence(write, tmp_path, capsys):
    path = tmp_path / "a.tif"
    write(path)
    status, entries = prepared(path, tmp_path, "--pixel-size-um", "0.123")
    assert status == 3
    assert entries[0]["status"] == "refused"
    assert entries[0]["reasons"][0]["text"].endswith(".")
    out = capsys.readouterr()
    assert "1 of 1 input was refused" in out.out
    assert "Traceback" not in out.err


def test_an_image_without_pixel_size_says_how_to_give_it(tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    status, entries = prepared(tmp_path / "a.png", tmp_path)
    assert status == 3
    assert "--pixel-size-um" in entries[0]["reasons"][0]["text"]


@pytest.mark.parametrize("kind", ["uint16", "rgba", "palette", "grey"])
def test_other_kinds_of_pixels_are_read_not_refused_for_their_kind(kind, tmp_path, campaign):
    """The same micrograph in another kind of file finds the same collector."""
    source = min((campaign / "micrographs").glob("*.tif"))
    pixels = tifffile.imread(source)
    path = tmp_path / "a.tif"
    if kind == "uint16":
        tifffile.imwrite(path, pixels.astype(np.uint16) * 257, photometric="rgb")
    elif kind == "rgba":
        Image.fromarray(pixels).convert("RGBA").save(path)
    elif kind == "palette":
        Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    else:
        Image.fromarray(pixels).convert("L").save(path)
    reference, changed = (
        prepared(file, tmp_path / name, "--pixel-size-um", "0.123")[1][0] for name, file in (("a", source), ("b", path))
    )
    assert changed["status"] == "prepared"
    assert changed["collector"]["row_left"] == pytest.approx(reference["collector"]["row_left"], abs=1.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prepare", "{tmp}/nowhere.tif", "--out", "{tmp}/o"], "no such file or folder: {tmp}/nowhere.tif"),
        (["predict", "{tmp}/empty", "--out", "{tmp}/o"], "no micrograph in"),
        (["predict", "{tmp}/empty", "--crops", "--out", "{tmp}/o"], "no crop in {tmp}/empty"),
        (["prepare", "{tmp}/a.png", "--out", "{tmp}/a.png/o"], "a.png is a file, but a folder is to be written there"),
        (["predict", "{tmp}/a.png", "--out", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["explain", "{tmp}/a.png", "--out", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["demo", "--out", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["campaign", "new", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["lab", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["rates", "{tmp}/a.png", "--out", "{tmp}/empty"], "empty is a folder, but a file is to be written there"),
        (["rates", "{tmp}/a.png", "--out", "{tmp}/a.png/o"], "a.png is a file, but a folder is to be written there"),
        (["rates", "{tmp}/nowhere.txt", "--out", "{tmp}/o.csv"], "nowhere.txt does not exist"),
        (["train", "{tmp}/empty", "--out", "{tmp}/o"], "is no campaign: it has no campaign.toml"),
        (["train", "{tmp}/empty", "--out", "{tmp}/a.png"], "a.png is a file, but a folder is to be written there"),
        (["train", "{tmp}/empty", "--out", "{tmp}/o", "--recipe", "qick"], "did you mean 'quick'"),
        (["evaluate", "{tmp}/empty"], "it is no finished run"),
        (["evaluate", "{tmp}/nowhere"], "{tmp}/nowhere does not exist, but a run is a folder"),
        (["evaluate", "{tmp}/a.png"], "{tmp}/a.png is a file, but a run is a folder"),
        (["audit", "{tmp}/nowhere"], "{tmp}/nowhere does not exist, but a run is a folder"),
        (
            ["predict", "{tmp}/a.png", "--out", "{tmp}/o", "--model", "{tmp}/nowhere"],
            "nowhere does not exist, but a run",
        ),
        (
            ["explain", "{tmp}/a.png", "--out", "{tmp}/o", "--model", "{tmp}/nowhere"],
            "nowhere does not exist, but a run",
        ),
        (["train", "{tmp}", "--out", "{tmp}/o", "--start-from", "{tmp}/nowhere"], "nowhere does not exist, but a run"),
        (["train", "{tmp}/nowhere", "--out", "{tmp}/o"], "{tmp}/nowhere does not exist, but a campaign is a folder"),
        (["campaign", "check", "{tmp}/a.png"], "{tmp}/a.png is a file, but a campaign is a folder"),
        (["predict", "{tmp}/a.png", "--out", "{tmp}/o", "--model", "{tmp}/empty"], "holds no trained networks"),
        (["lab", "{tmp}/o", "--preset", "mars"], "no preset 'mars'"),
        (["lab", "{tmp}/o", "--electrodes", "3"], "has the paper's 5 electrodes"),
        (["lab", "{tmp}"], "is not empty and holds no virtual campaign"),
    ],
)
def test_what_cannot_be_tried_is_said_in_a_sentence(arguments, said, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    assert main([part.replace("{tmp}", str(tmp_path)) for part in arguments]) == 2
    error = capsys.readouterr().err
    assert said.replace("{tmp}", str(tmp_path)) in error
    assert "Traceback" not in error
    assert not (tmp_path / "o").exists()
    assert not any((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("explain a --out o --section x", "--section must be a whole number, but it is 'x'. Give it so, or leave"),
        (
            "explain a --out o --section -1",
            "--section must be at least 0, but it is -1. Give it so, or leave --section",
        ),
        ("explain a --out o --method magic", "--method must be one of grad-ram, guided-backprop, occlusion, all, but"),
        ("explain a --out o --size-px 0", "--size-px must be at least 1, but it is 0. Give it so, or leave --size-px"),
        ("rates a --out o --active-mass-mg -3", "--active-mass-mg must be a finite number above 0, but it is -3. Give"),
        ("rates a --out o --active-mass-mg inf", "--active-mass-mg must be a finite number above 0, but it is inf."),
        ("rates a --out o --theoretical-ah-per-kg nan", "--theoretical-ah-per-kg must be at least 1, but it is nan."),
        ("train a --out o --folds 1", "--folds must be at least 2, but it is 1. Give it so, or leave --folds out."),
        ("prepare a --out o --jobs 0", "--jobs must be at least 1, but it is 0. Give it so, or leave --jobs out."),
        ("prepare a", "--out DIR is missing. Add it; `ratescope prepare --help` says what it means."),
        ("prepare a --out", "Option '--out' requires an argument. `ratescope --help` lists"),
        ("campaign new", "DIR is missing. Add it; `ratescope campaign new --help` says what it means."),
        ("evaluate a b", "`ratescope evaluate` takes no more arguments, but got b as well."),
        ("predict a --outt o", "there is no option --outt; did you mean --out? `ratescope predict --help` lists"),
        ("predict a --bogus o", "there is no option --bogus. `ratescope predict --help` lists what there is."),
        ("prepaer", "No such command 'prepaer'. Did you mean 'prepare'? `ratescope --help` lists"),
    ],
)
def test_wrong_arguments_are_said_in_our_words_and_begin_nothing(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["prepare", "predict", "explain"])
@pytest.mark.parametrize("size", ["-1", "0", "nan", "inf", "text"])
def test_what_is_no_pixel_size_is_said_before_a_folder_is_made(command, size, tmp_path, capsys):
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    assert main([command, str(tmp_path / "a.png"), "--out", str(tmp_path / "o"), "--pixel-size-um", size]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --pixel-size-um must be a")
    assert f"but it is {size}." in error.replace("'", "")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("story", [prepare_micrographs, predict_files, explain_files])
def test_python_is_told_as_well_what_is_no_pixel_size(story, tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    with pytest.raises(
        InputError, match=r"a length above 0 µm; got 0\. Give it with --pixel-size-um, or leave that out"
    ):
        story([tmp_path / "a.png"], tmp_path / "o", pixel_size_um=0.0)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", ["predict", "explain", "audit"])
def test_a_run_whose_training_did_not_end_is_refused_with_how_to_end_it(command, tmp_path, capsys):
    """Its ensemble would be smaller than was asked for, and nobody would see it."""
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    for capacity, trained in (("specific", (0, 1, 2)), ("density", (0, 2))):
        for fold in trained:
            (tmp_path / "run" / capacity / f"fold_{fold}").mkdir(parents=True)
            (tmp_path / "run" / capacity / f"fold_{fold}" / "weights.safetensors").touch()
        (tmp_path / "run" / capacity / "settings.toml").touch()
        (tmp_path / "run" / capacity / "folds.csv").write_text("fold,part\n0,train\n0,test\n1,train\n2,train\n")
    run = str(tmp_path / "run")
    on = [run] if command == "audit" else [str(tmp_path / "a.png"), "--out", str(tmp_path / "o"), "--model", run]
    assert main([command, *on]) == 2
    said = capsys.readouterr().err
    assert "it holds 3 of 3 specific networks and 2 of 3 density networks" in said
    assert f"Finish it with `ratescope train CAMPAIGN --out {run} --resume`" in said
    assert not (tmp_path / "o").exists()


def test_crops_may_lie_among_the_micrographs_that_they_were_cut_from(tmp_path, capsys):
    """The folder's own prepared.json kept a second call from seeing any micrograph in it."""
    tifffile.imwrite(tmp_path / "a.tif", NOISE, resolution=(81300, 81300), resolutionunit="CENTIMETER")
    command = ["prepare", str(tmp_path), "--out", str(tmp_path)]
    assert main(command) == 3
    first = (tmp_path / "prepared.json").read_text(encoding="utf-8")
    assert main(command) == 3
    assert (tmp_path / "prepared.json").read_text(encoding="utf-8") == first
    assert "a.tif" in first
    assert capsys.readouterr().err.endswith("contact sheets: 1 of 1\n")


def test_a_picture_never_replaces_a_micrograph(tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    Image.fromarray(NOISE).save(tmp_path / "pictures" / "a.jpg")
    before = (tmp_path / "pictures" / "a.jpg").read_bytes()
    assert main(["prepare", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "keeps the pictures that are drawn. Choose another --out." in capsys.readouterr().err
    assert (tmp_path / "pictures" / "a.jpg").read_bytes() == before


def test_a_laboratory_without_its_solver_begins_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ratescope.virtual_lab.campaign.importlib.util.find_spec", lambda _name: None)
    assert main(["lab", str(tmp_path / "o")]) == 2
    assert "Install ratescope[lab], or in a clone run `make setup`." in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_no_arguments_print_the_help():
    done = subprocess.run([sys.executable, "-m", "ratescope"], capture_output=True, text=True, check=False)
    assert "prepare" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_crop_never_replaces_a_micrograph(tmp_path, capsys):
    for name in ("a.tif", "a_s0.png"):
        Image.new("RGB", (60, 40)).save(tmp_path / name)
    before = (tmp_path / "a_s0.png").read_bytes()
    assert main(["prepare", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "a_s0.png would be replaced by what is written to" in capsys.readouterr().err
    assert (tmp_path / "a_s0.png").read_bytes() == before
    assert not (tmp_path / "prepared.json").exists()


def test_who_interrupts_is_told_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ratescope.evaluate.evaluate_run", interrupted)
    assert main(["evaluate", str(tmp_path)]) == 130
    assert "interrupted; run the same command again; it begins anew" in capsys.readouterr().err


def test_a_doubtful_scale_is_said_where_it_cannot_be_overlooked(tmp_path, capsys):
    """Every number depends on it, and a report may stay closed."""
    path = str(next(path for path in ratescope.bundled_micrographs() if "medium" in path.name))
    for command in ("prepare", "predict"):
        assert main([command, path, "--out", str(tmp_path / command), "--pixel-size-um", "0.246"]) in {0, 3}
        said = capsys.readouterr().out
        assert (
            f"note: {path}: pixel size 0.246 µm was given, but the file says 0.123 µm; the given one was used." in said
        )
        assert "Check the pixel size." in said
    rows = (tmp_path / "predict" / "predictions.csv").read_text(encoding="utf-8")
    assert "pixel-size-differs: pixel size 0.246" in rows


def test_a_micrograph_that_is_not_there_is_refused_and_the_others_are_used(tmp_path, capsys):
    """By what reads one after the other; a training would go on for hours without it, and says so at once."""
    folder = tmp_path / "campaign"
    assert main(["campaign", "new", str(folder)]) == 0
    shutil.copy(ratescope.bundled_micrographs()[0], folder / "micrographs" / "there.tif")
    (folder / "electrodes.csv").write_text("electrode\nP30\n")
    (folder / "cells.csv").write_text("cell,electrode,active_mass_mg,file\n")
    (folder / "micrographs.csv").write_text(
        "file,electrode,specimen\nmicrographs/there.tif,P30,s1\nmicrographs/gone.tif,P30,s2\n"
    )
    for command in ("prepare", "predict"):
        assert main([command, str(folder), "--out", str(tmp_path / command)]) == 3
        said = capsys.readouterr().out
        assert "gone.tif cannot be opened (No such file or directory)" in said
        assert "1 of 2 inputs was refused." in said
    assert (tmp_path / "predict" / "curves.csv").read_text().count("there.tif") == 10
    assert main(["train", str(folder), "--out", str(tmp_path / "run")]) == 2
    assert "'micrographs/gone.tif' does not exist" in capsys.readouterr().err
