"""The table of docs/the-paper-in-the-code.md cannot rot: what it names exists."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "the-paper-in-the-code.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| what "))
]
NAMED = re.compile(r"`([^`]+)`")


def named(column):
    return sorted({name for row in ROWS for name in NAMED.findall(row[column])})


@cache
def names_in(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_has_four_cells_and_a_known_status():
    assert len(ROWS) > 30
    for row in ROWS:
        assert len(row) == 4, row
        assert row[3].startswith(("as published", "in part", "changed", "later")), row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_there_has_a_function_and_a_test_and_what_comes_later_has_neither(row):
    is_there = not row[3].startswith("later")
    assert bool(NAMED.findall(row[1])) == is_there
    assert bool(NAMED.findall(row[2])) == is_there


@pytest.mark.parametrize("path", named(1))
def test_every_function_of_the_table_exists(path):
    module, name = path.rsplit(".", 1)
    assert module.startswith("ratescope.")
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("test", named(2))
def test_every_test_of_the_table_exists(test):
    file, _, name = test.partition("::")
    assert (ROOT / file).is_file()
    if name:
        assert name in names_in(file)


def test_decisions_are_numbered_without_gaps_and_listed_and_code_refers_to_none_that_is_missing():
    decisions = ROOT / "docs" / "decisions"
    files = sorted(decisions.glob("0*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    index = (decisions / "README.md").read_text(encoding="utf-8")
    assert all(f"({file.name})" in index for file in files)
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    assert {int(number) for number in re.findall(r"decisions?[ /](\d{4})", code)} <= set(range(1, len(files) + 1))
