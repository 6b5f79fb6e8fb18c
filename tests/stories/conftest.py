"""One tiny virtual campaign and one tiny run, made once by the command line, for all stories in all workers."""

from pathlib import Path

import pytest
from filelock import FileLock

from ratescope.cli import main

TINY = """\
[network]
input_reduction = 4
batch_norm_momentum = 0.3

[train]
batch = 4
max_steps = 12
"""


SMALLEST = """\
[network]
filters = [{filters}, {filters}]
hidden = [4]
input_reduction = 8

[train]
batch = {batch}
max_steps = {steps}
"""


@pytest.fixture(scope="session")
def smallest_recipe():
    """The text of a recipe that trains in moments: two convolutions of two filters on an eighth of the resolution."""

    def text(*, batch: int, steps: int, filters: int = 2, more: str = "") -> str:
        return SMALLEST.format(batch=batch, steps=steps, filters=filters) + more

    return text


@pytest.fixture(scope="session")
def shared(tmp_path_factory, request) -> Path:
    """A folder that all workers of this test session see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


def made_by(command: list[str], folder: Path) -> Path:
    """The first worker that asks makes it; the others wait for it."""
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            assert main(command) == 0
            done.touch()
    return folder


@pytest.fixture(scope="session")
def campaign(shared) -> Path:
    """Three electrodes, two specimens each, one cell each: simulated in full. Read it, never change it."""
    folder = shared / "campaign"
    return made_by(["lab", str(folder), "--design", "continuum", "--electrodes", "3", "--small", "--seed", "4"], folder)


@pytest.fixture(scope="session")
def prepared(campaign, shared) -> Path:
    """The crops of the tiny campaign. Read it, never change it."""
    folder = shared / "prepared"
    return made_by(["prepare", str(campaign), "--out", str(folder)], folder)


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def run(campaign, recipe, shared) -> Path:
    """A run of the tiny campaign: three folds, both capacities. Read it, never change it."""
    folder = shared / "run"
    return made_by(["train", str(campaign), "--out", str(folder), "--recipe", str(recipe), "--folds", "3"], folder)
