"""What is drawn in colour is told from what a microscope sees in colour."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ratescope.imaging.ink import coloured_boxes


def labelled(pixels, colour):
    picture = Image.fromarray(pixels.copy())
    pen = ImageDraw.Draw(picture)
    pen.line([300, 60, 300, 500], fill=colour, width=3)
    pen.text((400, 200), "97 µm", fill=colour, font_size=40)
    return np.asarray(picture)


@pytest.mark.parametrize("colour", [(255, 255, 0), (255, 0, 0), (0, 200, 60), (0, 112, 192)])
def test_lines_and_letters_in_colour_lie_in_boxes_of_their_own(draw, colour):
    plain = draw(0).micrograph.pixels
    drawn = labelled(plain, colour)
    boxes = coloured_boxes(drawn)
    is_open = (drawn != plain).any(axis=2)
    for box in boxes:
        is_open[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = False
    assert is_open.mean() < 1e-4  # but for pale rims of letters
    assert len(boxes) >= 4
    assert max(box.width for box in boxes) < 60


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (0.7, 0.9, 1.0), (1.0, 0.85, 0.5)])
def test_a_tinted_micrograph_has_no_ink(draw, tint):
    assert coloured_boxes((draw(0).micrograph.pixels * tint).astype(np.uint8)) == ()


def test_a_coloured_picture_has_no_ink():
    rng = np.random.default_rng(0)
    assert coloured_boxes(rng.integers(0, 255, (200, 300, 3)).astype(np.uint8)) == ()
