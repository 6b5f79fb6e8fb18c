"""What networks are told beside the crop; a plain concatenation is the slow twin of telling them beforehand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ratescope.errors import InputError
from ratescope.facts import SURFACE_NOT_SEEN
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard
from ratescope.network.ensemble import Ensemble, told
from ratescope.network.facts import BEYOND, check_facts, tell
from ratescope.records import Box, Coating, Finding, Prepared, Section
from ratescope.settings import NetworkSettings

NAMES = ("coating_thickness_um", "load_mpa")
CARD = NetworkCard("specific", (0.2, 5.0), (100.0, 110.0, 120.0), facts=NAMES, fact_ranges=((50.0, 70.0), (0.0, 300.0)))
CROP = np.random.default_rng(0).integers(0, 256, (224, 672, 3), dtype=np.uint8)
some_facts = st.tuples(st.floats(1.0, 200.0), st.floats(0.0, 1000.0))


def network_for_facts(hidden=(4,)):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = RateNetwork(NetworkSettings(filters=(2, 2), hidden=hidden), rates=2, facts=2)
    network.fact_mean.copy_(torch.tensor([60.0, 150.0]))
    network.fact_scale.copy_(torch.tensor([8.0, 100.0]))
    return network.double().eval()


NETWORK = network_for_facts()
PIXELS = torch.rand(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 255


def says(network, facts):
    """What a network says of the crops when it is told facts crop by crop."""
    with torch.no_grad():
        return network(PIXELS, torch.tensor([facts] * len(PIXELS), dtype=torch.float64))


@settings(max_examples=8, deadline=None)
@given(some_facts, st.sampled_from([(), (4,)]))
def test_a_network_told_beforehand_says_what_it_says_when_told_crop_by_crop(facts, hidden):
    network = network_for_facts(hidden)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        beforehand = told(network, torch.tensor(facts, dtype=torch.float64))(PIXELS)
    assert beforehand.numpy() == pytest.approx(says(network, facts).numpy(), rel=1e-9, abs=1e-9)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@settings(max_examples=8, deadline=None)
@given(some_facts, st.floats(-100.0, 100.0), st.floats(0.1, 10.0))
def test_facts_in_another_unit_with_their_standardisation_in_it_give_the_same_answer(facts, shift, scale):
    """So a thickness in mm would be as good as one in µm."""
    other = network_for_facts()
    other.fact_mean = NETWORK.fact_mean * scale + shift
    other.fact_scale = NETWORK.fact_scale * scale
    moved = tuple(scale * fact + shift for fact in facts)
    assert says(other, moved).numpy() == pytest.approx(says(NETWORK, facts).numpy(), rel=1e-9, abs=1e-9)


def test_the_fact_is_felt():
    assert not torch.allclose(says(NETWORK, (60.0, 0.0)), says(NETWORK, (60.0, 300.0)))


def test_a_told_ensemble_reads_crops_alone_and_agrees_with_facts_given_crop_by_crop():
    ensemble = Ensemble("specific", CARD.c_rates_per_h, (NETWORK.float(), network_for_facts().float()), CARD)
    known = {"load_mpa": 200.0, "coating_thickness_um": 66.0, "porosity": 0.3}
    one_by_one = {name: np.full(1, value) for name, value in known.items()}
    beforehand = ensemble.told(known)
    assert beforehand.card.facts == ()
    ours, theirs = beforehand.predict(CROP[None]).by_network, ensemble.predict(CROP[None], one_by_one).by_network
    NETWORK.double()
    assert ours == pytest.approx(theirs, rel=1e-5)
    with pytest.raises(InputError, match=r"also read load_mpa, which is not known\. Give its number"):
        ensemble.told({"coating_thickness_um": 66.0})


ENSEMBLES = {"specific": Ensemble("specific", CARD.c_rates_per_h, (NETWORK,), CARD)}


def prepared(*, is_cut=False):
    rows = np.full(4, 10.0)
    coating = Coating(Box(0, 10, 0, 4), 61.0, 1.0, 62.0, rows, rows, is_cut=is_cut)
    section = Section(0, "prepared", crop=CROP)
    findings = (Finding(SURFACE_NOT_SEEN, "the coating runs out of the image."),) if is_cut else ()
    return Prepared("a.tif", "prepared", 0.123, findings=findings, coating=coating, sections=(section,))


def codes(findings):
    return [finding.code for finding in findings]


def test_the_thickness_comes_from_the_micrograph_and_the_load_from_who_knows_it():
    micrograph, ensembles = tell(prepared(), ENSEMBLES, {"load_mpa": 200.0})
    assert micrograph.findings[0].text == (
        "beside the crops, the networks were told coating_thickness_um = 61 µm, load_mpa = 200 MPa."
    )
    assert ensembles["specific"].card.facts == ()


def test_a_thickness_that_is_given_wins_over_the_one_in_the_image():
    micrograph, _ = tell(prepared(), ENSEMBLES, {"load_mpa": 200.0, "coating_thickness_um": 55.0})
    assert "coating_thickness_um = 55 µm" in micrograph.findings[0].text


@pytest.mark.parametrize(
    ("is_cut", "known", "lacks"), [(False, {}, "load_mpa"), (True, {"load_mpa": 1.0}, "coating_thickness_um")]
)
def test_a_micrograph_that_lacks_a_fact_is_refused_with_what_to_give(is_cut, known, lacks):
    """Where the coating runs out of the image, its thickness is not known."""
    micrograph, ensembles = tell(prepared(is_cut=is_cut), ENSEMBLES, known)
    assert (micrograph.status, ensembles, len(micrograph.crops)) == ("refused", {}, 0)
    assert codes(micrograph.reasons) == ["fact-missing"]
    assert f"Give --fact {lacks}=VALUE" in micrograph.reasons[0].text


@settings(max_examples=30)
@given(st.floats(280.0, 380.0))
def test_a_fact_is_an_extrapolation_beyond_a_tenth_of_what_was_learned_from(load_mpa):
    micrograph, _ = tell(prepared(), ENSEMBLES, {"load_mpa": load_mpa})
    assert (BEYOND in codes(micrograph.findings)) == (load_mpa > 330.001)


def test_a_fact_that_was_learned_at_one_value_holds_for_that_value_only():
    constant = replace(CARD, fact_ranges=((61.0, 61.0), (300.0, 300.0)))
    ensembles = {"specific": replace(ENSEMBLES["specific"], card=constant)}
    assert BEYOND not in codes(tell(prepared(), ensembles, {"load_mpa": 300.0})[0].findings)
    (_, finding) = tell(prepared(), ensembles, {"load_mpa": 301.0})[0].findings
    assert "load_mpa = 301 MPa lies outside what the networks learned from, 300 to 300" in finding.text


def test_networks_that_read_crops_alone_are_told_nothing():
    alone = {"specific": ENSEMBLES["specific"].told(dict.fromkeys(NAMES, 60.0))}
    assert tell(prepared(), alone, {})[0].findings == ()
    with pytest.raises(InputError, match=r"do not read load_mpa: they read crops alone\. Leave it out"):
        check_facts(alone, {"load_mpa": 1.0}, [{}], crops_given=False)


def test_nothing_is_begun_where_every_micrograph_lacks_a_fact():
    with pytest.raises(
        InputError, match=r"also read load_mpa \(load of .*Give --fact load_mpa=VALUE, or name a campaign"
    ):
        check_facts(ENSEMBLES, {}, [{}, {}], crops_given=False)
    with pytest.raises(InputError, match=r"Give --fact coating_thickness_um=VALUE\."):
        check_facts(ENSEMBLES, {"load_mpa": 1.0}, [{}], crops_given=True)
    check_facts(ENSEMBLES, {}, [{"load_mpa": 1.0}, {}], crops_given=False)
