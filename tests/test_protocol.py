from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.errors import SettingsError
from ratescope.protocol import TABLE_2, RateBlock, RateProtocol, read_protocol
from ratescope.settings import to_toml

OURS = """\
charge_cut_off_v = 4.2
discharge_cut_off_v = 3.0
curve_rates_per_h = [0.5, 2.0]
counts = "first"

[check_up]
c_rate_per_h = 0.1
cycles = 1

[[formation]]
c_rate_per_h = 0.1
hold_until_c_rate_per_h = 0.02
cycles = 3

[[blocks]]
c_rate_per_h = 0.5
cycles = 5

[[blocks]]
c_rate_per_h = 2.0
charge_c_rate_per_h = 0.5
cycles = 5
"""


def read(tmp_path, text):
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    return read_protocol("ours.toml", tmp_path)


def test_a_protocol_is_read_from_a_file_beside_the_campaign(tmp_path):
    protocol = read(tmp_path, OURS)
    assert protocol.curve_rates_per_h == (0.5, 2.0)
    assert (protocol.charge_cut_off_v, protocol.discharge_cut_off_v, protocol.counts) == (4.2, 3.0, "first")
    assert [role for role, _ in protocol.planned] == ["formation", "rate", "check-up", "rate"]
    assert [block.charged_at_per_h for block in protocol.blocks] == [0.5, 0.5]
    assert protocol.formation[0] == RateBlock(0.1, 0.02, cycles=3)


def test_table_2_needs_no_file(tmp_path):
    assert read_protocol("table-2", tmp_path) is TABLE_2


def test_where_no_rates_are_named_every_block_is_in_the_curve(tmp_path):
    assert read(tmp_path, OURS.replace("curve_rates_per_h = [0.5, 2.0]\n", "")).curve_rates_per_h == (0.5, 2.0)


rate = st.sampled_from([0.05, 0.2, 1 / 3, 1.0, 5.0])
blocks = st.builds(RateBlock, rate, st.none() | rate, st.integers(1, 9), st.none() | rate)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(blocks, min_size=1, max_size=4).map(tuple),
    st.none() | blocks,
    st.lists(blocks, max_size=2).map(tuple),
    st.sampled_from(["first", "last", "mean"]),
)
def test_a_protocol_that_was_written_is_read_back_the_same(tmp_path_factory, blocks, check_up, formation, counts):
    protocol = RateProtocol(blocks, check_up, 4.3, 2.6, formation=formation, counts=counts)
    assert read(tmp_path_factory.mktemp("p"), to_toml(protocol)) == protocol


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("counts", "count", "ours.toml: unknown key 'count'; did you mean 'counts'"),
        ("hold_until_c_rate", "hold_until_rate", r"ours.toml.formation 1: .*did you mean 'hold_until_c_rate_per_h'"),
        ("charge_c_rate_per_h", "charge_rate_per_h", r"ours.toml.blocks 2: .*did you mean 'charge_c_rate_per_h'"),
        ('"first"', '"second"', r"ours.toml.counts: .*'second'. Change it there"),
        ("[[formation]]", "[formation]", r"formation: tables are wanted here.*Write \[\[formation\]\]"),
        ("cycles = 1", "cycles = 0", "at least one cycle; got .*Leave out what it does not have"),
        ("discharge_cut_off_v = 3.0", "discharge_cut_off_v = 5.0", "got 4.2 V and 5.0 V. Change charge_cut_off_v"),
        ("discharge_cut_off_v = 3.0", "", "ours.toml.discharge_cut_off_v is missing. Add it there"),
        ("[0.5, 2.0]", "[0.5, 3.0]", r"\[3.0\] have no block. Add one each"),
        ("counts", "=", "not a readable TOML file.*See docs/conventions.md"),
    ],
)
def test_what_is_wrong_in_a_protocol_is_said_with_its_place(tmp_path, old, new, match):
    with pytest.raises(SettingsError, match=match):
        read(tmp_path, OURS.replace(old, new, 1))


def test_a_name_that_is_no_protocol_gets_help(tmp_path):
    (tmp_path / "our-rate-test.toml").write_text(OURS)
    with pytest.raises(SettingsError, match="no protocol 'our-rate-tset.toml'; did you mean 'our-rate-test.toml'"):
        read_protocol("our-rate-tset.toml", tmp_path)
    for folder, where in ((tmp_path, str(tmp_path)), (Path(), "this folder")):
        with pytest.raises(SettingsError) as refusal:
            read_protocol("x", folder)
        assert str(refusal.value) == f"there is no protocol 'x'. Write 'table-2', or a TOML file that lies in {where}."


def test_a_protocol_without_blocks_is_refused():
    with pytest.raises(SettingsError, match=r"at least one block; got none. Add \[\[blocks\]\]"):
        RateProtocol((), None, 4.3, 2.6)


def test_the_first_block_at_a_rate_has_its_place_in_the_sequence():
    """The virtual laboratory reads its true capacities there."""
    assert [TABLE_2.sequence[TABLE_2.run_of(r)] for r in TABLE_2.curve_rates_per_h] == [
        TABLE_2.block_of(r) for r in TABLE_2.curve_rates_per_h
    ]
    assert TABLE_2.run_of(0.2) == 4
