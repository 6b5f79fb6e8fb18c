import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ratescope.evaluation.overlay import influence_limit, influence_over_crop

CROP = np.repeat(np.linspace(0, 255, 12 * 36).reshape(12, 36).astype(np.uint8)[..., None], 3, axis=2)


def test_no_influence_leaves_the_crop_grey():
    picture = influence_over_crop(CROP, np.zeros((3, 9)), 1.0)
    assert (picture == picture[..., :1]).all()
    assert (np.diff(picture[..., 0].ravel().astype(int)) >= 0).all()


def test_raising_is_red_and_lowering_is_blue_wherever_they_are():
    influence = np.ones((12, 36))
    influence[:, 18:] = -1.0
    red, _, blue = np.moveaxis(influence_over_crop(CROP, influence, 1.0).astype(int), 2, 0)
    assert (red > blue)[:, :17].all()
    assert (blue > red)[:, 19:].all()


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_the_picture_depends_on_influence_over_limit_alone(seed, factor):
    influence = np.random.default_rng(seed).normal(size=(3, 9))
    one, other = influence_over_crop(CROP, influence, 2.0), influence_over_crop(CROP, influence * factor, 2.0 * factor)
    assert np.abs(one.astype(int) - other).max() <= 1


def test_the_colour_scale_is_the_same_for_a_map_and_its_negative():
    maps = np.random.default_rng(1).normal(size=(5, 8, 24))
    assert influence_limit(maps) == influence_limit(-maps)


def test_maps_of_zeros_and_of_one_bright_pixel_have_a_scale():
    lonely = np.zeros((56, 168))
    lonely[3, 5] = 7.0
    assert influence_limit(np.zeros((2, 2))) == 1.0
    assert influence_limit(lonely) == 7.0
