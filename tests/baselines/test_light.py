import numpy as np
import pytest

from ratescope.baselines.light import light_of, looked_up_by_light


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def crop_of(is_dark, dark=(40, 50, 60), bright=(200, 190, 180)):
    return np.where(is_dark[..., None], dark, bright).astype(np.uint8)


def stripes(period_px, width_px):
    return np.broadcast_to(np.arange(672) % period_px < width_px, (224, 672))


def test_neither_how_much_is_dark_nor_where_it_is_counts():
    """Else a porosity would hide in it: these six numbers are the lamp's, not the coating's."""
    loose, dense = (light_of(crop_of(stripes(*shape))) for shape in ((128, 64), (64, 16)))
    assert np.array_equal(loose, [40, 50, 60, 200, 190, 180])
    assert np.array_equal(dense, loose)


def test_another_lamp_is_seen():
    dimmed = light_of(crop_of(stripes(128, 64), bright=(190, 190, 180)))
    assert np.array_equal(dimmed, [40, 50, 60, 190, 190, 180])


def test_a_crop_without_contrast_has_one_colour():
    assert np.array_equal(light_of(np.full((224, 672, 3), (90, 80, 70), np.uint8)), [90, 80, 70] * 2)


def test_the_lamp_is_told_apart_by_what_does_not_vary_within_a_micrograph(rng):
    """Far more scatter within micrographs along one direction, in which they also differ by chance."""
    names = [f"m{number}" for number in range(6) for _ in range(8)]
    lamps = np.repeat(np.linspace(0.0, 15.0, 6), 8)
    light = np.stack([50.0 * rng.normal(size=48), lamps + 0.3 * rng.normal(size=48)], axis=1)
    curves = np.repeat(np.linspace(20.0, 150.0, 6), 8)[:, None]
    test = np.arange(48) % 8 == 0
    kept = [name for name, is_test in zip(names, test, strict=True) if not is_test]
    assert np.array_equal(looked_up_by_light(light[~test], curves[~test], kept, light[test]), curves[test])


def test_micrographs_of_one_crop_each_can_be_looked_up_too():
    light = np.array([[10.0, 20.0], [90.0, 80.0]])
    assert looked_up_by_light(light, np.array([[1.0], [2.0]]), ["a", "b"], light + 1.0).tolist() == [[1.0], [2.0]]
