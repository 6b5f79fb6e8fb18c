import gzip
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.readers import basytec, delimited, read_cycler_file, tally
from ratescope.cycling.record import (
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.errors import RateTestError

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
COLUMNS = ("Time[s]", "U[V]", "I[A]")


def export(*rows, columns=COLUMNS, separator="\t"):
    return "\n".join(["~Resultfile from Basytec Battery Test System", "~" + separator.join(columns), *rows, ""])


def read(text):
    """All rows and remarks of a text."""
    layout = basytec.find_layout(text)
    assert layout is not None
    return delimited.read_delimited(lambda: io.BytesIO(text.encode()), layout, "cell.txt").whole()


def read_bytes(tmp_path, content):
    path = tmp_path / "cell.txt"
    path.write_bytes(content)
    return read_cycler_file(path).whole()


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
        "Cyc-Count",
        "State",
    )
    row = "61.5\t7\t1.5\t4\tCharge\t3.6\t0.002\t0.25\t0.125\t25.1\t2\t1"
    record = read_bytes(tmp_path, export(row, columns=columns).encode())
    assert record.rows.iloc[0].to_dict() == {
        TIME: 61.5,
        VOLTAGE: 3.6,
        CURRENT: 0.002,
        STEP_TIME: 1.5,
        STEP: 4.0,
        NET_CAPACITY: 0.25,
        STEP_CAPACITY: 0.125,
        CYCLE: 2.0,
    }
    assert record.remarks == ()


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("Time[h]", "U[V]", "I[A]"), "0.5\t4.2\t-0.003"),
        (("Time[ms]", "U[volt]", "I[amps]"), "1800000\t4.2\t-0.003"),
        (("Time[min]", "U[mV]", "I[mA]"), "30\t4200\t-3"),
        (("Time[s]", "U[V]", "I[µA]"), "1800\t4.2\t-3000"),
    ],
)
def test_units_are_read_from_the_header(columns, row):
    rows = read(export(row, columns=columns)).rows
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
    assert read(text).rows.to_numpy() == pytest.approx(np.array(numbers), abs=1e-9)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le"])
def test_any_encoding_that_instruments_write_is_read(tmp_path, encoding):
    text = "~U[V]\tTime[s]\tI[A]\tT1[°C]\n3.6\t1\t0.002\t25\n"
    assert read_bytes(tmp_path, text.encode(encoding)).rows[VOLTAGE].to_list() == [3.6]


def test_a_damaged_degree_sign_harms_nothing(tmp_path):
    text = export("1\t3.6\t0.002\t25", columns=(*COLUMNS, "T1[\ufffdC]"))
    assert read_bytes(tmp_path, text.encode()).rows[CURRENT].to_list() == [0.002]


def test_a_last_line_that_was_cut_off_is_left_out_and_said():
    text = export("0\t3.6\t0.002", "60\t3.7\t0.002") + "120\t3."
    record = read(text)
    assert record.rows[TIME].to_list() == [0.0, 60.0]
    assert [finding.code for finding in record.remarks] == ["truncated"]


def test_a_last_line_that_only_lacks_its_line_end_is_kept():
    record = read(export("0\t3.6\t0.002", "60\t3.7\t0.002").rstrip("\n"))
    assert record.rows[TIME].to_list() == [0.0, 60.0]
    assert record.remarks == ()


def test_a_row_without_a_voltage_is_left_out_and_said():
    record = read(export("0\t3.6\t0.002", "60\t---\t0.002", "120\t3.7\t0.002"))
    assert record.rows[TIME].to_list() == [0.0, 120.0]
    assert "1 of 3 rows have no readable" in record.remarks[0].text


def test_a_header_in_the_middle_of_joined_exports_is_passed_over():
    text = "~\n" + (export("0\t3.6\t0.002\t") + "~\n" + export("60\t3.7\t0.002\t")).replace("I[A]", "I[A]\t")
    assert read(text).rows[TIME].to_list() == [0.0, 60.0]


def test_a_header_in_the_middle_with_other_columns_is_refused():
    text = export("0\t3.6\t0.002") + export("60\t3.7\t0.002", columns=("Time[h]", "U[V]", "I[A]"))
    with pytest.raises(RateTestError, match=r"other columns \(Time\[h\], U\[V\], I\[A\]\).*Cut the file there"):
        read(text)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            export("0\t3.6\t0.002", columns=("Time[d]", "U[V]", "I[A]")),
            r"'Time\[d\]' is in a unit.*known are s, min, ms, h. Export",
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
        read(text)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "holds no text: it is empty. Give a text or xlsx export"),
        (b"\x7fELF\0\0\0", "not text but a binary file. Give a text or xlsx export"),
        (
            b"Data Point,Date Time\n1,2\n",
            "what looks most like its header is 'Data Point,Date Time'. Give a text or xlsx export.*cells.csv",
        ),
        (b"BIO-LOGIC MODULAR FILE\x1a\0", r"only readers under the GPL can open. Export it in EC-Lab as text \(.mpt\)"),
        (b"NEWARE\0\0", "Export it in BTSDA as csv or xlsx"),
        (b"\x1f\x8bno gzip", "cannot be read .*Check the path"),
    ],
)
def test_what_is_no_known_export_is_refused_with_a_way_out(tmp_path, content, match):
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
    assert (record.maker, len(record.rows)) == ("BaSyTec", 74)
    assert record.rows[TIME].iloc[-1] == pytest.approx(70.2358, abs=1e-4)
    assert record.rows[CURRENT].iloc[-1] == pytest.approx(0.4496, abs=1e-4)
    assert record.whole().remarks == ()


def test_a_record_holds_numbers_alone():
    rows = read(export("0\t3.6\t0.002")).rows
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in rows.dtypes)


def test_a_record_can_be_read_again(tmp_path):
    (tmp_path / "cell.txt").write_text(export("0\t3.6\t0.002", "60\t3.7\t0.002"))
    record = read_cycler_file(tmp_path / "cell.txt")
    assert record.rows.equals(record.rows)


def test_an_export_that_gzip_packed_is_read_as_it_is(tmp_path):
    text = export("0\t3.6\t0.002", "60\t3.7\t0.002").encode()
    assert read_bytes(tmp_path, gzip.compress(text)).rows.equals(read_bytes(tmp_path, text).rows)


def test_a_packed_export_that_was_cut_off_is_refused_in_a_sentence(tmp_path):
    rows = [f"{n}\t{3.6 + n / 7e6}\t0.002" for n in range(20_000)]
    packed = gzip.compress(export(*rows).encode())
    with pytest.raises(RateTestError, match="cannot be read to its end .* Copy it again"):
        read_bytes(tmp_path, packed[: len(packed) * 3 // 4])


def test_counters_per_mass_are_no_counters_of_charge():
    rows = read(export("0\t3.6\t0.002\t150", columns=(*COLUMNS, "Ah[Ah/kg]"))).rows
    assert NET_CAPACITY not in rows


def test_counters_of_the_cycle_are_taken_where_no_other_is_there():
    columns = (*COLUMNS, "Ah-Cyc-Charge", "Ah-Cyc-Discharge")
    assert {CHARGING_CAPACITY, DISCHARGING_CAPACITY} <= set(read(export("0\t3.6\t0.002\t1\t2", columns=columns)).rows)
    more = read(export("0\t3.6\t0.002\t1\t2\t3", columns=(*columns, "Ah-Step"))).rows
    assert set(more) == {TIME, VOLTAGE, CURRENT, STEP_CAPACITY}


def test_a_current_per_mass_is_refused_as_its_unit_is_not_known():
    with pytest.raises(RateTestError, match=r"'I\[mA/g\]' is in a unit.*Export the test again in one of these"):
        read(export("0\t3.6\t0.002", columns=("Time[s]", "U[V]", "I[mA/g]")))


def test_a_comma_in_a_word_is_no_decimal_sign():
    rows = read(export("0\t3.6\t0.002\tCharge 1,5C", columns=(*COLUMNS, "Command"))).rows
    assert rows.iloc[0].to_list() == [0.0, 3.6, 0.002]


def test_rows_that_lack_trailing_fields_are_whole():
    text = export("0\t3.6\t0.002\t25\t", "60\t3.7\t0.002", "120\t3.8\t0.002\t25\t", columns=(*COLUMNS, "T1[°C]"))
    assert read(text).rows[TIME].to_list() == [0.0, 60.0, 120.0]


def test_one_broken_row_in_a_hundred_is_said_and_two_are_refused():
    whole = [f"{n}\t3.6\t0.002" for n in range(198)]
    assert "2 of 200 rows" in read(export(*whole, "x\t3.6\t1", "1\t2\t3\t4\t5")).remarks[0].text
    with pytest.raises(RateTestError, match="3 of 201 rows have no readable.*Export the test again"):
        read(export(*whole, "x\t3.6\t1", "1\t2\t3\t4\t5", "-\t-\t-"))


def test_rows_of_separators_alone_are_empty_and_not_broken():
    record = read(export("0\t3.6\t0.002", *["\t\t"] * 5, "60\t3.7\t0.002", "\t\t", ""))
    assert record.rows[TIME].to_list() == [0.0, 60.0]
    assert record.remarks == ()


def test_text_without_line_ends_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 100)
    monkeypatch.setattr(delimited, "LONGEST_LINE_BYTES", 1000)
    with pytest.raises(RateTestError, match="a line of over .* MiB is no row. Export the test again"):
        read(export("0\t3.6\t0.002") + "1" * 2000)


CELLS = st.sampled_from(
    ["1", "-2.5", "3,5", "1e-3", "", " 4", "\t5", "---", "NaN", "1.2.3", '"6"', "inf", "1 000", "~"]
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=20), st.sampled_from([".", ","]))
def test_both_ways_to_read_a_block_give_the_same_rows(rows, decimal):
    """The fast way refuses what it cannot read; what it does read, the slow one reads alike."""
    layout = basytec.find_layout("Time[s];U[V];I[A]\n")
    form = delimited._Form(replace(layout, decimal=decimal), "cell.txt", fields=3)
    block = "".join(";".join(row) + "\n" for row in rows).encode()
    table = delimited._table(block, form)
    assert np.array_equal(table, delimited._read_cell_by_cell(block, form), equal_nan=True)
    assert len(table) == sum(bool("".join(row).strip()) and not row[0].startswith("~") for row in rows)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 300), st.integers(0, 40), st.sampled_from(["\n", "\r\n"]))
def test_the_rows_do_not_depend_on_where_blocks_are_cut(block_bytes, count, line_end):
    lines = [f"{n};{3.6 + n / 1000};0,5" if n % 7 else f"{n};---" for n in range(1, count + 2)]
    text = export(*lines, columns=COLUMNS, separator=";").replace(".", ",").replace("\n", line_end)
    layout = basytec.find_layout(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "UNREADABLE_SHARE", 1.0)
        whole = read(text)
        patch.setattr(delimited, "BLOCK_BYTES", text.rindex("~") + 20 + block_bytes)  # the header is in the first
        assert read(text).rows.equals(whole.rows)
        assert read(text).remarks == whole.remarks
    assert layout.decimal == ","


def test_a_fault_of_the_header_names_its_file(tmp_path):
    with pytest.raises(RateTestError, match=r"cell\.txt: a BaSyTec header without .* Export the test again"):
        read_bytes(tmp_path, export("0\t3.6", columns=("Time[s]", "U[V]")).encode())
