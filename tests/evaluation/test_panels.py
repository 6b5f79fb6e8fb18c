import dataclasses

import numpy as np
import pytest

from ratescope.errors import InputError
from ratescope.evaluation.panels import panels
from ratescope.records import Prediction


def test_areal_capacity_is_density_times_the_measured_thickness(prepared, predictions):
    specific, density, areal = panels(prepared, predictions)
    assert [panel.unit for panel in (specific, density, areal)] == ["Ah/kg", "Ah/L", "mAh/cm2"]
    # 1 Ah L⁻¹ in 49.2 µm: 1e-3 Ah cm⁻³ × 49.2e-4 cm = 4.92e-3 mAh cm⁻²
    assert areal.values == pytest.approx(density.values * 4.92e-3)
    assert areal.spread == pytest.approx(density.spread * 4.92e-3)
    assert areal.by_section == pytest.approx(density.by_section * 4.92e-3)


def test_without_a_measured_thickness_there_is_no_areal_capacity(prepared, predictions):
    units = [panel.unit for panel in panels(dataclasses.replace(prepared, coating=None), predictions)]
    assert units == ["Ah/kg", "Ah/L"]


def test_one_network_has_no_spread(prepared):
    prediction = Prediction("specific", np.array([0.2, 5.0]), np.ones((1, 2, 2)))
    (panel,) = panels(prepared, {"specific": prediction})
    assert panel.spread is None


def test_no_sections_no_panels(prepared):
    assert panels(prepared, {"specific": Prediction("specific", np.array([0.2]), np.ones((3, 0, 1)))}) == ()


def test_no_crops_have_no_mean():
    with pytest.raises(InputError, match="no crop to take the mean over"):
        Prediction("specific", np.array([0.2]), np.ones((3, 0, 1))).over_crops()
