"""Pictures of the preparation: every line lies where the record says, in the file's own orientation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor, ImageDraw

from ratescope.imaging.levelling import level_to_file
from ratescope.imaging.pens import BURNT_IN, CLEAN, FOIL_EDGE, FOIL_LINE, OTHER_SURFACE, REFUSED, SURFACE, USED
from ratescope.imaging.sketch import NARROWEST_PX, TALLEST_PX, WIDEST_PX, draw_preparation, view_size
from ratescope.lettering import BLUE, VERMILLION
from ratescope.records import Box, Coating, Collector, Finding, Prepared, Section

GREY = 90
FOIL_ROW, SURFACE_ROW = 420.0, 130.0  # in the levelled micrograph


def tilted(shape=(600, 1800), tilt_deg=2.0, **facts):
    """A micrograph of even grey whose foil and surface are straight lines, with two sections."""
    columns = shape[1]
    to_file = level_to_file(shape, tilt_deg)
    fall = np.tan(np.radians(tilt_deg))
    middle = to_file @ [FOIL_ROW, (columns - 1) / 2, 1.0]
    edge = middle[0] + fall * (np.arange(columns) - middle[1])
    coating = Coating(
        Box(140.0, 410.0, 30.0, columns - 30.0),
        *(35.7, 2.1, 38.0),
        foil_rows=np.full(columns, FOIL_ROW),
        surface_rows=np.full(columns, SURFACE_ROW),
        clean_rows=np.stack([np.full(columns, 140.0), np.full(columns, 409.0)]),
    )
    reasons = (Finding("void", "a hole fills 3.0% of the crop."),)
    sections = (
        Section(0, "prepared", box=Box(160.0, 384.0, 100.0, 772.0), crop=np.zeros((224, 672, 3), np.uint8)),
        Section(1, "refused", reasons, Box(160.0, 384.0, 1000.0, 1672.0)),
    )
    collector = Collector(edge[0], edge[-1], tilt_deg, "above", 0.97, edge_rows=edge + 20.0)
    prepared = Prepared("a.tif", "prepared", 0.123, collector=collector, coating=coating, level_to_file=to_file)
    return replace(prepared, sections=sections, **facts), np.full((*shape, 3), GREY, np.uint8)


def colours_near(picture, row, column, reach=2):
    """Colours within a few pixels of a place: what is drawn there."""
    pixels = np.asarray(picture)
    top, left = max(round(row) - reach, 0), max(round(column) - reach, 0)
    return {tuple(p) for p in pixels[top : top + 2 * reach + 1, left : left + 2 * reach + 1].reshape(-1, 3)}


def shows(picture, pen, row, column, scale=1.0):
    colour = getattr(pen, "colour", pen)
    return ImageColor.getrgb(colour) in colours_near(picture, (row + 0.5) * scale - 0.5, (column + 0.5) * scale - 0.5)


@pytest.fixture
def said(monkeypatch):
    """Every text that is written on pictures."""
    texts = []
    write = ImageDraw.ImageDraw.text

    def listen(draw, xy, text, *more, **options):
        texts.append(text)
        write(draw, xy, text, *more, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", listen)
    return texts


@pytest.mark.parametrize("shape", [(600, 1800), (900, 4725)])
@pytest.mark.parametrize("tilt_deg", [2.0, -1.5])
def test_the_foil_line_lies_on_the_least_squares_line_of_the_file(shape, tilt_deg):
    prepared, pixels = tilted(shape, tilt_deg)
    picture = draw_preparation(prepared, pixels)
    scale = view_size(shape)[1] / shape[1]
    collector = prepared.collector
    for part in (0.02, 0.31, 0.77, 0.98):
        row = collector.row_left + part * (collector.row_right - collector.row_left)
        assert shows(picture, FOIL_LINE, row, part * (shape[1] - 1), scale)
        assert not shows(picture, FOIL_LINE, row - 12, part * (shape[1] - 1), scale)
        assert shows(picture, FOIL_EDGE, row + 20.0, part * (shape[1] - 1), scale)


def test_what_was_found_in_the_levelled_micrograph_is_turned_back_into_the_file():
    prepared, pixels = tilted(tilt_deg=3.0)
    picture = draw_preparation(prepared, pixels)
    places = {SURFACE: (SURFACE_ROW, 600.0), USED: (384.0, 500.0), REFUSED: (384.0, 1300.0), CLEAN: (410.0, 80.0)}
    for pen, (row, column) in places.items():
        # A dashed line shows somewhere along a dash and a gap.
        along = [prepared.level_to_file @ [row, column + i, 1.0] for i in range(20)]
        assert any(shows(picture, pen, *place) for place in along), pen
        assert not shows(picture, pen, row, column), pen


def test_a_gap_in_the_surface_stays_a_gap():
    prepared, pixels = tilted(tilt_deg=0.0)
    surface = prepared.coating.surface_rows.copy()
    surface[700:900] = np.nan
    picture = draw_preparation(replace(prepared, coating=replace(prepared.coating, surface_rows=surface)), pixels)
    assert shows(picture, SURFACE, SURFACE_ROW, 650)
    assert not shows(picture, SURFACE, SURFACE_ROW, 800)
    assert shows(picture, SURFACE, SURFACE_ROW, 950)


def test_sections_carry_their_number_and_the_codes_of_what_is_against_them(said):
    prepared, pixels = tilted(tilt_deg=0.0)
    picture = draw_preparation(prepared, pixels)
    assert {"0", "1 void"} <= set(said)
    assert shows(picture, BLUE, 170, 106)
    assert shows(picture, VERMILLION, 170, 1006)


def test_a_section_without_a_crop_is_marked_where_it_would_lie(said):
    prepared, pixels = tilted(tilt_deg=0.0)
    thin = tuple(Section(i, "refused", (Finding("too-thin", "too thin."),)) for i in range(3))
    picture = draw_preparation(replace(prepared, sections=thin), pixels)
    middle = (FOIL_ROW + SURFACE_ROW) / 2
    assert [text for text in said if text.endswith("too-thin")] == ["0 too-thin", "1 too-thin", "2 too-thin"]
    for first in (0, 600, 1200):
        assert any(shows(picture, REFUSED, middle, first + along) for along in range(300, 330))
        assert shows(picture, VERMILLION, middle + 10, first + 16)


def test_the_other_coating_and_burnt_in_boxes_are_shown():
    prepared, pixels = tilted(tilt_deg=0.0)
    other = replace(prepared.coating, surface_rows=np.full(1800, 560.0))
    picture = draw_preparation(replace(prepared, other_coating=other), pixels, burnt_in=[Box(20.0, 60.0, 40.0, 300.0)])
    assert any(shows(picture, OTHER_SURFACE, 560, 900 + along) for along in range(14))
    assert any(shows(picture, BURNT_IN, 60, 150 + along) for along in range(5))


def test_the_micrograph_is_not_changed_and_shows_where_nothing_is_drawn():
    prepared, pixels = tilted()
    before = pixels.copy()
    picture = draw_preparation(prepared, pixels)
    assert (pixels == before).all()
    assert picture.getpixel((900, 20)) == (GREY, GREY, GREY)
    drawn = (np.asarray(picture)[:600] != GREY).any(axis=2).mean()
    assert 0.005 < drawn < 0.08


def test_the_strip_says_what_was_measured_refused_and_noticed(said):
    findings = (Finding("out-of-focus", "the foil's edge is 1.2 µm wide. Focus on the coating."),)
    prepared, pixels = tilted(findings=findings)
    draw_preparation(prepared, pixels)
    text = "\n".join(said)
    assert "PREPARED" in said
    assert "a.tif" in said
    assert "1 of 2 sections used" in said
    assert "thickness 35.7 ± 2.1 µm" in text
    assert "tilt +2.00°" in text
    assert "confidence in the foil 0.97" in text
    assert "noticed: the foil's edge is 1.2 µm wide. Focus on the coating. (out-of-focus)" in text
    assert "section 1 refused: a hole fills 3.0% of the crop. (void)" in text


def test_a_thickness_that_hardly_differs_is_never_said_to_be_exact(said):
    prepared, pixels = tilted()
    even = replace(prepared.coating, thickness_sd_um=0.03)
    draw_preparation(replace(prepared, coating=even, other_coating=even), pixels)
    text = "\n".join(said)
    assert "thickness 35.7 ± < 0.1 µm (mean ± sd)" in text
    assert "other coating 35.7 ± < 0.1 µm" in text


def test_a_refused_micrograph_shows_what_was_found_before_and_why_it_was_refused(said):
    reason = Finding("no-coating", "nothing lies between foil and surface. " * 12)
    prepared, pixels = tilted(tilt_deg=0.0)
    refused = Prepared("a.tif", "refused", 0.123, (reason,), collector=prepared.collector)
    picture = draw_preparation(refused, pixels)
    assert "refused: no-coating" in said
    assert " ".join(said).count("nothing lies between foil and surface.") == 12  # wrapped, not cut
    assert shows(picture, FOIL_LINE, FOIL_ROW, 900)
    assert picture.getpixel((1, 300)) == ImageColor.getrgb(VERMILLION)


def test_what_could_not_be_read_gets_a_card_with_the_reason(said):
    reason = Finding("damaged-file", "a.tif is damaged. Copy it again from the microscope.")
    card = draw_preparation(Prepared("a.tif", "refused", None, (reason,)), None)
    rows, columns = view_size(None)
    assert card.width == columns
    assert card.height > rows
    assert "a.tif is damaged. Copy it again from the microscope. (damaged-file)" in said


def test_the_scale_bar_is_as_long_as_it_says(said):
    prepared, pixels = tilted(tilt_deg=0.0)
    picture = np.asarray(draw_preparation(prepared, pixels))
    bar_um = next(int(text.removesuffix(" µm")) for text in said if text.endswith(" µm"))
    ink = np.array(ImageColor.getrgb("#1d2a36"))
    is_ink = (picture[600:] == ink).all(axis=2)
    longest = max(len(run) for row in is_ink for run in "".join(" #"[i] for i in row.astype(int)).split())
    assert longest == pytest.approx(bar_um / 0.123, abs=3)


@given(st.integers(1, 12000), st.integers(1, 12000))
def test_pictures_keep_the_shape_of_the_file_within_their_limits(rows, columns):
    view_rows, view_columns = view_size((rows, columns))
    assert 1 <= view_rows <= TALLEST_PX
    assert 1 <= view_columns <= WIDEST_PX
    scale = max(view_rows / rows, view_columns / columns)
    assert scale <= 1.0 or view_columns <= NARROWEST_PX
    assert abs(view_rows - rows * scale) <= 1.0 + rows / columns
    assert abs(view_columns - columns * scale) <= 1.0 + columns / rows
