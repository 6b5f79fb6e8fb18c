"""Clocks that a spreadsheet programme has cut off: 1:10:00 saved as 10:00."""

import numpy as np
import pytest

from ratescope.cycling.readers import read_cycler_file
from ratescope.errors import RateTestError

HOURS = np.arange(0.0, 3.0, 0.02) * 3600.0


def clock(seconds, period_s=1e9):
    whole = int(seconds % period_s)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def neware(tmp_path, times, column="Total Time"):
    rows = "".join(f"{n},{time},0.5,3.{n:04d}\n" for n, time in enumerate(times))
    path = tmp_path / "cell.csv"
    path.write_text(f"DataPoint,{column},Current(A),Voltage(V)\n{rows}")
    return read_cycler_file(path).whole()


@pytest.mark.parametrize("column", ["Total Time", "Time"])
def test_a_clock_that_lost_its_hours_is_refused(tmp_path, column):
    with pytest.raises(RateTestError, match=rf"'{column}' never shows more than 59:59 .* 2 times: its hours were cut"):
        neware(tmp_path, [clock(second, 3600.0)[3:] for second in HOURS], column)


def test_a_clock_that_lost_its_days_is_refused(tmp_path):
    with pytest.raises(RateTestError, match=r"never shows more than 23:59:59 .* 1 times: its days were cut off"):
        neware(tmp_path, [clock(second, 86_400.0) for second in HOURS * 10.0])


def test_a_whole_clock_is_read(tmp_path):
    assert neware(tmp_path, map(clock, HOURS)).remarks == ()


def test_tests_that_end_within_the_hour_by_chance_are_read_if_another_lasts_longer(tmp_path):
    short = [*np.arange(0.0, 3590.0, 72.0), 3590.0]
    assert len(neware(tmp_path, map(clock, [*short, *short, *HOURS])).rows) == 2 * len(short) + len(HOURS)


def test_a_step_that_ends_within_the_hour_by_chance_is_read(tmp_path):
    times = [*np.arange(0.0, 3590.0, 72.0), 3590.0, *np.arange(0.0, 1800.0, 72.0)]
    rows = neware(tmp_path, map(clock, times), "Time").rows
    assert len(rows) == len(times)
