"""One capacity in its three units, and a loading on its two bases: what must hold between them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.units import (
    active_loading_mg_per_cm2,
    areal_capacity_mah_per_cm2,
    areal_from_density,
    capacity_density_ah_per_l,
    coating_loading_mg_per_cm2,
    coating_thickness_um,
    density_from_areal,
    disc_area_cm2,
    foil_mass_mg,
    loading_from_disc,
    porosity_from_mass,
    specific_capacity_ah_per_kg,
)

positive = st.floats(0.1, 100.0)


@settings(max_examples=20)
@given(st.floats(1e-5, 1e-2), st.floats(1.0, 20.0), st.floats(2.0, 14.0), st.floats(10.0, 300.0))
def test_the_three_capacities_of_one_disc_agree(capacity_ah, active_mass_mg, diameter_mm, thickness_um):
    area_cm2 = disc_area_cm2(diameter_mm)
    specific = specific_capacity_ah_per_kg(capacity_ah, active_mass_mg)
    areal = areal_capacity_mah_per_cm2(specific, active_mass_mg / area_cm2)
    density = capacity_density_ah_per_l(capacity_ah, area_cm2 * thickness_um * 0.1)
    assert areal == pytest.approx(capacity_ah * 1e3 / area_cm2)
    assert density == pytest.approx(density_from_areal(areal, thickness_um))
    assert areal_from_density(density, thickness_um) == pytest.approx(areal)


@settings(max_examples=20)
@given(positive, st.floats(0.5, 1.0))
def test_a_loading_means_the_same_on_both_bases(loading, fraction):
    active = active_loading_mg_per_cm2(loading, fraction, basis="coating")
    assert coating_loading_mg_per_cm2(active, fraction, basis="active") == pytest.approx(loading)
    assert coating_loading_mg_per_cm2(loading, fraction, basis="coating") == loading
    assert active_loading_mg_per_cm2(loading, fraction, basis="active") == loading


def test_the_basis_of_a_loading_is_never_assumed():
    with pytest.raises(TypeError, match="basis"):
        active_loading_mg_per_cm2(15.4, 0.92)


@settings(max_examples=20)
@given(positive, st.floats(2.0, 14.0), st.floats(10.0, 30.0))
def test_a_disc_on_the_balance_gives_its_loading_back(loading, diameter_mm, foil_um):
    foil = foil_mass_mg(diameter_mm, foil_um)
    mass_mg = loading * disc_area_cm2(diameter_mm) + foil
    assert loading_from_disc(mass_mg, foil, diameter_mm) == pytest.approx(loading)


@settings(max_examples=20)
@given(positive, st.floats(0.05, 0.8))
def test_thickness_is_the_inverse_of_porosity(loading, porosity):
    assert porosity_from_mass(loading, coating_thickness_um(loading, porosity, 4.225), 4.225) == pytest.approx(porosity)
