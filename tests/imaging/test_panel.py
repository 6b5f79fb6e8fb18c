"""Of a picture file only what the microscope saw is looked at."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ratescope.imaging.grey import grey_of
from ratescope.imaging.panel import bar_rows, begins_straight, gaps_in, panel_of


def with_bar(pixels, rows, colour=0, ink=255):
    picture = Image.fromarray(pixels.copy())
    pen = ImageDraw.Draw(picture)
    top = pixels.shape[0] - rows
    pen.rectangle([0, top, pixels.shape[1], pixels.shape[0]], fill=(colour,) * 3)
    pen.text((20, top + rows // 4), "20 kV  x500  WD 5 mm  100 um", fill=(ink,) * 3, font_size=rows // 2)
    return np.asarray(picture)


def ends(grey):
    rows, columns = panel_of(grey)
    return rows.start, rows.stop, columns.start, columns.stop


@pytest.mark.parametrize(("colour", "ink"), [(0, 255), (255, 0), (120, 250)])
def test_an_information_bar_is_cut_off_at_each_side(draw, colour, ink):
    barred = with_bar(draw(0).micrograph.pixels, 40, colour, ink)
    at_side = [grey_of(np.ascontiguousarray(np.rot90(barred, turns))) for turns in range(4)]
    assert ends(at_side[0]) == (0, 580, 0, 900)
    assert ends(at_side[1]) == (0, 900, 0, 580)
    assert ends(at_side[2]) == (40, 620, 0, 900)
    assert ends(at_side[3]) == (0, 900, 40, 620)


@pytest.mark.parametrize("options", [{}, {"resin_grey": 0.0, "noise": 0.0}, {"foil_grey": 400.0}])
def test_an_electrode_has_no_information_bar(draw, options):
    grey = grey_of(draw(0, tilt_deg=0.8, **options).micrograph.pixels)
    assert bar_rows(grey) == bar_rows(grey[::-1]) == 0
    assert ends(grey) == (0, 620, 0, 900)


def test_lines_around_a_bar_and_between_its_cells_belong_to_it(draw):
    picture = Image.fromarray(with_bar(draw(0).micrograph.pixels, 60))
    pen = ImageDraw.Draw(picture)
    pen.rectangle([0, 560, 899, 619], outline=(255,) * 3)
    pen.line([0, 572, 700, 572], fill=(255,) * 3)
    for column in range(100, 600, 100):
        pen.line([column, 560, column, 619], fill=(255,) * 3)
    assert ends(grey_of(np.asarray(picture))) == (0, 560, 0, 900)


def as_jpeg(grey, quality):
    buffer = BytesIO()
    Image.fromarray(grey).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("colour", [0, 255])
def test_page_margins_are_cut_off_to_a_pixel(virtual, colour):
    grey = grey_of(virtual.pixels)
    rows, columns = grey.shape
    page = np.pad(grey, ((30, 20), (40, 25)), constant_values=colour)
    assert ends(page) == (30, 30 + rows, 40, 40 + columns)
    assert np.abs(np.subtract(ends(as_jpeg(page, 75)), (30, 30 + rows, 40, 40 + columns))).max() <= 1


def test_a_frame_of_two_rows_is_cut_off(virtual):
    grey = grey_of(virtual.pixels)
    assert ends(np.pad(grey, 2)) == (2, 2 + grey.shape[0], 2, 2 + grey.shape[1])


def test_of_panels_over_and_beside_one_another_the_largest_stays(virtual):
    grey = grey_of(virtual.pixels)[:600]
    gap = np.full((14, grey.shape[1]), 255, np.uint8)
    page = np.concatenate([grey[:300], gap, grey, gap, grey[:500]])
    assert [(part.start, part.stop) for part in gaps_in(page)] == [(300, 314), (914, 928)]
    assert ends(page) == (314, 914, 0, grey.shape[1])
    assert ends(np.ascontiguousarray(page.T)) == (0, grey.shape[1], 314, 914)


def test_letters_may_stand_in_a_gap(virtual):
    grey = grey_of(virtual.pixels)[:600]
    page = Image.fromarray(np.concatenate([grey[:300], np.full((40, grey.shape[1]), 255, np.uint8), grey]))
    ImageDraw.Draw(page).text((10, 306), "(b) after 100 cycles", fill=0, font_size=24)
    assert ends(np.asarray(page)) == (340, 940, 0, grey.shape[1])


def test_a_saturated_foil_is_neither_margin_nor_gap(virtual):
    """Its edge is rough, and lies askew by some pixels."""
    grey = grey_of(virtual.pixels).copy()
    foil = int(np.median(virtual.foil_rows))
    grey[foil - 20 :] = np.where(grey[foil - 20 :] > 200, 255, grey[foil - 20 :])
    deep = grey[: foil + 40]
    assert (deep[-20:] > 250).mean() > 0.95
    assert panel_of(deep) == (slice(0, foil + 40), slice(0, grey.shape[1]))
    assert not any(begins_straight(deep, row, 255) for row in range(foil - 10, foil + 10))
