"""Surface, thickness and the largest clean rectangle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import integers

from ratescope.errors import MicrographError
from ratescope.imaging.coating import find_coating, find_surface, largest_rectangle
from ratescope.imaging.collector import find_collector
from ratescope.imaging.levelling import level
from ratescope.records import Box


def largest_area_slowly(upper, lower):
    """Every rectangle of whole columns."""
    best = 0
    for left in range(len(upper)):
        for right in range(left + 1, len(upper) + 1):
            height = min(lower[left:right]) - max(upper[left:right]) + 1
            best = max(best, (right - left) * height)
    return best


@hypothesis_settings(deadline=None)
@given(arrays(int, 9, elements=integers(0, 6)), arrays(int, 9, elements=integers(3, 9)))
def test_the_largest_rectangle_agrees_with_trying_every_rectangle(upper, lower):
    box = largest_rectangle(upper.astype(float), lower.astype(float))
    inside = slice(int(box.left), int(box.right))
    assert box.width * box.height == largest_area_slowly(upper, lower)
    assert np.all(upper[inside] <= box.top)
    assert np.all(lower[inside] >= box.bottom - 1)


def test_no_rectangle_covers_what_is_not_seen():
    upper, lower = np.full(6, 2.0), np.full(6, 9.0)
    upper[2] = np.nan
    assert largest_rectangle(upper, lower) == Box(2, 10, 3, 6)


@pytest.mark.parametrize(("gap_um", "is_closed"), [(4.0, True), (9.0, False)])
def test_the_surface_spans_gaps_narrower_than_six_micrometres(settings, gap_um, is_closed):
    size_um = 0.125
    grey = np.full((400, 800), 40.0)
    grey[160:320] = 170.0
    grey[170:320, ::24] = 40.0  # some texture
    gap = slice(400, 400 + round(gap_um / size_um))
    grey[160:240, gap] = 40.0
    grey = np.random.default_rng(0).normal(grey, 3.0).clip(0, 255).astype(np.uint8)
    (surface,) = find_surface(grey, np.zeros(800), 320.0, size_um, (settings.closed_gap_um,))
    middle = (gap.start + gap.stop) // 2
    assert np.median(surface) == pytest.approx(159.5, abs=2.0)
    assert surface[middle] == pytest.approx(159.5 if is_closed else 239.5, abs=3.0)


@pytest.mark.parametrize("upside_down", [False, True])
def test_thickness_is_measured_perpendicular_to_the_foil(draw, settings, upside_down):
    drawn = draw(6, tilt_deg=4.0, thickness_um=50.0, rows=760, upside_down=upside_down)
    collector = find_collector(drawn.grey, 0.123, settings)
    coating = find_coating(level(drawn.grey, 0.123, collector.tilt_deg), collector, settings)
    highest_um = 50.0 * np.cos(np.radians(4.0))
    assert coating.thickness_p95_um == pytest.approx(highest_um, abs=0.6)
    assert highest_um - 3.0 < coating.thickness_um < highest_um + 0.5
    assert not coating.is_cut


def test_the_clean_rectangle_keeps_away_from_burnt_in_boxes(drawn, settings):
    collector = find_collector(drawn.grey, 0.123, settings)
    levelled = level(drawn.grey, 0.123, collector.tilt_deg)
    free = find_coating(levelled, collector, settings).box
    label = Box(free.top + 5, free.top + 40, free.left + 100, free.left + 300)
    box = find_coating(levelled, collector, settings, burnt_in=[label]).box
    overlap_rows = min(box.bottom, label.bottom) - max(box.top, label.top)
    overlap_columns = min(box.right, label.right) - max(box.left, label.left)
    assert overlap_rows < 0 or overlap_columns < 0


def test_a_coating_that_leaves_the_image_says_so(draw, settings):
    drawn = draw(7)
    top = int(drawn.edge_rows.min()) - 270
    cropped = drawn.grey[top:]
    collector = find_collector(cropped, 0.123, settings)
    coating = find_coating(level(cropped, 0.123, collector.tilt_deg), collector, settings)
    assert coating.is_cut
    assert coating.thickness_um == pytest.approx(270 * 0.123, abs=1.0)


def test_a_thin_film_is_no_coating(drawn, settings):
    collector = find_collector(drawn.grey, 0.123, settings)
    levelled = level(drawn.grey, 0.123, collector.tilt_deg)
    with pytest.raises(MicrographError, match="no coating was found on the foil. Photograph the coated side"):
        find_coating(levelled, collector, replace(settings, thinnest_coating_um=80.0))


def test_what_the_turned_image_does_not_show_is_no_surface(settings):
    grey = np.random.default_rng(0).normal(40.0, 3.0, (400, 800))
    grey[160:320] += np.repeat(np.random.default_rng(1).choice([0.0, 125.0], (10, 50)), 16, 0).repeat(16, 1)
    grey[160:176] = 165.0
    border = np.zeros(800)
    border[740:] = 240.0  # the turn moved what lay above out of the image
    grey[:240, 740:] = 0.0
    (surface,) = find_surface(grey.clip(0, 255).astype(np.uint8), border, 320.0, 0.123, (6.0,))
    assert np.isnan(surface[750:]).all()
    assert np.isfinite(surface[:730]).all()
    assert np.nanmin(surface) > 155.0


def test_black_beside_the_turned_image_is_no_solid(settings):
    grey = np.random.default_rng(0).normal(40.0, 3.0, (400, 800))
    grey[160:320] += np.repeat(np.random.default_rng(1).choice([0.0, 125.0], (10, 50)), 16, 0).repeat(16, 1)
    grey[160:176] = 165.0
    border = np.zeros(800)
    border[300:500] = 120.0  # resin is still in view below, 5 µm of it
    grey[:120, 300:500] = 0.0
    (surface,) = find_surface(grey.clip(0, 255).astype(np.uint8), border, 320.0, 0.123, (6.0,))
    assert surface[320:480] == pytest.approx(np.full(160, 159.5), abs=2.5)


@pytest.mark.parametrize("tilt_deg", [-4.5, 4.5])
def test_the_clean_coating_lies_in_the_file(draw, settings, tilt_deg):
    drawn = draw(9, tilt_deg=tilt_deg, rows=760)
    grey = drawn.grey[int(drawn.edge_rows.min()) - 300 :]  # the border cuts the coating where the foil is deepest
    collector = find_collector(grey, 0.123, settings)
    levelled = level(grey, 0.123, collector.tilt_deg)
    first, last = find_coating(levelled, collector, settings).clean_rows
    columns = np.flatnonzero(first < last)
    assert columns.size > 800
    for rows in (first, last):
        row, column = levelled.to_file @ [rows[columns], columns, np.ones(columns.size)]
        assert row.min() > -0.5
        assert row.max() < len(grey) - 0.5
        assert column.min() > -0.5
        assert column.max() < 899.5
