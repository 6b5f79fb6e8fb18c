import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, load_file, save_file

from ratescope.errors import CheckpointError
from ratescope.network import checkpoint
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard, load_network, round_weights, save_network
from ratescope.settings import NetworkSettings

CARD = NetworkCard(
    "density", (0.2, 5.0), (120.5, 110.0, 100.25), trained_on="simulated micrographs: two electrodes", seed=4
)


@pytest.fixture
def saved(network, tmp_path):
    save_network(tmp_path / "weights.safetensors", network, CARD)
    return tmp_path / "weights.safetensors"


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory):
    """The content of a small file, and a path to write what became of it."""
    path = tmp_path_factory.mktemp("damaged") / "weights.safetensors"
    save_network(path, RateNetwork(NetworkSettings(filters=(2, 2), hidden=(3,)), rates=2), CARD)
    return path.read_bytes(), path


def rewrite(path, change):
    """Write the file again with its card changed, as a well-formed safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ratescope"])
    save_file(load_file(path), path, {"ratescope": json.dumps(change(about))})


def test_a_network_and_its_card_come_back(saved, network):
    loaded, card = load_network(saved)
    assert card == CARD
    assert card.unit == "Ah/L"
    assert loaded.settings == network.settings
    assert not loaded.training


def test_a_rounded_network_predicts_the_same_after_saving(network, tmp_path):
    """So that the scores of a training are those of the file that it leaves."""
    round_weights(network)
    save_network(tmp_path / "weights.safetensors", network, CARD)
    crops = torch.rand(3, 3, 16, 24) * 255
    with torch.no_grad():
        assert torch.equal(load_network(tmp_path / "weights.safetensors")[0](crops), network(crops))


def test_weights_are_float16_and_what_batch_norm_counted_is_float32(saved, network):
    tensors, weights = load(saved.read_bytes()), dict(network.named_parameters())
    assert {tensors[name].dtype for name in weights} == {torch.float16}
    assert {tensor.dtype for name, tensor in tensors.items() if "running" in name} == {torch.float32}
    assert tensors["output_scale"].dtype == torch.float32


def test_any_reader_of_safetensors_finds_what_the_network_is_for(saved):
    length = int.from_bytes(saved.read_bytes()[:8], "little")
    about = json.loads(json.loads(saved.read_bytes()[8 : 8 + length])["__metadata__"]["ratescope"])
    card = about["card"]
    assert (card["schema"], card["capacity"], card["unit"], card["c_rates_per_h"]) == (1, "density", "Ah/L", [0.2, 5.0])
    assert card["trained_on"] == "simulated micrographs: two electrodes"
    assert about["network"]["filters"] == [4, 4, 6, 6]


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read .*Give a run of ratescope train"):
        load_network(tmp_path / "weights.safetensors")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_a_file_cut_short_or_with_one_byte_changed_is_refused(saved_once, place, change):
    """A change of zero cuts the file at the place instead."""
    content, path = saved_once
    place %= len(content)
    byte = bytes([content[place] ^ change])
    path.write_bytes(content[:place] if change == 0 else content[:place] + byte + content[place + 1 :])
    with pytest.raises(CheckpointError, match=r"Copy it again|that wrote it"):
        load_network(path)


def test_another_schema_is_named(saved, network):
    save_network(saved, network, replace(CARD, schema=2))
    with pytest.raises(CheckpointError, match=r"schema 2.*reads schema 1.*that wrote it"):
        load_network(saved)


def test_a_card_that_was_edited_is_refused(saved):
    rewrite(saved, lambda about: about | {"card": about["card"] | {"capacity": "specific"}})
    with pytest.raises(
        CheckpointError, match=r"altered since it was written.*Copy it again, or remove it and train that"
    ):
        load_network(saved)


def test_a_card_with_more_rates_than_the_weights_have_is_refused(saved, network):
    save_network(saved, network, replace(CARD, c_rates_per_h=(0.2, 1.0, 5.0)))
    with pytest.raises(
        CheckpointError, match=r"another architecture than its card says\. Remove it and train that fold"
    ):
        load_network(saved)


def test_a_file_of_other_weights_is_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"not weights of ratescope.*Copy it again"):
        load_network(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("content", ["3", '"text"', "[]", '{"checksum": 1, "network": [], "card": {"schema": 1}}'])
def test_a_file_that_says_of_itself_what_is_no_card_is_refused(tmp_path, content):
    save_file({"a": torch.zeros(2)}, tmp_path / "weights.safetensors", {"ratescope": content})
    with pytest.raises(CheckpointError, match=r"not weights of ratescope.*Copy it again"):
        load_network(tmp_path / "weights.safetensors")


def test_rounding_moves_no_weight_by_more_than_half_a_thousandth(network):
    before = {name: weight.detach().clone().numpy() for name, weight in network.named_parameters()}
    round_weights(network)
    for name, weight in network.named_parameters():
        assert weight.detach().numpy() == pytest.approx(before[name], rel=2**-11, abs=2**-25)
        assert np.isfinite(weight.detach().numpy()).all()


def forge(path, tensors=lambda tensors: tensors, about=lambda about: about):
    """Change a file and give it an honest checksum."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    said = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ratescope"])
    del said["checksum"]
    changed, said = tensors(load(content)), about(said)
    save_file(changed, path, {"ratescope": json.dumps(said | {"checksum": checkpoint.checksum_of(changed, said)})})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"tensors": lambda t: t | {"input_mean": torch.full((3,), torch.nan)}},
            r"input_mean holds values that are no",
        ),
        ({"tensors": lambda t: t | {"output_scale": torch.full((2,), torch.inf)}}, r"output_scale holds values that"),
        ({"tensors": lambda t: t | {"output_scale": torch.ones(3)}}, r"of another architecture than its card says"),
        ({"tensors": lambda t: {n: v for n, v in t.items() if n != "input_mean"}}, r"of another architecture than"),
        ({"about": lambda a: a | {"network": a["network"] | {"filters": [10**7, 10**7]}}}, r"of another architecture"),
        ({"about": lambda a: a | {"card": a["card"] | {"c_rates_per_h": []}}}, r"C-rates must rise .* names \(\)"),
        (
            {"about": lambda a: a | {"card": a["card"] | {"c_rates_per_h": [5.0, 0.2]}}},
            r"C-rates must rise .*\(5\.0, 0",
        ),
    ],
)
def test_a_forged_file_is_refused_before_memory_is_asked_for(saved, change, says):
    forge(saved, **change)
    with pytest.raises(
        CheckpointError, match=says + r".*Remove it and train that fold again with `ratescope train … --resume`"
    ):
        load_network(saved)
