"""Bad input gets one clear sentence and loses nothing: through the command line, as a user meets it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from ratescope.cli import main

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


@pytest.mark.parametrize("write", [write_text, write_truncated, write_one_pixel, write_empty, write_stack])
def test_a_file_that_is_no_micrograph_is_refused_with_a_sentence(write, tmp_path, capsys):
    path = tmp_path / "a.tif"
    write(path)
    status, entries = prepared(path, tmp_path, "--pixel-size-um", "0.123")
    assert status == 3
    assert entries[0]["status"] == "refused"
    assert entries[0]["reasons"][0]["text"].endswith(".")
    out = capsys.readouterr()
    assert "1 of 1 inputs were refused" in out.out
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
        (["prepare", "{tmp}/a.png", "--out", "{tmp}/a.png/o"], "cannot write"),
        (["rates", "{tmp}/nowhere.txt", "--out", "{tmp}/o.csv"], "nowhere.txt does not exist"),
        (["train", "{tmp}/empty", "--out", "{tmp}/o"], "is no campaign: it has no campaign.toml"),
        (["train", "{tmp}/empty", "--out", "{tmp}/o", "--recipe", "qick"], "did you mean 'quick'"),
        (["evaluate", "{tmp}/empty"], "it is no finished run"),
        (["predict", "{tmp}/a.png", "--out", "{tmp}/o", "--model", "{tmp}/empty"], "holds no trained networks"),
        (["lab", "{tmp}/o", "--preset", "mars"], "no preset 'mars'"),
        (["lab", "{tmp}/o", "--electrodes", "3"], "has the paper's 5 electrodes"),
        (["lab", "{tmp}"], "is not empty and holds no virtual campaign"),
        (["explain", "{tmp}/a.png", "--out", "{tmp}/o", "--method", "magic"], "Invalid value for '--method'"),
        (["prepaer"], "No such command 'prepaer'"),
    ],
)
def test_what_cannot_be_tried_is_said_in_a_sentence(arguments, said, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    assert main([part.replace("{tmp}", str(tmp_path)) for part in arguments]) == 2
    error = capsys.readouterr().err
    assert said.replace("{tmp}", str(tmp_path)) in error
    assert "Traceback" not in error
    assert not (tmp_path / "o").exists() or not any((tmp_path / "o").iterdir())


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
    assert "interrupted; run the same command again to go on" in capsys.readouterr().err
