"""A file appears under its name when it is whole, or not at all."""

import json
import os
import time
from pathlib import Path

import pytest

from ratescope.errors import OutputError
from ratescope.files import (
    LongText,
    check_folder,
    keep_originals,
    prepare_folder,
    remove_halves,
    whole_file,
    write_csv,
    write_json,
    write_pieces,
    write_text,
)


def test_a_failure_while_writing_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="power cut"), whole_file(target) as part:
        part.write_text("half")
        raise RuntimeError("power cut")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    others = [tmp_path / name for name in (".notes.part.md", ".a.b.part.txt", "a.12.part.txt", "below/.a.12.part.txt")]
    for file in (*others, tmp_path / ".state.4711.part.safetensors", tmp_path / ".plan.1.part"):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    remove_halves(tmp_path, tmp_path / "not there")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(others)


def test_where_others_may_be_writing_what_is_young_stays(tmp_path):
    young, old = tmp_path / ".crop.1.part.png", tmp_path / ".crop.2.part.png"
    for file, age_s in ((young, 60), (old, 7200)):
        file.touch()
        os.utime(file, (time.time() - age_s,) * 2)
    remove_halves(tmp_path, older_than_s=3600.0)
    assert list(tmp_path.iterdir()) == [young]


@pytest.mark.parametrize("name", ["o", "o/p/q", "file", "file/p"])
def test_whether_a_folder_could_be_made_is_said_without_making_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    if name.startswith("file"):
        with pytest.raises(OutputError, match=r"file is a file, but a folder is to be written there\. Choose another"):
            check_folder(Path(name))
    else:
        check_folder(Path(name))
    assert os.listdir() == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_in_a_sentence(tmp_path):
    said = r"cannot write .*: No space left on device\. Choose a folder"
    with pytest.raises(OutputError, match=said), whole_file(tmp_path / "a.txt"), Path("/dev/full").open("w") as full:
        full.write("x" * 10**5)
        full.flush()
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_is_said_in_a_sentence(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="out is a file, but a folder is to be written there. Choose another"):
        prepare_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="out is a file, but a folder is to be written there. Choose another"):
        write_text(tmp_path / "out" / "a.txt", "text")
    with pytest.raises(OutputError, match="out is a file, but a folder is to be written there. Choose another"):
        keep_originals(tmp_path / "out" / "a.csv", ["cell"])


def test_a_folder_in_the_place_of_a_file_is_said_in_a_sentence(tmp_path):
    with pytest.raises(OutputError, match="is a folder, but a file is to be written there. Name a file"):
        keep_originals(tmp_path, ["cell"])
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OutputError, match=r"a\.txt is a folder, but a file is to be written there. Name a file"):
        write_text(tmp_path / "a.txt", "text")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_json_without_numbers_that_others_cannot_read(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []
    write_json(tmp_path / "a.json", {"µ": [1, None]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"µ": [1, None]}


def test_unknown_fields_of_a_table_stay_empty(tmp_path):
    write_csv(tmp_path / "a.csv", ["a", "b", "c"], [{"a": 0.1, "b": True}, {"a": float("nan"), "c": "x,y"}])
    assert (tmp_path / "a.csv").read_text() == 'a,b,c\n0.1,true,\n,,"x,y"\n'


def test_text_in_pieces_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.txt"

    def pieces():
        yield "µ"
        yield "m\n"
        assert not target.exists()

    write_pieces(target, pieces())
    assert target.read_bytes() == b"\xc2\xb5m\n"

    def broken():
        yield "half"
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_pieces(target, broken())
    assert target.read_bytes() == b"\xc2\xb5m\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_long_text_is_read_back_as_it_was_and_leaves_nothing(tmp_path):
    said = ["<p>µ\r\n", "no line end", "\n" * 3, "x" * 10**5, "\n"]
    with LongText(tmp_path) as text:
        for piece in said:
            text.add(piece)
        assert "".join(text.pieces()) == "".join(said)
    assert os.listdir(tmp_path) == []


def test_long_text_without_room_is_said_in_a_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*gone: .*Choose a folder that can be written"):
        LongText(tmp_path / "gone")


def test_text_is_utf_8_everywhere(tmp_path):
    write_text(tmp_path / "a.txt", "µm\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb5m\n"


def test_only_an_earlier_table_of_its_kind_is_replaced(tmp_path):
    table = tmp_path / "rates.csv"
    keep_originals(table, ("cell", "cycle"))  # there is none
    for content in ("", "cell,cycle\na,1\n"):
        table.write_text(content)
        keep_originals(table, ("cell", "cycle"))
    for content in ("cell,mass\n", "~Time[h]\tI[A]\n", "\xff\n"):
        table.write_text(content, encoding="latin-1")
        with pytest.raises(
            OutputError, match=r"rates\.csv is there already and no table that ratescope wrote\. Choose"
        ):
            keep_originals(table, ("cell", "cycle"))
