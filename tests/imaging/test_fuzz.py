"""A small, fixed part of docs/studies/fuzz_preparation.py, and that the study could find what it looks for."""

import json
from collections import Counter

import fuzz_preparation as fuzz
import pytest


@pytest.fixture(scope="module")
def small():
    """Too narrow to be prepared, so that nothing takes long after reading."""
    return fuzz.whole_files(columns=48)


def test_every_whole_file_of_the_study_is_read(small, tmp_path):
    for name, content in small.items():
        (tmp_path / name).write_bytes(content)
        assert fuzz.outcome_of(tmp_path / name, tmp_path / f"out_{name}") == "refused: too-small-field"


def test_damaged_files_are_refused_in_a_sentence_whatever_the_damage(small, tmp_path):
    outcomes = Counter()
    for number in range(150):
        name, content = fuzz.damaged(small, seed=1, number=number)
        (tmp_path / name).write_bytes(content)
        said = fuzz.outcome_of(tmp_path / name, tmp_path / f"out{number}")
        assert not said.startswith("fault"), f"{name}: {said}"
        outcomes[fuzz.kind_of(said)] += 1
    assert outcomes["refused_damaged"] > 50
    assert outcomes["refused_whole"] > 20


def test_the_study_repeats_itself_for_a_seed(small):
    assert fuzz.damaged(small, 3, 5) == fuzz.damaged(small, 3, 5)
    assert len({fuzz.damaged(small, 3, number)[1] for number in range(20)}) == 20


def test_the_study_sees_what_is_half_written(small, tmp_path):
    name, content = next(iter(fuzz.whole_files().items()))
    (tmp_path / name).write_bytes(content)
    out = tmp_path / "out"
    assert fuzz.outcome_of(tmp_path / name, out) == "prepared"
    (crop,) = out.glob("*.png")
    whole = crop.read_bytes()
    crop.with_name(f".{crop.stem}.part.png").write_bytes(b"")
    assert "half-written" in next(fuzz.faults_in(out))
    crop.with_name(f".{crop.stem}.part.png").unlink()
    crop.unlink()
    assert "other crops are there" in next(fuzz.faults_in(out))
    crop.write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut short" in next(fuzz.faults_in(out))
    crop.write_bytes(whole)
    entries = json.loads((out / "prepared.json").read_text(encoding="utf-8"))
    entries["micrographs"][0]["status"] = "refused"
    (out / "prepared.json").write_text(json.dumps(entries), encoding="utf-8")
    assert "refused with 1 crops" in next(fuzz.faults_in(out))
