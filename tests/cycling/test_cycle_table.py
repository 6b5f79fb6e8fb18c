"""Tables of cycles: what is written says what each discharge was."""

import math
from dataclasses import fields, replace

import pandas as pd
import pytest

from ratescope.cycling.cycle_table import FIELD_OF, write_cycle_tables
from ratescope.errors import InputError
from ratescope.records import Discharge, RateTest

CHARGED = Discharge(
    cycle=7,
    c_rate_per_h=5.0,
    current_a=-9.72287213e-3,
    capacity_ah=1.21032594e-3,
    counts=True,
    role="rate",
    begin_s=3600.0,
    end_s=4050.5,
    charge_cc_ah=1.1e-3,
    charge_cv_ah=0.15e-3,
)
UNCHARGED = Discharge(
    cycle=1, c_rate_per_h=math.nan, current_a=math.nan, capacity_ah=1.9e-3, counts=False, is_complete=False
)
TEST = RateTest("0MPa_c1", "0MPa", (UNCHARGED, CHARGED), 12.1749, 6.2021, 0.79058)


def written(folder, *tests):
    return write_cycle_tables(folder, tests)


def test_a_table_of_cycles_holds_all_that_is_known_of_a_discharge(tmp_path):
    """A field of `Discharge` that has no column would be lost in silence."""
    (path,) = written(tmp_path, TEST)
    table = pd.read_csv(path)
    assert set(FIELD_OF.values()) == {field.name for field in fields(Discharge)}
    for discharge, (_, row) in zip(TEST.discharges, table.iterrows(), strict=True):
        for label, field in FIELD_OF.items():
            was = getattr(discharge, field)
            # The tenth digit of a number is not kept.
            assert row[label] == (was if isinstance(was, str) else pytest.approx(was, rel=1e-8, nan_ok=True)), label


def test_one_file_holds_one_cell_under_the_labels_of_the_battery_data_format(tmp_path):
    first, second = written(tmp_path, TEST, replace(TEST, cell="0MPa_c2"))
    assert (first.name, second.name) == ("0MPa_c1.cycles.bdf.csv", "0MPa_c2.cycles.bdf.csv")
    row = pd.read_csv(first).iloc[1]
    assert row["Cycle Count / 1"] == 7
    assert row["Current / A"] < 0.0
    assert row["Cycle Discharging Capacity / Ah"] == pytest.approx(1.21032594e-3)
    assert row["Cycle Charging Capacity / Ah"] == pytest.approx(1.25e-3)
    assert row["Coulombic Efficiency / 1"] == pytest.approx(1.21032594 / 1.25)
    assert row["Specific Discharging Capacity / Ah/kg"] == pytest.approx(99.4, abs=0.1)
    assert row["Test Time / s"] == pytest.approx(4050.5)


def test_what_is_not_known_stays_empty(tmp_path):
    (path,) = written(tmp_path, replace(TEST, active_mass_mg=None, coating_volume_mm3=None))
    row = pd.read_csv(path).iloc[0]
    assert row[["Current / A", "C-Rate / 1/h", "Cycle Charging Capacity / Ah"]].isna().all()
    assert row[["Specific Discharging Capacity / Ah/kg", "Discharging Capacity Density / Ah/L"]].isna().all()


def test_two_cells_of_one_name_do_not_overwrite_each_other(tmp_path):
    with pytest.raises(InputError, match="0MPa_c1 stand here twice; one file holds one cell. Rename one"):
        written(tmp_path, TEST, TEST)
