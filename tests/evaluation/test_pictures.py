import dataclasses
import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from ratescope.evaluation.pictures import jpeg_uri, mosaic
from ratescope.records import Prepared
from ratescope.units import bar_length_um


def decoded(uri):
    return Image.open(io.BytesIO(b64decode(uri.split(",")[1])))


def test_a_wide_micrograph_is_shrunk_with_everything_drawn_on_it(prepared):
    picture = mosaic(prepared)  # 2200 px wide
    shrink = 1600 / 2200
    assert decoded(picture.uri).size == (1600, 436) == (picture.width, picture.height)
    assert picture.foil_row == pytest.approx(500 * shrink)
    assert picture.sections[2].box.left == pytest.approx((24 + 2 * 720) * shrink)
    assert picture.bar_px == pytest.approx(picture.bar_um / 0.123 * shrink)


def test_a_narrow_micrograph_is_not_enlarged(prepared):
    narrow = dataclasses.replace(prepared, pixels=prepared.pixels[:, :700], coating=None)
    picture = mosaic(narrow)
    assert decoded(picture.uri).size == (700, 600) == (picture.width, picture.height)
    assert picture.sections[0].box == prepared.sections[0].box


def test_the_surface_is_interrupted_where_it_was_not_seen(prepared):
    rows = prepared.coating.surface_rows.copy()
    rows[900:1100] = np.nan
    coating = dataclasses.replace(prepared.coating, surface_rows=rows)
    left, right = mosaic(dataclasses.replace(prepared, coating=coating)).surface
    assert left.startswith("0.0,")
    assert float(left.split()[-1].split(",")[0]) < 900 * 1600 / 2200
    assert float(right.split()[0].split(",")[0]) >= 1099 * 1600 / 2200


def test_a_foil_that_was_never_seen_is_not_drawn(prepared):
    unseen = np.full_like(prepared.coating.foil_rows, np.nan)
    coating = dataclasses.replace(prepared.coating, foil_rows=unseen, surface_rows=unseen)
    picture = mosaic(dataclasses.replace(prepared, coating=coating))
    assert picture.foil_row is None
    assert picture.surface == ()


def test_without_pixels_there_is_no_picture():
    assert mosaic(Prepared("a.tif", "refused", None)) is None


def test_a_scale_bar_is_round_and_at_most_a_quarter_of_the_width():
    assert [bar_length_um(most) for most in (193.7, 20.7, 0.7)] == [100, 20, 1]


def test_a_jpeg_keeps_the_picture():
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[:, None, None], (1, 90, 3))
    assert np.abs(np.asarray(decoded(jpeg_uri(ramp))).astype(int) - ramp).max() < 8
