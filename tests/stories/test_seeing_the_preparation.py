"""A materialographer prepares a folder and sees what was dropped and why: through the command line."""

import json
import re
import shutil
from urllib.parse import unquote

import pandas as pd
import pytest
import tifffile
from markupsafe import escape
from PIL import Image

import ratescope
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.sheets import read_campaign
from ratescope.cli import main
from ratescope.prepare import show_preparation
from ratescope.settings import Settings

GOOD, BROKEN, SIZELESS = "week 1/10 % & <b>.tif", "week 1/broken.tif", "week 2/phone.png"


@pytest.fixture
def folder(tmp_path):
    """A micrograph, a file that is none, and a picture that does not say how large its pixels are."""
    folder = tmp_path / "year"
    for week in ("week 1", "week 2"):
        (folder / week).mkdir(parents=True)
    pixels = tifffile.imread(ratescope.bundled_micrographs()[0])[:, :1000]
    tifffile.imwrite(folder / GOOD, pixels, photometric="rgb", resolution=(81300, 81300), resolutionunit="CENTIMETER")
    (folder / BROKEN).write_text("no image")
    Image.new("RGB", (400, 300), "#5a5a5a").save(folder / SIZELESS)
    return folder


def entries_of(out):
    return json.loads((out / "prepared.json").read_text(encoding="utf-8"))["micrographs"]


def test_a_folder_gets_pictures_a_contact_sheet_and_a_page_that_says_why(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["prepare", str(folder), "--out", str(out)]) == 3
    assert f"wrote {out / 'preparation.html'}" in capsys.readouterr().out
    entries = entries_of(out)
    assert [entry["status"] for entry in entries] == ["prepared", "refused", "refused"]
    for entry in entries:
        with Image.open(out / entry["picture"]) as picture:
            rows, columns = entry["picture_size"]
            assert picture.height > rows
            assert picture.width >= columns
    assert {path.name for path in out.glob("*.png")} == {s["crop"] for entry in entries for s in entry["sections"]}
    with Image.open(out / "contact_sheet.jpg") as sheet:
        assert sheet.height > 100
    described = pd.read_csv(out / "descriptors.csv")
    assert described.file.tolist() == [entries[0]["file"]]
    assert described.dark_share.tolist() == [entries[0]["descriptors"]["dark_share"]]
    assert described.porosity.isna().all()  # no campaign tells the recipe
    page = (out / "preparation.html").read_text(encoding="utf-8")
    for entry in entries:
        assert str(escape(entry["file"].removeprefix(f"{folder}/"))) in page
        assert all(str(escape(reason["text"])) in page for reason in [*entry["reasons"], *entry["findings"]])
    for link in re.findall(r'(?:href|src)="([^"#]+)"', page):
        assert (out / unquote(link)).is_file()


def test_a_picture_without_pixel_size_is_shown_all_the_same(folder, tmp_path):
    main(["prepare", str(folder / SIZELESS), "--out", str(tmp_path / "out")])
    (entry,) = entries_of(tmp_path / "out")
    assert entry["reasons"][0]["code"] == "no-pixel-size"
    assert entry["pixel_size_um"] is None
    assert entry["picture_size"] == [675, 900]  # of 300 × 400, enlarged
    with Image.open(tmp_path / "out" / entry["picture"]) as picture:
        assert all(abs(value - 0x5A) < 4 for value in picture.getpixel((450, 400)))


def test_a_second_run_draws_nothing_but_what_is_gone(folder, tmp_path):
    out = tmp_path / "out"

    def times():
        return {path.name: path.stat().st_mtime_ns for path in [*out.glob("*.png"), *(out / "pictures").iterdir()]}

    main(["prepare", str(folder), "--out", str(out)])
    first, content = times(), (out / "prepared.json").read_text()
    main(["prepare", str(folder), "--out", str(out)])
    assert times() == first
    (out / "pictures" / "broken.jpg").unlink()
    main(["prepare", str(folder), "--out", str(out)])
    assert {name for name, time in times().items() if time != first[name]} == {"broken.jpg"}
    assert (out / "prepared.json").read_text() == content


def test_pictures_are_not_taken_for_micrographs(folder):
    """Even where the crops are written into the folder of the micrographs itself."""
    for _ in range(2):
        main(["prepare", str(folder), "--out", str(folder / "prepared")])
        assert len(entries_of(folder / "prepared")) == 3


def test_pictures_mark_their_folder_before_the_first_of_them_is_drawn(folder, tmp_path, monkeypatch):
    """An interrupted run leaves pictures; a later search for micrographs must pass them by."""

    def interrupted(*_, **__):
        assert entries_of(tmp_path / "out") == []
        raise KeyboardInterrupt

    monkeypatch.setattr("ratescope.campaign.prepared_folder._prepare_one", interrupted)
    assert main(["prepare", str(folder), "--out", str(tmp_path / "out")]) == 130


def test_the_page_can_be_made_again_without_the_micrographs(folder, tmp_path):
    out = tmp_path / "out"
    main(["prepare", str(folder / "week 1"), "--out", str(out)])
    page = (out / "preparation.html").read_bytes()
    shutil.rmtree(folder)
    (out / "preparation.html").unlink()
    show_preparation(out, entries_of(out))
    assert (out / "preparation.html").read_bytes() == page


@pytest.fixture
def small_campaign(folder):
    """The folder as a campaign of two electrodes."""
    shutil.copy(folder / GOOD, folder / "b.tif")
    (folder / "campaign.toml").write_text('schema = 1\nname = "small"\nsimulated = true\n')
    (folder / "electrodes.csv").write_text("electrode\nhard\nsoft\n")
    (folder / "micrographs.csv").write_text(
        f"file,electrode,specimen\n{GOOD},soft,s1\n{BROKEN},soft,s2\nb.tif,hard,s3\n"
    )
    (folder / "cells.csv").write_text("cell,electrode,capacity_ah_at_0.2c\nc1,hard,0.001\nc2,soft,0.001\n")
    return folder


def test_a_campaign_is_shown_by_electrode_also_where_a_pattern_names_it(small_campaign, tmp_path):
    out = tmp_path / "out"
    assert main(["prepare", str(small_campaign.parent / "ye?r"), "--out", str(out)]) == 3
    assert [entry["electrode"] for entry in entries_of(out)] == ["soft", "soft", "hard"]
    page = (out / "preparation.html").read_text(encoding="utf-8")
    assert page.index("Electrode hard") < page.index("Electrode soft")
    assert "These micrographs are simulated." in page


def test_training_leaves_pictures_beside_its_crops_and_takes_over_what_stands(small_campaign):
    out = small_campaign / "prepared"
    prepare_campaign(read_campaign(small_campaign), Settings().prepare)
    times = {path: path.stat().st_mtime_ns for path in (out / "pictures").iterdir()}
    assert len(times) == 3
    assert main(["prepare", str(small_campaign), "--out", str(out)]) == 3
    assert {path: path.stat().st_mtime_ns for path in (out / "pictures").iterdir()} == times
    assert (out / "preparation.html").is_file()
