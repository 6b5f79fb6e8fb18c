"""The pictures of `ratescope explain` name what they show."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import ratescope.explain
from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.explain import explain_files


@pytest.fixture
def captions(monkeypatch):
    """The captions of all pictures that would be drawn."""
    caught = []
    monkeypatch.setattr(
        ratescope.explain, "attribution_png", lambda *_, caption: caught.append(caption) or b"not drawn here"
    )
    return caught


@pytest.fixture
def crop_file(tmp_path):
    path = tmp_path / "march" / "a_s3.png"
    path.parent.mkdir()
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (224, 672, 3), dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("simulated", [True, False])
def test_the_caption_names_micrograph_networks_and_what_is_simulated(
    captions, crop_file, tmp_path, monkeypatch, simulated
):
    def found(paths, pixel_size_um):
        return [replace(file, simulated=simulated) for file in micrograph_files(paths, pixel_size_um)]

    monkeypatch.setattr(ratescope.explain, "micrograph_files", found)
    explain_files([crop_file], tmp_path / "out", crops_given=True, methods=["grad-ram"], capacity="specific")
    (caption,) = captions
    assert caption.title == "Influence on the predicted specific capacity: Grad-RAM"
    named = "simulated micrograph a_s3.png" if simulated else "a_s3.png"
    assert caption.source == f"{named}; networks trained on SIMULATED micrographs"
    assert caption.notes[-1].startswith(
        "Model: the bundled ensemble, the mean of 2 networks, learned from 128 simulated"
    )
