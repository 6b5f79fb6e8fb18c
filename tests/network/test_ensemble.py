from dataclasses import replace

import numpy as np
import pytest
import torch

from ratescope.errors import CheckpointError, InputError
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard, save_network
from ratescope.network.ensemble import Ensemble, load_ensemble
from ratescope.settings import NetworkSettings

CARD = NetworkCard("specific", (0.2, 5.0), (100.0, 110.0, 120.0), seed=1)
TINY = NetworkSettings(filters=(2, 2), hidden=(4,))


def save_fold(run, number, card=CARD):
    with torch.random.fork_rng():
        torch.manual_seed(number)
        network = RateNetwork(TINY, rates=len(card.c_rates_per_h), facts=len(card.facts))
    save_network(run / f"fold_{number}" / "weights.safetensors", network, card)


def crops(count):
    return np.random.default_rng(0).integers(0, 256, (count, 224, 672, 3), dtype=np.uint8)


@pytest.fixture
def run(tmp_path):
    for number in (0, 1, 2):
        save_fold(tmp_path, number)
    return tmp_path


def test_an_ensemble_predicts_what_its_networks_say_one_by_one(run):
    ensemble = load_ensemble(run)
    pixels = crops(2)
    prediction = ensemble.predict(pixels)
    alone = [
        [network(torch.from_numpy(crop).permute(2, 0, 1)[None].float())[0].tolist() for crop in pixels]
        for network in ensemble.networks
    ]
    assert prediction.by_network == pytest.approx(np.array(alone), rel=1e-5)
    assert (prediction.capacity, prediction.unit) == ("specific", "Ah/kg")
    assert prediction.c_rates_per_h.tolist() == [0.2, 5.0]


def telling_network(seed):
    """Half resolution, random weights, batch norms that have counted: it says something else of every crop."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = RateNetwork(NetworkSettings(filters=(8, 8, 16, 16), hidden=(16, 16), input_reduction=2), rates=2)
        network.output_offset.copy_(torch.tensor([150.0, 60.0]))
        network.output_scale.copy_(torch.tensor([4.0, 2.0]))
        for norm in (
            part for part in network.modules() if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)
        ):
            norm.momentum = 1.0
        network.train()(torch.rand(8, 3, 32, 48) * torch.linspace(40, 255, 8)[:, None, None, None])
    return network.eval()


@pytest.fixture
def telling():
    """An ensemble of two such networks."""
    return Ensemble("specific", CARD.c_rates_per_h, (telling_network(0), telling_network(1)), CARD)


@pytest.fixture
def unlike_crops():
    """Five crops, as bright and as coarse as none of the others."""
    rng = np.random.default_rng(0)
    coarse = [rng.uniform(0, 80 + 40 * step, (224 // 2**step, 672 // 2**step, 3)) for step in range(5)]
    enlarged = [picture.repeat(2**step, axis=0).repeat(2**step, axis=1) for step, picture in enumerate(coarse)]
    return np.stack(enlarged).astype(np.uint8)


def test_the_telling_ensemble_tells_crops_apart(telling, unlike_crops):
    """Else the three tests below would hold whatever is predicted."""
    one_by_one = telling.predict(unlike_crops).by_network  # (networks, crops, rates)
    apart = np.abs(one_by_one[:, :, None] - one_by_one[:, None]).max(axis=-1)
    assert apart[:, ~np.eye(5, dtype=bool)].min() > 0.01 * np.abs(one_by_one).max()


def test_a_crop_is_predicted_alike_alone_and_among_others(telling, unlike_crops):
    together = telling.predict(unlike_crops).by_network
    alone = [telling.predict(unlike_crops[[row]]).by_network for row in range(5)]
    np.testing.assert_allclose(together, np.concatenate(alone, axis=1), rtol=1e-5)


def test_predictions_follow_their_crops_into_any_order(telling, unlike_crops):
    order = [3, 0, 4, 1, 2]
    shuffled = telling.predict(unlike_crops[order]).by_network
    np.testing.assert_allclose(shuffled, telling.predict(unlike_crops).by_network[:, order], rtol=1e-5)


def test_predictions_do_not_depend_on_how_many_threads_work(telling, unlike_crops):
    threads = torch.get_num_threads()
    try:
        by_threads = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            by_threads.append(telling.predict(unlike_crops).by_network)
    finally:
        torch.set_num_threads(threads)
    for other in by_threads[1:]:
        np.testing.assert_allclose(other, by_threads[0], rtol=1e-5)


def test_no_crops_make_an_empty_prediction(run):
    assert load_ensemble(run).predict(crops(0)).predicted.shape == (0, 2)


def test_folds_come_in_the_order_of_their_names_and_share_a_mean_colour(run):
    save_fold(run, 3, replace(CARD, seed=9, mean_colour=(140.0, 110.0, 120.0)))
    ensemble = load_ensemble(run)
    assert len(ensemble.networks) == 4
    assert ensemble.card.seed == 1
    assert ensemble.card.mean_colour == pytest.approx((110.0, 110.0, 120.0))


def test_facts_are_asked_for_by_name(tmp_path):
    save_fold(tmp_path, 0, replace(CARD, facts=("thickness_um", "loading")))
    ensemble, pixels = load_ensemble(tmp_path), crops(2)
    facts = {"loading": np.array([1.0, 2.0]), "thickness_um": np.array([50.0, 60.0]), "other": np.zeros(2)}
    in_card_order = torch.tensor([[50.0, 1.0], [60.0, 2.0]])
    with torch.no_grad():
        wanted = ensemble.networks[0](torch.from_numpy(pixels).permute(0, 3, 1, 2).float(), in_card_order)
    assert ensemble.predict(pixels, facts).predicted == pytest.approx(wanted.numpy(), rel=1e-5)
    asked = r"also read thickness_um, which is not there as one finite number per crop\. Give it in facts"
    for wrong in ({}, {"thickness_um": np.zeros(3)}, {"thickness_um": np.array([50.0, np.nan])}):
        with pytest.raises(InputError, match=asked):
            ensemble.predict(pixels, wrong | {"loading": facts["loading"]})


def test_the_range_of_a_fact_is_what_any_of_the_networks_learned_from(tmp_path):
    save_fold(tmp_path, 0, replace(CARD, facts=("load_mpa",), fact_ranges=((0.0, 200.0),)))
    save_fold(tmp_path, 1, replace(CARD, facts=("load_mpa",), fact_ranges=((100.0, 750.0),)))
    assert load_ensemble(tmp_path).card.fact_ranges == ((0.0, 750.0),)


@pytest.mark.parametrize("wrong", [np.zeros((1, 223, 672, 3), np.uint8), np.zeros((1, 224, 672, 3))])
def test_only_crops_of_the_right_shape_are_predicted(run, wrong):
    with pytest.raises(InputError, match=r"\(n, 224, 672, 3\); got .*ratescope prepare"):
        load_ensemble(run).predict(wrong)


def test_folds_of_different_capacities_do_not_make_an_ensemble(run):
    save_fold(run, 4, replace(CARD, capacity="density"))
    with pytest.raises(
        CheckpointError, match=r"fold_4.* predicts density at 0\.2, 5\.0C.*fold_0.* predicts specific.*in one folder"
    ):
        load_ensemble(run)


def test_an_empty_run_is_no_ensemble(tmp_path):
    with pytest.raises(CheckpointError, match=r"no fold_\*/weights\.safetensors.*Give a finished run"):
        load_ensemble(tmp_path)


def test_networks_of_another_capacity_than_their_folder_says_are_refused(tmp_path):
    """A mix-up when runs are copied by hand: Ah/L would be read as Ah/kg."""
    save_fold(tmp_path / "density", 0)
    with pytest.raises(CheckpointError, match=r"density: its networks predict specific\. Move them to specific/"):
        load_ensemble(tmp_path / "density")
