"""What is a coating of grains, and what a user should know of a micrograph."""

import numpy as np
import pytest
from scipy import ndimage

from ratescope.demo import bundled_micrographs
from ratescope.errors import MicrographError
from ratescope.imaging.coating import find_coating
from ratescope.imaging.collector import find_collector
from ratescope.imaging.focus import blur_of
from ratescope.imaging.grey import grey_of
from ratescope.imaging.levelling import level
from ratescope.imaging.quality import Inside, check_field, check_grains, findings_of, look_inside, scale_findings
from ratescope.imaging.reading import read_micrograph
from ratescope.records import Micrograph


def looked_at(micrograph, settings):
    grey, size_um = grey_of(micrograph.pixels), micrograph.pixel_size_um
    collector = find_collector(grey, size_um, settings)
    levelled = level(grey, size_um, collector.tilt_deg)
    coating = find_coating(levelled, collector, settings)
    return levelled, collector, coating, look_inside(levelled, coating)


def test_a_field_smaller_than_a_crop_is_refused(settings):
    with pytest.raises(MicrographError, match="27.6 × 82.7 µm. Take a wider mosaic") as caught:
        check_field(Micrograph(np.zeros((300, 300, 3), np.uint8), 0.123), settings)
    assert caught.value.code == "too-small-field"


def test_pixels_too_coarse_for_grains_are_refused(settings):
    check_field(Micrograph(np.zeros((300, 300, 3), np.uint8), 0.4), settings)
    with pytest.raises(MicrographError, match="0.5 µm large.* stronger objective") as caught:
        check_field(Micrograph(np.zeros((300, 300, 3), np.uint8), 0.5), settings)
    assert caught.value.code == "too-coarse"


def layer(kind):
    """A layer 60 × 200 µm large in blocks of 0.4 µm."""
    rng = np.random.default_rng(0)
    shape = (150, 500)
    if kind == "grains":
        grey = ndimage.gaussian_filter(rng.normal(0, 1, shape), 4) > 0
    elif kind == "few holes in a solid":
        grey = ndimage.gaussian_filter(rng.normal(0, 1, shape), 4) > -0.09
    elif kind == "even holes in a solid":
        row, column = np.mgrid[0:150, 0:500] % 16 - 8
        grey = np.hypot(row, column) > 3.2
    elif kind == "pillars":
        grey = np.broadcast_to(np.arange(500) // 10 % 2 == 0, shape)
    elif kind == "grains in one half":
        grey = ndimage.gaussian_filter(rng.normal(0, 1, shape), 4) > 0
        grey[:, 300:] = True
    elif kind == "noise":
        grey = rng.random(shape) > 0.5
    values = np.where(grey, 170.0, 60.0) + rng.normal(0, 3, shape)
    return Inside(values.astype(np.float32), np.ones(shape, bool), 0.4)


def test_a_coating_of_grains_passes(settings):
    check_grains(layer("grains"), settings)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("few holes in a solid", "lopsided|only .* of its usual texture"),
        ("even holes in a solid", "lopsided"),
        ("pillars", "across and .* along the layer"),
        ("grains in one half", "only .* of its usual texture"),
        ("noise", "0.5 µm across and 0.5 µm along"),
    ],
)
def test_layers_that_are_no_coating_of_grains_are_refused(settings, kind, said):
    with pytest.raises(MicrographError, match=f"({said}).*Photograph the cross-section of an electrode") as caught:
        check_grains(layer(kind), settings)
    assert caught.value.code == "no-grains"


def test_a_good_micrograph_has_no_findings(drawn, settings):
    assert findings_of(*looked_at(drawn.micrograph, settings)) == ()


@pytest.mark.parametrize("code", ["out-of-focus", "noisy", "uneven-light", "foil-saturated", "overexposed"])
def test_focus_noise_and_light_are_findings(drawn, settings, code):
    pixels = drawn.micrograph.pixels.astype(float)
    columns = np.arange(pixels.shape[1])
    worse = {
        "out-of-focus": lambda: ndimage.gaussian_filter(pixels, (6, 6, 0)),
        "noisy": lambda: pixels * 0.9 + np.random.default_rng(0).normal(0, 18, pixels.shape[:2])[..., None],
        "uneven-light": lambda: pixels * (0.8 + 0.3 * np.sin(columns / 300))[:, None],
        "foil-saturated": lambda: pixels * 1.3,
        "overexposed": lambda: pixels * 1.7,
    }[code]()
    micrograph = Micrograph(np.clip(worse, 0, 255).astype(np.uint8), 0.123)
    assert code in {finding.code for finding in findings_of(*looked_at(micrograph, settings))}


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_the_blur_of_grains_is_that_of_the_gaussian_that_blurred_them(drawn, sigma, noise):
    grains = np.where(drawn.is_coating & (drawn.micrograph.pixels[..., 0] > 100), 165.0, 40.0)
    worse = ndimage.gaussian_filter(grains, sigma) + np.random.default_rng(0).normal(0, noise, grains.shape)
    assert blur_of(worse.astype(np.float32)) == pytest.approx(sigma, abs=0.3 if noise == 0.0 else 0.5)


def test_the_blur_of_nothing_is_not_a_number():
    assert np.isnan(blur_of(np.zeros((40, 40), np.float32)))


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_pixel_size_wrong_by_a_factor_of_two_is_noticed(settings, factor):
    right = layer("grains")
    wrong = Inside(right.means, right.is_inside, 0.85 * right.block_um * factor)
    said = {finding.code: finding.text for finding in scale_findings(wrong)}
    assert ("doubtful-scale" in said) == (factor != 1.0)
    assert all("Check the pixel size" in text for text in said.values())


@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("which", ["dense", "loose"])
def test_the_scale_of_dense_and_of_loose_coatings_is_doubted_only_where_it_is_wrong(settings, which, factor):
    path = next(path for path in bundled_micrographs() if which in path.name)
    micrograph = Micrograph(read_micrograph(path).pixels, 0.123 * factor)
    assert bool(scale_findings(looked_at(micrograph, settings)[-1])) == (factor == 2.0)


@pytest.mark.parametrize("factor", [0.2, 8.0])
def test_a_pixel_size_that_makes_grains_impossible_is_refused(settings, factor):
    right = layer("grains")
    with pytest.raises(MicrographError, match="and check the pixel size") as caught:
        check_grains(Inside(right.means, right.is_inside, right.block_um * factor), settings)
    assert caught.value.code == "no-grains"
