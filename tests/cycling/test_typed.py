"""Tables of capacities that somebody typed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.cycling.rate_curve import RATE_COLUMNS
from ratescope.cycling.readers.typed import is_typed, read_typed
from ratescope.cycling.readers.typed_file import is_typed_file, read_typed_file
from ratescope.errors import RateTestError


@settings(deadline=None, max_examples=20)
@given(
    st.dictionaries(st.sampled_from([0.1, 0.2, 0.5, 1.0, 5.0]), st.floats(0, 9).map(lambda x: round(x, 5)), min_size=1),
    st.sampled_from([(",", "."), (";", ","), ("\t", ".")]),
    st.sampled_from(
        [("c_rate_per_h", "capacity_ah", 1.0), ("C-rate", "Capacity (mAh)", 1e-3), ("Rate / 1/h", "Cap. [Ah]", 1.0)]
    ),
    st.sampled_from(["{:g}", "{:g}C", " {:g} C"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_the_capacities_do_not_depend_on_how_they_are_typed(capacities, signs, names, form, mark):
    separator, decimal = signs
    rows = [separator.join([form.format(rate), str(ah)]).replace(".", decimal) for rate, ah in capacities.items()]
    text = mark + "\r\n".join([separator.join(names[:2]), "", *rows, ""])
    assert is_typed(text)
    (read,) = read_typed(text, "typed.csv").values()
    assert read == pytest.approx({rate: ah * names[2] for rate, ah in capacities.items()})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_typed_file_is_read_in_every_encoding_of_editors(tmp_path, encoding):
    path = tmp_path / "typed.csv"
    path.write_bytes("C-rate;Capacity (mAh);Größe\n0,2;1,9;1\n5;0,5;1\n".encode(encoding))
    assert is_typed_file(path)
    assert read_typed_file(path) == {"": {0.2: 0.0019, 5.0: 0.0005}}


def test_cells_are_kept_apart():
    text = "cell;C-rate;Capacity (mAh)\na;C/5;1,9\nb;C/5;1,8\na;5C;0,5\n"
    assert read_typed(text, "t.csv") == {"a": {0.2: 0.0019, 5.0: 0.0005}, "b": {0.2: pytest.approx(0.0018)}}


def test_of_what_rates_writes_the_rows_that_count_are_meant():
    lines = [
        ",".join(RATE_COLUMNS),
        *(
            ",".join(
                {"cell": "a", "c_rate_per_h": "0.2", "capacity_ah": ah, "counts": counts}.get(c, "")
                for c in RATE_COLUMNS
            )
            for ah, counts in (("0.0017", "False"), ("0.0019", "True"))
        ),
    ]
    assert read_typed("\n".join(lines), "rates.csv") == {"a": {0.2: 0.0019}}


@pytest.mark.parametrize(
    ("text", "capacity_ah"),
    [
        ("C-rate;Capacity (µAh)\n1;1,234\n", 1.234e-6),  # whoever separates by semicolons has a decimal comma
        ("C-rate\tCapacity (µAh)\n0,2\t1,9\n1\t1,234\n", 1.234e-6),  # another number shows one
        ("C-rate\tCapacity (µAh)\n0,2C\t2\n1C\t1,234\n", 1.234e-6),  # so does a C-rate
        ("C-rate,Capacity (µAh)\n1,1.234\n", 1.234e-6),
        ("C-rate,Capacity (µAh)\n1,\u00a01234\u00a0\n", 1.234e-3),
    ],
)
def test_a_comma_is_a_decimal_comma_where_the_table_shows_it(text, capacity_ah):
    assert read_typed(text, "t.csv")[""][1.0] == pytest.approx(capacity_ah)


@pytest.mark.parametrize(
    "text",
    [
        "C-rate\tCapacity (µAh)\n2\t1,034\n1\t1,234\n",
        'C-rate,Capacity (µAh)\n0.2,"1,300.5"\n1,"1,234"\n',
        "C-rate;Capacity (µAh)\n0.2;1300.5\n1;1,234\n",
    ],
)
def test_a_comma_that_may_group_thousands_is_refused_with_its_place(text):
    """1,234 µAh must never become 1.234 µAh."""
    fault = r"row 3: column 'Capacity \(µAh\)': '1,234' may have a separator of thousands or a decimal comma. Write it"
    with pytest.raises(RateTestError, match=fault):
        read_typed(text, "t.csv")


def test_every_row_that_cannot_be_used_is_said_at_once():
    text = "C-rate,capacity_ah\n0.2,0.0019\nfast,0.0018\n1,-2\n0.2,0.0019\n5\n"
    faults = [
        "row 3: 'fast' is no C-rate above zero",
        "row 4: '-2' is no capacity of zero or more",
        "row 5: C-rate 0.2 stands there twice",
        "row 6: 1 fields where the header has more. Mend these rows",
    ]
    with pytest.raises(RateTestError, match=".*".join(faults)):
        read_typed(text, "t.csv")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "C-rate,Capacity (mAh/g)\n0.2,150\n",
            "'Capacity .mAh/g.' gives the capacity in no unit that is known.*Multiply a specific capacity",
        ),
        ("C-rate,Capacity\n0.2,150\n", "'Capacity' gives the capacity in no unit.*name the unit in the header"),
        ("C-rate,capacity_ah\n\n", "has no row. Write one row per C-rate"),
        ("a,b\n1,2\n", "no table of capacities by C-rate. Write one row per C-rate"),
    ],
)
def test_a_table_that_cannot_be_used_says_why_and_what_to_do(text, match):
    with pytest.raises(RateTestError, match=match):
        read_typed(text, "t.csv")


@pytest.mark.parametrize(
    "head",
    [
        "~Time[s]\tU[V]\tI[A]\n",
        "DataPoint,Cycle Index,Current(A),Capacity(Ah),Spec. Cap.(mAh/g)\n",
        "",
        "\n\n",
        "cell,capacity_ah\n",
    ],
)
def test_an_export_is_no_typed_table(head):
    assert not is_typed(head)
