"""What a campaign knows of each crop beside its pixels."""

from pathlib import Path

import numpy as np
import pytest

import ratescope.campaign.crops
from ratescope.campaign.crop_facts import fact_remarks, fact_warnings, facts_of_crops
from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.entries import Campaign, CampaignFacts, Electrode
from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import CampaignError
from ratescope.records import CropId, Micrograph
from ratescope.settings import PrepareSettings

IDS = (CropId("A", "s1", "a.tif", 0), CropId("A", "s1", "a.tif", 1), CropId("B", "s2", "b.tif", 0))


def electrode(name, load_mpa=None, loading=15.4):
    return Electrode(name, "", load_mpa, 57.0, loading, 0.3, name, 2.0)


def campaign(*electrodes):
    return Campaign(Path("here"), CampaignFacts("test"), {e.name: e for e in electrodes}, (), ())


def test_every_crop_gets_the_thickness_of_its_micrograph_and_the_load_of_its_electrode():
    known = campaign(electrode("A", 0.0), electrode("B", 300.0))
    facts = facts_of_crops(known, IDS, {"a.tif": 55.0, "b.tif": 61.0}, ("coating_thickness_um", "load_mpa"))
    assert {name: values.tolist() for name, values in facts.items()} == {
        "coating_thickness_um": [55.0, 55.0, 61.0],
        "load_mpa": [0.0, 0.0, 300.0],
    }


def test_the_sheets_thickness_is_not_taken_for_the_measured_one():
    with pytest.raises(
        CampaignError,
        match=r"coating_thickness_um cannot be measured in b\.tif, .*out of micrographs\.csv, or train wi",
    ):
        facts_of_crops(campaign(electrode("A"), electrode("B")), IDS, {"a.tif": 55.0}, ("coating_thickness_um",))


def test_an_electrode_that_lacks_facts_is_named_with_all_of_them():
    known = campaign(electrode("A", 100.0), electrode("B", None, None))
    with pytest.raises(
        CampaignError,
        match=r"loading_mg_per_cm2 is not known of B\. Fill it in electrodes\.csv.* load_mpa is not known of B\. Fill",
    ):
        facts_of_crops(known, IDS, {}, ("loading_mg_per_cm2", "load_mpa"))


@pytest.fixture
def folder(tmp_path):
    """A campaign of two electrodes whose micrographs are no images."""
    sheets = {
        "electrodes.csv": "electrode,load_mpa,loading_mg_per_cm2\nA,0,15.4\nB,,15.4\n",
        "micrographs.csv": "file,electrode,specimen\na.tif,A,s1\nb.tif,B,s2\n",
        "cells.csv": "cell,electrode,active_mass_mg,capacity_ah_at_0.2c\nc1,A,12.1,0.0018\n",
        "campaign.toml": 'name = "test"\nschema = 1\nloading_basis = "coating"\n',
    }
    for name, text in sheets.items():
        (tmp_path / name).write_text(text)
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(b"II*\0")
    return tmp_path


def test_a_micrograph_of_a_campaign_comes_with_what_the_sheets_say_of_its_electrode(folder):
    """The loading is that of the active material, whatever basis the sheet states."""
    first, second = micrograph_files([folder])
    assert (first.electrode, second.electrode) == ("A", "B")
    assert first.facts == {"load_mpa": 0.0, "loading_mg_per_cm2": pytest.approx(15.4 * 0.92)}
    assert set(second.facts) == {"loading_mg_per_cm2"}


def test_micrographs_of_a_simulated_campaign_are_known_to_be_simulated(folder):
    assert not any(file.simulated for file in micrograph_files([folder]))
    with (folder / "campaign.toml").open("a") as sheet:
        sheet.write("simulated = true\n")
    assert all(file.simulated for file in micrograph_files([folder]))


def test_a_coating_that_runs_out_of_the_image_has_no_thickness(folder, monkeypatch):
    def entry(file, *codes):
        section = {
            "index": 0,
            "status": "prepared",
            "crop": "crop.png",
            "box": {"top": 0, "bottom": 1, "left": 0, "right": 1},
        }
        findings = [{"code": code, "text": ""} for code in codes]
        return {"file": file, "status": "prepared", "coating": {"thickness_um": 60.0}, "findings": findings} | {
            "sections": [section],
            "level_to_file": None,
        }

    crop = Micrograph(np.zeros((224, 672, 3), np.uint8), 0.123, "crop.png")
    entries = [entry("a.tif", "soft"), entry("b.tif", "surface-not-seen")]
    monkeypatch.setattr(ratescope.campaign.crops, "prepare_all", lambda *_, **__: entries)
    monkeypatch.setattr(ratescope.campaign.crops, "read_crop", lambda _: crop)
    assert prepare_campaign(read_campaign(folder), PrepareSettings()).thickness_um == {"a.tif": 60.0}


def test_none_is_told_by_default():
    assert facts_of_crops(campaign(electrode("A"), electrode("B")), IDS, {}, ()) == {}
    assert fact_warnings((), "as-published") == []


def test_a_known_porosity_is_warned_of():
    (said,) = fact_warnings(("porosity",), "by-electrode")
    assert said.startswith("Networks that are told the porosity hardly need the image")


def test_thickness_and_loading_are_warned_of_as_a_porosity():
    (said,) = fact_warnings(("coating_thickness_um", "loading_mg_per_cm2"), "by-electrode")
    assert said.startswith("Thickness and loading together tell the porosity; networks that know both hardly need")


@pytest.mark.parametrize(("loading", "tells"), [(15.5, True), (20.0, False)])
def test_where_all_loadings_are_the_same_the_thickness_is_remarked_on_as_a_porosity(loading, tells):
    known = campaign(electrode("A"), electrode("B", loading=loading), electrode("C", loading=None))
    thickness = {"coating_thickness_um": np.array([50.0, 60.0])}
    assert [said.partition(",")[0] for said in fact_remarks(known, thickness)] == (
        ["All electrodes of this campaign have much the same loading"] if tells else []
    )
    assert fact_remarks(known, {"load_mpa": np.array([0.0, 1.0])}) == []


def test_a_fact_that_names_its_electrode_is_warned_of_where_electrodes_are_trained_on_and_tested():
    assert fact_warnings(("load_mpa",), "by-electrode") == []
    assert fact_warnings(("coating_thickness_um",), "by-specimen") == []
    (said,) = fact_warnings(("loading_mg_per_cm2", "load_mpa"), "by-specimen")
    assert said.startswith("All crops of an electrode share its loading_mg_per_cm2 and load_mpa, which names")


def test_a_fact_that_is_the_same_everywhere_is_said_to_teach_nothing():
    (said,) = fact_remarks(
        campaign(electrode("A")), {"load_mpa": np.array([0.0, 1.0]), "loading_mg_per_cm2": np.full(2, 15.4)}
    )
    assert said == "loading_mg_per_cm2 is 15.4 mg/cm² everywhere in this campaign: networks learn nothing from it."


def test_of_several_campaigns_files_and_electrodes_go_by_their_campaign_too(folder, tmp_path):
    """Both may have an electrode A, and its curves are not to be averaged with the other's."""
    first, second = folder / "one", folder / "two"
    for own in (first, second):
        own.mkdir()
        for path in [*folder.glob("*.csv"), *folder.glob("*.t*")]:
            (own / path.name).write_bytes(path.read_bytes())
    files = micrograph_files([first, second])
    assert [file.electrode for file in files] == [f"{own}/{name}" for own in (first, second) for name in "AB"]
    assert len({file.name for file in files}) == 4
    assert [file.electrode for file in micrograph_files([first])] == ["A", "B"]
