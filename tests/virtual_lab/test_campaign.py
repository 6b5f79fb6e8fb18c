"""Virtual campaigns: nothing is done twice, nothing is lost, and what fails is said."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from ratescope.errors import LabError
from ratescope.virtual_lab import campaign
from ratescope.virtual_lab.campaign import make_campaign
from ratescope.virtual_lab.plan import CampaignPlan

WORK_OUT_TORTUOSITY = campaign._work_out_tortuosity
PLAN = CampaignPlan("continuum", electrodes=3, seed=2)


@pytest.fixture
def made(monkeypatch):
    """The names of what is made, by makers that only write placeholders."""
    names = []

    def place(job, folder, _plan):
        names.append(job.name)
        for file in job.files(folder):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"active_mass_mg": 12.0, "tau_through": 5.0}))

    for maker in ("_take_micrograph", "_simulate_cell", "_work_out_tortuosity"):
        monkeypatch.setattr(campaign, maker, place)
    return names


def failing(monkeypatch, maker, names):
    whole = getattr(campaign, maker)

    def make(job, folder, plan):
        if job.name in names:
            raise LabError(f"{job.name}: PyBaMM cannot solve it. Choose a milder cell.")
        whole(job, folder, plan)

    monkeypatch.setattr(campaign, maker, make)


def sheet(folder, name):
    return pd.read_csv(folder / f"{name}.csv")


def test_a_campaign_makes_each_thing_once_and_asking_again_makes_nothing(made, tmp_path):
    assert make_campaign(tmp_path, PLAN) == {}
    assert len(made) == len(set(made)) == 3 * (3 + 3 + 1)  # mosaics, cells, tortuosity
    assert make_campaign(tmp_path, PLAN) == {}
    assert len(made) == 21


def test_what_is_made_is_counted_with_what_was_there_before(made, monkeypatch, tmp_path):
    with monkeypatch.context() as broken:
        failing(broken, "_simulate_cell", {"e001_c1", "e003_c3"})
        failures = make_campaign(tmp_path, PLAN)
    assert list(failures) == ["e001_c1", "e003_c3"]
    told = []
    make_campaign(tmp_path, PLAN, on_progress=lambda *said: told.append(said))
    assert [said[:2] for said in told if said[2] == "rate tests simulated"] == [(7, 9), (8, 9), (9, 9)]


def test_asking_again_for_a_finished_campaign_loads_no_physics(made, tmp_path):
    make_campaign(tmp_path, PLAN)
    code = (
        "import sys\nfrom pathlib import Path\nfrom ratescope.virtual_lab.campaign import make_campaign\n"
        "from ratescope.virtual_lab.plan import CampaignPlan\n"
        f"make_campaign(Path({str(tmp_path)!r}), CampaignPlan('continuum', electrodes=3, seed=2), jobs=2)\n"
        "sys.exit('pybamm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_lacks_its_truth_is_made_again(made, tmp_path):
    make_campaign(tmp_path, PLAN)
    (tmp_path / "truth" / "e002_s1_a1_phases.png").unlink()
    made.clear()
    make_campaign(tmp_path, PLAN)
    assert made == ["e002_s1_a1"]


def test_a_cell_that_fails_is_said_and_costs_nothing_else(made, monkeypatch, tmp_path):
    with monkeypatch.context() as broken:
        failing(broken, "_simulate_cell", {"e002_c1"})
        failures = make_campaign(tmp_path, PLAN)
    assert list(failures) == ["e002_c1"]
    assert "PyBaMM cannot solve it" in failures["e002_c1"]
    assert len(sheet(tmp_path, "cells")) == 8
    assert len(sheet(tmp_path, "micrographs")) == 9
    assert json.loads((tmp_path / "truth" / "failures.json").read_text())["failures"] == failures
    made.clear()
    assert make_campaign(tmp_path, PLAN) == {}
    assert made == ["e002_c1"]
    assert len(sheet(tmp_path, "cells")) == 9
    assert not (tmp_path / "truth" / "failures.json").exists()


def test_an_electrode_without_a_single_cell_is_left_out_of_all_sheets(made, monkeypatch, tmp_path):
    failing(monkeypatch, "_simulate_cell", {f"e001_c{n}" for n in (1, 2, 3)})
    failures = make_campaign(tmp_path, PLAN)
    assert "The sheets leave it out" in failures["e001"]
    for name in ("electrodes", "micrographs", "cells"):
        assert set(sheet(tmp_path, name).electrode) == {"e002", "e003"}, name


def test_a_campaign_of_which_nothing_can_be_made_is_none(made, monkeypatch, tmp_path):
    failing(monkeypatch, "_take_micrograph", {f"e00{e}_s{s}_a1" for e in (1, 2, 3) for s in (1, 2, 3)})
    with pytest.raises(LabError, match=r"nothing could be made.*Choose another plan"):
        make_campaign(tmp_path, PLAN)
    assert not (tmp_path / "electrodes.csv").exists()


def test_a_coating_that_nothing_leads_through_has_no_tortuosity_and_is_no_failure(made, monkeypatch, tmp_path):
    def closed(electrode, _rng):
        raise LabError(f"electrode {electrode.name}: no pore leads from the foil to the surface.")

    monkeypatch.setattr(campaign, "_work_out_tortuosity", WORK_OUT_TORTUOSITY)
    monkeypatch.setattr(campaign, "geometric_tortuosity", closed)
    assert make_campaign(tmp_path, PLAN) == {}
    truth = json.loads((tmp_path / "truth" / "electrodes.json").read_text())["electrodes"]
    assert [electrode["tortuosity_geometric"] for electrode in truth] == [None] * 3
    assert "no pore leads" in (tmp_path / "truth" / "e001_tortuosity.json").read_text()


def test_an_error_that_nobody_expected_names_the_job(made, monkeypatch, tmp_path):
    def broken(_job, _folder, _plan):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(campaign, "_take_micrograph", broken)
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        make_campaign(tmp_path, PLAN)
    assert "e001_s1_a1" in caught.value.__notes__[0]


def test_a_folder_whose_first_file_was_cut_short_is_taken(made, tmp_path):
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / ".plan.123.part.json").write_text("{")
    assert make_campaign(tmp_path, PLAN) == {}
    assert not list(tmp_path.rglob(".*.part*"))


def test_the_folder_of_another_is_left_alone(made, tmp_path):
    theirs = {tmp_path / name for name in ("thesis.txt", ".thesis.1.part.txt", "truth", "truth/.notes.1.part.txt")}
    (tmp_path / "truth").mkdir()
    for path in theirs - {tmp_path / "truth"}:
        path.write_text("mine")
    with pytest.raises(LabError, match=r"is not empty and holds no virtual campaign\. Choose a new folder"):
        make_campaign(tmp_path, PLAN)
    assert set(tmp_path.rglob("*")) == theirs


TINY = """
import sys
from functools import partial
from pathlib import Path
from ratescope.protocol import RateBlock, RateProtocol
from ratescope.virtual_lab import campaign
from ratescope.virtual_lab.plan import CampaignPlan
once = RateProtocol((RateBlock(5.0, 0.2, 1),), RateBlock(0.1, 0.05, 1), 4.3, 2.6, (5.0,))
campaign.simulate_rate_test = partial(campaign.simulate_rate_test, protocol=once)
campaign.geometric_tortuosity = partial(campaign.geometric_tortuosity, voxel_um=2.0)
CampaignPlan.mosaic_columns = 160
campaign.make_campaign(Path(sys.argv[1]), CampaignPlan("continuum", electrodes=1, seed=3, small=True))
"""


@pytest.mark.slow
def test_a_killed_campaign_goes_on_to_the_same_bytes(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([sys.executable, "-c", TINY, str(whole)], check=True)
    process = subprocess.Popen([sys.executable, "-c", TINY, str(killed)])
    deadline = time.monotonic() + 120
    while not list(killed.glob("truth/*_phases.png")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "electrodes.csv").exists()
    (killed / "micrographs").mkdir(exist_ok=True)
    (killed / "micrographs" / ".half.123.part.tif").write_bytes(b"half")
    subprocess.run([sys.executable, "-c", TINY, str(killed)], check=True)
    files = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    assert len(files) > 10
    assert {path.relative_to(killed): path.read_bytes() for path in killed.rglob("*") if path.is_file()} == files
