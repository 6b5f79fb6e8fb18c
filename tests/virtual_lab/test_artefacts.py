"""Every flaw of preparation lies where the truth says, and looks like what it is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ratescope.virtual_lab.artefacts import ARTEFACT_KINDS
from ratescope.virtual_lab.cross_section import PHASES, CrossSection
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import FLAWLESS_PREPARATION, Preparation
from ratescope.virtual_lab.microscope import VirtualMicrograph, photograph
from ratescope.virtual_lab.packing import cut_cross_section

COLUMNS = 480
CAREFUL = Preparation(**dict.fromkeys(vars(FLAWLESS_PREPARATION), 0.0))


@cache
def section() -> CrossSection:
    electrode = VirtualElectrode("P", "B1", load_mpa=200.0, porosity=0.30)
    return cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=np.random.default_rng(11))


@cache
def spoilt_by(kind: str | None) -> VirtualMicrograph:
    """The same coating, seen the same way, with many flaws of one kind."""
    names = {"void": "voids", "scratch": "scratches", "smear": "smears", "bubble": "bubbles", "blur": "blurred_fields"}
    rates = {f"{names.get(kind, kind)}_per_mm": 120.0} if kind else {}
    return photograph(
        section(),
        columns=COLUMNS,
        rng=np.random.default_rng(3),
        preparation=Preparation(**{**vars(CAREFUL), **rates}),
        illumination=1.0,
    )


@pytest.mark.parametrize("kind", [kind for kind in ARTEFACT_KINDS if kind != "blur"])
def test_pixels_of_a_flaw_lie_in_its_boxes_and_fill_them(kind):
    seen = spoilt_by(kind)
    assert seen.artefacts
    assert {flaw.kind for flaw in seen.artefacts} == {kind}
    is_flaw = seen.phases == PHASES[kind]
    covered = np.zeros_like(is_flaw)
    for box in (flaw.box for flaw in seen.artefacts):
        rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
        assert 0 <= box.top < box.bottom <= 975
        assert 0 <= box.left < box.right <= COLUMNS
        assert is_flaw[rows, columns].any()
        covered[rows, columns] = True
    assert not (is_flaw & ~covered).any()


@pytest.mark.parametrize("kind", ARTEFACT_KINDS)
def test_a_flaw_changes_no_phase_but_where_it_lies(kind):
    clean, seen = spoilt_by(None), spoilt_by(kind)
    is_flaw = seen.phases == PHASES[kind] if kind != "blur" else np.zeros(seen.phases.shape, bool)
    np.testing.assert_array_equal(seen.phases[~is_flaw], clean.phases[~is_flaw])
    assert seen.field_porosity == clean.field_porosity


@pytest.mark.parametrize(("kind", "share"), [("void", 0.3), ("dust", 0.9), ("scratch", 0.9)])
def test_voids_dust_and_scratches_are_darker_than_grains(kind, share):
    clean, seen = spoilt_by(None), spoilt_by(kind)
    was_grain = (seen.phases == PHASES[kind]) & (clean.phases == PHASES["particle"])
    assert np.median(seen.pixels[was_grain]) < share * np.median(clean.pixels[was_grain])


def test_bubbles_lie_in_resin_dark_inside_a_bright_rim():
    clean, seen = spoilt_by(None), spoilt_by("bubble")
    is_bubble = seen.phases == PHASES["bubble"]
    assert np.isin(clean.phases[is_bubble], (PHASES["resin"], PHASES["pore"])).all()
    resin = np.median(clean.pixels[clean.phases == PHASES["resin"]])
    assert np.median(seen.pixels[is_bubble]) < resin
    boxes = [flaw.box for flaw in seen.artefacts if flaw.box.height > 30]
    assert boxes
    rims = [seen.pixels[int(b.top) : int(b.bottom), int(b.left) : int(b.right)].max() for b in boxes]
    assert min(rims) > 1.5 * resin


def test_smears_even_out_what_they_cover():
    clean, seen = spoilt_by(None), spoilt_by("smear")
    is_smear = seen.phases == PHASES["smear"]
    assert seen.pixels[is_smear].astype(float).std() < 0.8 * clean.pixels[is_smear].astype(float).std()


def test_a_field_out_of_focus_is_softer_than_its_neighbours():
    seen = spoilt_by("blur")
    boxes = [flaw.box for flaw in seen.artefacts]
    assert boxes
    is_blurred = np.zeros(COLUMNS, bool)
    for box in boxes:
        is_blurred[int(box.left) : int(box.right)] = True
    middle = np.flatnonzero(is_blurred)[30:-30]
    assert _edge_step(seen, middle) < 0.7 * _edge_step(spoilt_by(None), middle)
    assert seen.blur_px[middle].min() > 2.0


def _edge_step(seen: VirtualMicrograph, columns: np.ndarray) -> float:
    """The steepest hundredth of the steps from row to row in the coating: noise is well below it."""
    rows = slice(int(seen.surface_rows.max()), int(seen.foil_rows.min()))
    steps = np.abs(np.diff(seen.pixels[rows, columns, 1].astype(float), axis=0))
    return float(np.percentile(steps, 99))


def test_same_chance_gives_the_same_flaws():
    many = Preparation(**dict.fromkeys(vars(CAREFUL), 120.0))
    first, again = (
        photograph(section(), columns=COLUMNS, rng=np.random.default_rng(8), preparation=many) for _ in range(2)
    )
    assert {flaw.kind for flaw in first.artefacts} == set(ARTEFACT_KINDS)
    assert first.artefacts == again.artefacts
    np.testing.assert_array_equal(first.pixels, again.pixels)
