import numpy as np
import pytest

from ratescope.evaluation.planting import ARTEFACTS, HIDING, PROXIES, other_material, planted_where

CROP = np.random.default_rng(0).integers(30, 220, (224, 672, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ARTEFACTS)
def test_an_artefact_changes_its_own_pixels_and_no_others(name):
    before = CROP.copy()
    changed = (ARTEFACTS[name](CROP) != CROP).any(axis=2)
    assert np.array_equal(changed, planted_where(name))
    assert np.array_equal(before, CROP)


def test_the_sizes_are_those_that_reports_name():
    shares = {name: 100 * planted_where(name).mean() for name in ARTEFACTS}
    assert shares["void"] == pytest.approx(100 * np.pi * 40 * 50 / (224 * 672), rel=0.01)
    assert shares["stamp"] == pytest.approx(100 * 28 * 84 / (224 * 672))
    assert shares["brightness step"] == pytest.approx(50.0)
    assert 2.5 < shares["scratch"] < 3.0


def test_other_material_comes_from_the_same_rows_and_only_where_it_is_asked_for():
    where = planted_where("void")
    swapped = other_material(CROP, where)
    assert np.array_equal(swapped[~where], CROP[~where])
    rows, columns = np.nonzero(where)
    assert np.array_equal(swapped[rows, columns], CROP[rows, columns - 168])


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_grows_with_its_strength_from_nothing(name):
    planted = [PROXIES[name](CROP, strength) for strength in (0.0, 0.5, 1.0)]
    assert np.array_equal(planted[0], CROP)
    distance = [np.abs(crop.astype(int) - CROP).sum() for crop in planted]
    assert 0 < 1.5 * distance[1] < distance[2]


def test_the_strongest_stamp_and_step_are_those_of_an_audit_and_one_void_or_scratch_is_too():
    for name in ARTEFACTS:
        strength = 0.25 if name in {"void", "scratch"} else 1.0
        assert np.array_equal(PROXIES[name](CROP, strength), ARTEFACTS[name](CROP)), name
    assert set(HIDING) < set(PROXIES) == set(ARTEFACTS)
