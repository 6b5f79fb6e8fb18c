"""The simulated micrograph: its truth belongs to its pixels, and its files say what a microscope's say."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import tifffile
from PIL import Image

from ratescope.errors import LabError
from ratescope.virtual_lab import artefacts
from ratescope.virtual_lab.cross_section import PHASES, CrossSection
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import VirtualMicrograph, photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph, write_truth
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 320


@cache
def section_at(porosity: float, load_mpa: float) -> CrossSection:
    electrode = VirtualElectrode("P", "B1", load_mpa, porosity)
    return cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=np.random.default_rng(11))


@cache
def micrograph_at(porosity: float = 0.30, load_mpa: float = 200.0) -> VirtualMicrograph:
    rng = np.random.default_rng(1)
    return photograph(section_at(porosity, load_mpa), columns=COLUMNS, rng=rng, artefacts=False, illumination=1.0)


@cache
def flawed_micrograph() -> VirtualMicrograph:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefacts, "VOIDS_PER_MM", 80.0)
        patch.setattr(artefacts, "SCRATCHES_PER_MM", 80.0)
        return photograph(section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(3))


def test_foil_edge_is_where_the_phase_map_says():
    seen = micrograph_at()
    columns, rows = np.arange(COLUMNS), seen.foil_rows.astype(int)
    is_foil = seen.phases == PHASES["foil"]
    assert is_foil[rows, columns].all()
    assert (is_foil.argmax(axis=0) == rows).all()


def test_tilt_is_above_zero_when_the_foil_falls_to_the_right():
    tilts = []
    for seed in range(4):
        seen = photograph(section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(seed), artefacts=False)
        falls_px = seen.foil_rows[-60:].mean() - seen.foil_rows[:60].mean()
        expected_px = np.tan(np.deg2rad(seen.tilt_deg)) * (COLUMNS - 60)
        assert falls_px == pytest.approx(expected_px, abs=4.0)
        tilts.append(seen.tilt_deg)
    assert min(tilts) < 0.0 < max(tilts)


def test_no_solid_lies_above_the_surface():
    seen = micrograph_at()
    above = np.arange(975)[:, None] < np.rint(seen.surface_rows)[None, :]
    assert (seen.phases[above] == PHASES["resin"]).all()


def test_field_porosity_is_that_of_the_phase_map():
    seen = micrograph_at()
    pixels = {name: int((seen.phases == code).sum()) for name, code in PHASES.items()}
    pores = pixels["pore"] + pixels["crack"]
    solid = pixels["particle"] + pixels["carbon"] + pixels["binder"]
    assert seen.field_porosity == pytest.approx(pores / (pores + solid))
    assert seen.volume_porosity == pytest.approx(0.30, abs=0.005)


def test_bright_field_order_is_foil_particle_carbon_binder_resin():
    seen = micrograph_at()
    light = [brightness(seen, name) for name in ("foil", "particle", "carbon", "binder", "resin")]
    assert light == sorted(light, reverse=True)
    assert light[0] - light[1] > 30.0
    assert light[2] < 0.75 * light[1]
    assert light[1] - light[-1] > 80.0


def test_brightness_of_a_material_does_not_tell_the_porosity():
    loose, dense = micrograph_at(0.495, 0.0), micrograph_at(0.196, 750.0)
    for name in ("foil", "particle"):
        assert brightness(loose, name) == pytest.approx(brightness(dense, name), rel=0.04), name


def brightness(seen: VirtualMicrograph, phase: str) -> float:
    return float(np.median(seen.pixels[seen.phases == PHASES[phase]]))


def test_same_chance_gives_the_same_picture():
    again = photograph(
        section_at(0.30, 200.0), columns=COLUMNS, rng=np.random.default_rng(1), artefacts=False, illumination=1.0
    )
    np.testing.assert_array_equal(again.pixels, micrograph_at().pixels)


def test_artefacts_lie_in_their_boxes_and_can_be_left_out():
    assert not np.isin(micrograph_at().phases, (PHASES["void"], PHASES["scratch"])).any()
    seen = flawed_micrograph()
    for kind in ("void", "scratch"):
        outside = seen.phases == PHASES[kind]
        assert outside.any()
        for box in (flaw.box for flaw in seen.artefacts if flaw.kind == kind):
            outside[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = False
        assert not outside.any()


def test_voids_are_darker_than_the_grains_that_were_there():
    seen = flawed_micrograph()
    assert brightness(seen, "void") < 0.3 * brightness(seen, "particle")


def test_too_few_rows_are_refused_with_the_way_out():
    with pytest.raises(LabError, match=r"300 rows of 0\.123 µm show 37 µm.*Ask for more rows"):
        photograph(section_at(0.30, 200.0), rows=300, columns=COLUMNS, rng=np.random.default_rng(0))


@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
def test_tiff_holds_the_picture_and_its_pixel_size(tmp_path, compression):
    seen = micrograph_at()
    write_micrograph(tmp_path / "mosaic.tif", seen, compression=compression)
    with tifffile.TiffFile(tmp_path / "mosaic.tif") as file:
        page = file.pages[0]
        pixels = page.asarray()
        per_cm, per = page.tags["XResolution"].value
        assert page.tags["ResolutionUnit"].value == 3  # centimetre
        assert "Simulated" in page.tags["ImageDescription"].value
    assert 1e4 * per / per_cm == pytest.approx(0.123, rel=1e-6)
    largest = 0.0 if compression == "zlib" else 3.0
    assert np.abs(pixels.astype(float) - seen.pixels).mean() <= largest


def test_jpeg_is_much_smaller(tmp_path):
    write_micrograph(tmp_path / "whole.tif", micrograph_at())
    write_micrograph(tmp_path / "small.tif", micrograph_at(), compression="jpeg", quality=80)
    assert (tmp_path / "small.tif").stat().st_size < 0.2 * (tmp_path / "whole.tif").stat().st_size


def test_truth_reads_back_as_it_was(tmp_path):
    seen = flawed_micrograph()
    write_truth(tmp_path, "m1", seen)
    with Image.open(tmp_path / "m1_phases.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), seen.phases)
    truth = json.loads((tmp_path / "m1.json").read_text(encoding="utf-8"))
    assert truth["schema"] == 1
    assert truth["simulated"] is True
    assert truth["phases"] == PHASES
    assert truth["tilt_deg"] == seen.tilt_deg
    assert len(truth["artefacts"]) == len(seen.artefacts)
    np.testing.assert_allclose(truth["foil_rows"], seen.foil_rows)
    np.testing.assert_allclose(truth["surface_rows"], seen.surface_rows, atol=0.01)
    assert truth["field_porosity"] == seen.field_porosity
