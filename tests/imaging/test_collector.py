"""The foil is found for what it is, not for its brightness."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.strategies import floats

from ratescope.errors import CollectorError
from ratescope.imaging.band import best_bands
from ratescope.imaging.collector import collector_from_edge, find_collector, seen_from_behind
from ratescope.records import Box

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
        foil, resin = next(best_bands(grey, 0.123, 27.6)), next(best_bands(grey[::-1][150:], 0.123, 27.6))
        assert foil.rank > 0.3
        assert resin.rank < 0.1
        assert foil.far_edge > 0.8
        assert resin.far_edge < 0.3


def test_the_next_bands_lie_elsewhere_and_rate_less(draw):
    two = np.concatenate([draw(4).grey, draw(5, foil_grey=200.0).grey])
    bands = list(best_bands(two, 0.123, 27.6))
    rows = [float(np.median(band.rows)) for band in bands]
    assert sorted(rows[:2]) == [pytest.approx(466, abs=4), pytest.approx(466 + 620, abs=4)]
    assert np.abs(np.subtract.outer(rows, rows))[np.triu_indices(3, 1)].min() > 24
    assert bands[0].rating >= bands[1].rating > bands[2].rating + 0.5


@pytest.mark.parametrize("foil_grey", [225.0, 95.0])
def test_the_foil_goes_on_straight_under_a_label(draw, settings, foil_grey):
    drawn = draw(3, foil_grey=foil_grey)
    grey = drawn.grey.copy()
    grey[440:520, 200:560] = 255
    collector = find_collector(grey, 0.123, settings, burnt_in=[Box(438, 522, 198, 562)])
    off = np.abs(collector.edge_rows - drawn.edge_rows)
    assert np.percentile(off, 95) < 8.0
    assert np.percentile(np.delete(off, np.s_[198:562]), 95) < 3.0


def test_a_line_of_text_as_wide_as_the_image_hides_no_foil(draw, settings):
    drawn = draw(3)
    collector = find_collector(drawn.grey, 0.123, settings, burnt_in=[Box(5, 40, -2, 902)])
    assert np.median(np.abs(collector.edge_rows - drawn.edge_rows)) < 1.0


@pytest.mark.parametrize("colour", [128, 215])
def test_a_grey_gap_between_two_pictures_is_no_foil(draw, settings, colour):
    """As foils of one grey are not: they have noise, and edges that do not lie in one row."""
    above = draw(0, thickness_um=80.0, rows=700).grey[120:500]
    grey = np.concatenate([above, np.full((100, above.shape[1]), colour, np.uint8), above[::-1]])
    with pytest.raises(CollectorError, match=r"one grey all over.* Photograph the cross-section"):
        find_collector(grey, 0.123, settings)


def test_resin_is_no_foil_for_the_straight_end_of_the_picture_beyond_it(draw, settings):
    drawn = draw(4, noise=2.0)
    without_foil = drawn.grey[60 : int(drawn.edge_rows.min()) - 3]
    grey = np.concatenate([np.full((60, 900), 200, np.uint8), without_foil])
    with pytest.raises(CollectorError, match=r"ends in one row.* Photograph the cross-section"):
        find_collector(grey, 0.123, settings)


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
