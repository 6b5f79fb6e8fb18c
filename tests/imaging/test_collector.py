"""The foil is found for what it is, not for its brightness."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.strategies import floats

from ratescope.errors import CollectorError
from ratescope.imaging.band import best_band
from ratescope.imaging.collector import collector_from_edge, find_collector, seen_from_behind

SITUATIONS = {
    "level": {},
    "falling to the right": {"tilt_deg": 4.0},
    "falling to the left, noisy": {"tilt_deg": -2.5, "noise": 16.0},
    "upside down": {"tilt_deg": 1.5, "upside_down": True},
    "darker than the coating": {"foil_grey": 95.0},
    "darker, upside down, in vacuum": {"foil_grey": 95.0, "resin_grey": 0.0, "upside_down": True},
    "thin": {"foil_um": 6.0},
    "cut by the image border": {"foil_um": 25.0, "rows": 560, "columns": 1000, "other_um": 0.0},
    "coarse": {"pixel_size_um": 0.3, "rows": 300, "columns": 500},
    "fine": {"pixel_size_um": 0.07, "rows": 1050, "columns": 1300},
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_foil_is_found_to_a_pixel(draw, settings, situation):
    drawn = draw(3, **SITUATIONS[situation])
    collector = find_collector(drawn.grey, drawn.micrograph.pixel_size_um, settings)
    side = "below" if SITUATIONS[situation].get("upside_down") else "above"
    off = np.abs(collector.edge_rows - drawn.edge_rows)
    assert collector.coating_side == side
    assert np.median(off) < 1.0
    assert np.percentile(off, 95) < 4.0
    assert collector.tilt_deg == pytest.approx(drawn.tilt_deg, abs=0.07)
    assert (collector.row_right > collector.row_left) == (collector.tilt_deg > 0)
    assert collector.confidence > 0.9


def test_a_border_that_cuts_the_foil_leaves_no_far_edge(draw, settings):
    whole = draw(5)
    cut = whole.grey[: int(whole.edge_rows.min()) + 50]
    collector = find_collector(cut, 0.123, settings)
    assert np.median(np.abs(collector.edge_rows - whole.edge_rows)) < 1.0
    assert collector.far_edge_rows is None
    assert seen_from_behind(collector) is None


def test_the_far_edge_lies_a_foil_thickness_away(draw, settings):
    collector = find_collector(draw(2, foil_um=12.0).grey, 0.123, settings)
    assert np.median(collector.far_edge_rows - collector.edge_rows) * 0.123 == pytest.approx(12.0, abs=0.3)
    assert seen_from_behind(collector).coating_side == "below"


def test_resin_over_a_coating_is_no_foil(draw, settings):
    drawn = draw(4)
    without_foil = drawn.grey[: int(drawn.edge_rows.min()) - 3]
    with pytest.raises(CollectorError, match="no collector foil was found.* Photograph the cross-section") as caught:
        find_collector(without_foil, 0.123, settings)
    assert caught.value.code == "no-collector"


def test_resin_is_as_dark_as_the_pores_it_fills_and_foil_is_not(draw):
    for foil_grey in (225.0, 95.0):
        grey = draw(4, foil_grey=foil_grey, noise=12.0).grey
        foil, resin = best_band(grey, 0.123, 27.6), best_band(grey[::-1][150:], 0.123, 27.6)
        assert foil.rank > 0.3
        assert resin.rank < 0.1
        assert foil.far_edge > 0.8
        assert resin.far_edge < 0.3


@pytest.mark.parametrize("picture", ["noise", "black", "stripes", "discs everywhere"])
def test_pictures_without_a_foil_are_refused(draw, settings, picture):
    rng = np.random.default_rng(0)
    grey = {
        "noise": rng.integers(0, 255, (400, 800)),
        "black": np.zeros((400, 800)),
        "stripes": np.broadcast_to((np.arange(800) // 20 % 2 * 200)[None, :], (400, 800)),
        "discs everywhere": draw(0, thickness_um=80.0, rows=700).grey[120:480],
    }[picture]
    with pytest.raises(CollectorError, match="Photograph the cross-section with the whole foil in view"):
        find_collector(grey.astype(np.uint8), 0.123, settings)


@hypothesis_settings(deadline=None)
@given(floats(-0.1, 0.1), floats(0.0, 500.0))
def test_the_line_of_a_straight_edge_is_the_edge(slope, start):
    edge = start + slope * np.arange(300.0)
    edge[40:50] += 60.0  # a grain that was taken for the foil
    collector = collector_from_edge(edge, "above", 1.0)
    assert collector.row_left == pytest.approx(start, abs=1e-6)
    assert collector.row_right == pytest.approx(start + slope * 299, abs=1e-6)
    assert collector.tilt_deg == pytest.approx(np.degrees(np.arctan(slope)), abs=1e-9)
