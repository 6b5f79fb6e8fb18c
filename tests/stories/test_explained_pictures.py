"""The pictures of `ratescope explain` name what they show."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import ratescope.explain
from ratescope.attribution.maps import ensemble_maps
from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.cli import main
from ratescope.explain import explain_files


@pytest.fixture
def captions(monkeypatch):
    """The captions of all pictures that would be drawn."""
    caught = []
    monkeypatch.setattr(
        ratescope.explain, "attribution_png", lambda *_, caption, check: caught.append(caption) or b"not drawn here"
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
    def found(paths, pixel_size_um, **options):
        return [replace(file, simulated=simulated) for file in micrograph_files(paths, pixel_size_um, **options)]

    monkeypatch.setattr(ratescope.explain, "micrograph_files", found)
    explain_files([crop_file], tmp_path / "out", crops_given=True, methods=["grad-ram"], capacity="specific")
    (caption,) = captions
    assert caption.title == "Influence on the predicted specific capacity: Grad-RAM"
    named = "simulated micrograph a_s3.png" if simulated else "a_s3.png"
    assert caption.source == f"{named}; networks trained on SIMULATED micrographs"
    assert caption.notes[-1].startswith(
        "Model: the bundled ensemble, the mean of 5 networks, learned from 120 simulated"
    )


def test_guided_backpropagation_is_checked_against_random_weights(captions, crop_file, tmp_path):
    given = {"crops_given": True, "capacity": "specific"}
    explain_files([crop_file], tmp_path / "out", methods=["guided-backprop", "grad-ram"], **given)
    maps = json.loads((tmp_path / "out" / "explain.json").read_text())["maps"]
    alike = maps[0]["likeness_to_random_weights"]
    assert -1 <= alike < 0.99  # else it was compared with itself
    assert f"rank the places alike to {alike:.2f}" in captions[0].notes[0]
    assert "likeness_to_random_weights" not in maps[1]


def test_grad_ram_of_another_layer_is_named_so(captions, crop_file, tmp_path):
    given = {"crops_given": True, "capacity": "specific", "layer": "extractor.7"}
    explain_files([crop_file], tmp_path / "out", methods=["grad-ram", "occlusion"], stride_px=112, **given)
    entry, of_occlusion = json.loads((tmp_path / "out" / "explain.json").read_text())["maps"]
    assert (entry["layer"], entry["shape"]) == ("extractor.7", [5, 112, 336])
    assert (tmp_path / "out" / "a_s3_s0_specific_grad-ram_extractor.7.npy").is_file()
    assert "the features of the layer extractor.7" in captions[0].notes[0]
    assert "layer" not in of_occlusion


def test_an_unknown_layer_makes_nothing(crop_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["explain", str(crop_file), "--crops", "--layer", "conv6", "--out", str(out)]) == 2
    assert "the network has no layer 'conv6' with places to map" in capsys.readouterr().err
    assert not out.exists()


def test_a_section_that_no_micrograph_has_makes_nothing(crop_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["explain", str(crop_file), "--crops", "--section", "99", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "no micrograph has a prepared section 99; prepared are 0. Name one of these, or leave --section out" in said
    assert not out.exists()


def test_a_section_that_was_refused_says_why(tmp_path, capsys):
    medium = ratescope.bundled_micrographs()[2]
    assert main(["explain", str(medium), "--section", "1", "--out", str(tmp_path / "out")]) == 2
    assert "a prepared section 1 (it was refused: a smear over grains and pores fills" in capsys.readouterr().err


def test_crops_are_explained_in_the_folder_that_they_were_prepared_into(captions, crop_file, tmp_path):
    (crop_file.parent / "prepared.json").touch()
    given = {"crops_given": True, "methods": ["grad-ram"], "capacity": "specific"}
    explain_files([crop_file.parent], tmp_path / "out", **given)
    assert [caption.source.split(";")[0] for caption in captions] == ["a_s3.png"]


def test_a_layer_is_mapped_by_grad_ram_alone(crop_file, tmp_path, capsys):
    asked = ["--crops", "--layer", "extractor.7", "--method", "occlusion"]
    assert main(["explain", str(crop_file), *asked, "--out", str(tmp_path / "out")]) == 2
    assert "only Grad-RAM maps a layer, but occlusion was asked for. Leave --layer out." in capsys.readouterr().err


# --- the list of maps -----------------------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """Which methods are really carried out."""
    carried_out = []

    def noted(ensemble, crops, method, **how):
        carried_out.append((ensemble.capacity, method))
        return ensemble_maps(ensemble, crops, method, **how)

    monkeypatch.setattr(ratescope.explain, "ensemble_maps", noted)
    return carried_out


def listed(out):
    return {entry["map"] for entry in json.loads((out / "explain.json").read_text())["maps"]}


def test_maps_of_earlier_calls_stay_listed_and_are_not_made_again(made, crop_file, tmp_path):
    out, asked = tmp_path / "out", {"crops_given": True, "methods": ["grad-ram"]}
    explain_files([crop_file], out, capacity="specific", **asked)
    before = (out / "a_s3_s0_specific_grad-ram.npy").stat().st_mtime_ns
    written = explain_files([crop_file], out, **asked)
    assert made == [("specific", "grad-ram"), ("density", "grad-ram")]
    assert listed(out) == {"a_s3_s0_specific_grad-ram.npy", "a_s3_s0_density_grad-ram.npy"}
    assert (out / "a_s3_s0_specific_grad-ram.npy").stat().st_mtime_ns == before
    assert [path.name for path in written.files[1:]] == [
        "a_s3_s0_specific_grad-ram.png",
        "a_s3_s0_density_grad-ram.png",
    ]


def test_a_map_is_made_again_where_the_crop_the_way_or_the_picture_changed(made, crop_file, tmp_path):
    out, asked = tmp_path / "out", {"crops_given": True, "methods": ["occlusion"], "capacity": "specific"}
    explain_files([crop_file], out, stride_px=112, **asked)
    explain_files([crop_file], out, stride_px=56, **asked)
    assert np.load(out / "a_s3_s0_specific_occlusion.npy").shape == (5, 4, 12)
    Image.fromarray(np.full((224, 672, 3), 90, np.uint8)).save(crop_file)
    explain_files([crop_file], out, stride_px=56, **asked)
    (out / "a_s3_s0_specific_occlusion.png").unlink()
    explain_files([crop_file], out, stride_px=56, **asked)
    assert len(made) == 4
    assert len(listed(out)) == 1


def test_an_interrupted_call_goes_on(made, crop_file, tmp_path, monkeypatch):
    second = tmp_path / "b_s1.png"
    Image.fromarray(np.random.default_rng(4).integers(0, 255, (224, 672, 3), dtype=np.uint8)).save(second)
    out, asked = tmp_path / "out", {"crops_given": True, "methods": ["grad-ram"], "capacity": "specific"}
    drawn = ratescope.explain.attribution_png

    def interrupted(*given, **more):
        if len(made) == 2:
            raise KeyboardInterrupt
        return drawn(*given, **more)

    monkeypatch.setattr(ratescope.explain, "attribution_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explain_files([crop_file, second], out, **asked)
    assert listed(out) == {"a_s3_s0_specific_grad-ram.npy"}
    monkeypatch.setattr(ratescope.explain, "attribution_png", drawn)
    explain_files([crop_file, second], out, **asked)
    assert len(made) == 3  # the first map was there
    assert len(listed(out)) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"maps": 3}', '{"maps": [{"file": "a"}]}'])
def test_a_damaged_list_is_made_anew(made, crop_file, tmp_path, content):
    out = tmp_path / "out"
    out.mkdir()
    (out / "explain.json").write_text(content)
    explain_files([crop_file], out, crops_given=True, methods=["grad-ram"], capacity="specific")
    assert len(listed(out)) == len(made) == 1
