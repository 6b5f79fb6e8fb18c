"""A template explains itself, and filled in as it says it is a campaign."""

import csv
import re

import numpy as np
import pytest
from PIL import Image

from ratescope.campaign import columns
from ratescope.campaign.check import check_campaign
from ratescope.campaign.sheets import read_campaign, read_sheets
from ratescope.campaign.template import write_template
from ratescope.cli import main
from ratescope.errors import CampaignError, OutputError

SHEETS = ("electrodes.csv", "micrographs.csv", "cells.csv")


def test_a_template_is_complete_but_for_its_rows(tmp_path):
    write_template(tmp_path / "new")
    _, notes = read_sheets(tmp_path / "new")
    assert notes.errors == ["electrodes.csv: it has no rows. Add one per line."]
    assert [said.split(":")[0] for said in notes.warnings] == ["micrographs.csv", "cells.csv"]


def test_a_template_never_overwrites(tmp_path):
    (tmp_path / "cells.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"has cells\.csv already; nothing was overwritten\. Choose another folder"):
        write_template(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.csv"]


def test_the_readme_names_every_column_with_its_need_and_the_basis_of_the_loading(tmp_path):
    write_template(tmp_path)
    read_me = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "Rate tests alone, or micrographs alone, can be used as well" in read_me
    everything = (
        *columns.ELECTRODES,
        *columns.MASS,
        *columns.ELECTRODE_UNCERTAINTIES,
        *columns.MICROGRAPHS,
        *columns.PREPARATION,
        *columns.CELLS,
        *columns.CELL_UNCERTAINTIES,
    )
    for column in everything:
        need = "needed" if column.is_needed else "(optional|may be added)"
        assert re.search(rf"^  {column.name} +{need} +\S", read_me, re.MULTILINE), column.name
    assert 'loading_basis = "active" or "coating"' in read_me
    assert max(map(len, read_me.splitlines())) <= 120


def test_the_examples_of_a_template_are_remarks_that_fit_their_columns(tmp_path):
    write_template(tmp_path)
    for name in SHEETS:
        header, example = csv.reader((tmp_path / name).read_text(encoding="utf-8").splitlines())
        assert example[0].startswith("# ")
        assert len(example) == len(header)


def test_a_template_filled_with_its_own_examples_passes_the_check(tmp_path, capsys):
    """The remarks become rows, the files that they name are put there: nothing else is to be done."""
    write_template(tmp_path)
    for name in SHEETS:
        sheet = tmp_path / name
        sheet.write_text(sheet.read_text(encoding="utf-8").replace("# ", ""), encoding="utf-8")
    cells = tmp_path / "cells.csv"
    typed = ",".join(f"capacity_ah_at_{rate}c" for rate in (0.2, 1, 2, 3, 5))
    cells.write_text(f"cell,electrode,active_mass_mg,{typed}\nP30_c1,P30,12.1,.0019,.0018,.0016,.0013,.0008\n")
    noise = np.random.default_rng(0).integers(0, 255, (40, 120, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "micrographs" / "P30_s1_a1.tif")
    assert check_campaign(tmp_path).warnings == ()
    assert main(["campaign", "check", str(tmp_path)]) == 0
    assert "1 electrode, 1 micrograph and 1 cell; nothing to mend." in capsys.readouterr().out


def test_a_name_with_quotation_marks_makes_a_readable_campaign_toml(tmp_path):
    folder = tmp_path / 'a "b" \\c'
    write_template(folder)
    with pytest.raises(CampaignError, match=r"1 thing to mend\n.*Add one per line"):
        read_campaign(folder)
