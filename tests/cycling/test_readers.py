from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.basytec import read_basytec
from ratescope.cycling.record import CURRENT, NET_CAPACITY, STEP, STEP_CAPACITY, STEP_TIME, TIME, VOLTAGE
from ratescope.errors import RateTestError

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
COLUMNS = ("Time[s]", "U[V]", "I[A]")


def export(*rows, columns=COLUMNS, separator="\t"):
    return "\n".join(["~Resultfile from Basytec Battery Test System", "~" + separator.join(columns), *rows, ""])


def read_bytes(tmp_path, content):
    path = tmp_path / "cell.txt"
    path.write_bytes(content)
    return read_cycler_file(path)


def test_columns_are_named_as_in_the_battery_data_format(tmp_path):
    columns = (
        "Time[s]",
        "DataSet",
        "t-Step[s]",
        "Line",
        "Command",
        "U[V]",
        "I[A]",
        "Ah[Ah]",
        "Ah-Step",
        "T1[°C]",
        "State",
    )
    row = "61.5\t7\t1.5\t4\tCharge\t3.6\t0.002\t0.25\t0.125\t25.1\t1"
    record = read_bytes(tmp_path, export(row, columns=columns).encode())
    assert record.rows.iloc[0].to_dict() == {
        TIME: 61.5,
        VOLTAGE: 3.6,
        CURRENT: 0.002,
        STEP_TIME: 1.5,
        STEP: 4.0,
        NET_CAPACITY: 0.25,
        STEP_CAPACITY: 0.125,
    }
    assert record.remarks == ()


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("Time[h]", "U[V]", "I[A]"), "0.5\t4.2\t-0.003"),
        (("Time[min]", "U[mV]", "I[mA]"), "30\t4200\t-3"),
        (("Time[s]", "U[V]", "I[µA]"), "1800\t4.2\t-3000"),
    ],
)
def test_units_are_read_from_the_header(columns, row):
    rows = read_basytec(export(row, columns=columns), "cell.txt").rows
    assert rows.iloc[0].to_list() == pytest.approx([1800.0, 4.2, -0.003])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e7), st.floats(0, 5), st.floats(-1, 1)).map(lambda row: [round(x, 7) for x in row]),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([("\t", "."), ("\t", ","), (";", "."), (";", ","), (",", ".")]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_the_numbers_do_not_depend_on_how_they_are_written(numbers, signs, line_end, has_trailing_separator):
    separator, decimal = signs
    tail = separator if has_trailing_separator else ""
    rows = [separator.join(f"{x:.7f}".replace(".", decimal) for x in row) + tail for row in numbers]
    text = export(*rows, separator=separator).replace("\n", line_end)
    assert read_basytec(text, "cell.txt").rows.to_numpy() == pytest.approx(np.array(numbers), abs=1e-9)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_any_encoding_that_instruments_write_is_read(tmp_path, encoding):
    text = "~U[V]\tTime[s]\tI[A]\tT1[°C]\n3.6\t1\t0.002\t25\n"
    assert read_bytes(tmp_path, text.encode(encoding)).rows[VOLTAGE].to_list() == [3.6]


def test_a_damaged_degree_sign_harms_nothing(tmp_path):
    text = export("1\t3.6\t0.002\t25", columns=(*COLUMNS, "T1[\ufffdC]"))
    assert read_bytes(tmp_path, text.encode()).rows[CURRENT].to_list() == [0.002]


def test_a_last_line_that_was_cut_off_is_left_out_and_said():
    text = export("0\t3.6\t0.002", "60\t3.7\t0.002") + "120\t3."
    record = read_basytec(text, "cell.txt")
    assert record.rows[TIME].to_list() == [0.0, 60.0]
    assert [finding.code for finding in record.remarks] == ["truncated"]


def test_a_last_line_that_only_lacks_its_line_end_is_kept():
    record = read_basytec(export("0\t3.6\t0.002", "60\t3.7\t0.002").rstrip("\n"), "cell.txt")
    assert record.rows[TIME].to_list() == [0.0, 60.0]
    assert record.remarks == ()


def test_a_row_without_a_voltage_is_left_out_and_said():
    record = read_basytec(export("0\t3.6\t0.002", "60\t---\t0.002", "120\t3.7\t0.002"), "cell.txt")
    assert record.rows[TIME].to_list() == [0.0, 120.0]
    assert "1 of 3 rows have no readable" in record.remarks[0].text


def test_a_header_in_the_middle_of_joined_exports_is_passed_over():
    text = export("0\t3.6\t0.002") + export("60\t3.7\t0.002")
    assert read_basytec(text, "cell.txt").rows[TIME].to_list() == [0.0, 60.0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            export("0\t3.6\t0.002", columns=("Time[d]", "U[V]", "I[A]")),
            r"'Time\[d\]' is in a unit.*known are s, min, h",
        ),
        (export("0\t3.6", columns=("Time[s]", "U[V]")), "without the columns Time, U and I.*Export the test again"),
        (export(), "no row below it. Export the test again"),
        (export("0\t3.6"), "rows that do not fit their header.*Export the test again"),
        (export("0,5,3,6,0,002", separator=","), r"6 fields under 3 names.*another separator than the decimal sign"),
        (export("x\ty\tz", "x\ty\tz"), "2 of 2 rows have no readable.*Export the test again"),
    ],
)
def test_an_export_that_cannot_be_read_says_what_was_seen_and_what_to_do(text, match):
    with pytest.raises(RateTestError, match=match):
        read_basytec(text, "cell.txt")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "holds no text: it is empty. Give the BaSyTec"),
        (b"PK\x03\x04\0\0\0", "not text but a binary file. Give the BaSyTec"),
        (b"Data Point,Date Time\n1,2\n", "begins with 'Data Point,Date Time'. Give the BaSyTec.*cells.csv"),
    ],
)
def test_what_is_no_basytec_export_is_refused_with_a_way_out(tmp_path, content, match):
    with pytest.raises(RateTestError, match=match):
        read_bytes(tmp_path, content)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(RateTestError, match="none.txt cannot be read .*Check the path"):
        read_cycler_file(tmp_path / "none.txt")
    with pytest.raises(RateTestError, match="cannot be read .*Check the path"):
        read_cycler_file(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cycler files are not beside this checkout")
def test_a_genuine_export_is_read_to_its_last_row():
    record = read_cycler_file(REAL / "basytec_xcts.txt")
    assert len(record.rows) == 74
    assert record.rows[TIME].iloc[-1] == pytest.approx(70.2358, abs=1e-4)
    assert record.rows[CURRENT].iloc[-1] == pytest.approx(0.4496, abs=1e-4)
    assert record.remarks == ()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cycler files are not beside this checkout")
@pytest.mark.parametrize("name", ["arbin.csv", "maccor.csv", "maccor_two.txt", "neware_uio.csv", "novonix.csv"])
def test_genuine_exports_of_other_makers_are_refused(name):
    with pytest.raises(RateTestError, match="not a BaSyTec export.*other makers are not read yet"):
        read_cycler_file(REAL / name)


def test_a_record_holds_numbers_alone():
    rows = read_basytec(export("0\t3.6\t0.002"), "cell.txt").rows
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in rows.dtypes)
