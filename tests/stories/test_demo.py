"""The demo, offline, as a newcomer runs it."""

import re
import socket

import pandas as pd
import pytest

from ratescope.cli import main
from ratescope.demo import EXPECTED, bundled_micrographs, check_answers, read_curves
from ratescope.errors import InstallationError
from ratescope.model import read_model


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")

    def refuse(*_arguments, **_options):
        raise AssertionError("the demo must not use the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        status = main(["demo", "--out", str(out)])
    assert status in {0, 3}
    return out


def test_the_bundle_is_small_and_complete():
    assert len(bundled_micrographs()) == 3
    assert sum(path.stat().st_size for path in bundled_micrographs()) < 3e6
    ensembles = read_model(None)
    assert {capacity: len(ensemble.networks) for capacity, ensemble in ensembles.items()} == {
        "specific": 5,
        "density": 5,
    }
    assert all(ensemble.card.simulated and "simulated" in ensemble.card.trained_on for ensemble in ensembles.values())


def test_the_installation_gives_the_answers_expected_of_it(demo):
    assert check_answers(read_curves(demo / "curves.csv"), read_curves(EXPECTED)) < 1e-4


@pytest.mark.parametrize("harm", ["other weights", "a curve less", "a rate less", "not a number"])
def test_another_answer_is_an_error(demo, harm):
    answers = read_curves(demo / "curves.csv")
    curve = answers["simulated_loose_46_percent.tif", "density"]
    if harm == "other weights":
        curve["0.2"] *= 1.01
    elif harm == "a curve less":
        del answers["simulated_loose_46_percent.tif", "density"]
    elif harm == "a rate less":
        del curve["5"]
    else:
        curve["3"] = float("nan")
    with pytest.raises(InstallationError, match=r"simulated_loose.*density.*Do not trust this installation"):
        check_answers(answers, read_curves(EXPECTED))


def test_denser_electrodes_lose_more_at_high_rates(demo):
    """The physics that the simulated micrographs come from, read off by the ensemble."""
    curves = pd.read_csv(demo / "curves.csv")
    specific = curves[(curves.level == "micrograph") & (curves.capacity == "specific")]
    at_3c = {name: row.predicted.item() for name, row in specific[specific.c_rate_per_h == 3.0].groupby("name")}
    loose, dense = (next(v for k, v in at_3c.items() if word in k) for word in ("loose", "dense"))
    assert loose > dense


def test_the_report_is_one_file_that_says_what_is_simulated(demo):
    report = (demo / "report.html").read_text(encoding="utf-8")
    assert "These micrographs are simulated." in report
    assert str(bundled_micrographs()[0].parent) not in report
    assert "doubtful-scale" not in report
    assert "not an interval" in report
    outside = re.findall(r"(?:src|href)=[\"'](?!data:|#)([^\"']+)", report)
    assert outside == []
    for unit in ("Ah kg", "Ah L", "mAh cm"):
        assert unit in report
