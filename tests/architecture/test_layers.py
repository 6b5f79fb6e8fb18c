"""The architecture is a test: who may import whom, and what must stay out."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "ratescope"
LAYERS = (
    {"units", "errors", "files", "jobs", "lettering", "measured", "numerals", "counted", "written", "disc", "__init__"},
    {"records", "settings", "protocol", "facts"},
    {"imaging", "cycling"},
    {"campaign", "evaluation"},
    {"network", "baselines", "oracles", "virtual_lab"},
    {"attribution"},
    {"prepare", "predict", "train", "explain", "demo", "audit", "evaluate", "run_folder", "floor", "ladder", "lab"}
    | {"model", "start_from", "map_list", "rate_picture", "rates", "fold_jobs"},
    {"cli", "arguments", "wrong_arguments", "interruption"},
    {"__main__"},
)
APART = (
    {"imaging", "cycling"},
    {"campaign", "evaluation"},
    {"network", "baselines", "oracles", "virtual_lab"},
    {"predict", "train", "explain", "demo"},
)
ROOMS = sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())


def files_of(room: str) -> list[Path]:
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def imports_of(file: Path) -> set[str]:
    """Full dotted names of everything that a file imports, wherever the import stands."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported_by(room: str) -> set[str]:
    dotted = {name for file in files_of(room) for name in imports_of(file) if name.startswith("ratescope.")}
    return {name.split(".")[1] for name in dotted} & set(ROOMS) - {room}


def layer_of(room: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if room in layer)


def test_every_room_has_its_place():
    assert set(ROOMS) == set.union(*LAYERS)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_downwards(room):
    above = {other for other in rooms_imported_by(room) if layer_of(other) > layer_of(room)}
    assert not above


@pytest.mark.parametrize("neighbours", APART, ids=lambda rooms: "|".join(sorted(rooms)))
def test_neighbours_do_not_import_each_other(neighbours):
    for room in neighbours:
        assert not rooms_imported_by(room) & neighbours, room


def test_the_virtual_laboratory_and_the_readers_meet_only_in_files():
    assert not rooms_imported_by("virtual_lab") & {"imaging", "cycling"}
    assert "virtual_lab" not in rooms_imported_by("imaging") | rooms_imported_by("cycling")


def test_only_what_judges_reads_the_truth():
    readers = {room for room in ROOMS if room != "virtual_lab" for file in files_of(room) if _goes_into_truth(file)}
    assert readers == {"floor", "ladder", "audit"}


def _goes_into_truth(file: Path) -> bool:
    """Whether a path of the code leads into the folder: ``… / "truth"``."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.BinOp) and getattr(node.right, "value", None) == "truth" for node in nodes)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("torch", {"network/", "attribution/"}),
        ("matplotlib", {"evaluation/figures/"}),
        ("pybamm", {"virtual_lab/"}),
        ("pickle", set()),
    ],
)
def test_a_library_stays_in_its_room(library, allowed):
    users = {
        file.relative_to(PACKAGE).as_posix()
        for file in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports_of(file))
    }
    assert {user for user in users if not any(user.startswith(place) for place in allowed)} == set()


def test_only_the_command_line_prints():
    for file in PACKAGE.rglob("*.py"):
        calls = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        prints = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]
        assert file.name == "cli.py" or not prints, file


def test_weights_are_never_read_by_something_that_can_run_code():
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "torch.load(" not in text, file
        assert "allow_pickle=True" not in text, file


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, ratescope; sys.exit(bool({'torch', 'matplotlib', 'pybamm', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names_are_there():
    import ratescope

    assert [name for name in ratescope.__all__ if not hasattr(ratescope, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'Micrograf'"):
        _ = ratescope.Micrograf
