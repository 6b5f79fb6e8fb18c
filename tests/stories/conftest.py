"""One tiny virtual campaign and one tiny run, made once in each worker, by the command line, for all its stories."""

from pathlib import Path

import pytest

from ratescope.cli import main

TINY = """\
[network]
input_reduction = 4
batch_norm_momentum = 0.3

[train]
batch = 4
max_steps = 12
"""


@pytest.fixture(scope="session")
def campaign(tmp_path_factory) -> Path:
    """Three electrodes, two specimens each, one cell each: simulated in full."""
    folder = tmp_path_factory.mktemp("stories") / "campaign"
    assert main(["lab", str(folder), "--design", "continuum", "--electrodes", "3", "--small", "--seed", "4"]) == 0
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def run(campaign, recipe, tmp_path_factory) -> Path:
    """A run of the tiny campaign: three folds, both capacities."""
    folder = tmp_path_factory.mktemp("stories") / "run"
    assert main(["train", str(campaign), "--out", str(folder), "--recipe", str(recipe), "--folds", "3"]) == 0
    return folder
