"""Studies, gallery and benchmarks are run by hand: what they import from ratescope must still be there."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(file for folder in ("docs", "benchmarks") for file in (ROOT / folder).rglob("*.py"))


def imported_from_ratescope(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ratescope":
            yield from ((node.module, name.name) for name in node.names)


def is_there(module, name):
    if hasattr(importlib.import_module(module), name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_what_a_script_imports_is_there(file):
    assert [name for name in imported_from_ratescope(file) if not is_there(*name)] == []
