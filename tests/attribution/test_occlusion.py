import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ratescope.attribution.occlusion import occlude
from ratescope.errors import InputError
from ratescope.model import read_model
from ratescope.network.architecture import RateNetwork
from ratescope.settings import NetworkSettings

GREY = (90.0, 100.0, 110.5)


def occlude_slowly(network, crop, colour, size_px, stride_px):
    """One pass through the whole network per position: too slow to ship, too plain to be wrong."""

    def predict(pixels):
        with torch.no_grad():
            return network(torch.tensor(pixels).permute(2, 0, 1)[None])[0].numpy()

    dtype = np.float64 if network.input_mean.dtype == torch.float64 else np.float32
    rows, columns = crop.shape[:2]
    tops = [0]
    while tops[-1] + size_px < rows and tops[-1] + stride_px < rows:
        tops.append(tops[-1] + stride_px)
    lefts = [0]
    while lefts[-1] + size_px < columns and lefts[-1] + stride_px < columns:
        lefts.append(lefts[-1] + stride_px)
    result = np.empty((len(network.output_scale), len(tops), len(lefts)))
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            hidden = crop.astype(dtype)
            hidden[top : top + size_px, left : left + size_px] = colour
            result[:, i, j] = predict(crop.astype(dtype)) - predict(hidden)
    return result


def test_a_uniform_crop_hidden_by_its_own_colour_gives_a_zero_map():
    """Also in single precision, where a window and the whole crop may be summed in another order."""
    torch.manual_seed(0)
    network = RateNetwork(NetworkSettings(input_reduction=2)).eval()
    uniform = np.full((64, 96, 3), (90, 100, 110), np.uint8)
    np.testing.assert_allclose(occlude(network, uniform, (90.0, 100.0, 110.0)), 0.0, atol=1e-5)


def test_hiding_bright_cells_raises_what_brightness_lowers(brightness_meter):
    """A square of 8 × 8 px in step with the cells blackens four of 12 × 16: -2 × 200 × 4 / 192 is lost."""
    bright = np.full((48, 64, 3), 200, np.uint8)
    brightness_meter.output_scale = torch.tensor([-2.0], dtype=torch.float64)
    lost = occlude(brightness_meter, bright, (0.0, 0.0, 0.0), size_px=8, stride_px=8)
    np.testing.assert_allclose(lost, np.full((1, 6, 8), -2.0 * 200.0 * 4 / 192), rtol=1e-6)


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 1000),
    reduction=st.sampled_from([1, 2]),
    cells=st.tuples(st.integers(1, 9), st.integers(1, 20)),
    square=st.tuples(st.integers(1, 19), st.integers(5, 23)),
)
def test_windows_agree_with_whole_crops(random_network, seed, reduction, cells, square):
    network = random_network(seed % 5, input_reduction=reduction)
    shape = (8 * cells[0], 8 * cells[1], 3)
    crop = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    size_px, stride_px = min(square[0], *shape[:2]), square[1]
    ours = occlude(network, crop, GREY, size_px=size_px, stride_px=stride_px)
    twin = occlude_slowly(network, crop, GREY, size_px, stride_px)
    assert ours.shape == twin.shape
    rounding = 1e-14 * 100  # of the twin, whose capacities are about 100
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-9 * np.abs(twin).max() + rounding)


def test_occlusion_is_captums(random_network):
    network = random_network()
    crop = np.random.default_rng(3).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    pixels = torch.tensor(crop, dtype=torch.float64).permute(2, 0, 1)[None]
    ours = occlude(network, crop, GREY)
    for rate in range(3):
        theirs = Occlusion(network).attribute(
            pixels,
            target=rate,
            sliding_window_shapes=(3, 7, 7),
            strides=(3, 7, 7),
            baselines=torch.tensor(GREY, dtype=torch.float64)[None, :, None, None].expand_as(pixels),
        )
        np.testing.assert_allclose(
            ours[rate], theirs[0, 0, ::7, ::7].numpy(), rtol=1e-6, atol=1e-6 * np.abs(ours).max()
        )  # captum adds up in single precision


OTHERS = {
    "one block": [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()],
    "5 × 5, then 3 × 5": [nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 6, (3, 5), padding=(1, 2)), nn.ReLU()],
    "without padding": [nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU()],
    "steps of two": [nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2, padding=1)],
    "holes": [nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 1)],
    "overlapping pools": [nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(3, stride=2), nn.Conv2d(4, 6, 3, padding=1)],
    "groups": [nn.Conv2d(3, 6, 3, padding=1, groups=3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 6, 3, padding=1)],
}


@pytest.mark.parametrize("layers", OTHERS.values(), ids=OTHERS.keys())
def test_other_architectures_agree_with_whole_crops_too(random_network, layers):
    network = random_network()
    network.extractor = nn.Sequential(*layers).double()
    crop = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    ours = occlude(network, crop, GREY, size_px=6, stride_px=5)
    twin = occlude_slowly(network, crop, GREY, 6, 5)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-9 * np.abs(twin).max())


def test_four_blocks_agree_with_whole_crops_too(random_network):
    network = random_network(filters=(3, 3, 4, 4, 4, 4, 5, 6))
    crop = np.random.default_rng(6).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    ours = occlude(network, crop, GREY, size_px=9, stride_px=13)
    twin = occlude_slowly(network, crop, GREY, 9, 13)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-9 * np.abs(twin).max())


def test_how_many_places_are_computed_together_does_not_matter(random_network, crop):
    one, many = (occlude(random_network(), crop, GREY, stride_px=2, at_once=number) for number in (1, 48))
    np.testing.assert_allclose(one, many, rtol=0, atol=1e-9 * np.abs(many).max())


def test_the_bundled_networks_agree_with_whole_crops_at_corners_and_edges():
    """In single precision to a thousandth of the largest effect."""
    ensemble = read_model(None)["specific"]
    network, colour = ensemble.networks[0], ensemble.card.mean_colour
    crop = np.random.default_rng(7).integers(0, 256, (56, 168, 3), dtype=np.uint8)
    ours = occlude(network, crop, colour, stride_px=49)
    twin = occlude_slowly(network, crop, colour, 7, 49)
    assert ours.shape == (5, 2, 4)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-3 * np.abs(twin).max())


def test_the_crop_is_not_changed_and_progress_ends_at_all(random_network, crop):
    before, seen = crop.copy(), []
    occlude(random_network(), crop, GREY, size_px=8, stride_px=8, on_progress=lambda *said: seen.append(said))
    np.testing.assert_array_equal(crop, before)
    assert seen[0] == (0, 6, "occlusion")
    assert seen[-1] == (6, 6, "occlusion")


@pytest.mark.parametrize(("size_px", "stride_px"), [(0, 7), (49, 7), (7, 0)])
def test_a_square_that_cannot_be_moved_over_the_crop_is_refused(random_network, crop, size_px, stride_px):
    with pytest.raises(InputError, match=r"1 to 48 px and a step of at least 1 px.*The paper's are 7 and 7"):
        occlude(random_network(), crop, GREY, size_px=size_px, stride_px=stride_px)


def test_a_crop_that_the_poolings_do_not_divide_agrees_too(random_network):
    """They leave out the last rows and columns, which then change nothing."""
    network = random_network(input_reduction=2)
    crop = np.random.default_rng(8).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    ours = occlude(network, crop, GREY, size_px=5, stride_px=6)
    twin = occlude_slowly(network, crop, GREY, 5, 6)
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-9 * np.abs(twin).max() + 1e-12)
