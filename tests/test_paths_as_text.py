"""From Python, paths may be text: notebooks write them so."""

from pathlib import Path

import pytest

import ratescope
from ratescope.errors import RatescopeError

MASS_MG = 12.0
CELL = Path(__file__).parents[1] / "docs/gallery/simulated_cells/0MPa_c1.bdf.csv"


def test_text_is_taken_where_there_is_something(tmp_path):
    assert ratescope.read_cycler_file(str(CELL)).maker == "Battery Data Format"
    (path, *_) = ratescope.bundled_micrographs()
    ratescope.predict_files([str(path)], str(tmp_path / "predicted"))
    ratescope.explain_files([str(path)], str(tmp_path / "maps"), section=0, methods=["grad-ram"], capacity="density")
    others = {"law": "law.csv", "cycles": "cycles", "picture": "rates.png"}
    named = {option: str(tmp_path / name) for option, name in others.items()}
    ratescope.write_rates([str(CELL)], str(tmp_path / "rates.csv"), MASS_MG, **named)
    written = ["cycles", "law.csv", "maps", "predicted", "rates.csv", "rates.png"]
    assert sorted(item.name for item in tmp_path.iterdir()) == written


@pytest.mark.parametrize(
    "asked",
    [
        lambda: ratescope.read_campaign("nowhere"),
        lambda: ratescope.read_model("nowhere"),
        lambda: ratescope.read_cycler_file("nowhere.csv"),
        lambda: ratescope.read_settings("nowhere.toml"),
        lambda: ratescope.train_campaign("nowhere", "run", ratescope.Settings()),
    ],
)
def test_and_what_is_not_there_is_said(asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RatescopeError, match="nowhere"):
        asked()
