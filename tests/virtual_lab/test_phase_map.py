"""What a perfect eye measures in a crop."""

import json

import numpy as np
import pytest
from PIL import Image

from ratescope.records import Box
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.phase_map import (
    FEATURES,
    REGIONS,
    crop_phases,
    phase_features,
    regions_of,
    true_phases,
    true_thickness_um,
)

STRAIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def named(phases):
    return dict(zip(FEATURES, phase_features(phases), strict=True))


def test_stripes_have_the_chords_that_they_were_drawn_with():
    """Upright stripes, 8 px of particle and 24 px of pore: 672 px hold 21 pairs."""
    phases = np.full((224, 672), PHASES["pore"], np.uint8)
    phases[:, np.arange(672) % 32 < 8] = PHASES["particle"]
    seen = named(phases)
    assert seen["area_porosity"] == pytest.approx(0.75)
    # 41 changes in 672 columns: what the border cuts counts half.
    assert seen["particle_chord_along_um"] == pytest.approx(8 * 0.123 * 42 / 41)
    assert seen["pore_chord_along_um"] == pytest.approx(24 * 0.123 * 42 / 41)
    assert seen["particle_share_sd_across"] == pytest.approx(0.0, abs=0.05)


def test_cracks_are_pores_with_a_share_of_their_own():
    phases = np.full((224, 672), PHASES["particle"], np.uint8)
    phases[:, :168] = PHASES["pore"]
    phases[:, 168:336] = PHASES["crack"]
    seen = named(phases)
    assert (seen["area_porosity"], seen["crack_share"], seen["particle_share"]) == pytest.approx((0.5, 0.25, 0.5))


def test_particles_lie_unevenly_where_one_half_of_the_crop_has_them_all():
    phases = np.full((224, 672), PHASES["pore"], np.uint8)
    phases[:, 336:] = PHASES["particle"]
    assert named(phases)["particle_share_sd_across"] == pytest.approx(0.5)
    phases[:] = PHASES["pore"]
    phases[112:] = PHASES["particle"]
    assert named(phases)["particle_share_sd_across"] == pytest.approx(0.0)


def test_what_an_artefact_covers_is_left_out():
    phases = np.full((224, 672), PHASES["particle"], np.uint8)
    phases[:112] = PHASES["pore"]
    clean = named(phases)
    phases[60:164, 100:300] = PHASES["void"]
    assert named(phases)["area_porosity"] == pytest.approx(clean["area_porosity"], abs=1e-12)


def test_the_deepest_place_of_a_disc_is_its_middle():
    row, column = np.mgrid[:224, :672]
    phases = np.full((224, 672), PHASES["pore"], np.uint8)
    phases[np.hypot(row - 112, column - 336) < 80] = PHASES["particle"]
    # Over a disc's area the depth has its median at (1 − √½) of the radius, its 90th percentile at (1 − √0.1).
    seen = named(phases)
    assert seen["particle_depth_median_um"] == pytest.approx(80 * 0.123 * (1 - np.sqrt(0.5)), rel=0.03)
    assert seen["particle_depth_p90_um"] == pytest.approx(80 * 0.123 * (1 - np.sqrt(0.1)), rel=0.03)


def test_a_crop_of_a_coarser_file_shows_the_same_places():
    """At 0.246 µm per pixel the box is half as large; each pixel stands for 2 × 2 of the crop's."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 6, (200, 500)).astype(np.uint8)
    crop = crop_phases(coarse, STRAIGHT, Box(10.0, 122.0, 30.0, 366.0))
    np.testing.assert_array_equal(crop, coarse[10:122, 30:366].repeat(2, axis=0).repeat(2, axis=1))


def test_a_turned_micrograph_is_read_where_its_crop_was_cut():
    row, column = np.mgrid[:400, :900]
    slope = np.tan(np.deg2rad(2.0))
    phases = np.where(row > 200 + slope * (column - 450), PHASES["foil"], PHASES["pore"]).astype(np.uint8)
    turn = np.deg2rad(2.0)
    # Level (row, column) about (200, 450) → file.
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    offset = np.array([200.0, 450.0]) - matrix @ np.array([200.0, 450.0])
    crop = crop_phases(phases, np.column_stack([matrix, offset]), Box(88.0, 312.0, 114.0, 786.0))
    first_foil = (crop == PHASES["foil"]).argmax(axis=0)
    assert np.ptp(first_foil) <= 1
    assert first_foil.mean() == pytest.approx(200 - 88, abs=1.0)


def test_thickness_is_measured_across_the_tilt(tmp_path):
    facts = {"foil_rows": [160.0, 161.0], "surface_rows": [60.0, 61.0], "pixel_size_um": 0.5, "tilt_deg": 60.0}
    (tmp_path / "a_s1.json").write_text(json.dumps(facts))
    assert true_thickness_um(tmp_path, "a_s1.tif") == pytest.approx(100 * 0.5 * 0.5)


def test_what_has_no_truth_has_no_phases(tmp_path):
    box = Box(0.0, 224.0, 0.0, 672.0)
    Image.fromarray(np.full((300, 700), PHASES["pore"], np.uint8)).save(tmp_path / "a_phases.png")
    (known,) = true_phases(tmp_path, "a.tif", STRAIGHT, [box])
    assert (known == PHASES["pore"]).all()
    assert true_phases(tmp_path, "b.tif", STRAIGHT, [box]) is None
    assert true_phases(tmp_path, "a.tif", None, [box]) is None  # a crop whose place in the file is not known


def test_a_particle_has_a_rim_where_it_ends_and_none_where_the_crop_does():
    phases = np.full((20, 40), PHASES["particle"], np.uint8)
    phases[:, 30:] = PHASES["pore"]
    counted = {name: int((regions_of(phases) == n).sum()) for n, name in enumerate(REGIONS)}
    assert counted == dict.fromkeys(REGIONS, 0) | {
        "particle interior": 26 * 20,  # the rim is 0.6 µm: four pixels of 0.123 µm, of which the fifth is too far
        "particle rim": 4 * 20,
        "pore": 10 * 20,
    }


def test_every_phase_belongs_to_one_kind_of_place():
    shown = {}
    for name, code in PHASES.items():
        regions = regions_of(np.full((9, 9), code, np.uint8))
        assert (regions == regions[0, 0]).all()
        shown[name] = REGIONS[regions[0, 0]]
    assert shown == {
        "resin": "outside",
        "foil": "outside",
        "pore": "pore",
        "crack": "crack",
        "particle": "particle interior",
        "carbon": "carbon and binder",
        "binder": "carbon and binder",
    } | dict.fromkeys(("void", "scratch", "smear", "bubble", "dust"), "artefact")
