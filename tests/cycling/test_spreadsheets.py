"""Exports as workbooks; openpyxl writes them."""

import datetime as dt
import io

import openpyxl
import pytest

from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.typed_file import is_typed_file, read_typed_file
from ratescope.cycling.record import CURRENT, STEP_TIME, TIME, VOLTAGE
from ratescope.errors import RateTestError

ARBIN = ["Data Point", "Date Time", "Test Time (s)", "Step Index", "Current (A)", "Voltage (V)"]
NEWARE = ["DataPoint", "Step Type", "Time", "Total Time", "Current(mA)", "Voltage(V)"]


def workbook(tmp_path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = tmp_path / "cell.xlsx"
    book.save(path)
    return path


def arbin_rows(points):
    day = dt.datetime(2024, 9, 20, 8, 32)  # noqa: DTZ001 - spreadsheets know no time zone
    return [[n, day + dt.timedelta(seconds=10 * n), 10.0 * n, 1, 0.002, 3.5 + n / 100] for n in points]


def test_the_sheets_of_a_long_test_follow_one_another(tmp_path):
    sheets = {
        "Global_Info": [["TEST REPORT"], ["Channel", 6]],
        "Channel_1-006_1": [ARBIN, *arbin_rows(range(5))],
        "StatisticByCycle": [["Cycle Index", "Capacity (Ah)"], [1, 0.5]],
        "Channel_1-006_2": [ARBIN, *arbin_rows(range(5, 9))],
    }
    record = read_cycler_file(workbook(tmp_path, sheets))
    assert record.maker == "Arbin"
    assert record.rows[TIME].to_list() == [10.0 * n for n in range(9)]
    assert record.rows[VOLTAGE].iloc[-1] == 3.58


def test_lines_above_the_names_are_passed_over(tmp_path):
    path = workbook(tmp_path, {"Channel_1": [["Lab 3"], [None], ARBIN, *arbin_rows(range(3))]})
    assert len(read_cycler_file(path).rows) == 3


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("00:01:30.5", 90.5),
        (dt.time(0, 1, 30), 90.0),
        (dt.timedelta(hours=26, seconds=3), 93_603.0),
        (0.25, 21_600.0),  # a clock whose cell has lost its format is a part of a day
        ("1d 02:00:03", 93_603.0),
    ],
)
def test_clocks_are_read_however_the_spreadsheet_keeps_them(tmp_path, cell, seconds):
    rows = [[1, "Rest", "00:00:00", "00:00:00", 0.0, 3.5], [2, "CC DChg", cell, cell, -2.0, 3.4]]
    rows = read_cycler_file(workbook(tmp_path, {"record": [NEWARE, *rows]})).rows
    assert rows[TIME].to_list() == pytest.approx([0.0, seconds], abs=1e-3)
    assert rows[STEP_TIME].to_list() == pytest.approx([0.0, seconds], abs=1e-3)
    assert rows[CURRENT].iloc[-1] == pytest.approx(-0.002)


def test_a_row_without_numbers_is_left_out_and_said(tmp_path):
    rows = [*arbin_rows(range(200)), [200, None, "pause", 1, None, None], *arbin_rows(range(201, 203))]
    whole = read_cycler_file(workbook(tmp_path, {"Channel_1": [ARBIN, *rows]})).whole()
    assert len(whole.rows) == 202
    assert "1 of 203 rows" in whole.remarks[0].text


def test_a_workbook_without_a_table_says_what_it_has(tmp_path):
    path = workbook(tmp_path, {"Info": [["TEST REPORT"]], "cycle": [["Cycle Index"], [1]]})
    with pytest.raises(RateTestError, match="no sheet with a table of .* it has Info, cycle. Export the records"):
        read_cycler_file(path)


def test_a_sheet_that_lacks_a_column_is_named(tmp_path):
    path = workbook(tmp_path, {"Channel_1": [[name for name in ARBIN if "Current" not in name], [1, 2, 3, 4, 5]]})
    with pytest.raises(RateTestError, match="sheet 'Channel_1': a Arbin export without .*Export the test again"):
        read_cycler_file(path)


def test_a_damaged_workbook_is_refused(tmp_path):
    content = workbook(tmp_path, {"Channel_1": [ARBIN, *arbin_rows(range(3))]}).read_bytes()
    path = tmp_path / "cut.xlsx"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(RateTestError, match="begins as a workbook does but cannot be opened.*Save it again as .xlsx"):
        read_cycler_file(path)
    with io.BytesIO() as nothing:
        path.write_bytes(b"\xd0\xcf\x11\xe0" + nothing.getvalue())
    with pytest.raises(RateTestError, match="cannot be opened.*export the test as text"):
        read_cycler_file(path)


def test_typed_capacities_are_found_in_whichever_sheet_of_a_workbook_they_stand(tmp_path):
    typed = [["cell", "C-rate", "Capacity (mAh)"], ["a", "C/5", 1.9], ["a", 5, 0.5], ["b", 0.2, 1.8]]
    path = workbook(tmp_path, {"Notes": [["typed by hand"]], "Capacities": typed})
    assert is_typed_file(path)
    assert read_typed_file(path) == {"a": {0.2: 0.0019, 5.0: 0.0005}, "b": {0.2: pytest.approx(0.0018)}}
    assert not is_typed_file(workbook(tmp_path, {"Channel_1": [ARBIN, *arbin_rows(range(3))]}))
