"""Exports of all makers: one ideal rate test in each notation, which docs/studies/cycler_exports.py writes."""

import re
from pathlib import Path

import cycler_exports
import fuzz_cycler_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.rate_test import rate_test
from ratescope.cycling.readers import find_layout, maccor, read_cycler_file
from ratescope.cycling.record import (
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    MODE,
    STEP,
    STEP_CAPACITY,
    STEP_TIME,
    TIME,
    VOLTAGE,
)
from ratescope.cycling.steps import find_steps
from ratescope.errors import RateTestError

REAL = Path(__file__).parents[2] / "../shared/real/cycler"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real cycler files are not beside this checkout")

SAID = {  # what reading a faultless export says beside the numbers
    "maccor_minutes.txt": ["time-unit", "current-unsigned"],
    "maccor_clocks.txt": ["current-unsigned"],
    "maccor_grouped.csv": ["current-unsigned"],
    "maccor_colons.csv": ["current-unsigned"],
    "neware_titles.csv": ["current-unsigned"],
    "digatron.csv": ["generic-table", "time-unit"],
    "units_below.csv": ["generic-table"],
    "units_at_the_end.csv": ["generic-table"],
}


@pytest.fixture(scope="module")
def ideal():
    return cycler_exports.ideal_rate_test()


@pytest.fixture(scope="module")
def exports():
    """By file name, without the table of capacities alone."""
    return {name: content for name, content in cycler_exports.whole_files().items() if name != "typed.csv"}


def record_of(tmp_path, content, name="cell.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_cycler_file(path)


def test_every_makers_export_holds_the_same_numbers(exports, ideal, tmp_path):
    assert len(exports) >= 26
    for name, content in exports.items():
        whole = record_of(tmp_path, content, name).whole()
        assert [remark.code for remark in whole.remarks] == SAID.get(name, []), name
        # Without a time of the test the 0.1 s between two steps are unknown.
        slack_s = 3.0 if name in {"neware_nested.csv", "neware_titles.csv"} else 0.01
        assert whole.rows[TIME].to_numpy() == pytest.approx(ideal.time_s.to_numpy(), abs=slack_s), name
        assert whole.rows[VOLTAGE].to_numpy() == pytest.approx(ideal.volt.to_numpy(), abs=1e-9), name
        assert whole.rows[CURRENT].to_numpy() == pytest.approx(ideal.amp.to_numpy(), abs=1e-8), name


def test_every_makers_export_gives_the_same_capacities_and_its_counter_agrees(exports, tmp_path):
    right_ah = [cycler_exports.capacity_ah(rate) for rate in cycler_exports.RATES_PER_H]
    for name, content in exports.items():
        record = record_of(tmp_path, content, name)
        test = rate_test(record, cell="c", electrode="e", active_mass_mg=cycler_exports.ACTIVE_MASS_MG)
        assert [d.capacity_ah for d in test.discharges] == pytest.approx(right_ah, rel=1e-3), name
        assert [d.c_rate_per_h for d in test.discharges] == pytest.approx(cycler_exports.RATES_PER_H), name
        counted_ah = [step.counted_ah for step in find_steps(record)[0] if step.direction < 0]
        assert counted_ah == pytest.approx(right_ah, rel=2e-3), name


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("biologic.txt", "BioLogic"),
        ("neware_nested.csv", "Neware"),
        ("maccor_clocks.txt", "Maccor"),
        ("arbin_old.csv", "Arbin"),
    ],
)
def test_a_maker_is_known_by_content(exports, tmp_path, name, maker):
    assert record_of(tmp_path, exports[name], "anything.dat").maker == maker


ARBIN = "Data Point,Step Index,Test Time (s),Current (A),Voltage (V),Discharge Capacity (Ah)\n"


def test_thousands_in_groups_are_read_where_the_column_proves_them(tmp_path):
    """A test time in whole seconds, and a capacity whose larger values have a point behind the groups."""
    times = [f'"{second:,}"' for second in range(0, 2000, 100)]
    rows = "".join(f'{n},1,{t},0.5,3.6,"{1000.5 + n:,}"\n' for n, t in enumerate(times))
    record = record_of(tmp_path, (ARBIN + rows).replace("(Ah)", "(mAh)"))
    assert record.rows[TIME].to_list() == [float(second) for second in range(0, 2000, 100)]
    assert record.rows[DISCHARGING_CAPACITY].to_list() == pytest.approx([1.0005 + n / 1000 for n in range(20)])


@pytest.mark.parametrize(
    "row", ['{n},1,{n}.5,0.5,"3,612",0\n', '{n},1,{n}.5,"1,002",3.6,0\n', '{n},1,"1,{n}",0.5,3.6,0\n']
)
def test_a_comma_that_may_be_a_decimal_sign_groups_no_thousands(tmp_path, row):
    """A voltage of 3.612 V must never become 3612 V."""
    record = record_of(tmp_path, ARBIN + "".join(row.format(n=n) for n in range(100, 120)))
    with pytest.raises(
        RateTestError, match=r"20 of 20 rows have no readable.*Is the decimal sign the same throughout\?"
    ):
        record.whole()


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16"])
def test_chinese_names_are_read_in_the_encodings_of_chinese_computers(exports, ideal, tmp_path, encoding):
    record = record_of(tmp_path, exports["neware_chinese.csv"].decode().encode(encoding))
    assert record.rows[CURRENT].to_numpy() == pytest.approx(ideal.amp.to_numpy(), abs=1e-8)
    assert record.whole().remarks == ()


def test_hours_that_are_labelled_as_seconds_are_found_out_by_the_clock_on_the_wall(ideal, exports, tmp_path):
    hours = cycler_exports.arbin(ideal.assign(time_s=ideal.time_s / 3600, step_s=ideal.step_s / 3600))
    # The wall clock of the export still runs in seconds.
    clocks = iter(re.findall(r"\d\d:\d\d:\d\d", exports["arbin.csv"].decode()))
    whole = record_of(tmp_path, re.sub(r"\d\d:\d\d:\d\d", lambda _: next(clocks), hours)).whole()
    assert [remark.code for remark in whole.remarks] == ["time-unit"]
    assert "lasts 3600 s by the clock of 'Date Time', and not 1 s" in whole.remarks[0].text
    assert whole.rows[TIME].iloc[-1] == pytest.approx(ideal.time_s.iloc[-1], rel=1e-6)
    assert whole.rows[STEP_TIME].max() == pytest.approx(ideal.step_s.max(), rel=1e-6)


def test_a_pause_in_a_test_changes_no_unit(tmp_path):
    """The clock on the wall ran on for four hours while the test's own stood still: 49 s pass in one of its seconds."""
    rows = [f"{n},20.09.2024 {8 + 4 * (n > 15):02d}:0{n // 6}:{n % 6}0,{10 * n},1,0,3.5" for n in range(31)]
    text = "\n".join(["Data Point,Date Time,Test Time (s),Step Index,Current (A),Voltage (V)", *rows, ""])
    whole = record_of(tmp_path, text).whole()
    assert whole.remarks == ()
    assert whole.rows[TIME].iloc[-1] == 300.0


def test_three_nested_header_rows_leave_the_rows_of_cycles_and_steps_out(exports, ideal, tmp_path):
    text = exports["neware_nested.csv"].decode()
    assert text.count("\n") > len(ideal) + 3
    rows = record_of(tmp_path, text).rows
    assert len(rows) == len(ideal)
    assert (np.diff(rows[TIME]) >= 0.0).all()


def test_a_nested_export_gets_the_sign_that_its_records_tell(tmp_path):
    text = (
        "Cycle ID,Cap_Chg(mAh),Cap_DChg(mAh),,,,\n,Step ID,Step Name,Capacity(mAh),,,\n"
        ",,Record ID,Step Type,Time(h:min:s.ms),Voltage(V),Current(mA)\n"
        "1,1.9,1.8,,,,\n"
        ",1,CC Chg,1.9,,,\n,,1,CC Chg,0:00:00.000,3.5,1.0\n,,2,CC Chg,0:10:00.000,4.2,1.0\n"
        ",2,CC DChg,1.8,,,\n,,3,CC DChg,0:00:00.000,4.1,1.0\n,,4,CC DChg,0:10:00.000,3.0,1.0\n"
    )
    assert record_of(tmp_path, text).rows[CURRENT].to_list() == pytest.approx([1e-3, 1e-3, -1e-3, -1e-3])


def test_a_step_row_without_its_last_fields_is_no_record_either(exports, ideal, tmp_path):
    """Newer software ends the rows of cycles and steps where their fields end."""
    text = re.sub(r",+$", "", exports["neware_nested.csv"].decode(), flags=re.MULTILINE)
    assert len(record_of(tmp_path, text).rows) == len(ideal)


def test_a_cycle_counter_that_restarts_does_not_join_discharges(ideal, tmp_path):
    text = cycler_exports.neware(ideal.assign(cycle=(ideal.cycle - 1) % 2 + 1))
    record = record_of(tmp_path, text)
    assert record.rows[CYCLE].max() == 2
    test = rate_test(record, cell="c", electrode="e", active_mass_mg=cycler_exports.ACTIVE_MASS_MG)
    assert len(test.discharges) == len(cycler_exports.RATES_PER_H)


def test_time_that_jumps_backwards_is_said_in_every_maker(ideal, tmp_path):
    back = ideal.assign(time_s=ideal.time_s - 50_000.0 * (ideal.row >= 100))
    for text in (cycler_exports.arbin(back), cycler_exports.novonix(back), cycler_exports.biologic(back)):
        _, remarks = find_steps(record_of(tmp_path, text))
        assert [remark.code for remark in remarks] == ["time-backwards"]


def test_capacities_per_mass_are_not_taken_for_ah(ideal, tmp_path):
    text = cycler_exports.neware(ideal).replace("Capacity(Ah)", "Capacity(mAh/g)")
    record = record_of(tmp_path, text)
    assert STEP_CAPACITY not in record.rows
    assert np.isnan([step.counted_ah for step in find_steps(record)[0]]).all()


def test_a_damaged_degree_sign_harms_no_maker(exports, ideal, tmp_path):
    for name in ("novonix.csv", "biologic.mpt"):
        damaged = exports[name].decode("latin-1" if name == "biologic.mpt" else "utf-8").replace("°", "\ufffd")
        assert len(record_of(tmp_path, damaged).rows) == len(ideal)
        assert len(record_of(tmp_path, damaged.replace("\ufffd", "°").encode("latin-1")).rows) == len(ideal)


def state_by_state(states, magnitudes):
    """Row by row: too slow to ship, too plain to be wrong."""
    sign, signed = 1.0, []
    for state, magnitude in zip(states, magnitudes, strict=True):
        sign = {"C": 1.0, "D": -1.0, "R": 1.0}.get(state, sign)
        signed.append(sign * magnitude)
    return signed


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("CDRSP"), st.floats(0.001, 9.0)), min_size=1, max_size=20))
def test_the_state_gives_an_unsigned_current_its_sign(tmp_path_factory, rows):
    states, magnitudes = zip(*[(state, round(a, 4)) for state, a in rows], strict=True)
    lines = [f"{n}\t1\t{n}.5\t{a}\t3.7\t{s}" for n, (s, a) in enumerate(zip(states, magnitudes, strict=True))]
    text = "\n".join(["Rec#\tStep\tTestTime\tAmps\tVolts\tState", *lines, ""])
    record = record_of(tmp_path_factory.mktemp("maccor"), text)
    assert record.rows[CURRENT].to_list() == pytest.approx(state_by_state(states, magnitudes))


def test_a_current_that_has_its_sign_keeps_it(ideal, tmp_path):
    """The state says when the current is turned, and then only what the sign says already."""
    signed = cycler_exports.maccor_clocks(ideal).split("\n")
    minus = [re.sub(r"\t(\d\.\d{8})(\t[\d.]+\tD\t)", r"\t-\1\2", row) for row in signed]
    record = record_of(tmp_path, "\n".join(minus))
    assert record.remarks == ()
    assert record.rows[CURRENT].to_numpy() == pytest.approx(ideal.amp.to_numpy(), abs=1e-8)


def test_a_stray_sign_in_the_first_row_of_a_step_makes_no_current_unsigned(tmp_path):
    rows = [f"{n},CC DChg,00:00:0{n},{a},3.{9 - n}" for n, a in enumerate((0.01, -2.0, -2.0))]
    record = record_of(tmp_path, "\n".join(["DataPoint,Step Type,Total Time,Current(mA),Voltage(V)", *rows, ""]))
    assert record.remarks == ()
    assert record.rows[CURRENT].to_list() == pytest.approx([1e-5, -2e-3, -2e-3])


def test_a_blank_line_below_the_names_is_no_row():
    layout = maccor.find_layout(
        "x\n\nRec\tStep\tTest Time (Min)\tCurrent\tVoltage\n\n1\t1\t0,5\t0,0\t3,7\n2\t1\t1,0\t0,0\t3,7\n"
    )
    assert (layout.lines_before, layout.decimal, layout.columns[2].factor) == (4, ",", 60.0)


def test_the_time_of_a_step_and_its_number_are_told_apart_by_the_unit():
    head = "Rec#,Cyc#,Step,Test (Sec),Step (Sec),Amp-hr,Amps,Volts,State\n1,0,1,5.0,5.0,0.0,0.0,3.4,R\n"
    assert {place: column.target for place, column in maccor.find_layout(head).columns.items()} == {
        1: CYCLE,
        2: STEP,
        3: TIME,
        4: STEP_TIME,
        5: STEP_CAPACITY,
        6: CURRENT,
        7: VOLTAGE,
        8: MODE,
    }


def test_a_long_test_plan_above_the_rows_hides_nothing(exports, ideal, tmp_path):
    """Both makers write the whole plan into the preamble; plans of a hundred steps have over 100 kB."""
    text = exports["novonix.csv"].decode().replace("c, d", "c, d" * 30_000)
    assert len(record_of(tmp_path, text).rows) == len(ideal)
    settings_of_steps = "".join(f"setting {n}" + " 1.000              " * 100 + "\n" for n in range(60))
    text = exports["biologic.mpt"].decode("latin-1").replace("Ns  0  1\n", settings_of_steps)
    assert len(record_of(tmp_path, text).rows) == len(ideal)


@pytest.mark.parametrize(
    ("head", "match"),
    [
        (
            "Ns\ttime/s\tEwe/V\tcontrol/V\n0\t1\t3.6\t0\n",
            "BioLogic export without a column for Current / A.*Export the test again",
        ),
        (
            "Rec\tTest Time (weeks)\tCurrent\tVoltage\n1\t1\t0\t3.6\n",
            r"'Test Time \(weeks\)' gives no unit that is known.*known are s, min, ms, h. Export",
        ),
        (
            "DataPoint,Current(A),Voltage(V)\n1,0,3.6\n",
            "Neware export without a column for Test Time / s.*Export the test",
        ),
        ("Data Point,Test Time (s),Step Index,Voltage (V)\n1,1,1,3\n", "Arbin export without .*Current / A"),
        ("time/s\tEwe/V\tI/mA\nnoon: at\t3.6\t1\n", "neither seconds nor dates.*'noon: at'.*relative time in seconds"),
    ],
)
def test_an_export_that_lacks_a_column_says_so_and_what_to_do(head, match):
    with pytest.raises(RateTestError, match=match):
        find_layout(head)


# --- real files -----------------------------------------------------------------------------------------------------


@needs_real
@pytest.mark.parametrize(
    ("name", "maker", "rows", "last_s", "first_v", "last_v", "codes"),
    [
        ("arbin.csv", "Arbin", 13, 301.214, 3.534595, 3.599601, []),
        ("maccor.csv", "Maccor", 15, 13.06, 3.668, 3.716, []),
        # The export was cut in its last row, and its TestTime counts minutes though nothing says so.
        (
            "maccor_two.txt",
            "Maccor",
            213,
            12_720.0,
            0.1377,
            0.1490,
            ["time-unit", "current-by-mode", "unreadable-rows"],
        ),
        ("neware_uio.csv", "Neware", 9065, 144 * 3600 + 138.0, 2.9170, 0.4251, ["current-by-mode"]),
        ("novonix.csv", "Novonix", 207, 3.4131889 * 3600, 3.84318331, 4.12864581, []),
    ],
)
def test_a_genuine_export_is_read_as_it_is(name, maker, rows, last_s, first_v, last_v, codes):
    record = read_cycler_file(REAL / name)
    whole = record.whole()
    assert record.maker == maker
    assert len(whole.rows) == rows
    assert whole.rows[TIME].iloc[-1] == pytest.approx(last_s, abs=1e-3)
    assert whole.rows[VOLTAGE].iloc[[0, -1]].to_list() == [first_v, last_v]
    assert [remark.code for remark in whole.remarks] == codes


@needs_real
@pytest.mark.parametrize(("name", "steps", "rel"), [("neware_uio.csv", 16, 5e-3), ("novonix.csv", 1, 1e-3)])
def test_the_charge_of_a_genuine_export_agrees_with_its_own_counter(name, steps, rel):
    found = [step for step in find_steps(read_cycler_file(REAL / name))[0] if step.capacity_ah > 1e-6]
    assert len(found) == steps
    assert [step.capacity_ah for step in found] == pytest.approx([step.counted_ah for step in found], rel=rel)


# --- tables of no maker that is known --------------------------------------------------------------------------------


def test_a_table_of_no_known_maker_says_what_was_read_from_which_column(exports, tmp_path):
    (remark, *_) = record_of(tmp_path, exports["units_below.csv"]).remarks
    assert "test time from 'Prog Time', voltage from 'Voltage (mV)', current from 'Current (mA)'" in remark.text


@pytest.mark.parametrize(
    ("head", "match"),
    [
        ("Total Time,Voltage,Current(A)\n00:00:01,3.6,0\n", "'Voltage' gives no unit that is known; known are v, mv"),
        ("Total Time(s),Voltage(V),Current(x)\n1,3.6,0\n", r"'Current\(x\)' gives no unit .* known are a, ma, µa"),
    ],
)
def test_a_table_without_units_is_refused(tmp_path, head, match):
    with pytest.raises(RateTestError, match=match):
        record_of(tmp_path, head)


def test_a_makers_sheet_comes_before_a_table_of_no_known_maker(study_sheets, tmp_path):
    record = record_of(tmp_path, study_sheets, "book.xlsx")
    assert record.maker == "Neware"
    assert len(record.rows) > 100


@pytest.fixture(scope="module")
def study_sheets(ideal):
    rows = [line.split(",") for line in cycler_exports.neware(ideal).splitlines()]
    steps = [["Time(s)", "Voltage(V)", "Current(A)"], [1, 3.6, 0.5], [2, 3.7, 0.5]]
    return cycler_exports.workbook({"step": steps, "record": rows})


def test_a_table_of_cycles_is_not_called_a_log_without_current(tmp_path):
    rows = "".join(f"{n},{n * 3600}.0,{n},-0.5,3.0\n" if n % 2 else f"{n},{n * 3600}.0,{n},0,3\n" for n in range(9))
    record = record_of(tmp_path, "Data Point,Test Time (s),Step Index,Current (A),Voltage (V)\n" + rows)
    with pytest.raises(RateTestError, match=r"no current flows for two rows on end, as in a table of cycles or steps"):
        rate_test(record, cell="c", electrode="e")


def test_times_that_cannot_be_read_are_named_with_the_form_that_can(tmp_path):
    rows = "".join(f"{n},1h{n}m,0.5,3.6\n" for n in range(20)).replace("0,1h0m", "0,0:01:00")
    record = record_of(tmp_path, "DataPoint,Total Time,Current(A),Voltage(V)\n" + rows)
    with pytest.raises(RateTestError, match=r"19 of 20 rows have no readable 'Total Time'. Are all its times as 26:03"):
        record.whole()


# --- damaged files --------------------------------------------------------------------------------------------------


def test_damaged_exports_are_read_or_refused_in_a_sentence(exports, tmp_path):
    """A small, fixed part of the cycler_exports."""
    outcomes = {"read": 0, "refused": 0}
    for number in range(30):
        name, kind, content = fuzz_cycler_files.damaged(exports, seed=1, number=number)
        outcome, _, said = fuzz_cycler_files.outcome_in(tmp_path, name, content)
        assert outcome != "fault", f"{number} {kind} {name}: {said}"
        outcomes[outcome] += 1
    assert min(outcomes.values()) > 5


def test_the_study_repeats_itself_for_a_seed_and_sees_faults(exports, tmp_path, monkeypatch):
    assert fuzz_cycler_files.damaged(exports, 3, 5) == fuzz_cycler_files.damaged(exports, 3, 5)
    monkeypatch.setattr(fuzz_cycler_files, "write_rates", lambda *_: 1 / 0)
    assert fuzz_cycler_files.outcome_in(tmp_path, "a.csv", b"")[0] == "fault"
