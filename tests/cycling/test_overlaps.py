"""Exports of one test that were joined: what stands there twice is read once, and said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.overlaps import MOST_FALLS, without_overlaps
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.record import CURRENT, TIME, VOLTAGE, Chunk, CyclerRecord
from ratescope.cycling.steps import find_steps

HEADER = "~Time[s]\tU[V]\tI[A]\n"


def ramp(rows=40):
    """A charge and a discharge of an hour each, without equal voltages."""
    volts = np.concatenate([np.linspace(3.0, 4.3, rows // 2), np.linspace(4.2, 2.6, rows // 2)])
    time_s = np.arange(rows) * 7200.0 / rows
    return pd.DataFrame({TIME: time_s, VOLTAGE: volts, CURRENT: np.repeat([1.0, -1.0], rows // 2)})


def joined(rows, *parts, rows_each=1000):
    """Some ranges of rows one after the other, read so many at a time."""
    table = pd.concat([rows.iloc[begin:end] for begin, end in parts], ignore_index=True)
    chunks = [Chunk(table.iloc[a : a + rows_each].reset_index(drop=True)) for a in range(0, len(table), rows_each)]
    return without_overlaps(CyclerRecord("cell.txt", "", lambda: iter(chunks)))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 38), st.integers(2, 40), st.sampled_from([1, 7, 30, 100]), st.integers(0, 38))
def test_rows_that_stand_there_twice_are_read_once_wherever_the_file_is_cut(begin, end, rows_each, again):
    begin = min(begin, end - 2)
    rows, parts = ramp(), [(0, end), (begin, 40), (again, 40)]
    record = joined(rows, *parts, rows_each=rows_each)
    assert record.rows.to_numpy().tolist() == rows.to_numpy().tolist()
    said = [remark.text for remark in record.whole().remarks]
    assert [int(text.split()[0]) for text in said] == [end - begin, 40 - again]


@settings(deadline=None, max_examples=10)
@given(st.integers(10, 18), st.sampled_from([1, 7, 100]))
def test_rows_that_differ_anywhere_in_the_overlap_are_all_kept(other, rows_each):
    rows = ramp()
    changed = rows.assign(**{VOLTAGE: rows[VOLTAGE] + np.where(np.arange(40) == other, 0.001, 0.0)})
    both = pd.concat([rows.iloc[:20], changed.iloc[10:]], ignore_index=True)
    record = joined(both, (0, len(both)), rows_each=rows_each)
    assert len(record.rows) == 50
    assert [remark.code for remark in find_steps(record)[1]] == ["time-backwards"]


def test_joined_exports_give_the_capacities_of_the_whole_test_and_say_which_rows_stood_there_twice(tmp_path):
    lines = ramp().to_csv(sep="\t", header=False, index=False, lineterminator="\n").splitlines(keepends=True)
    (tmp_path / "whole.txt").write_text(HEADER + "".join(lines))
    (tmp_path / "joined.txt").write_text(HEADER + "".join(lines[:30]) + HEADER + "".join(lines[25:]))
    whole, _ = find_steps(read_cycler_file(tmp_path / "whole.txt"))
    steps, remarks = find_steps(read_cycler_file(tmp_path / "joined.txt"))
    assert repr(steps) == repr(whole)
    assert [remark.code for remark in remarks] == ["overlap"]
    assert "5 rows from 4500 s to 5220 s stand there twice, as where exports of one test were joined" in remarks[0].text


def test_a_time_that_falls_all_the_time_is_not_looked_at_for_ever():
    """A hundred falls are looked at; the rows of the second half stand there twice, but nobody joins so often."""
    rows = pd.DataFrame({TIME: np.tile([0.0, 1.0], MOST_FALLS + 2), VOLTAGE: 3.5, CURRENT: 1.0})
    assert len(joined(rows, (0, len(rows)), rows_each=7).rows) == 2 + 2


@pytest.mark.parametrize("rows_each", [3, 1000])
def test_a_log_without_overlap_is_passed_on_as_it_is(rows_each):
    rows = ramp()
    record = joined(rows, (0, 40), rows_each=rows_each)
    assert record.rows.equals(rows)
    assert record.whole().remarks == ()
