"""A batch in parts, all of them in this process: what two processes share is in test_team.py."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ratescope.errors import TrainingError
from ratescope.network.augmentation import draw_lamps, draw_moves, moved, relit
from ratescope.network.learning import batch_rows, learn
from ratescope.network.loss import kernel_l2, mape
from ratescope.network.optimiser import Lookahead
from ratescope.network.parts import add_up_parts, check_parts, dropout_of, own_parts
from ratescope.network.progress import start_progress
from ratescope.network.team import Team
from ratescope.network.training import new_network
from ratescope.network.training_set import TrainingSet
from ratescope.settings import TrainSettings

RATES = (0.2, 5.0)
SIX_STEPS = TrainSettings(batch=8, max_steps=6, l2=1e-3, highest_rate=3e-2, autocast_bf16=False)


@pytest.fixture(scope="module")
def brightness(brightness_set):
    return TrainingSet(*brightness_set, RATES, np.arange(16), np.arange(16, 20))


def learned(given_set, settings, parts):
    """A training in this process alone, its batches in some parts."""
    progress = start_progress(new_network(given_set, settings), settings.train, "", parts)
    learn(given_set, progress, settings)
    return progress


def learned_slowly(given_set, settings, parts):
    """The same with a copy of the network for every part: gradients and what batch norms count are averaged by hand."""
    network = new_network(given_set, settings)
    optimiser, losses, train = Lookahead(network.parameters(), settings.train), [], settings.train
    for step in range(train.max_steps):
        rows = given_set.train[batch_rows(len(given_set.train), train.batch, train.seed, step)]
        moves = draw_moves(train.batch, settings.augmentation, seed=train.seed, step=step)
        lamps = draw_lamps(train.batch, settings.augmentation.light, seed=train.seed, step=step)
        pixels = relit(moved(given_set.crops[rows], moves), lamps)
        curves = torch.from_numpy(given_set.curves[rows]).float()
        copies = [deepcopy(network).train() for _ in range(parts)]
        for copy, seen, measured in zip(copies, pixels.chunk(parts), curves.chunk(parts), strict=True):
            loss = mape(copy(seen), measured) + train.l2 * kernel_l2(copy)
            loss.backward()
            losses.append(loss.item())
        for name, weight in network.named_parameters():
            weight.grad = torch.stack([copy.get_parameter(name).grad for copy in copies]).mean(dim=0)
        for name, buffer in network.named_buffers():
            if "running" in name:
                buffer.copy_(torch.stack([copy.get_buffer(name) for copy in copies]).mean(dim=0))
        optimiser.step()
    return network, np.mean(losses)


def test_parts_normalised_apart_give_what_copies_of_the_network_give(brightness, brief):
    settings = replace(brief, train=SIX_STEPS, network=replace(brief.network, dropout=0.0))
    progress = learned(brightness, settings, parts=2)
    network, mean_loss = learned_slowly(brightness, settings, parts=2)
    assert progress.history[0][3] == pytest.approx(mean_loss, rel=1e-5)
    for name, tensor in network.state_dict().items():
        if "num_batches" not in name:
            assert progress.network.state_dict()[name].numpy() == pytest.approx(tensor.numpy(), rel=1e-4, abs=1e-5)
    assert mean_loss != pytest.approx(learned(brightness, settings, parts=1).history[0][3], rel=1e-3)


def test_without_batch_norm_parts_change_nothing(brightness, brief, monkeypatch):
    """Moves and dropout belong to places in the batch, whoever works on them."""
    for norm in (nn.BatchNorm1d, nn.BatchNorm2d):
        monkeypatch.setattr(norm, "forward", lambda _self, values: values)
    settings = replace(brief, train=SIX_STEPS, network=replace(brief.network, dropout=0.4))
    whole, *cut = (learned(brightness, settings, parts) for parts in (1, 2, 4))
    for progress in cut:
        assert progress.history[0] == pytest.approx(whole.history[0], rel=1e-4)


def test_dropout_of_a_part_is_that_of_the_whole_batch():
    layers = nn.Sequential(nn.Dropout(0.3), nn.Linear(5, 4), nn.Dropout(0.5), nn.Dropout(0.0)).train()
    inputs = torch.rand(8, 5)

    def seeded(rows, **hidden):
        with torch.random.fork_rng():
            torch.manual_seed(4)
            if not hidden:
                return layers(inputs)
            with dropout_of(rows, 8, layers):
                return layers(inputs[rows])

    whole = seeded(slice(0, 8))
    for rows in (slice(0, 3), slice(3, 8)):
        assert torch.allclose(seeded(rows, in_parts=True), whole[rows])
    assert all(layer.training and not layer._forward_pre_hooks for layer in layers)


def test_batch_norm_counts_one_batch_and_the_mean_of_its_parts(network):
    before, norm = deepcopy(network.extractor[2]), network.extractor[2]
    crops = torch.rand(6, 3, 16, 24) * 255
    network.train()

    def work(part):
        network(crops[part]).sum().backward()
        return 1.0, 0.5

    assert add_up_parts(network, own_parts(6, 2, Team()), work, Team()) == (2.0, 1.0)
    twins = [deepcopy(before).train() for _ in range(2)]
    for twin, part in zip(twins, crops.chunk(2), strict=True):
        pixels = (part - network.input_mean[:, None, None]) / network.input_scale[:, None, None]
        twin(network.extractor[1](network.extractor[0](pixels)))
    assert torch.allclose(norm.running_mean, (twins[0].running_mean + twins[1].running_mean) / 2, rtol=1e-4)
    assert norm.num_batches_tracked == before.num_batches_tracked + 1


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 20))
def test_every_place_of_a_batch_is_worked_on_once_and_parts_are_even(size, each, more):
    parts = size * each
    batch = 2 * parts + more
    shares = [own_parts(batch, parts, Team(rank, size)) for rank in range(size)]
    places = [place for share in shares for part in share for place in range(batch)[part]]
    lengths = [len(range(batch)[part]) for share in shares for part in share]
    assert sorted(places) == list(range(batch))
    assert {len(share) for share in shares} == {each}
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("parts", "batch", "size", "says"),
    [
        (1, 38, 2, r"normalised in 1 part, which 2 processes cannot share evenly\. Resume it with --devices 1\."),
        (4, 38, 3, r"in 4 parts, which 3 processes .*Resume it with --devices 1 or 2 or 4\."),
        (4, 7, 4, r"two crops or more, but a batch of 7 was to be cut into 4 parts\. Ask for fewer --devices"),
    ],
)
def test_what_cannot_be_shared_out_is_said_with_what_can(parts, batch, size, says):
    with pytest.raises(TrainingError, match=says):
        check_parts(parts, batch, Team(0, size))
