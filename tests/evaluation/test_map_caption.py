"""What stands in the picture of an attribution."""

import pytest

from ratescope.evaluation.map_caption import MapCaption, map_caption

OF_A_RUN = {
    "micrograph": "march/a.tif",
    "section": 4,
    "model": "the run march",
    "learned_from": "9 micrographs of 3 electrodes",
    "networks": 5,
    "simulated": False,
}


def test_micrograph_section_and_model_are_named():
    caption = map_caption("grad-ram", "density", **OF_A_RUN)
    assert caption.title == "Influence on the predicted capacity density: Grad-RAM"
    assert caption.source == "march/a.tif, section 4"
    assert caption.notes[-1] == (
        "Model: the run march, the mean of 5 networks, learned from 9 micrographs of 3 electrodes."
    )


def test_networks_that_know_simulated_micrographs_only_are_called_so():
    simulated = map_caption("grad-ram", "density", **OF_A_RUN | {"simulated": True})
    assert simulated.source == "march/a.tif, section 4; networks trained on SIMULATED micrographs"
    assert "SIMULATED" not in str(map_caption("grad-ram", "density", **OF_A_RUN))


def test_a_crop_has_no_section_and_one_network_no_mean():
    caption = map_caption("grad-ram", "specific", **OF_A_RUN | {"section": None, "networks": 1})
    assert caption.source == "march/a.tif"
    assert ", one network, " in caption.notes[-1]


def test_the_occluding_square_is_told_in_pixels_and_micrometres():
    caption = map_caption("occlusion", "specific", size_px=14, stride_px=3, **OF_A_RUN)
    assert "a square of 14 × 14 px (1.7 µm wide, moved in steps of 3 px)" in caption.notes[0]


@pytest.mark.parametrize(
    ("method", "influence", "per"),
    [
        ("occlusion", "influence", ""),
        ("grad-ram", "relative influence", ""),
        ("guided-backprop", "relative influence", " per grey level"),
    ],
)
def test_only_occlusion_has_an_absolute_scale(method, influence, per):
    caption = map_caption(method, "specific", **OF_A_RUN)
    assert isinstance(caption, MapCaption)
    assert (caption.influence, caption.per) == (influence, per)


def test_the_check_against_random_weights_is_a_number_beside_the_map():
    checked = map_caption("guided-backprop", "specific", likeness=0.876, **OF_A_RUN)
    assert "the same networks with random weights rank the places alike to 0.88" in checked.notes[0]
    assert "random" not in map_caption("occlusion", "specific", **OF_A_RUN).notes[0]
