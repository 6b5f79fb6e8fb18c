"""Tables of cycles and of rates: written, and read back as they were."""

import math
from dataclasses import astuple, replace

import pandas as pd
import pytest

from ratescope.cycling.cycle_table import read_cycle_table, read_rate_table, write_cycle_tables
from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_rows
from ratescope.errors import InputError
from ratescope.files import write_csv
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


def is_alike(was, now):
    """Equal but for the tenth digit of numbers, which a table does not keep."""
    return now == (pytest.approx(was, rel=1e-8, nan_ok=True) if isinstance(was, float) else was)


def written(folder, *tests):
    return write_cycle_tables(folder, tests)


def test_a_table_of_cycles_is_read_back_as_it_was(tmp_path):
    (path,) = written(tmp_path, TEST)
    read = read_cycle_table(path)
    for was, now in zip(TEST.discharges, read, strict=True):
        assert all(is_alike(*pair) for pair in zip(astuple(was), astuple(now), strict=True)), now


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


def test_a_rate_table_is_read_back_as_it_was(tmp_path):
    path = tmp_path / "rates.csv"
    rows = rate_rows(TEST)
    write_csv(path, RATE_COLUMNS, rows)
    for was, now in zip(rows, read_rate_table(path), strict=True):
        assert list(now) == list(RATE_COLUMNS)
        assert all(is_alike(was[column], now[column]) for column in RATE_COLUMNS), now


def test_a_spreadsheet_that_shouts_true_is_understood(tmp_path):
    (path,) = written(tmp_path, TEST)
    path.write_text(path.read_text().replace("true", "TRUE"), encoding="utf-8-sig")
    assert read_cycle_table(path)[1].counts


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n", "lacks the column.* Cycle Count / 1.*Write it again"),
        (None, "cannot be read: .* Name a table of cycles"),
    ],
)
def test_another_file_is_no_table_of_cycles(tmp_path, content, reason):
    path = tmp_path / "a.csv"
    if content:
        path.write_text(content)
    with pytest.raises(InputError, match=reason):
        read_cycle_table(path)


def test_a_damaged_field_is_named_with_its_row(tmp_path):
    path = tmp_path / "rates.csv"
    write_csv(path, RATE_COLUMNS, [row | {"counts": "perhaps"} for row in rate_rows(TEST)])
    with pytest.raises(InputError, match="row 2: 'perhaps' is neither true nor false. Mend it"):
        read_rate_table(path)
