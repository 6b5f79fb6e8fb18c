from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from ratescope.attribution.grad_ram import grad_ram
from ratescope.attribution.guided_backprop import guided_backprop
from ratescope.attribution.maps import METHODS, ensemble_maps, predict_with_maps
from ratescope.attribution.occlusion import occlude
from ratescope.errors import InputError
from ratescope.network.checkpoint import NetworkCard
from ratescope.network.ensemble import Ensemble

COLOUR = (90.0, 100.0, 110.5)


@pytest.fixture
def ensemble(random_network):
    card = NetworkCard("density", (0.2, 1.0, 5.0), COLOUR)
    networks = (random_network(0), random_network(1), random_network(2, input_reduction=2))
    return Ensemble("density", card.c_rates_per_h, networks, card)


def test_the_map_of_an_ensemble_is_the_mean_of_its_networks_maps(ensemble, crop):
    crops = np.stack([crop, crop[::-1]])
    by_network = {
        "grad-ram": [grad_ram(network, crops) for network in ensemble.networks],
        "guided-backprop": [guided_backprop(network, crops) for network in ensemble.networks],
        "occlusion": [
            [occlude(network, part, COLOUR, size_px=8, stride_px=9) for part in crops] for network in ensemble.networks
        ],
    }
    for method in METHODS:
        ours = ensemble_maps(ensemble, crops, method, size_px=8, stride_px=9)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, np.mean(by_network[method], axis=0), rtol=1e-4, atol=1e-5)


def test_one_run_of_the_networks_gives_what_predicting_and_explaining_give(ensemble):
    whole = np.random.default_rng(3).integers(0, 256, (3, 224, 672, 3), dtype=np.uint8) // np.array(
        [[[[1]]], [[[2]]], [[[4]]]], np.uint8
    )
    single = replace(ensemble, networks=tuple(network.float() for network in deepcopy(ensemble.networks)))
    prediction, maps = predict_with_maps(single, whole)
    np.testing.assert_allclose(prediction.by_network, single.predict(whole).by_network, rtol=1e-6)
    np.testing.assert_allclose(
        maps, ensemble_maps(single, whole, "grad-ram"), rtol=1e-4, atol=1e-5 * np.abs(maps).max()
    )
    apart = np.ptp(prediction.by_network, axis=1) / np.abs(prediction.by_network).max(axis=1)
    assert apart.min() > 1e-5  # crops differ by more than is allowed above, so that a mix-up would be seen


def test_progress_counts_the_maps_of_all_networks(ensemble, crop):
    seen = []
    ensemble_maps(ensemble, np.stack([crop, crop]), "grad-ram", on_progress=lambda *said: seen.append(said))
    assert seen == [(done, 6, "grad-ram") for done in range(1, 7)]


def test_progress_moves_with_the_squares_and_never_back(ensemble, crop):
    shares = []
    ensemble_maps(ensemble, crop[None], "occlusion", on_progress=lambda done, total, _: shares.append(done / total))
    assert len(shares) > 6
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_no_crop_is_refused_with_where_to_look(ensemble):
    with pytest.raises(InputError, match=r"no crop was given\. See why the sections were refused"):
        ensemble_maps(ensemble, np.empty((0, 48, 64, 3), np.uint8), "grad-ram")
    with pytest.raises(InputError, match=r"no crop was given\. See why the sections were refused"):
        predict_with_maps(ensemble, np.empty((0, 224, 672, 3), np.uint8))


def test_networks_that_read_facts_are_refused_by_name_of_the_fact(ensemble, crop):
    card = replace(ensemble.card, facts=("coating_thickness_um",))
    with pytest.raises(InputError, match=r"also read coating_thickness_um\. Tell them"):
        ensemble_maps(replace(ensemble, card=card), crop[None], "occlusion")
