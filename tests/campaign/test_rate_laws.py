"""The table of rate laws: a row for every electrode, cell and capacity, refusals among them."""

import csv

import pytest

from ratescope.campaign.rate_laws import LAW_COLUMNS, rate_law_rows, theoretical_of, write_rate_laws
from ratescope.records import Discharge, RateTest

RATES = (0.2, 1.0, 2.0, 3.0, 5.0)
LOOSE, DENSE = (157.3, 143.9, 132.4, 121.0, 99.5), (157.0, 142.5, 94.7, 42.9, 13.1)  # simulated, Ah/kg
MASS_MG, KG_PER_L = 12.0, 2.0


def cell(name, electrode, ah_per_kg, *, volume_mm3=MASS_MG / KG_PER_L):
    discharges = tuple(
        Discharge(n, rate, -rate * 2e-3, value * MASS_MG * 1e-6, counts=True)
        for n, (rate, value) in enumerate(zip(RATES, ah_per_kg, strict=True), start=1)
    )
    return RateTest(name, electrode, discharges, MASS_MG, volume_mm3)


@pytest.fixture(scope="module")
def tests():
    return [cell("a1", "loose", LOOSE), cell("a2", "loose", LOOSE), cell("b1", "dense", DENSE)]


def test_fitted_and_refused_stand_side_by_side(tests, tmp_path):
    refused = write_rate_laws([(tests, 159.7)], tmp_path / "laws.csv")
    with (tmp_path / "laws.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LAW_COLUMNS
    assert [(row["level"], row["name"], row["status"]) for row in rows if row["capacity"] == "specific"] == [
        ("electrode", "dense", "refused"),
        ("electrode", "loose", "fitted"),
        ("cell", "a1", "fitted"),
        ("cell", "a2", "fitted"),
        ("cell", "b1", "refused"),
    ]
    assert [row["level"] for row in rows if row["capacity"] == "density"] == ["electrode", "electrode"]
    assert list(refused) == ["dense"]
    assert "does not fit" in refused["dense"]


def test_by_volume_the_plateau_alone_differs(tests):
    by_capacity = {row["capacity"]: row for row in rate_law_rows(tests[:1], 159.7) if row["level"] == "electrode"}
    assert by_capacity["density"]["plateau"] == pytest.approx(KG_PER_L * by_capacity["specific"]["plateau"])
    assert by_capacity["density"]["tau_h"] == pytest.approx(by_capacity["specific"]["tau_h"])
    assert theoretical_of(tests, "density", 159.7) == pytest.approx(KG_PER_L * 159.7)


def test_a_bare_file_has_one_row():
    (row,) = rate_law_rows([cell("bare", "", LOOSE, volume_mm3=None)], 159.7)
    assert (row["level"], row["capacity"], row["status"]) == ("cell", "specific", "fitted")
    assert (row["rates"], row["c_rate_low_per_h"], row["c_rate_high_per_h"]) == (5, 0.2, 5.0)
