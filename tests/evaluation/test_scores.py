import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.evaluation.scores import mae, mape_percent, r_squared

capacities = st.lists(
    st.tuples(st.floats(1.0, 500.0), st.floats(0.0, 500.0)), min_size=2, max_size=20
).map(lambda pairs: tuple(np.array(column) for column in zip(*pairs, strict=True)))  # fmt: skip


@given(capacities)
def test_errors_agree_with_adding_one_value_after_the_other(pair):
    measured, predicted = pair
    relative = [abs(p - m) / m for m, p in zip(measured, predicted, strict=True)]
    absolute = [abs(p - m) for m, p in zip(measured, predicted, strict=True)]
    assert mape_percent(measured, predicted) == pytest.approx(100 * sum(relative) / len(relative))
    assert mae(measured, predicted) == pytest.approx(sum(absolute) / len(absolute))


@given(capacities, st.floats(0.1, 10.0))
def test_mape_and_r2_are_unchanged_when_both_are_scaled_together(pair, factor):
    measured, predicted = pair
    assert mape_percent(measured * factor, predicted * factor) == pytest.approx(mape_percent(measured, predicted))
    assert r_squared(measured * factor, predicted * factor) == pytest.approx(
        r_squared(measured, predicted), nan_ok=True
    )


@given(capacities)
def test_no_constant_explains_more_than_the_mean(pair):
    measured, predicted = pair
    assert not r_squared(measured, np.full_like(measured, predicted.mean())) > 1e-9
