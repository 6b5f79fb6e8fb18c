"""Discharge curves of a simulated cell of the gallery."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ratescope.cycling.discharge_curves import discharge_curves
from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.readers import read_cycler_file
from ratescope.errors import RateTestError

CELL = Path(__file__).parents[2] / "docs" / "gallery" / "simulated_cells" / "200MPa_c1.bdf.csv"


@pytest.fixture(scope="module")
def record():
    return read_cycler_file(CELL)


@pytest.fixture(scope="module")
def measured(record):
    return rate_test(record, cell="200MPa_c1", electrode="200MPa", active_mass_mg=12.0876)


def test_a_discharge_curve_falls_and_ends_at_the_capacity_of_the_rate_test(record, measured):
    curves = discharge_curves(record, measured)
    assert list(curves) == [0.2, 1.0, 2.0, 3.0, 5.0]
    for discharge in measured.discharges:
        passed_ah, voltage_v = curves[discharge.c_rate_per_h]
        assert passed_ah[-1] == pytest.approx(discharge.capacity_ah)
        assert (np.diff(passed_ah) > 0.0).all()
        assert voltage_v[0] > 3.5
        assert voltage_v[-1] < 2.7


def test_only_the_named_rates_are_read(record, measured):
    assert list(discharge_curves(record, measured, [5.0])) == [5.0]


def test_the_file_is_that_of_the_test(record, measured):
    with pytest.raises(RateTestError, match="has 5 discharges .* has 4. Give the file that the test was read from"):
        discharge_curves(record, replace(measured, discharges=measured.discharges[:4]))
