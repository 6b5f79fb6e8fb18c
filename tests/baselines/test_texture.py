import numpy as np
import pytest
from scipy import ndimage

from ratescope.baselines.texture import (
    TEXTURE_FEATURES,
    _half_covariance,
    _mean_chord,
    _share_in_discs,
    texture_features,
)


def crop_of(is_pore, rng, grain=165.0, resin=60.0):
    grey = np.where(is_pore, resin, grain) + rng.normal(0, 5, is_pore.shape)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def blots(rng, porosity, width_px=10.0):
    """Pores some micrometres wide, as blots of smooth noise; no optics."""
    noise = ndimage.gaussian_filter(rng.standard_normal((224, 672)), width_px)
    return noise < np.quantile(noise, porosity)


def seen(crop):
    return dict(zip(TEXTURE_FEATURES, texture_features(crop).tolist(), strict=True))


@pytest.mark.parametrize("porosity", [0.2, 0.35, 0.5])
def test_the_dark_share_is_the_share_of_the_area(porosity):
    rng = np.random.default_rng(1)
    assert seen(crop_of(blots(rng, porosity), rng))["dark_share"] == pytest.approx(porosity, abs=0.01)


def test_lighting_changes_no_feature_by_much():
    """Else a lamp would be a proxy: the rung would err where the network, augmented or not, might not."""
    rng = np.random.default_rng(2)
    crop = crop_of(blots(rng, 0.3), rng)
    bright, dim = seen(crop), seen((crop * 0.6).astype(np.uint8))
    for name, value in bright.items():
        assert dim[name] == pytest.approx(value, rel=0.15, abs=0.02), name


def test_coarser_structure_of_the_same_share_has_longer_chords_and_fills_larger_discs():
    rng = np.random.default_rng(3)
    fine, coarse = (seen(crop_of(blots(rng, 0.35, width), rng)) for width in (6.0, 14.0))
    assert coarse["dark_share"] == pytest.approx(fine["dark_share"], abs=0.01)
    longer = [name for name in TEXTURE_FEATURES if "chord" in name or "together" in name or "discs" in name]
    assert len(longer) == 10
    for name in longer:
        assert coarse[name] > fine[name], name


def test_structure_drawn_out_along_the_foil_is_told_from_upright_structure():
    rng = np.random.default_rng(4)
    noise = ndimage.gaussian_filter(rng.standard_normal((224, 672)), (4.0, 16.0))
    lying = seen(crop_of(noise < np.quantile(noise, 0.4), rng))
    for name in ("grain_chord", "dark_chord", "dark_together"):
        assert lying[f"{name}_along_um"] > 1.5 * lying[f"{name}_upright_um"], name


def test_dark_above_and_dark_at_one_end_are_uneven():
    rng = np.random.default_rng(5)
    even = blots(rng, 0.3)
    above, left = even.copy(), even.copy()
    above[:60], left[:, :200] = True, True
    assert seen(crop_of(above, rng))["dark_upper_minus_lower"] > 0.2
    assert seen(crop_of(left, rng))["dark_sd_along"] > seen(crop_of(even, rng))["dark_sd_along"] + 0.1


def test_chords_of_stripes_are_their_widths():
    stripes = (np.arange(1806) // 6 % 3 == 1)[None, :] & np.ones((20, 1), bool)
    assert _mean_chord(stripes, 1) == pytest.approx(6.0, rel=0.01)
    assert _mean_chord(~stripes, 1) == pytest.approx(12.0, rel=0.01)


def test_discs_reach_all_of_a_large_square_but_its_corners_and_nothing_of_a_thin_line():
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    assert 0.93 < _share_in_discs(mask, 6.0) < 1.0
    line = np.zeros((60, 60), bool)
    line[30:34] = True
    assert _share_in_discs(line, 6.0) == 0.0
    assert _share_in_discs(np.zeros((9, 9), bool), 2.0) == 0.0


def test_the_two_point_distance_agrees_with_comparing_every_pair():
    mask = blots(np.random.default_rng(6), 0.4)[::4, ::4]
    values = mask - mask.mean()
    covariance = [np.mean(values[:, shift:] * values[:, : values.shape[1] - shift]) for shift in range(30)]
    half = covariance[0] / 2
    below = next(shift for shift, value in enumerate(covariance) if value < half)
    between = (covariance[below - 1] - half) / (covariance[below - 1] - covariance[below])
    assert _half_covariance(mask, 1) == pytest.approx(below - 1 + between)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_finite_features(level):
    assert np.isfinite(texture_features(np.full((224, 672, 3), level, np.uint8))).all()
