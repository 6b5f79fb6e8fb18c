"""What a microscope's software draws into the image is found; what electrodes show is not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ratescope.imaging.burnt_in import find_boxes
from ratescope.imaging.grey import grey_of
from ratescope.records import Box


def test_a_scale_bar_box_is_found_with_its_letters(draw):
    picture = Image.fromarray(draw(0).micrograph.pixels.copy())
    pen = ImageDraw.Draw(picture)
    pen.rectangle([600, 300, 699, 349], fill=(0, 0, 0))
    pen.rectangle([610, 305, 690, 309], fill=(255, 255, 255))
    pen.text((620, 315), "10 um", fill=(255, 255, 255), font_size=24)
    box = next(box for box in find_boxes(grey_of(np.asarray(picture))) if box.height > 40)
    assert (box.top, box.bottom, box.left, box.right) == (298, 352, 598, 702)


def test_saturated_grains_and_black_pores_are_no_boxes(draw):
    pixels = draw(0, resin_grey=0.0).micrograph.pixels
    assert find_boxes(grey_of(np.where(pixels > 120, 255, pixels).astype(np.uint8))) == ()


def written(draw, text, at, *, ink, size=40, **options):
    picture = Image.fromarray(draw(0, **options).micrograph.pixels.copy())
    ImageDraw.Draw(picture).text(at, text, fill=(ink,) * 3, font_size=size)
    return grey_of(np.asarray(picture))


@pytest.mark.parametrize("ink", [255, 0])
@pytest.mark.parametrize("at", [(300, 250), (500, 20)])
def test_letters_without_a_box_are_found_over_coating_and_resin(draw, ink, at):
    grey = written(draw, "50 um", at, ink=ink, resin_grey=60.0)
    (box,) = find_boxes(grey)
    plain = grey_of(draw(0, resin_grey=60.0).micrograph.pixels)
    rows, columns = np.nonzero(grey != plain)
    assert box.top - 1 <= rows.min()
    assert rows.max() < box.bottom + 1
    assert box.left - 1 <= columns.min()
    assert columns.max() < box.right + 1


def test_a_lone_letter_names_a_panel_only_in_a_corner(draw):
    assert len(find_boxes(written(draw, "b", (12, 8), ink=255))) == 1
    assert find_boxes(written(draw, "b", (450, 280), ink=255)) == ()


def test_a_scale_bar_drawn_as_a_plain_line_is_found(draw):
    pixels = draw(0).micrograph.pixels.copy()
    pixels[300:302, 400:480] = 255
    assert find_boxes(grey_of(pixels)) == (Box(top=298, bottom=304, left=398, right=482),)


@pytest.mark.parametrize("height", [0.3, 0.9])
def test_an_upright_arrow_is_a_box_however_long_it_is(draw, height):
    picture = Image.fromarray(draw(0).micrograph.pixels.copy())
    pen = ImageDraw.Draw(picture)
    bottom = 20 + int(height * 560)
    pen.line([300, 20, 300, bottom], fill=(255, 255, 255), width=3)
    for tip, back in ((20, 32), (bottom, bottom - 12)):
        pen.polygon([(300, tip), (295, back), (305, back)], fill=(255, 255, 255))
    (box,) = find_boxes(grey_of(np.asarray(picture)))
    assert (box.top, box.bottom) == (pytest.approx(18, abs=1), pytest.approx(bottom + 3, abs=1))
    assert box.left <= 295
    assert box.right > 305


def test_a_saturated_foil_and_noisy_black_pores_are_no_boxes(draw):
    for options in ({"foil_grey": 400.0}, {"resin_grey": 14.0, "noise": 16.0}, {"foil_grey": 245.0, "noise": 8.0}):
        assert find_boxes(grey_of(draw(0, **options).micrograph.pixels)) == ()
