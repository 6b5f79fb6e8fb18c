"""`campaign check` reads every file and says all at once what cannot be used and what should be looked at."""

import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from ratescope.campaign.check import check_campaign
from ratescope.campaign.pictures import NEARLY_THE_SAME, signature_of
from ratescope.campaign.rates import curves_to_learn
from ratescope.campaign.sheets import read_campaign
from ratescope.cli import main
from ratescope.errors import CampaignError

RATES = (0.2, 1, 2, 3, 5)
TYPED = ",".join(f"capacity_ah_at_{rate}c" for rate in RATES)
CAPACITIES = ".0019,.0018,.0016,.0013,.0008"


def picture(seed: int) -> np.ndarray:
    """Grains of a few pixels in a layer, enough to be told apart."""
    return np.random.default_rng(seed).integers(0, 255, (24, 96), np.uint8).repeat(4, axis=0).repeat(4, axis=1)


@pytest.fixture
def folder(tmp_path):
    """Two electrodes with a micrograph and a cell each: nothing to mend."""
    (tmp_path / "campaign.toml").write_text('name = "test"\nschema = 1\npixel_size_um = 0.123\n')
    (tmp_path / "electrodes.csv").write_text("electrode,load_mpa\nP30,200\nP20,750\n")
    (tmp_path / "micrographs").mkdir()
    for seed, name in enumerate(("a", "b")):
        Image.fromarray(picture(seed)).save(tmp_path / "micrographs" / f"{name}.png")
    write_micrographs(tmp_path, "micrographs/a.png,P30,s1", "micrographs/b.png,P20,s1")
    write_cells(tmp_path, f"c1,P30,12.1,,{CAPACITIES}", f"c2,P20,12.1,,{CAPACITIES}")
    return tmp_path


def write_micrographs(folder, *rows):
    (folder / "micrographs.csv").write_text("\n".join(["file,electrode,specimen", *rows]) + "\n")


def write_cells(folder, *rows):
    (folder / "cells.csv").write_text("\n".join([f"cell,electrode,active_mass_mg,file,{TYPED}", *rows]) + "\n")


def test_a_whole_campaign_has_nothing_to_mend(folder):
    check = check_campaign(folder)
    assert check.said.endswith("2 electrodes, 2 micrographs and 2 cells; nothing to mend.")
    assert (check.warnings, check.conversions) == ((), ())


def test_all_that_cannot_be_used_is_said_at_once_with_exit_status_2(folder, capsys):
    """Faults of the sheets, a cycler file that is none, an image that is none: one run, one list."""
    (folder / "no_rate_test.txt").write_text("nothing that a cycler writes\n")
    (folder / "micrographs" / "b.png").write_bytes(b"no image")
    (folder / "electrodes.csv").write_text("electrode,load_mpa\nP30,200\nP20,1.2.2024\n")
    write_cells(folder, "c1,P30,12.1,no_rate_test.txt,,,,,", f"c2,P20,12.1,,{CAPACITIES}", "c3,P99,12.1,gone.txt,,,,,")
    assert main(["campaign", "check", str(folder)]) == 2
    said = capsys.readouterr().err
    for sentence in (
        "5 things to mend",
        "electrodes.csv row 3, column 'load_mpa': '1.2.2024' looks like a date",
        "cells.csv row 4, column 'electrode': 'P99' is not in electrodes.csv",
        "cells.csv row 4, column 'file': 'gone.txt' does not exist",
        "cells.csv, cell 'c1': ",
        "micrographs.csv, file 'micrographs/b.png': b.png is no TIFF, PNG, JPEG or CZI",
    ):
        assert sentence in said
    assert "Traceback" not in said


def test_warnings_and_conversions_are_printed_and_the_status_is_0(folder, capsys):
    (folder / "electrodes.csv").write_text("electrode,load_bar\nP30,2000\nP20,7500\nP10,0\n")
    (folder / "micrographs" / "forgotten.tif").write_bytes(b"")
    assert main(["campaign", "check", str(folder)]) == 0
    said = capsys.readouterr().out
    for sentence in (
        "note: electrodes.csv: column 'load_bar' was read as load_mpa, times 0.1.",
        "warning: electrodes.csv: no cell of P10 in cells.csv. Add one, or take the row out.",
        "warning: electrodes.csv: no micrograph of P10 in micrographs.csv.",
        "warning: micrographs/: 1 file that micrographs.csv does not name: forgotten.tif. Add rows",
        "3 things to look at",
    ):
        assert sentence in said


def test_an_electrode_with_micrographs_but_without_a_cell_cannot_be_learned(folder):
    write_cells(folder, f"c1,P30,12.1,,{CAPACITIES}")
    with pytest.raises(CampaignError, match="'P20' has micrographs but no cell in cells.csv. Add one"):
        check_campaign(folder)


@pytest.mark.parametrize("begun", [False, True])
def test_a_campaign_of_rate_tests_alone_can_be_used_and_says_what_cannot(begun, folder, tmp_path):
    (folder / "micrographs.csv").unlink()
    if begun:
        write_micrographs(folder)
    (said,) = [said for said in check_campaign(folder).warnings if "does not name" not in said]
    assert said.startswith("micrographs.csv: no micrographs yet: rate tests can be read, but nothing can be learned.")
    assert main(["rates", str(folder), "--out", str(tmp_path / "rates.csv")]) == 0
    with pytest.raises(CampaignError, match=r"has no micrographs yet, so there is nothing to learn from. Add them to"):
        curves_to_learn(read_campaign(folder), {})


@pytest.mark.parametrize("begun", [False, True])
def test_a_campaign_without_cells_can_be_checked_and_has_no_rates(begun, folder, tmp_path, capsys):
    (folder / "cells.csv").unlink()
    if begun:
        write_cells(folder)
    (said,) = check_campaign(folder).warnings
    assert said.startswith("cells.csv: no cells yet: micrographs can be prepared, but nothing can be learned.")
    assert main(["rates", str(folder), "--out", str(tmp_path / "rates.csv")]) == 2
    assert "has no cell yet, so there is no rate test to read. Add cells to cells.csv." in capsys.readouterr().err
    assert not (tmp_path / "rates.csv").exists()


@pytest.mark.parametrize("kind", ["copied", "another format", "JPEG", "brighter"])
def test_one_picture_in_two_electrodes_is_found_by_its_content(kind, folder):
    b = folder / "micrographs" / "b.png"
    if kind == "copied":
        b.write_bytes((folder / "micrographs" / "a.png").read_bytes())
    elif kind == "another format":
        tifffile.imwrite(b, picture(0), compression="deflate")
    elif kind == "JPEG":
        Image.fromarray(picture(0)).save(b, format="JPEG", quality=60)
    else:
        Image.fromarray((picture(0) * 0.9).astype(np.uint8)).save(b)
    where = "electrode P30 specimen s1, and electrode P20 specimen s1: one of them is filed wrongly"
    if kind in {"JPEG", "brighter"}:  # found by a threshold, so that somebody has to look
        (said,) = check_campaign(folder).warnings
        assert re.search(rf"are nearly the same picture, likeness \d\.\d\d \({where}\)\. Keep one of them\.", said)
        return
    how = {"copied": "the same file", "another format": "the same pixels"}[kind]
    with pytest.raises(CampaignError, match=re.escape(f"are {how} ({where}). Keep one of them.")):
        check_campaign(folder)


def test_one_picture_twice_in_a_specimen_is_a_warning(folder):
    Image.fromarray(picture(0)).save(folder / "micrographs" / "again.tif")
    write_micrographs(folder, "micrographs/a.png,P30,s1", "micrographs/again.tif,P30,s1", "micrographs/b.png,P20,s1")
    (said,) = check_campaign(folder).warnings
    assert "'micrographs/a.png' and 'micrographs/again.tif' are the same pixels (electrode P30 specimen s1)" in said


def test_two_cells_with_one_cycler_file_are_a_warning(folder):
    """By content: a copy under another name is found too."""
    for name in ("c1.txt", "c2.txt"):
        (folder / name).write_text("nothing that a cycler writes\n")
    write_cells(folder, "c1,P30,12.1,c1.txt,,,,,", "c2,P20,12.1,c2.txt,,,,,")
    with pytest.raises(CampaignError, match="c1 and c2 have the same cycler file. Give each cell its own, or one row"):
        check_campaign(folder)


def test_a_damaged_workbook_does_not_hide_the_other_faults(folder):
    (folder / "damaged.xlsx").write_bytes(b"PK\x03\x04 cut short")
    write_cells(folder, "c1,P30,12.1,damaged.xlsx,,,,,", "c2,P99,12.1,damaged.xlsx,,,,,")
    with pytest.raises(CampaignError, match=r"(?s)'P99' is not in electrodes.csv.*damaged.xlsx"):
        check_campaign(folder)


def test_a_recipe_without_active_material_is_a_fault_and_no_crash(folder):
    toml = 'name = "test"\npixel_size_um = 0.123\n[weight_fractions]\nbinder = 1.0\n'
    (folder / "campaign.toml").write_text(toml)
    (folder / "electrodes.csv").write_text(
        "electrode,loading_mg_per_cm2,loading_sd_mg_per_cm2\nP30,15.4,0.2\nP20,15.4,0.2\n"
    )
    with pytest.raises(CampaignError, match=r"campaign.toml.*active"):
        check_campaign(folder)


def test_an_image_without_pixel_size_cannot_be_used(folder):
    (folder / "campaign.toml").write_text('name = "test"\n')
    with pytest.raises(
        CampaignError, match="neither the file nor pixel_size_um says how large its pixels are. Fill in"
    ):
        check_campaign(folder)


def test_a_pixel_size_that_the_file_contradicts_is_a_warning(folder):
    Image.fromarray(picture(0)).save(folder / "micrographs" / "a.png", dpi=(25400 / 0.25, 25400 / 0.25))
    (said,) = check_campaign(folder).warnings
    assert "0.123 µm per pixel are given, but the file says 0.25; the file's is used. Check the scale." in said


def test_one_coating_under_two_names_is_a_warning(folder):
    (folder / "electrodes.csv").write_text("electrode,batch,load_mpa\nP30,b1,200\nP20,b1,200\n")
    (said,) = check_campaign(folder).warnings
    assert "P30 and P20 have one batch (b1) and one load (200 MPa): one coating under several names?" in said
    assert said.endswith("Give them one name.")


def cross_section(seed: int) -> Image.Image:
    """Resin, grains and a bright foil, all a little tilted: what micrographs of one laboratory share."""
    rows, columns = np.mgrid[:240, :960]
    depth = rows - 0.03 * columns
    grains = np.random.default_rng(seed).normal(0, 25, (60, 240)).repeat(4, axis=0).repeat(4, axis=1)
    grey = np.where(depth < 40, 30.0, np.where(depth > 180, 230.0, 120.0)) + grains + 0.03 * columns
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def test_two_cross_sections_of_one_laboratory_are_not_the_same_picture():
    """Layers, tilt and slow light are no sign of a copy; only the grains are."""
    first, second = (signature_of(cross_section(seed)) for seed in (0, 1))
    assert abs(float((first * second).sum())) < 0.7 * NEARLY_THE_SAME
    darker = cross_section(0).point(lambda grey: 0.8 * grey)
    assert float((first * signature_of(darker)).sum()) > NEARLY_THE_SAME
