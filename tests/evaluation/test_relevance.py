import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratescope.evaluation.relevance import Relevance, interval_of_ratio, mean_relevance, relevance_of

NAMES = ("particle", "pore", "crack")
grids = st.sampled_from([(4, 6), (8, 12), (3, 5), (1, 1), (16, 24)])


def random_case(seed, grid):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, *grid)), rng.integers(0, len(NAMES), (16, 24)).astype(np.uint8)


@given(st.integers(0, 1000), grids)
def test_shares_add_up_to_the_whole(seed, grid):
    influence, regions = random_case(seed, grid)
    for told, values in zip(relevance_of(influence, regions, NAMES), influence, strict=True):
        assert sum(part.area for part in told.values()) == pytest.approx(1)
        assert sum(part.mass for part in told.values()) == pytest.approx(1)
        assert sum(part.net for part in told.values()) == pytest.approx(values.sum() / np.abs(values).sum())
        assert sum(part.area * part.rank for part in told.values()) == pytest.approx(0.5)


@given(st.integers(0, 1000), grids)
def test_a_map_that_is_the_same_everywhere_prefers_nothing(seed, grid):
    _, regions = random_case(seed, grid)
    for part in relevance_of(np.full((1, *grid), -3.0), regions, NAMES)[0].values():
        assert part.mass == pytest.approx(part.area)
        assert part.rank == pytest.approx(0.5)
        assert part.net == pytest.approx(-part.area)


@given(st.integers(0, 1000), grids)
def test_cells_agree_with_pixel_by_pixel(seed, grid):
    """The slow twin: each pixel cut into as many pieces as put whole pieces into cells."""
    influence, regions = random_case(seed, grid)
    rows, columns = (np.lcm(length, cells) for length, cells in zip(regions.shape, grid, strict=True))
    fine = regions.repeat(rows // 16, 0).repeat(columns // 24, 1)
    values = influence.repeat(rows // grid[0], 1).repeat(columns // grid[1], 2)
    for told, of_rate in zip(relevance_of(influence, regions, NAMES), values, strict=True):
        for kind, name in enumerate(NAMES):
            if (regions == kind).any():
                mass = np.abs(of_rate)[fine == kind].sum() / np.abs(of_rate).sum()
                assert told[name].mass == pytest.approx(mass)
                assert told[name].area == pytest.approx((fine == kind).mean())


def test_a_map_of_pores_alone_is_all_mass_at_the_highest_ranks():
    regions = np.zeros((8, 12), np.uint8)
    regions[:2] = 1
    told = relevance_of((regions == 1)[None] * -2.0, regions, NAMES)[0]
    assert (told["pore"].mass, told["pore"].net) == (1.0, -1.0)
    assert told["pore"].rank == pytest.approx(0.875)  # the upper quarter of all ranks
    assert told["particle"].mass == 0.0
    assert "crack" not in told


def test_a_map_of_zeros_has_no_mass_anywhere():
    told = relevance_of(np.zeros((1, 2, 2)), np.zeros((4, 4), np.uint8), NAMES)[0]
    assert told["particle"] == Relevance(1.0, 0.0, 0.5, 0.0)


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says():
    """Forty micrographs of five crops, whose crops err together: 95 % of 200 intervals hold 1.5, give or take."""
    rng = np.random.default_rng(0)
    groups = np.repeat([f"m{n}" for n in range(40)], 5)
    inside = 0
    for round_ in range(200):
        area = rng.uniform(0.2, 0.4, 200)
        shared = np.repeat(rng.normal(0, 0.2, 40), 5)
        ratio, low, high = interval_of_ratio(area * (1.5 + shared), area, groups, seed=round_)
        assert low <= ratio <= high
        inside += low <= 1.5 <= high
    assert 178 <= inside <= 198


def test_crops_of_one_micrograph_are_no_independent_witnesses():
    rng = np.random.default_rng(1)
    area = np.full(100, 0.3)
    mass = area * np.repeat(rng.normal(1.5, 0.3, 10), 10)
    together = interval_of_ratio(mass, area, np.repeat(list("abcdefghij"), 10))
    alone = interval_of_ratio(mass, area, [str(n) for n in range(100)])
    assert together[2] - together[1] > 2 * (alone[2] - alone[1])


def test_the_mean_counts_a_crop_without_such_places_as_none():
    told = [{"pore": Relevance(0.2, 0.4, 0.8, 0.1)}, {"pore": Relevance(0.6, 0.6, 0.4, -0.1)}, {}]
    mean = mean_relevance(told, "pore")
    assert (mean.area, mean.mass) == pytest.approx((0.8 / 3, 1.0 / 3))
    assert mean.rank == pytest.approx((0.2 * 0.8 + 0.6 * 0.4) / 0.8)
    assert mean.net == pytest.approx(0.0)
