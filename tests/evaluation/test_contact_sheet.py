"""Contact sheets are made from the pictures that lie on disk."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from ratescope.evaluation import contact_sheet
from ratescope.evaluation.contact_sheet import CARD_PX, FRAME, GAP_PX, write_contact_sheets
from ratescope.evaluation.preparation_page import STATES

REASON = {"code": "no-collector", "text": "no foil was found. " * 20}
SECTION = {"prepared": {"status": "prepared", "reasons": []}, "refused": {"status": "refused", "reasons": [REASON]}}
COATING = {"thickness_um": 54.3, "thickness_sd_um": 3.2}


def entry(name="a", state="prepared"):
    sections = {"prepared": ["prepared"], "partly": ["prepared", "refused"], "refused": []}[state]
    return {
        "file": f"{'long folder/' * 20}{name}.tif",
        "status": "refused" if state == "refused" else "prepared",
        "reasons": [REASON] if state == "refused" else [],
        "findings": [],
        "sections": [SECTION[status] for status in sections],
        "coating": None if state == "refused" else COATING,
        "picture": f"pictures/{name}.jpg",
        "picture_size": [100, 800],
    }


@pytest.fixture
def out(tmp_path):
    """A picture whose micrograph is green and whose words are red."""
    pixels = np.zeros((200, 900, 3), np.uint8)
    pixels[..., 0] = 250
    pixels[:100, :800] = (0, 200, 0)
    (tmp_path / "pictures").mkdir()
    Image.fromarray(pixels).save(tmp_path / "pictures" / "a.jpg", quality=95)
    return tmp_path


def near(pixel, colour):
    return np.abs(np.array(pixel) - ImageColor.getrgb(colour)).max() < 40


def test_a_card_shows_the_micrograph_without_its_words_in_the_colour_of_its_state(out):
    sheets = write_contact_sheets(out, [entry(state=state) for state in STATES])
    assert [sheet.name for sheet in sheets] == ["contact_sheet.jpg"]
    with Image.open(sheets[0]) as sheet:
        for number, state in enumerate(STATES):
            left = GAP_PX + number * (CARD_PX + GAP_PX)
            assert near(sheet.getpixel((left + 2, GAP_PX + 30)), FRAME[state])
            assert near(sheet.getpixel((left + CARD_PX // 2, GAP_PX + 30)), "#00c800")
        assert not any(red > 200 and green < 60 for _, (red, green, _) in sheet.getcolors(10**6))


def test_many_micrographs_take_several_sheets_and_old_ones_go(out, monkeypatch):
    monkeypatch.setattr(contact_sheet, "CARDS_PER_SHEET", 3)
    many = [entry()] * 7
    names = ["contact_sheet.jpg", "contact_sheet_2.jpg", "contact_sheet_3.jpg"]
    told = []
    sheets = write_contact_sheets(out, many, on_progress=lambda *said: told.append(said))
    assert [sheet.name for sheet in sheets] == names
    assert told[-1][1:] == (3, "contact sheets")
    write_contact_sheets(out, many[:3])
    assert sorted(path.name for path in out.glob("*.jpg")) == names[:1]


def test_a_picture_that_is_gone_or_damaged_leaves_a_grey_field(out):
    (out / "pictures" / "b.jpg").write_bytes(b"no picture")
    sheets = write_contact_sheets(out, [entry("b"), entry("c"), {**entry("d"), "picture": None}])
    with Image.open(sheets[0]) as sheet:
        for number in range(3):
            assert near(sheet.getpixel((GAP_PX + number * (CARD_PX + GAP_PX) + CARD_PX // 2, GAP_PX + 30)), "#c9ced3")
