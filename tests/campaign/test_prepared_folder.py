"""Crops that were prepared: taken over as they were cut, cut again where they are gone, never used where changed."""

import json
import os

import numpy as np
import pytest
import tifffile
from PIL import Image

import ratescope
from ratescope.campaign.micrograph_files import MicrographFile
from ratescope.campaign.prepared_folder import prepare_all
from ratescope.errors import InputError
from ratescope.settings import PrepareSettings


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of two prepared micrographs, of two crops and one. Never change it."""
    folder = tmp_path_factory.mktemp("prepared")
    pixels = tifffile.imread(ratescope.bundled_micrographs()[0])
    for name, columns in (("a", 1600), ("b", 1000)):
        tifffile.imwrite(folder / f"{name}.tif", pixels[:, :columns], photometric="rgb")
    prepare(folder)
    return folder


def prepare(folder, jobs=1, on_progress=lambda *_: None):
    files = [MicrographFile(folder / f"{name}.tif", f"{name}.tif", name, 0.123) for name in "ab"]
    return prepare_all(files, folder / "out", PrepareSettings(), jobs=jobs, on_progress=on_progress)


@pytest.fixture
def folder(prepared, tmp_path):
    """A copy that may be changed: files are shared until they are replaced."""
    (tmp_path / "out" / "pictures").mkdir(parents=True)
    for path in prepared.rglob("*"):
        if path.is_file():
            os.link(path, tmp_path / path.relative_to(prepared))
    return tmp_path


def replace_crop(folder, change, name="a_s0.png"):
    """Put another picture of the same size in the place of a crop."""
    path = folder / "out" / name
    with Image.open(path) as image:
        pixels = np.array(image)
    path.unlink()
    Image.fromarray(change(pixels)).save(path, compress_level=1)


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_crop_that_shows_something_else_is_said_and_left_alone(folder):
    replace_crop(folder, np.fliplr)
    before = files_in(folder)
    with pytest.raises(
        InputError,
        match=r"a_s0\.png is not the crop that was cut from a\.tif: .*Remove it, .*or remove .*out to prepare",
    ):
        prepare(folder)
    assert files_in(folder) == before


def test_a_changed_crop_is_said_also_where_another_of_its_micrograph_is_gone(folder):
    """Cutting that one again would replace both."""
    replace_crop(folder, np.fliplr, "a_s1.png")
    (folder / "out" / "a_s0.png").unlink()
    with pytest.raises(InputError, match=r"a_s1\.png is not the crop that was cut from a\.tif"):
        prepare(folder)
    assert not (folder / "out" / "a_s0.png").exists()


def test_once_it_is_removed_the_crop_is_cut_again_as_it_was(folder, prepared):
    replace_crop(folder, np.fliplr)
    (folder / "out" / "a_s0.png").unlink()
    prepare(folder)
    assert files_in(folder) == files_in(prepared)


def test_a_crop_that_is_only_packed_otherwise_is_taken_over(folder, prepared):
    replace_crop(folder, np.array)
    packed = (folder / "out" / "a_s0.png").read_bytes()
    assert packed != (prepared / "out" / "a_s0.png").read_bytes()
    prepare(folder)
    assert (folder / "out" / "a_s0.png").read_bytes() == packed


def test_crops_whose_pixels_nobody_noted_are_cut_again(folder, prepared):
    path = folder / "out" / "prepared.json"
    content = json.loads(path.read_text())
    for entry in content["micrographs"]:
        for section in entry["sections"]:
            del section["pixels_sha256"]
    path.unlink()
    path.write_text(json.dumps(content))
    prepare(folder)
    assert files_in(folder) == files_in(prepared)


def test_micrographs_are_counted_as_they_are_prepared_whichever_is_first(folder, prepared, monkeypatch):
    """With several at once, a slow first one hides none that is done: neither here nor in prepared.json."""
    for name in ("a_s0.png", "b_s0.png"):
        (folder / "out" / name).unlink()
    monkeypatch.setattr(
        "ratescope.campaign.prepared_folder.finished_jobs",
        lambda job, files, jobs: ((place, job(files[place])) for place in (1, 0)),
    )
    told = []

    def on_progress(done, total, what):
        entries = json.loads((folder / "out" / "prepared.json").read_text())["micrographs"]
        told.append((done, total, what.removeprefix("micrographs prepared"), [entry["file"] for entry in entries]))

    prepare(folder, jobs=2, on_progress=on_progress)
    assert told == [(0, 2, "", []), (1, 2, ": b.tif", ["b.tif"]), (2, 2, ": a.tif", ["a.tif", "b.tif"])]
    assert files_in(folder) == files_in(prepared)


def test_what_a_killed_run_left_half_written_is_removed(folder):
    halves = [folder / "out" / ".a_s0.1.part.png", folder / "out" / "pictures" / ".a.1.part.jpg"]
    for half in halves:
        half.write_bytes(b"half")
        os.utime(half, (0, 0))
    prepare(folder)
    assert not any(half.exists() for half in halves)
