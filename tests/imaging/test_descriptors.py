"""Dark shares, their errors and grain sizes against closed forms and against the virtual laboratory's truth."""

import numpy as np
import pytest
from scipy import ndimage

from ratescope.errors import MicrographError
from ratescope.imaging.descriptors import describe_crops, find_dark, porosity_by_recipe, variance_by_covariance
from ratescope.imaging.grain_sizes import profile_diameters_um, unfold, unfold_grain_sizes
from ratescope.records import Descriptors, crops_for_one_point
from ratescope.units import CROP_COLUMNS, CROP_ROWS, NETWORK_PIXEL_SIZE_UM
from ratescope.virtual_lab.cross_section import PHASES, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.instrument import FLAWLESS_PREPARATION, REFERENCE_MICROSCOPE, SECOND_MICROSCOPE
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section

BLOCK_UM = 0.492  # four of the paper's pixels
CROP_UM = (27.552, 82.656)


def discs(rng, shape, *, pixel_size_um, radius_um, per_um2):
    """A Boolean model: discs of one size on places that know nothing of each other."""
    rows, columns = shape
    height_um, width_um = rows * pixel_size_um + 2 * radius_um, columns * pixel_size_um + 2 * radius_um
    down, right = (np.arange(n)[:, None] * pixel_size_um for n in (rows, columns))
    is_disc = np.zeros(shape, bool)
    for y, x in rng.random((rng.poisson(per_um2 * height_um * width_um), 2)) * (height_um, width_um) - radius_um:
        is_disc |= (down - y) ** 2 + (right.T - x) ** 2 < radius_um**2
    return is_disc


def photographed(is_dark, *, dark=45.0, bright=160.0, texture=0.0, seed=0):
    """Crops of two greys under a lens of the paper's resolution."""
    grey = np.where(is_dark, dark, bright).astype(float)
    grey += texture * np.random.default_rng(seed).standard_normal(grey.shape)
    grey = ndimage.gaussian_filter(grey, (0.0, 1.2, 1.2))
    return np.repeat(np.rint(grey).clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)


def spoiled(crops, *, noise=0.0, blur_px=0.0, shading=0.0):
    light = 1.0 + shading * np.linspace(-1.0, 1.0, crops.shape[2])[:, None]
    grey = ndimage.gaussian_filter(crops * light, (0.0, blur_px, blur_px, 0.0))
    grey += noise * np.random.default_rng(7).standard_normal(grey.shape)
    return np.rint(grey).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def drawn():
    """Which pixels are dark in three crops of discs, from loose to dense."""
    rng = np.random.default_rng(1)
    shape = (CROP_ROWS, CROP_COLUMNS)
    return np.stack(
        [
            ~discs(rng, shape, pixel_size_um=NETWORK_PIXEL_SIZE_UM, radius_um=4.5, per_um2=many)
            for many in (0.011, 0.017, 0.026)
        ]
    )


@pytest.fixture(scope="module")
def section():
    electrode = VirtualElectrode("P30", "B1", load_mpa=200.0, porosity=0.30)
    return cut_cross_section(electrode, width_um=260.0, rng=np.random.default_rng(1))


# --- what is dark -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flaws", [{}, {"noise": 16.0}, {"blur_px": 2.0}, {"shading": 0.4}, {"noise": 16.0, "blur_px": 1.0}]
)
def test_noise_blur_and_shading_leave_the_dark_share_within_half_a_point(drawn, flaws):
    shares = find_dark(spoiled(photographed(drawn), **flaws), NETWORK_PIXEL_SIZE_UM).mean(axis=(1, 2))
    assert shares == pytest.approx(drawn.mean(axis=(1, 2)), abs=0.005)


def test_light_that_falls_off_towards_the_corners_leaves_the_dark_share(drawn):
    down, right = np.meshgrid(np.linspace(-1, 1, CROP_ROWS), np.linspace(-1, 1, CROP_COLUMNS), indexing="ij")
    fading = (1.0 - 0.3 * (down**2 + right**2))[..., None]
    crops = (photographed(drawn) * fading).astype(np.uint8)
    assert find_dark(crops, NETWORK_PIXEL_SIZE_UM).mean(axis=(1, 2)) == pytest.approx(
        drawn.mean(axis=(1, 2)), abs=0.005
    )


def test_a_dimmer_crop_has_the_same_dark_share(drawn):
    crops = photographed(drawn)
    crops[1] = crops[1] * 0.75
    assert find_dark(crops, NETWORK_PIXEL_SIZE_UM).mean(axis=(1, 2)) == pytest.approx(
        drawn.mean(axis=(1, 2)), abs=0.005
    )


def test_crops_of_nothing_but_pore_or_nothing_but_grain_are_seen_as_that_beside_others(drawn):
    dark = np.stack([*drawn, np.ones_like(drawn[0]), np.zeros_like(drawn[0])])
    shares = find_dark(photographed(dark, texture=20.0), NETWORK_PIXEL_SIZE_UM).mean(axis=(1, 2))
    assert shares[-2:] == pytest.approx([1.0, 0.0], abs=0.002)


@pytest.mark.parametrize("grey", [0, 60, 160, 255])
def test_a_field_without_contrast_has_nothing_dark(grey):
    flat = np.full((2, CROP_ROWS, CROP_COLUMNS, 3), grey, np.uint8)
    for crops in (flat, spoiled(flat, noise=16.0)):
        with pytest.raises(MicrographError, match="darker than grains.*shows grains and pores") as raised:
            describe_crops(crops, NETWORK_PIXEL_SIZE_UM, thickness_um=60.0)
        assert raised.value.code == "no-contrast"


def test_what_is_no_crop_is_said():
    with pytest.raises(MicrographError, match="no crops to describe.*usable section"):
        describe_crops(np.empty((0, CROP_ROWS, CROP_COLUMNS, 3), np.uint8), 0.123, thickness_um=60.0)
    with pytest.raises(MicrographError, match=r"got float64 \(1, 9, 9, 3\).*Prepared.crops"):
        find_dark(np.zeros((1, 9, 9, 3)), 0.123)
    with pytest.raises(MicrographError, match=r"got uint8 \(9, 9, 3\)"):
        find_dark(np.zeros((9, 9, 3), np.uint8), 0.123)


def test_the_recipe_gives_back_the_porosity_of_an_electrode():
    electrode = VirtualElectrode("P30", "B1", load_mpa=200.0, porosity=0.30)
    dark = 1.0 - electrode.volume_fractions["active"]
    assert porosity_by_recipe(dark, electrode.volume_fractions["active"] / 0.70) == pytest.approx(0.30)


# --- how sure that is ---------------------------------------------------------------------------------------------


def boolean_variance(shape, *, pixel_size_um, radius_um, per_um2):
    """Of the mean over a field of points: C(h) = q² (exp(θ K(h)) − 1), K the overlap of two discs (Matheron)."""
    rows, columns = shape
    down, right = np.arange(1 - rows, rows)[:, None], np.arange(1 - columns, columns)[None, :]
    half = np.minimum(np.hypot(down, right) * pixel_size_um / (2.0 * radius_um), 1.0)
    overlap = 2.0 * radius_um**2 * (np.arccos(half) - half * np.sqrt(1.0 - half**2))
    bare = np.exp(-per_um2 * np.pi * radius_um**2)
    covariance = bare**2 * (np.exp(per_um2 * overlap) - 1.0)
    pairs = (rows - np.abs(down)) * (columns - np.abs(right))
    return float((covariance * pairs).sum() / (rows * columns) ** 2)


@pytest.mark.parametrize("together", [1, 6])
def test_the_variance_of_a_boolean_model_is_matherons(together):
    """Its covariance ends at 8 µm. One field alone must not be biased either: its own mean is no truth."""
    rng = np.random.default_rng(3)
    model = {"pixel_size_um": BLOCK_UM, "radius_um": 4.0, "per_um2": 0.014}
    fields = np.stack([discs(rng, (56, 168), **model) for _ in range(120)])
    exact = boolean_variance((56, 168), **model)
    assert fields.mean(axis=(1, 2)).var() == pytest.approx(exact, rel=0.25)  # two deviations of 120 fields' variance
    groups = fields.reshape(-1, together, 56, 168)
    found = np.mean([variance_by_covariance(group, BLOCK_UM) for group in groups])
    assert found == pytest.approx(exact, rel=0.08)


def test_a_field_without_structure_is_as_sure_as_its_points_are_many():
    chance = np.random.default_rng(4).random((40, 56, 168)) < 0.3
    assert variance_by_covariance(chance, 5.0) == pytest.approx(0.3 * 0.7 / (56 * 168), rel=0.1)


def described(shares, by_covariance):
    scatter = float(np.std(shares, ddof=1)) if len(shares) > 2 else None
    return Descriptors(np.array(shares), by_covariance, scatter, 60.0, None)


def test_the_larger_error_decides():
    alike, unlike, few = described([0.30, 0.31, 0.32], 0.04), described([0.2, 0.3, 0.4], 0.04), described([0.2], 0.04)
    assert [one.crop_error for one in (alike, unlike, few)] == pytest.approx([0.04, 0.1, 0.04])
    assert unlike.standard_error == pytest.approx(0.1 / np.sqrt(3))


def test_as_many_crops_as_needed_have_a_mean_within_a_point_in_95_of_100_cases():
    rng = np.random.default_rng(5)
    needed = crops_for_one_point(0.04)
    means = rng.normal(0.30, 0.04, (20_000, needed)).mean(axis=1)
    assert (np.abs(means - 0.30) < 0.01).mean() == pytest.approx(0.95, abs=0.01)
    one = described([0.3, 0.3, 0.3], 0.04)
    assert (one.crops_needed, one.micrographs_needed) == (needed, -(-needed // 3))


def test_crops_of_a_virtual_coating_lie_as_far_from_its_mean_as_their_error_says(section):
    rows, columns = 56, 168
    middle = rows / 2 + section.electrode.thickness_um / 2 / BLOCK_UM
    frame = Frame(rows, 3 * columns, BLOCK_UM, middle, section.width_um / 2)
    planes = [view(section, frame, deeper_um=y) for y in np.arange(6) * section.period_um[1] / 6]
    dark = np.stack([np.split(plane.phases != PHASES["particle"], 3, axis=1) for plane in planes])
    shares = dark.mean(axis=(2, 3))
    variances = [
        max(variance_by_covariance(crops, BLOCK_UM), seen.var(ddof=1)) for crops, seen in zip(dark, shares, strict=True)
    ]
    standardised = (shares - shares.mean()) / np.sqrt(variances)[:, None]
    assert 0.7 < standardised.std() < 1.2  # of 18 crops, of which neighbouring planes see much the same


# --- grain sizes --------------------------------------------------------------------------------------------------


def whole_profiles(diameters_um, rng, field_um):
    """Circles of balls in a plane, with places in and around a field, those that its border does not cut."""
    met = rng.choice(diameters_um, len(diameters_um), p=diameters_um / diameters_um.sum())
    circles = met * np.sqrt(1.0 - rng.random(len(met)) ** 2)
    at = rng.random((len(met), 2)) * (np.array(field_um) + 60.0) - 30.0
    radius = circles[:, None] / 2.0
    return circles[((at > radius) & (at < field_um - radius)).all(axis=1)]


def test_balls_of_one_size_cut_anywhere_give_back_their_size():
    profiles_um = whole_profiles(np.full(4000, 8.0), np.random.default_rng(1), CROP_UM)
    sizes = unfold(profiles_um, CROP_UM)
    assert sizes.d50_um == pytest.approx(8.0, rel=0.03)
    assert sizes.d90_um / sizes.d10_um < 1.25
    assert profiles_um.mean() < 6.8  # what a reader of circles would have said


def test_a_powder_is_unfolded_within_its_standard_errors():
    """Forty micrographs of two hundred circles each, from a powder of D50 9.2 µm by volume."""
    rng, errors, found = np.random.default_rng(2), [], []
    for _ in range(40):
        by_number_um = 9.2 * np.exp(-3.0 * 0.46**2 + 0.46 * rng.standard_normal(5000))
        sizes = unfold(whole_profiles(by_number_um, rng, CROP_UM)[:200], CROP_UM)
        found.append((sizes.d10_um, sizes.d50_um, sizes.d90_um))
        errors.append((sizes.d10_error_um, sizes.d50_error_um, sizes.d90_error_um))
    truth = 9.2 * np.exp(0.46 * 1.2816 * np.array([-1, 0, 1]))
    assert np.mean(found, axis=0) == pytest.approx(truth, rel=0.06)
    assert np.std(np.array(found) - truth, axis=0) == pytest.approx(np.mean(errors, axis=0), rel=0.35)


def test_too_few_profiles_give_no_sizes():
    profiles_um = np.random.default_rng(1).uniform(3.0, 12.0, 60)
    assert unfold(profiles_um, CROP_UM).profiles == 60
    assert unfold(profiles_um[:49], CROP_UM) is None
    assert unfold_grain_sizes(np.ones((3, 56, 168), bool), BLOCK_UM) is None
    assert unfold_grain_sizes(np.zeros((3, 56, 168), bool), BLOCK_UM) is None


def test_grains_that_touch_are_told_apart_and_those_at_the_border_left_out():
    row, column = np.mgrid[:120, :300] * BLOCK_UM
    at = [(20.0 + 9.0 * (k % 2), 6.0 + 8.0 * k) for k in range(17)]  # neighbours overlap by a micrometre
    is_grain = np.zeros(row.shape, bool)
    for y, x in at:
        is_grain |= np.hypot(row - y, column - x) < 6.5
    whole = [x for _, x in at if 6.5 < x < 300 * BLOCK_UM - 6.5]
    found = profile_diameters_um(is_grain, BLOCK_UM)
    assert len(found) == len(whole)
    assert found == pytest.approx(13.0, rel=0.06)


# --- against the truth --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("microscope", "low", "high"),
    [
        (REFERENCE_MICROSCOPE, -0.01, 0.015),
        # Another polish: grains stand prouder, and rims of 0.3 µm that have lost their light count as dark.
        (SECOND_MICROSCOPE, 0.0, 0.06),
    ],
    ids=["reference", "second"],
)
def test_a_virtual_micrograph_has_the_dark_share_of_its_truth(section, microscope, low, high):
    picture = photograph(
        section,
        columns=round(1360 * NETWORK_PIXEL_SIZE_UM / microscope.pixel_size_um),
        rng=np.random.default_rng(2),
        microscope=microscope,
        preparation=FLAWLESS_PREPARATION,
        tilt_deg=0.0,
    )
    height, width = (round(n * NETWORK_PIXEL_SIZE_UM / microscope.pixel_size_um) for n in (CROP_ROWS, CROP_COLUMNS))
    top = round((np.nanmean(picture.surface_rows) + np.nanmean(picture.foil_rows) - height) / 2)
    places = [np.s_[top : top + height, left : left + width] for left in (0, width)]
    is_dark = np.stack([picture.phases[place] != PHASES["particle"] for place in places])
    seen = describe_crops(np.stack([picture.pixels[p] for p in places]), picture.pixel_size_um, thickness_um=60.0)
    off = seen.dark_shares - is_dark.mean(axis=(1, 2))
    assert (low < off).all()
    assert (off < high).all()


def test_grain_sizes_of_a_virtual_coating_are_its_own(section):
    rows = 56
    frame = Frame(rows, 504, BLOCK_UM, rows / 2 + section.electrode.thickness_um / 2 / BLOCK_UM, section.width_um / 2)
    grains = np.concatenate(
        [
            np.split(view(section, frame, deeper_um=y).phases == PHASES["particle"], 3, axis=1)
            for y in np.arange(4) * section.period_um[1] / 4
        ]
    )
    diameters = np.sort(2.0 * section.grains.radii_um)
    volume = np.cumsum(diameters**3)
    d10, d50, d90 = diameters[np.searchsorted(volume / volume[-1], (0.1, 0.5, 0.9))]
    sizes = unfold_grain_sizes(grains, BLOCK_UM)
    assert sizes.profiles > 200
    assert sizes.d10_um == pytest.approx(d10, rel=0.15)
    assert sizes.d50_um == pytest.approx(d50, rel=0.15)
    assert sizes.d90_um == pytest.approx(d90, rel=0.25)
