"""Table 2 and section 2.1 of the paper, word for word."""

from fractions import Fraction

import pytest

from ratescope.errors import SettingsError
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol


def as_fractions(values):
    return [str(Fraction(value).limit_denominator(100)) for value in values]


def test_the_c_rates_of_table_2():
    expected = ["1/20", "1/10", "1/5", "1/2", "1", "2", "3", "5", "1/5"]
    assert as_fractions(block.c_rate_per_h for block in TABLE_2.blocks) == expected


def test_the_cut_off_currents_of_table_2():
    expected = ["1/30", "1/20", "1/20", "1/10", "1/5", "1/5", "1/5", "1/5", "1/20"]
    assert as_fractions(block.hold_until_c_rate_per_h for block in TABLE_2.blocks) == expected


def test_two_cycles_each_between_the_voltages_of_table_2():
    assert {block.cycles for block in TABLE_2.blocks} == {2}
    assert (TABLE_2.charge_cut_off_v, TABLE_2.discharge_cut_off_v) == (4.3, 2.6)


def test_two_check_up_cycles_at_a_tenth_stand_between_each_two_rates():
    """Section 2.1; 18 test cycles and 8 times two check-ups."""
    assert (TABLE_2.check_up.c_rate_per_h, TABLE_2.check_up.cycles) == (0.1, 2)
    assert TABLE_2.sequence[::2] == TABLE_2.blocks
    assert set(TABLE_2.sequence[1::2]) == {TABLE_2.check_up}
    assert sum(run.cycles for run in TABLE_2.sequence) == 34


def test_the_rate_curve_has_the_five_rates_of_section_2_2():
    assert TABLE_2.curve_rates_per_h == (0.2, 1.0, 2.0, 3.0, 5.0)


def test_charge_and_discharge_have_one_rate_in_table_2():
    assert all(block.charged_at_per_h == block.c_rate_per_h for block in TABLE_2.sequence)


def test_a_protocol_without_a_block_for_a_rate_of_its_curve_is_refused():
    block = RateBlock(1.0, 0.2)
    with pytest.raises(SettingsError, match=r"\[0.2, 2.0, 3.0, 5.0\] have no block. Add one each"):
        RateProtocol((block,), block, 4.3, 2.6, TABLE_2.curve_rates_per_h)
