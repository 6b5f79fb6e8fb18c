from dataclasses import replace

import numpy as np
import pytest

from ratescope.attribution.checks import (
    DELETION_COLUMNS,
    LIKENESS_COLUMNS,
    RANDOM,
    deletion_rows,
    likeness_rows,
    relevance_by_crop,
    square_px,
)
from ratescope.attribution.maps import METHODS, ensemble_maps
from ratescope.attribution.sanity import cascade
from ratescope.attribution.witnesses import AskedCrop
from ratescope.evaluation.relevance import relevance_of
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard
from ratescope.network.ensemble import Ensemble
from ratescope.records import CropId
from ratescope.settings import NetworkSettings

CARD = NetworkCard("specific", (0.2, 1.0, 5.0), (90.0, 100.0, 110.0))
NAMES = ("particle", "pore")


@pytest.fixture
def asked(random_network, crop):
    ensemble = Ensemble("specific", CARD.c_rates_per_h, (random_network(0), random_network(1)), CARD)
    regions = (crop[..., 0] < 90).astype(np.uint8)
    crops = [crop, crop[::-1].copy(), crop[:, ::-1].copy()]
    return [AskedCrop(CropId("A", "s", f"{n}.tif", n), pixels, ensemble, regions) for n, pixels in enumerate(crops)]


def test_every_network_and_every_crop_has_a_turn_and_begins_alike(asked):
    rows = list(likeness_rows(asked, 3))
    assert all(set(row) == set(LIKENESS_COLUMNS) for row in rows)
    turns = {(row["network"], row["section"]) for row in rows}
    assert turns == {(0, 0), (1, 1), (0, 2)}
    assert {(row["signed"], row["absolute"]) for row in rows if row["random_layers"] == 0} == {(1.0, 1.0)}
    assert {row["method"] for row in rows} == set(METHODS)
    last = {
        method: [r["signed"] for r in rows if r["method"] == method and r["random_layers"] == 11] for method in METHODS
    }
    assert {method: len(values) for method, values in last.items()} == dict.fromkeys(METHODS, 3)
    assert {row["network"] for row in likeness_rows(asked[:1], 2)} == {0, 1}


def test_likeness_is_that_of_the_network_whose_turn_it_is(asked):
    second = [
        row["signed"]
        for row in likeness_rows(asked, 3)
        if (row["method"], row["network"], row["section"]) == ("grad-ram", 1, 1) and row["random_layers"]
    ]
    alone = replace(asked[1].ensemble, networks=asked[1].ensemble.networks[1:])

    def ends(network, pixels):
        return ensemble_maps(replace(alone, networks=(network,)), pixels[None], "grad-ram")[0, [0, -1]]

    expected = [step.signed for step in cascade(alone.networks[0], asked[1].pixels, ends, seed=1)]
    assert second == pytest.approx(expected, abs=1e-3)


def test_all_orders_hide_the_same_cells_from_the_same_crop(asked):
    rows = list(deletion_rows(asked[:2], random_orders=2))
    assert all(set(row) == set(DELETION_COLUMNS) for row in rows)
    assert {(row["order"], row["repeat"]) for row in rows} == {*((m, 0) for m in METHODS), (RANDOM, 0), (RANDOM, 1)}
    for section in (0, 1):
        own = [row for row in rows if row["section"] == section]
        ends = {
            (way, share): {round(r["predicted"], 6) for r in own if (r["way"], r["share"]) == (way, share)}
            for way in ("deletion", "insertion")
            for share in (0.0, 0.5, 1.0)
        }
        assert {key: len(values) for key, values in ends.items() if key[1] != 0.5} == dict.fromkeys(
            [(way, share) for way in ("deletion", "insertion") for share in (0.0, 1.0)], 1
        )
        assert ends["deletion", 0.0] == ends["insertion", 1.0] != ends["deletion", 1.0]
        assert len(ends["deletion", 0.5]) > 1
    assert {row["moved"] for row in rows if row["share"] == 0.0} == {0.0}
    assert {row["c_rate_per_h"] for row in rows} == {1.0}  # the one in the middle


def test_relevance_is_of_the_ensembles_maps_and_of_the_same_networks_with_random_weights(asked):
    told = relevance_by_crop(asked[:2], NAMES)
    assert set(told) == {(method, is_random) for method in METHODS for is_random in (False, True)}
    maps = ensemble_maps(asked[0].ensemble, asked[1].pixels[None], "grad-ram")[0]
    assert told["grad-ram", False][1] == relevance_of(maps, asked[1].regions, NAMES)
    for method in METHODS:
        assert told[method, True][0] != told[method, False][0]
        assert told[method, True][1] == []  # the reference is from every fourth crop


def test_the_square_is_as_wide_as_a_cell_of_the_networks_activation(random_network):
    def ensemble(reduction):
        return Ensemble("specific", CARD.c_rates_per_h, (random_network(0, input_reduction=reduction),), CARD)

    assert [square_px(ensemble(reduction)) for reduction in (1, 2, 4, 8)] == [8, 8, 16, 32]


def test_maps_of_deeper_networks_are_put_into_cells_too():
    """Four blocks at an eighth of the resolution: cells of 64 px, which no square of 16 px divides."""
    network = RateNetwork(NetworkSettings(filters=(2,) * 8, hidden=(4,), input_reduction=8)).eval()
    rates = (0.2, 1.0, 2.0, 3.0, 5.0)
    deep = Ensemble("specific", rates, (network,), NetworkCard("specific", rates, (90.0,) * 3))
    pixels = np.random.default_rng(1).integers(0, 256, (224, 672, 3), dtype=np.uint8)
    rows = list(deletion_rows([AskedCrop(CropId("a", "a1", "a.tif", 0), pixels, deep)], random_orders=1))
    assert {row["order"] for row in rows} == {"grad-ram", "guided-backprop", "occlusion", "random"}
