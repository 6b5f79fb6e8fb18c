"""BPX files of half cells: what is known is written, what is not is asked for, nothing is made up."""

import json
from dataclasses import replace

import bpx
import pytest

from ratescope.campaign.bpx_file import read_given, write_bpx, write_half_cells
from ratescope.campaign.entries import Campaign, CampaignFacts, Electrode
from ratescope.errors import InputError
from ratescope.protocol import TABLE_2
from ratescope.records import Discharge, RateTest

TEST = RateTest("0MPa_c1", "0MPa", (Discharge(1, 0.2, -4e-4, 1.9e-3, counts=True),), 12.1749, 6.2021, 0.79058)
ELECTRODE = Electrode("0MPa", "b1", 0.0, 78.45, 15.4, 0.495, "50", 1.963)
FACTS = CampaignFacts("paper", simulated=True)
OTHERS = {  # of the virtual laboratory's positive electrode
    "Minimum stoichiometry": 0.42,
    "Maximum stoichiometry": 0.96,
    "Maximum concentration [mol.m-3]": 49243.0,
    "Particle radius [m]": 4.6e-6,
    "Surface area per unit volume [m-1]": 2.7e5,
    "Diffusivity [m2.s-1]": 6e-15,
    "OCP [V]": "4.3 - 1.2 * x",
    "Reaction rate constant [mol.m-2.s-1]": 2.305e-5,
    "Transport efficiency": 0.2,
    "Conductivity [S.m-1]": 0.789,
}


def written(path, *, given=None, test=TEST, electrode=ELECTRODE):
    write_bpx(path, test, electrode, FACTS, TABLE_2, given=given)
    return bpx.parse_bpx_file(path)


def test_what_a_laboratory_knows_is_read_back_by_the_formats_own_reader(tmp_path):
    read = written(tmp_path / "a.bpx.json")
    cell, positive = read.parameterisation.cell, read.parameterisation.user_defined.model_dump()
    assert cell.electrode_area == pytest.approx(0.79058e-4)
    assert cell.nominal_cell_capacity == pytest.approx(12.1749e-6 * 159.7)
    assert (cell.lower_voltage_cutoff, cell.upper_voltage_cutoff) == (2.6, 4.3)
    assert positive["Positive electrode thickness [m]"] == pytest.approx(78.45e-6)
    assert positive["Positive electrode porosity"] == 0.495
    assert positive["Positive electrode active material volume fraction"] == pytest.approx(0.505 * 0.8184, rel=1e-3)
    assert positive["Positive electrode active material loading [kg.m-2]"] == pytest.approx(0.154)
    assert "SIMULATED" in read.header.title


def test_nothing_is_made_up(tmp_path):
    read = written(tmp_path / "a.bpx.json", electrode=replace(ELECTRODE, porosity=None, coating_thickness_um=None))
    assert read.parameterisation.positive_electrode is None
    assert not {name for name in read.parameterisation.user_defined.model_dump() if "porosity" in name}


@pytest.mark.parametrize("ending", ["json", "toml"])
def test_given_parameters_are_joined_by_thickness_and_porosity(tmp_path, ending):
    path = tmp_path / f"given.{ending}"
    lines = ["['Positive electrode']", *(f"'{key}' = {value!r}" for key, value in OTHERS.items())]
    path.write_text("\n".join(lines) if ending == "toml" else json.dumps({"Positive electrode": OTHERS}))
    electrode = written(tmp_path / "a.bpx.json", given=read_given(path)).parameterisation.positive_electrode
    assert (electrode.thickness, electrode.porosity) == (pytest.approx(78.45e-6), 0.495)
    assert electrode.particle_radius == 4.6e-6


def test_a_written_file_can_be_given_again(tmp_path):
    first = tmp_path / "a.bpx.json"
    written(first, given={"Positive electrode": OTHERS})
    written(tmp_path / "b.bpx.json", given=read_given(first))
    assert (tmp_path / "b.bpx.json").read_text() == first.read_text()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Positive electrode": {"Conductivity [S.m-1]": 1.0}}, "OCP .V.: Field required.*Reaction rate constant"),
        ({"Positive electrode": {**OTHERS, "OCP [V]": "+*("}}, "OCP .V.: no value that the format allows there"),
        ({"Seperator": {}}, "Add what is missing, or leave the group out:\n  Parameterisation, Seperator|Seperator: "),
        ({"Positive electrode": {**OTHERS, "Porosity": 0.3}}, "0.3 is given, but the campaign has 0.495. Leave it out"),
        ({"Cell": {"Electrode area [m2]": 1.0}}, "1 is given, but the campaign has 7.9058e-05. Leave it out"),
        ({"Positive electrode": {**OTHERS, "OCP [V]": float("nan")}}, "no finite number.* Mend it, or leave it out"),
    ],
)
def test_what_is_given_is_checked_and_what_lacks_is_named(tmp_path, given, reason):
    with pytest.raises(InputError, match=f"(?s){reason}"):
        written(tmp_path / "a.bpx.json", given=given)
    assert not list(tmp_path.iterdir())


def test_without_mass_or_loading_there_is_no_half_cell(tmp_path):
    with pytest.raises(InputError, match="needs its area and capacity.* Fill both"):
        written(tmp_path / "a.bpx.json", test=replace(TEST, collector_area_cm2=None))


def test_a_cell_that_cannot_be_written_does_not_keep_the_others_back(tmp_path):
    campaign = Campaign(tmp_path, FACTS, {"0MPa": ELECTRODE}, (), ())
    cells = [replace(TEST, cell="unweighed", active_mass_mg=None), TEST]
    written_files, refused = write_half_cells(tmp_path, cells, campaign)
    assert list(tmp_path.iterdir()) == written_files == [tmp_path / "0MPa_c1.bpx.json"]
    assert list(refused) == ["BPX file of cell unweighed"]
    assert "Fill both" in refused["BPX file of cell unweighed"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "cannot be read: .* Give a JSON or TOML file"), ('{"a": 1}', "holds no groups of parameters. Begin with")],
)
def test_another_file_gives_no_parameters(tmp_path, content, reason):
    path = tmp_path / "given.json"
    path.write_text(content)
    with pytest.raises(InputError, match=reason):
        read_given(path)
