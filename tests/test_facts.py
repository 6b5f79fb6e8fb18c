import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.errors import InputError, SettingsError
from ratescope.facts import FACTS, fact_names, read_given_facts


@settings(max_examples=20)
@given(st.permutations(list(FACTS)), st.integers(0, 4))
def test_it_does_not_matter_in_which_order_facts_are_listed(names, count):
    listed = names[:count]
    assert fact_names(listed, "--facts") == fact_names(reversed(listed), "--facts")
    assert set(fact_names(listed, "--facts")) == set(listed)


def test_a_fact_named_twice_is_one_fact():
    assert fact_names(["porosity", "porosity"], "--facts") == ("porosity",)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("coating_thicknes", "did you mean 'coating_thickness_um'?"),
        ("dark_share", "Known are coating_thickness_um, loading_mg_per_cm2, load_mpa, porosity."),
    ],
)
def test_an_unknown_fact_gets_help(name, says):
    with pytest.raises(SettingsError, match=re.escape(f"--facts: there is no fact {name!r}") + ".*" + re.escape(says)):
        fact_names([name], "--facts")


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["load_mpa"], r"'load_mpa' is not of the form NAME=VALUE\. Write --fact load_mpa=300"),
        (["loading=3"], r"no fact 'loading'; did you mean 'loading_mg_per_cm2'\?"),
        (["load_mpa=much"], r"load_mpa=much cannot be: it is a number from 0 to 100000 MPa.*Give it so"),
        (["porosity=30"], r"porosity=30 cannot be: it is a number from 0 to 0\.95, a fraction\. Give it so"),
        (["porosity=nan"], r"porosity=nan cannot be.*Give it so"),
        (["load_mpa=1", "load_mpa = 2"], r"load_mpa is given twice, as 1 and as 2\. Give it once"),
    ],
)
def test_a_fact_that_is_typed_wrongly_is_said_with_the_remedy(texts, says):
    with pytest.raises(InputError, match=says):
        read_given_facts(texts)


def test_facts_are_typed_with_or_without_blanks():
    assert read_given_facts(["load_mpa = 300", "porosity=.3"]) == {"load_mpa": 300.0, "porosity": 0.3}
