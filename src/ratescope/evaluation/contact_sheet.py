"""Contact sheets: all micrographs of a folder as small framed cards, refused ones with their reason."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from PIL import Image, ImageDraw

from ratescope.evaluation.preparation_page import IN_WORDS, Entry, State, state_of, thickness_of
from ratescope.files import whole_file
from ratescope.lettering import AMBER, BLUE, GREY, INK, MUTED, PAPER, VERMILLION, font, shortened, wrapped
from ratescope.records import OnProgress, no_progress

CARDS_PER_SHEET, COLUMNS = 60, 5  # our choice: mosaics fill a sheet of about 2300 × 1900 pixels
CARD_PX, GAP_PX, FRAME_PX = 440, 16, 5
TALLEST_PX = 220  # our choice: a mosaic is 67 rows high at this width, an image of 4 : 3 would be 323
FRAME: dict[State, str] = {"refused": VERMILLION, "partly": AMBER, "prepared": BLUE}
MOST_LINES = 2  # our choice: of a reason; the page has the whole of it


def write_contact_sheets(
    out: Path, entries: Sequence[Entry], *, on_progress: OnProgress = no_progress
) -> tuple[Path, ...]:
    """Write ``contact_sheet.jpg``, ``contact_sheet_2.jpg`` and so on from the pictures that lie in ``out``.

    Sheets of an earlier call that are no longer needed are removed.
    """
    parts = [entries[first : first + CARDS_PER_SHEET] for first in range(0, len(entries), CARDS_PER_SHEET)]
    sheets = tuple(out / _sheet_name(number) for number in range(1, len(parts) + 1))
    for done, (sheet, part) in enumerate(zip(sheets, parts, strict=True)):
        on_progress(done, len(parts), "contact sheets")
        with whole_file(sheet) as unfinished:
            draw_contact_sheet(out, part).save(unfinished, format="JPEG", quality=85)
    for number in count(len(parts) + 1):
        if not (out / _sheet_name(number)).exists():
            break
        (out / _sheet_name(number)).unlink()
    return sheets


def _sheet_name(number: int) -> str:
    return "contact_sheet.jpg" if number == 1 else f"contact_sheet_{number}.jpg"


def draw_contact_sheet(out: Path, entries: Sequence[Entry]) -> Image.Image:
    """One sheet: cards in rows, each row as high as its highest picture."""
    cards = [_card(out, entry) for entry in entries]
    rows = [cards[first : first + COLUMNS] for first in range(0, len(cards), COLUMNS)]
    heights = [max(card.height for card in row) for row in rows]
    width = COLUMNS * (CARD_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, sum(heights) + GAP_PX * (len(rows) + 1)), PAPER)
    top = GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for number, card in enumerate(row):
            sheet.paste(card, (GAP_PX + number * (CARD_PX + GAP_PX), top))
        top += height + GAP_PX
    return sheet


def _card(out: Path, entry: Entry) -> Image.Image:
    """The micrograph in the colour of its state, over its name and what became of it."""
    picture = _thumbnail(out, entry)
    plain, bold, step, inner = font(14), font(15, bold=True), 20, CARD_PX - 2 * FRAME_PX - 12
    lines = wrapped(_said(entry), plain, inner - plain.getlength(" …"))
    lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1] + " …"] if len(lines) > MOST_LINES else lines
    state = state_of(entry)
    card = Image.new("RGB", (CARD_PX, picture.height + 2 * FRAME_PX + step * (1 + MOST_LINES) + 10), PAPER)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, card.width - 1, card.height - 1), outline=FRAME[state], width=FRAME_PX)
    card.paste(picture, ((CARD_PX - picture.width) // 2, FRAME_PX))
    left, top = FRAME_PX + 6, FRAME_PX + picture.height + 4
    draw.text((left, top), shortened(str(entry["file"]), bold, inner), font=bold, fill=INK)
    for number, line in enumerate(lines, start=1):
        fill = VERMILLION if state == "refused" else MUTED
        draw.text((left, top + number * step), line, font=plain, fill=fill)
    return card


def _thumbnail(out: Path, entry: Entry) -> Image.Image:
    """The micrograph's part of its picture; a grey field where the picture is gone."""
    width = CARD_PX - 2 * FRAME_PX
    try:
        with Image.open(out / str(entry["picture"])) as picture:
            rows, columns = entry["picture_size"]
            whole_width = picture.width
            picture.draft("RGB", (width, 1))  # JPEG is read at an eighth, a quarter or a half where that will do
            shrunk = picture.width / whole_width
            view = picture.convert("RGB").crop((0, 0, round(columns * shrunk), round(rows * shrunk)))
    except (KeyError, OSError):
        return Image.new("RGB", (width, 67), GREY)
    scale = min(width / view.width, TALLEST_PX / view.height)
    return view.resize((max(round(view.width * scale), 1), max(round(view.height * scale), 1)), reducing_gap=2.0)


def _said(entry: Entry) -> str:
    state = state_of(entry)
    if state == "refused":
        return " ".join(f"{reason['code']}: {reason['text']}" for reason in entry["reasons"])
    sections = entry["sections"]
    used = sum(section["status"] == "prepared" for section in sections)
    said = [IN_WORDS[state], f"{used} of {len(sections)} sections"]
    if coating := entry["coating"]:
        said.append(f"thickness {thickness_of(coating)} µm")
    codes = [reason["code"] for section in sections for reason in section["reasons"]]
    codes += [finding["code"] for finding in entry["findings"]]
    return " · ".join([*said, *dict.fromkeys(codes)])
