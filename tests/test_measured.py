import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.disc import Disc, Recipe, active_loading, coating_loading, porosity, skeletal_density
from ratescope.errors import InputError
from ratescope.measured import Measured, propagated
from ratescope.units import DENSITIES_G_PER_CM3, WEIGHT_FRACTIONS

DISC = Disc(
    mass_mg=Measured(16.33, 0.10),
    foil_mass_mg=Measured(3.18, 0.05),
    diameter_mm=Measured(10.0, 0.03),
    coating_thickness_um=Measured(56.6, 1.0),
)
RECIPE = Recipe(
    {part: Measured(w, 0.002) for part, w in WEIGHT_FRACTIONS.items()},
    {part: Measured(d, 0.03) for part, d in DENSITIES_G_PER_CM3.items()},
)


def drawn(rng, measured, times=40_000):
    return measured.value + measured.standard_error * rng.standard_normal(times)


def by_drawing(seed=0):
    """The same of discs drawn from the errors: too slow to ship, too plain to be wrong."""
    rng = np.random.default_rng(seed)
    mass, foil, diameter, thickness = (drawn(rng, m) for m in vars(DISC).values())
    weights = {part: drawn(rng, m) for part, m in RECIPE.weight_fractions.items()}
    volumes = sum(w / drawn(rng, RECIPE.densities_g_per_cm3[part]) for part, w in weights.items())
    total = sum(weights.values())
    loading = (mass - foil) / (math.pi / 4.0 * (diameter / 10.0) ** 2)
    skeletal = total / volumes
    return {
        "coating": loading,
        "active": loading * weights["active"] / total,
        "skeletal": skeletal,
        "porosity": 1.0 - loading / (thickness * 1e-4) * 1e-3 / skeletal,
    }


def test_propagated_errors_agree_with_drawing_the_measurements():
    twin = by_drawing()
    found = {
        "coating": coating_loading(DISC),
        "active": active_loading(DISC, RECIPE),
        "skeletal": skeletal_density(RECIPE),
        "porosity": porosity(DISC, RECIPE),
    }
    for name, measured in found.items():
        assert measured.value == pytest.approx(twin[name].mean(), rel=2e-3), name
        assert measured.standard_error == pytest.approx(twin[name].std(), rel=0.03), name


def test_a_recipe_in_grams_is_the_recipe_in_fractions():
    grams = Recipe({part: Measured(50.0 * w) for part, w in WEIGHT_FRACTIONS.items()})
    assert active_loading(DISC, grams).value == pytest.approx(active_loading(DISC, Recipe()).value)
    assert porosity(DISC, grams).value == pytest.approx(porosity(DISC, Recipe()).value)


def test_a_gauge_that_is_a_micrometre_off_matters_more_than_the_balance():
    shares = porosity(DISC, RECIPE).contributions
    assert max(shares, key=shares.get) == "coating_thickness_um"
    assert sum(shares.values()) == pytest.approx(1.0)
    assert {"weight fraction of active", "density of active", "mass_mg"} <= set(shares)


@settings(max_examples=20)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 2), st.floats(0, 2))
def test_errors_of_a_sum_add_as_squares_whatever_the_signs(a, b, a_error, b_error):
    total = propagated(lambda x, y: a * x + b * y, x=Measured(3.0, a_error), y=Measured(4.0, b_error))
    assert total.standard_error == pytest.approx(math.hypot(a * a_error, b * b_error), abs=1e-9)


def test_what_enters_twice_is_one_input_and_cancels_itself():
    assert propagated(lambda x: x - x, x=Measured(3.0, 0.5)).standard_error == 0.0


def test_exact_numbers_have_an_exact_result():
    result = propagated(lambda x: 2.0 * x, x=Measured(3.0))
    assert (result.value, result.standard_error, result.contributions) == (6.0, 0.0, {})


@pytest.mark.parametrize(("value", "error"), [(math.nan, 0.1), (1.0, -0.1), (1.0, math.inf), (1.0, math.nan)])
def test_an_error_below_zero_or_unknown_is_refused(value, error):
    with pytest.raises(InputError, match="finite and its standard error zero or above; got .*Leave out what is not"):
        Measured(value, error)


def test_a_recipe_without_active_material_is_refused():
    with pytest.raises(InputError, match=r"a component 'active'; it names \['binder'\]\. Add it"):
        Recipe({"binder": Measured(1.0)}, {"binder": Measured(1.78)})


def test_a_component_without_a_density_is_refused():
    with pytest.raises(InputError, match=r"\['carbon'\] have none. Add them"):
        Recipe(densities_g_per_cm3={"active": Measured(4.75), "binder": Measured(1.78)})


def test_a_number_is_written_to_the_place_that_its_error_reaches():
    assert [str(Measured(0.2996, 0.0143)), str(Measured(159.66, 2.4)), str(Measured(1234.5, 120.0))] == [
        "0.300 ± 0.014",
        "159.7 ± 2.4",
        "1234 ± 120",
    ]
