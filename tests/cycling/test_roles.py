import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.roles import _aligned, roles_of
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol

CHECKED_AT_A_FIFTH = RateProtocol(
    blocks=tuple(RateBlock(rate) for rate in (0.2, 1.0, 5.0, 0.2)),
    check_up=RateBlock(0.2, cycles=1),
    charge_cut_off_v=4.3,
    discharge_cut_off_v=2.6,
    formation=(RateBlock(0.2, cycles=3),),
)


def roles(rates, protocol=TABLE_2, is_complete=None):
    said = roles_of(rates, is_complete or [True] * len(rates), protocol)
    return [f"{rate:g} {role}" for rate, role in zip(rates, said, strict=True)]


@pytest.mark.parametrize("protocol", [TABLE_2, CHECKED_AT_A_FIFTH], ids=["table 2", "all at C/5"])
def test_a_test_that_went_as_planned_has_the_planned_roles(protocol):
    """In the second one formation, block, check-ups and return are all at C/5, and only their places differ."""
    planned = [(role, block.c_rate_per_h) for role, block in protocol.planned for _ in range(block.cycles)]
    assert roles_of([rate for _, rate in planned], [True] * len(planned), protocol) == [role for role, _ in planned]


def test_five_cycles_instead_of_two_do_not_shift_what_follows():
    assert roles([0.2] * 5 + [1.0] * 5 + [0.2] * 5) == ["0.2 rate"] * 5 + ["1 rate"] * 5 + ["0.2 return"] * 5


def test_a_test_without_check_ups_is_understood():
    assert roles([0.05, 0.2, 1.0, 5.0, 0.2]) == ["0.05 rate", "0.2 rate", "1 rate", "5 rate", "0.2 return"]


def test_a_test_that_stops_early_has_no_return():
    """Four cycles at one rate are one block, not a block and its return."""
    assert roles([0.2] * 4) == ["0.2 rate"] * 4


def test_cycles_before_the_first_block_are_formation():
    assert roles([0.07, 0.07, 0.2, 1.0])[:2] == ["0.07 formation"] * 2


def test_rates_in_the_other_direction_still_have_their_first_blocks():
    assert roles([5.0, 3.0, 2.0, 1.0, 0.2]) == ["5 rate", "3 rate", "2 rate", "1 rate", "0.2 rate"]


def test_check_ups_alone_are_no_block():
    """In Table 2 the block at C/10 stands between check-ups at C/10."""
    assert roles([0.2, 0.1, 0.1, 0.5])[1:3] == ["0.1 check-up"] * 2


def test_a_rate_that_no_protocol_names_is_something_else():
    assert roles([0.2, 0.7, 1.0]) == ["0.2 rate", "0.7 other", "1 rate"]


def test_an_interrupted_discharge_belongs_to_the_block_around_it():
    assert roles([0.2, 1.0, 1.0, 1.0], is_complete=[True, True, False, True])[2] == "1 rate"
    assert roles([0.2, 1.0, 2.0, 1.0], is_complete=[True, True, False, True])[2] == "2 other"


def test_unknown_rates_have_no_role():
    assert roles_of([float("nan")] * 3, [True] * 3, TABLE_2) == ["other"] * 3


def longest_slowly(measured, planned):
    """Every way to pair or to leave out: too slow to ship, too plain to be wrong."""
    if not measured or not planned:
        return 0
    left_out = max(longest_slowly(measured[1:], planned), longest_slowly(measured, planned[1:]))
    return max(left_out, 1 + longest_slowly(measured[1:], planned[1:]) if measured[0] == planned[0] else 0)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([1, 2, 3]), max_size=6), st.lists(st.sampled_from([1, 2, 3]), max_size=6))
def test_as_many_runs_as_possible_find_their_place_in_order(measured, planned):
    places = _aligned(measured, planned)
    found = [place for place in places if place is not None]
    assert found == sorted(set(found))
    assert all(place is None or planned[place] == rate for rate, place in zip(measured, places, strict=True))
    assert len(found) == longest_slowly(measured, planned)
