"""Sheets are read as laboratories write them, and all faults are said at once, each with its place."""

import csv
import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.campaign.columns import CELLS, ELECTRODES
from ratescope.campaign.entries import Notes
from ratescope.campaign.header_units import meaning_of
from ratescope.campaign.sheets import read_campaign, read_sheets
from ratescope.campaign.table import Table
from ratescope.errors import CampaignError
from ratescope.numerals import number_of

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
        ("schema = 1\n", "campaign.toml.name is missing"),
        (FACTS + "theoretical_ah = 1\n", "unknown key 'theoretical_ah'; did you mean 'theoretical_ah_per_kg'"),
        ('name = "x"\nschema = 9\n', "schema 9 is not known here"),
        (FACTS + "[weight_fractions]\nactive = 0.9\n", "weight_fractions sum to 0.900"),
        (FACTS + "[weight_fractions]\nactive = 92\n", "weight_fractions.active is 92, no fraction. Divide percent"),
        (FACTS + "[weight_fractions]\nbinder = 1\n", "but no share of 'active'. Add it"),
        (FACTS + "[densities_g_per_cm3]\nactive = 4750\nbinder = 1\ncarbon = 0\n", "is 4750, no density in g/cm³"),
        (FACTS + "theoretical_ah_per_kg = 0\n", "theoretical_ah_per_kg is 0. Give Ah per kg"),
        (FACTS + "pixel_size_um = 123\n", "pixel_size_um is 123, no pixel of a micrograph in µm"),
        (
            FACTS + 'protocol = "table_2"\n',
            "campaign.toml, protocol: there is no protocol 'table_2'; did you mean 'table-2'",
        ),
        ("name = [\n", "campaign.toml: "),
    ],
)
def test_a_wrong_campaign_toml_is_said_in_a_sentence(folder, facts, said):
    cells = "cell,electrode,active_mass_mg,capacity_ah_at_0.2c\nc1,P30,12.1,0.0018\n"
    write(folder, facts=facts, cells=cells)
    with pytest.raises(CampaignError, match=said):
        read_campaign(folder)


def test_a_folder_without_campaign_toml_is_no_campaign(tmp_path):
    with pytest.raises(CampaignError, match="is no campaign: it has no campaign.toml"):
        read_campaign(tmp_path)


# --- what spreadsheets do to a sheet ---------------------------------------------------------------------------------

ROWS = [["electrode", "loading_mg_per_cm2", "coating_thickness_um", "porosity"], ["P30", "15.4", "56.6", "0.3"]]


def as_text(delimiter=",", *, comma=False, quoted=False, end="\n"):
    fields = [[field.replace(".", ",") if comma else field for field in row] for row in ROWS]
    return end.join(delimiter.join(f'"{f}"' if quoted else f for f in row) for row in fields) + end


@pytest.mark.parametrize(
    "content",
    [
        as_text(";", comma=True).encode("utf-8-sig"),
        as_text("\t").encode(),
        as_text("\t", comma=True, end="\r\n").encode("utf-16"),
        as_text("\t").encode("utf-16-le"),
        as_text(quoted=True, comma=True).encode(),
        ("# old Macs; ended; lines so\r" + as_text(end="\r")).encode(),
        ("sep=;\r\n" + as_text(";", comma=True, end="\r\n")).encode(),
        as_text().replace("\n", ",,\n").replace("56.6", "\u00a056.6\u00a0").encode(),
        ("# a remark; with semicolons; in it\n\n" + as_text() + "# P31,1,2,3\n,,,\n").encode(),
        as_text().replace("electrode", "Electrode").replace("porosity", "POROSITY ").encode("cp1252"),
    ],
    ids=["semicolons", "tabs", "utf-16", "utf-16-no-mark", "quoted", "mac", "sep", "trailing", "remarks", "capitals"],
)
def test_a_sheet_says_the_same_however_a_spreadsheet_saved_it(content, folder):
    (folder / "electrodes.csv").write_bytes(content)
    electrode = read_campaign(folder).electrodes["P30"]
    assert (electrode.coating_thickness_um, electrode.porosity) == (56.6, 0.3)
    assert electrode.active_loading_mg_per_cm2 == pytest.approx(15.4)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ('"1,056"', "'1,056' may have a separator of thousands or a decimal comma. Write it like 1234.5"),
        ("1 056", "may have a separator of thousands"),
        ("1'056.6", "may have a separator of thousands"),
        ("1.2.2024", "looks like a date: a spreadsheet may have made it of a number"),
        ("2024-02-01", "looks like a date"),
        ("1. Feb", "looks like a date"),
        ("#DIV/0!", "is a spreadsheet's error. Mend its formula"),
        ("n/a", "is not a number. Leave the field empty where it is not known"),
        ("56.6 µm", "is not a number. Write it like 12.3, without its unit"),
        ("5_6", "is not a number"),
        ("nan", "Leave the field empty"),
        ("1e400", "lies outside 1 … 1000. Check the unit: the column is coating_thickness_um"),
    ],
)
def test_a_number_that_is_not_certain_is_refused_with_a_hint(seen, said, folder):
    write(folder, electrodes=f"electrode,coating_thickness_um\nP30,{seen}\n")
    with pytest.raises(
        CampaignError, match=re.escape("electrodes.csv row 2, column 'coating_thickness_um': ")
    ) as caught:
        read_campaign(folder)
    assert said in str(caught.value)


def test_three_digits_behind_a_comma_are_read_where_the_sheet_shows_that_it_is_a_decimal_comma(folder):
    write(folder, electrodes='electrode,coating_thickness_um,load_mpa\nP30,"56,612","1,5"\n')
    assert read_campaign(folder).electrodes["P30"].coating_thickness_um == 56.612


def test_three_digits_behind_a_point_are_refused_where_the_sheet_has_decimal_commas(folder):
    write(folder, electrodes="electrode;coating_thickness_um;load_mpa\nP30;1.000;1,5\n")
    with pytest.raises(CampaignError, match="'1.000' may have a separator of thousands"):
        read_campaign(folder)


@given(st.floats(0.001, 999.0).map(lambda value: round(value, 4)))
def test_a_number_is_the_same_with_a_point_and_with_a_comma(value):
    text = f"{value:.4f}"
    assert number_of(text, decimal_comma=False) == number_of(text.replace(".", ","), decimal_comma=True) == float(text)


@pytest.mark.parametrize(
    ("electrodes", "said"),
    [
        ("electrode,load_mpa\nP30,1,5\n", "electrodes.csv row 2: it has 3 fields under 2 columns. Decimal commas"),
        ("electrode;load_mpa\nP30;1;5\n", "row 2: it has 3 fields under 2 columns. Remove what is too much"),
        ("electrode,load_mpa,load_mpa\nP30,1,1\n", "'load_mpa' and 'load_mpa' are both column 'load_mpa'. Keep one"),
        ("electrode,load_mpa,load (kPa)\nP30,1,1\n", "'load_mpa' and 'load (kPa)' are both column 'load_mpa'"),
        ("electrode,\nP30,1\n", "column 2 has fields, but no name. Name it"),
        ("load_mpa\n1\n", "electrodes.csv: column 'electrode' is missing. Add it"),
        ("# nothing\n", "electrodes.csv: it is empty. Its first row names the columns: electrode, batch"),
        ("PK\3\4", "it is a workbook, not text. Open it in the spreadsheet and save it as CSV"),
    ],
)
def test_a_table_that_is_not_one_is_said_in_a_sentence(electrodes, said, folder):
    write(folder, electrodes=electrodes)
    with pytest.raises(CampaignError) as caught:
        read_campaign(folder)
    assert said in str(caught.value)


def test_an_electrode_may_be_called_by_a_number_sign(folder):
    """``# text`` is a remark, ``#12`` a name: no row may vanish."""
    write(folder, electrodes="electrode\n#12\nP30\n")
    assert list(read_campaign(folder).electrodes) == ["#12", "P30"]


def test_a_workbook_beside_a_missing_sheet_is_pointed_at(folder):
    (folder / "cells.csv").rename(folder / "cells.xlsx")
    with pytest.raises(CampaignError, match="cells.csv: the file is missing, but cells.xlsx is there. Save its sheet"):
        read_campaign(folder)


# --- units in headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "value", "field", "wanted"),
    [
        ("coating_thickness_mm", "0.0566", "coating_thickness_um", 56.6),
        ("Thickness (µm)", "56.6", "coating_thickness_um", 56.6),
        ("thickness [μm]", "56.6", "coating_thickness_um", 56.6),
        ("Coating thickness / nm", "56600", "coating_thickness_um", 56.6),
        ("loading_g_per_m2", "154", "active_loading_mg_per_cm2", 15.4),
        ("Loading (mg/cm²)", "15.4", "active_loading_mg_per_cm2", 15.4),
        ("mass loading in g m⁻²", "154", "active_loading_mg_per_cm2", 15.4),
        ("loading [mg·cm^-2]", "15.4", "active_loading_mg_per_cm2", 15.4),
        ("Porosity (%)", "30", "porosity", 0.3),
        ("load_bar", "2000", "load_mpa", 200.0),
    ],
)
def test_a_unit_in_a_header_is_converted_where_it_is_known(header, value, field, wanted, folder):
    write(folder, electrodes=f"electrode,{header}\nP30,{value}\n")
    campaign, notes = read_sheets(folder)
    assert notes.errors == []
    assert getattr(campaign.electrodes["P30"], field) == pytest.approx(wanted)
    has_other_unit = not header.casefold().rstrip(")]").endswith(("µm", "μm", "mg/cm²", "mg·cm^-2"))
    assert (f"column {header!r} was read as" in "".join(notes.conversions)) == has_other_unit


def test_units_in_the_headers_of_the_other_sheets_are_converted_too(folder):
    write(
        folder,
        micrographs="file,electrode,specimen,pixel_size_nm,exposure (s)\nm.tif,P30,s1,123,0.01\n",
        cells="cell,electrode,active_mass_g,capacity_mah_at_0.2C\nc1,P30,0.0121,1.9\n",
    )
    campaign = read_campaign(folder)
    assert campaign.micrographs[0].pixel_size_um == pytest.approx(0.123)
    assert campaign.micrographs[0].preparation["exposure_ms"] == "10"
    assert campaign.cells[0].active_mass_mg == pytest.approx(12.1)
    assert campaign.cells[0].typed_ah == {0.2: pytest.approx(0.0019)}


@pytest.mark.parametrize(
    ("sheet", "header", "said"),
    [
        ("electrodes", "coating_thickness", "it does not say its unit. Name it coating_thickness_um."),
        (
            "electrodes",
            "loading_mah_per_cm2",
            "'mah_per_cm2' is a capacity, no unit of it. Name it loading_mg_per_cm2.",
        ),
        (
            "electrodes",
            "load_kn",
            "'kn' is no unit of it that is known here (pa, kpa, bar, mpa, gpa). Name it load_mpa",
        ),
        ("electrodes", "porosty", "did you mean 'porosity'?"),
        ("cells", "capacity_mah_per_g_at_1c", "typed capacities are those of the whole cell. Give Ah"),
        ("cells", "capacity_wh_at_1c", "'wh' is no unit of charge. Name it like capacity_ah_at_0.2c"),
        ("cells", "capacity_1c", "a typed capacity says its unit and C-rate. Name it like capacity_ah_at_0.2c"),
    ],
)
def test_a_header_that_is_not_certain_is_refused_with_the_right_name(sheet, header, said, folder):
    first = {"electrodes": "electrode", "cells": "cell,electrode,file"}[sheet]
    row = {"electrodes": "P30", "cells": "c1,P30,c.txt"}[sheet]
    write(folder, **{sheet: f"{first},{header}\n{row},1\n"})
    with pytest.raises(CampaignError) as caught:
        read_campaign(folder)
    assert f"{sheet}.csv: unknown column {header!r}; " in str(caught.value)
    assert said in str(caught.value)


@given(
    st.sampled_from([(c, u) for c in ELECTRODES + CELLS for u in c.units if u]),
    st.sampled_from(["_", " (", " [", " / "]),
)
def test_every_known_unit_is_found_in_every_spelling(column_and_unit, opening):
    column, unit = column_and_unit
    closing = {" (": ")", " [": "]"}.get(opening, "")
    meaning = meaning_of(f"{column.quantity}{opening}{unit}{closing}", [column])
    assert meaning == (column.name, column.units[unit], "")


# --- numbers that do not fit together --------------------------------------------------------------------------------


def test_a_porosity_that_mass_and_thickness_contradict_is_a_warning_with_both_numbers(folder):
    write(folder, electrodes="electrode,loading_mg_per_cm2,coating_thickness_um,porosity\nP30,15.4,56.6,0.40\n")
    campaign, notes = read_sheets(folder)
    assert campaign.electrodes["P30"].porosity == 0.40
    assert notes.errors == []
    assert "row 2, column 'porosity': 0.400 is given, but mass and thickness make 0.300" in notes.warnings[0]


def test_a_porosity_that_fits_the_other_basis_of_the_loading_says_so(folder):
    write(folder, electrodes="electrode,loading_mg_per_cm2,coating_thickness_um,porosity\nP30,16.74,56.6,0.30\n")
    _, notes = read_sheets(folder)
    assert 'With loading_basis = "coating" in campaign.toml they would make 0.300.' in notes.warnings[0]


def test_a_porosity_that_no_coating_has_cannot_be_used(folder):
    write(folder, electrodes="electrode,loading_mg_per_cm2,coating_thickness_um\nP30,154,56.6\n")
    with pytest.raises(CampaignError, match="make a porosity of -6.00, which no coating has. Check both"):
        read_campaign(folder)


def test_percent_for_a_fraction_says_which_fraction(folder):
    write(folder, electrodes="electrode,porosity\nP30,30\n")
    with pytest.raises(CampaignError, match=re.escape("it looks like percent; write 0.3, or name the column")):
        read_campaign(folder)


def test_typed_capacities_in_mah_cannot_be_used(folder):
    write(folder, cells="cell,electrode,active_mass_mg,capacity_ah_at_0.2c\nc1,P30,12.1,1.9\n")
    with pytest.raises(CampaignError, match="983 times the theoretical. Is it in mAh?"):
        read_campaign(folder)


def test_typed_capacities_that_rise_with_the_rate_or_exceed_theory_are_warnings(folder):
    write(
        folder, cells="cell,electrode,active_mass_mg,capacity_ah_at_0.2c,capacity_ah_at_1c\nc1,P30,12.1,0.0018,0.0025\n"
    )
    _, notes = read_sheets(folder)
    assert "206.6 Ah/kg are more than the theoretical 159.7. Check active_mass_mg" in notes.warnings[0]
    assert "0.0025 Ah are more than at the slower rate before" in notes.warnings[1]


def test_a_mass_that_no_half_cell_has_is_a_warning(folder):
    write(folder, cells="cell,electrode,active_mass_mg,file\nc1,P30,0.0121,c.txt\n")
    _, notes = read_sheets(folder)
    assert "0.0121 mg of active material is unusual for a half cell (0.5 … 500). Check the unit" in notes.warnings[0]


def test_uncertainties_are_read_where_they_are_given(folder):
    write(
        folder,
        electrodes="electrode,coating_thickness_um,coating_thickness_sd_um,loading_mg_per_cm2,loading_sd_mg_per_cm2\n"
        "P30,56.6,1.5,15.4,0.2\n",
        cells="cell,electrode,active_mass_mg,active_mass_sd_mg,file\nc1,P30,12.1,0.1,c.txt\n",
    )
    campaign = read_campaign(folder)
    electrode = campaign.electrodes["P30"]
    assert (electrode.coating_thickness_sd_um, electrode.active_loading_sd_mg_per_cm2) == (1.5, 0.2)
    assert campaign.cells[0].active_mass_sd_mg == 0.1


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("c.TXT", "Did you mean 'c.txt'?"),
        ("d.csv", "Did you mean 'cycler/d.csv'?"),
        ("nothing.like.it", "Put it there or mend the name."),
    ],
)
def test_a_file_that_is_not_there_is_looked_for_nearby(file, said, folder):
    (folder / "cycler").mkdir()
    (folder / "cycler" / "d.csv").write_text("~")
    write(folder, cells=f"cell,electrode,active_mass_mg,file\nc1,P30,12.1,{file}\n")
    with pytest.raises(CampaignError, match=re.escape(said)):
        read_campaign(folder)


def test_paths_written_under_windows_are_found(folder):
    (folder / "cycler").mkdir()
    (folder / "cycler" / "d.csv").write_text("~")
    write(folder, cells="cell,electrode,active_mass_mg,file\nc1,P30,12.1,cycler\\d.csv\n")
    assert read_campaign(folder).cells[0].path == folder / "cycler" / "d.csv"


def test_a_cell_that_stands_twice_cannot_be_used(folder):
    write(folder, cells="cell,electrode,file\nc1,P30,c.txt\nc1,P30,c.txt\n")
    with pytest.raises(CampaignError, match="row 3, column 'cell': 'c1' stands here twice. Give each cell one row"):
        read_campaign(folder)


def test_a_micrograph_that_stands_twice_in_two_spellings_cannot_be_used(folder):
    write(folder, micrographs="file,electrode,specimen\nm.tif,P30,s1\n./m.tif,P30,s2\n")
    with pytest.raises(CampaignError, match=r"row 3, column 'file': './m\.tif' stands here twice\. Remove one"):
        read_campaign(folder)


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_no_bytes_make_a_sheet_fail_without_a_sentence(content):
    notes = Notes()
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        table = Table.read(Path(file.name), ELECTRODES, notes)
        for row, fields in table.rows:
            table.number(row, fields, "load_mpa")
    assert table.rows or notes.errors


def test_a_name_is_the_same_with_a_space_that_does_not_break(folder):
    write(
        folder,
        electrodes="electrode\nP 30\n",
        micrographs="file,electrode,specimen\nm.tif,P\u00a030,s1\n",
        cells="cell,electrode,active_mass_mg,file\nc1,\u200bP\u202f30,12.1,c.txt\n",
    )
    campaign = read_campaign(folder)
    assert campaign.micrographs[0].electrode == campaign.cells[0].electrode == "P 30"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=4, max_size=4))
def test_no_field_makes_a_campaign_fail_without_a_sentence(fields):
    """Names that no file system takes, numbers of other scripts, quotation marks: somebody types them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        sheet = io.StringIO()
        csv.writer(sheet).writerows([["file", "electrode", "specimen", "pixel_size_um"], fields])
        (folder / "micrographs.csv").write_text(sheet.getvalue(), encoding="utf-8")
        _, notes = read_sheets(folder)
    assert any(said.startswith("micrographs.csv") for said in [*notes.errors, *notes.warnings])


def test_a_name_that_no_file_system_takes_is_a_fault_like_another(folder):
    write(folder, micrographs=f"file,electrode,specimen\n{'x' * 5000},P30,s1\n")
    with pytest.raises(CampaignError, match="does not exist in .* Put it there or mend the name"):
        read_campaign(folder)


def test_a_folder_where_a_file_should_be_is_called_one(folder):
    write(folder, micrographs="file,electrode,specimen\nmicrographs,P30,s1\n")
    (folder / "micrographs").mkdir(exist_ok=True)
    with pytest.raises(CampaignError, match="'micrographs' is a folder. Name one file in it."):
        read_campaign(folder)


@pytest.mark.parametrize(
    "header", ["electrode_thickness_um,foil_thickness_um", "Total thickness (mm),foil_thickness_um"]
)
def test_a_gauge_reads_coating_and_foil_together(folder, header):
    read = 71.6 if "um," in header else 0.0716
    write(folder, electrodes=f"electrode,{header}\nP30,{read},15\n")
    assert read_campaign(folder).electrodes["P30"].coating_thickness_um == pytest.approx(56.6)


def test_the_coatings_own_thickness_wins_and_one_of_the_two_is_not_enough(folder):
    columns = "electrode,coating_thickness_um,electrode_thickness_um,foil_thickness_um"
    write(folder, electrodes=f"{columns}\nP30,50,71.6,15\n")
    assert read_campaign(folder).electrodes["P30"].coating_thickness_um == 50.0
    write(folder, electrodes=f"{columns}\nP30,,71.6,\n")
    assert read_campaign(folder).electrodes["P30"].coating_thickness_um is None


def test_a_foil_as_thick_as_the_electrode_is_a_fault(folder):
    write(folder, electrodes="electrode,electrode_thickness_um,foil_thickness_um\nP30,15,15\n")
    with pytest.raises(CampaignError, match=r"15 µm with foil leave no coating on the foil's 15 µm. Check both."):
        read_campaign(folder)
