"""Sheets are read as laboratories write them, and all faults are said at once, each with its place."""

import pytest

from ratescope.campaign.sheets import read_campaign
from ratescope.campaign.template import write_template
from ratescope.errors import CampaignError, OutputError

FACTS = 'name = "test"\nschema = 1\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m.tif").write_bytes(b"II*\0")
    (tmp_path / "c.txt").write_text("~")
    write(tmp_path)
    return tmp_path


def write(folder, *, facts=FACTS, electrodes=None, micrographs=None, cells=None):
    (folder / "campaign.toml").write_text(facts, encoding="utf-8")
    sheets = {
        "electrodes": electrodes or "electrode,loading_mg_per_cm2,coating_thickness_um,porosity\nP30,15.4,56.6,0.30\n",
        "micrographs": micrographs or "file,electrode,specimen,area\nm.tif,P30,s1,1\n",
        "cells": cells or "cell,electrode,active_mass_mg,file\nc1,P30,12.1,c.txt\n",
    }
    for name, text in sheets.items():
        (folder / f"{name}.csv").write_bytes(text.encode("utf-8"))


def test_a_campaign_is_read_with_its_densities_worked_out(folder):
    campaign = read_campaign(folder)
    electrode = campaign.electrodes["P30"]
    assert electrode.active_density_kg_per_l == pytest.approx(15.4 / 56.6 * 10)  # mg cm⁻² µm⁻¹ = 10 kg L⁻¹
    assert campaign.cells[0].path == folder / "c.txt"
    assert campaign.micrographs[0].path == folder / "m.tif"


def test_the_loading_basis_decides_what_the_loading_counts(folder):
    write(folder, facts=FACTS + 'loading_basis = "coating"\n')
    assert read_campaign(folder).electrodes["P30"].active_loading_mg_per_cm2 == pytest.approx(15.4 * 0.92)


@pytest.mark.parametrize(("load", "thickness", "porosity"), [(0, 78.5, 0.495), (200, 56.6, 0.300), (750, 49.3, 0.196)])
def test_table_1_porosities_follow_from_mass_and_thickness(folder, load, thickness, porosity):
    """Section 2.1: skeletal density from the recipe, bulk density from mass and thickness, foil subtracted."""
    foil_mg, area_cm2 = 3.18, 0.7853982
    mass = foil_mg + 15.4 / 0.92 * area_cm2
    row = f"P,{load},{mass:.4f},10,{foil_mg},{thickness}"
    write(
        folder,
        electrodes=f"electrode,load_mpa,mass_mg,diameter_mm,foil_mass_mg,coating_thickness_um\n{row}\n",
        micrographs="file,electrode,specimen\nm.tif,P,s1\n",
        cells="cell,electrode,active_mass_mg,file\nc1,P,12.1,c.txt\n",
    )
    assert read_campaign(folder).electrodes["P"].porosity == pytest.approx(porosity, abs=0.002)


def test_spreadsheet_quirks_are_understood(folder):
    sheet = "\ufeffelectrode;loading_mg_per_cm2;coating_thickness_um;porosity\r\nP30;15,4;56,6;0,30\r\n;;;\r\n"
    write(folder, electrodes=sheet)
    electrode = read_campaign(folder).electrodes["P30"]
    assert (electrode.porosity, electrode.coating_thickness_um) == (0.30, 56.6)


def test_typed_in_capacities_replace_a_cycler_file(folder):
    write(
        folder, cells="cell,electrode,active_mass_mg,capacity_ah_at_0.2c,capacity_ah_at_5C\nc1,P30,12.1,0.0019,0.001\n"
    )
    assert read_campaign(folder).cells[0].typed_ah == {0.2: 0.0019, 5.0: 0.001}


def test_all_faults_are_said_at_once_with_row_and_column(folder):
    write(
        folder,
        electrodes="electrode,load_mp,porosity\nP30,1,30\nP30,2,x\n",
        micrographs="file,electrode,specimen\ngone.tif,P31,\n",
        cells="cell,electrode\nc1,P30\n",
    )
    with pytest.raises(CampaignError) as caught:
        read_campaign(folder)
    said = str(caught.value)
    for sentence in (
        "electrodes.csv: unknown column 'load_mp'; did you mean 'load_mpa'?",
        "electrodes.csv row 2, column 'porosity': 30 lies outside 0 … 0.95. Check the unit",
        "electrodes.csv row 3, column 'porosity': 'x' is not a number",
        "electrodes.csv row 3, column 'electrode': 'P30' stands here twice",
        "micrographs.csv row 2, column 'file': 'gone.tif' does not exist",
        "micrographs.csv row 2, column 'electrode': 'P31' is not in electrodes.csv",
        "micrographs.csv row 2, column 'specimen': it is empty",
        "cells.csv row 2, column 'file': neither a cycler file nor typed-in capacities",
    ):
        assert sentence in said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("schema = 1\n", "Field required"),
        (FACTS + "theoretical_ah = 1\n", "unknown key 'theoretical_ah'; did you mean 'theoretical_ah_per_kg'"),
        ('name = "x"\nschema = 9\n', "schema 9 is not known here"),
        (FACTS + "[weight_fractions]\nactive = 0.9\n", "weight_fractions sum to 0.900"),
    ],
)
def test_a_wrong_campaign_toml_is_said_in_a_sentence(folder, facts, said):
    write(folder, facts=facts)
    with pytest.raises(CampaignError, match=said):
        read_campaign(folder)


def test_a_folder_without_campaign_toml_is_no_campaign(tmp_path):
    with pytest.raises(CampaignError, match="is no campaign: it has no campaign.toml"):
        read_campaign(tmp_path)


def test_a_template_is_complete_but_for_its_rows(tmp_path):
    write_template(tmp_path / "new")
    with pytest.raises(CampaignError) as caught:
        read_campaign(tmp_path / "new")
    assert str(caught.value).count("it has no rows") == 3
    assert "3 thing(s) to mend" in str(caught.value)


def test_a_template_never_overwrites(folder):
    before = (folder / "cells.csv").read_bytes()
    with pytest.raises(OutputError, match=r"has campaign\.toml, .*nothing was overwritten"):
        write_template(folder)
    assert (folder / "cells.csv").read_bytes() == before
