"""Files of the virtual laboratory say what a microscope's say, and the truth beside them reads back."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tifffile
from PIL import Image

from ratescope.errors import LabError
from ratescope.imaging.reading import read_micrograph
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import Preparation
from ratescope.virtual_lab.microscope import Bits, VirtualMicrograph, photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph, write_truth
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 240
FLAWED = Preparation(voids_per_mm=100.0, scratches_per_mm=100.0, dust_per_mm=100.0, blurred_fields_per_mm=100.0)


@cache
def micrograph_with(bits: Bits = 8) -> VirtualMicrograph:
    electrode = VirtualElectrode("P", "B1", load_mpa=200.0, porosity=0.30)
    rng = np.random.default_rng(3)
    section = cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=rng)
    return photograph(section, columns=COLUMNS, rng=rng, preparation=FLAWED, bits=bits)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["m.tif", "m.ome.tif", "m.OME.TIFF", "m.png"])
def test_a_reader_gets_the_pixels_and_their_size_from_lossless_files(tmp_path, name, bits):
    seen = micrograph_with(bits)
    write_micrograph(tmp_path / name, seen)
    read = read_micrograph(tmp_path / name)
    assert read.pixel_size_um == pytest.approx(0.123, rel=1e-6)
    difference = np.abs(read.pixels - seen.pixels / (257.0 if bits == 16 else 1.0))
    assert difference.max() <= (1.0 if bits == 16 else 0.0)


def test_a_reader_gets_the_pixel_size_from_jpeg(tmp_path):
    write_micrograph(tmp_path / "m.jpg", micrograph_with(), quality=95)
    read = read_micrograph(tmp_path / "m.jpg")
    assert read.pixel_size_um == pytest.approx(0.123, rel=1e-4)
    assert np.abs(read.pixels.astype(float) - micrograph_with().pixels).mean() < 3.0


@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
def test_tiff_holds_the_picture_and_its_pixel_size(tmp_path, compression):
    seen = micrograph_with()
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


def test_ome_xml_names_the_pixel_size_and_says_simulated(tmp_path):
    write_micrograph(tmp_path / "m.ome.tif", micrograph_with(16))
    with tifffile.TiffFile(tmp_path / "m.ome.tif") as file:
        assert file.is_ome
        assert 'PhysicalSizeX="0.123"' in file.ome_metadata
        assert "Simulated" in file.ome_metadata
        assert file.series[0].axes == "YXS"
        assert file.pages[0].bitspersample == 16


def test_jpeg_is_much_smaller(tmp_path):
    write_micrograph(tmp_path / "whole.tif", micrograph_with())
    write_micrograph(tmp_path / "small.tif", micrograph_with(), compression="jpeg", quality=80)
    assert (tmp_path / "small.tif").stat().st_size < 0.2 * (tmp_path / "whole.tif").stat().st_size


def test_what_a_format_cannot_hold_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(LabError, match=r"m\.bmp: a micrograph is written as one of \.ome\.tif.*Name it so"):
        write_micrograph(tmp_path / "m.bmp", micrograph_with())
    with pytest.raises(LabError, match=r"JPEG holds 8 bits per colour.*Write TIFF with zlib, or PNG"):
        write_micrograph(tmp_path / "m.jpg", micrograph_with(16))


def test_truth_reads_back_as_it_was(tmp_path):
    seen = micrograph_with()
    write_truth(tmp_path, "m1", seen)
    with Image.open(tmp_path / "m1_phases.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), seen.phases)
    truth = json.loads((tmp_path / "m1.json").read_text(encoding="utf-8"))
    assert truth["schema"] == 1
    assert truth["simulated"] is True
    assert truth["phases"] == PHASES
    assert truth["tilt_deg"] == seen.tilt_deg
    assert truth["foil_line"] == {"row_left": seen.foil_line[0], "row_right": seen.foil_line[1]}
    assert {flaw["kind"] for flaw in truth["artefacts"]} >= {"void", "scratch", "dust", "blur"}
    assert [(flaw["kind"], flaw["box"]) for flaw in truth["artefacts"]] == [
        (flaw.kind, vars(flaw.box)) for flaw in seen.artefacts
    ]
    np.testing.assert_allclose(truth["foil_rows"], seen.foil_rows)
    np.testing.assert_allclose(truth["surface_rows"], seen.surface_rows, atol=0.01)
    np.testing.assert_allclose(truth["blur_px"], seen.blur_px, atol=0.001)
    assert truth["pixel_size_um"] == seen.pixel_size_um
    assert truth["volume_porosity"] == seen.volume_porosity
    assert truth["field_porosity"] == seen.field_porosity
    assert truth["field_fractions"] == seen.field_fractions
    assert truth["fields"] == [vars(field) for field in seen.fields]
    assert truth["illumination"] == seen.illumination
    assert truth["bits"] == 8
    write_truth(tmp_path, "deep", micrograph_with(16))
    assert json.loads((tmp_path / "deep.json").read_text(encoding="utf-8"))["bits"] == 16


def test_what_was_not_seen_is_null_in_the_truth(tmp_path):
    seen = micrograph_with()
    cut = replace(seen, foil_rows=np.where(np.arange(COLUMNS) < 3, np.nan, seen.foil_rows))
    write_truth(tmp_path, "m1", cut)
    truth = json.loads((tmp_path / "m1.json").read_text(encoding="utf-8"))
    assert truth["foil_rows"][:4] == [None, None, None, seen.foil_rows[3]]
