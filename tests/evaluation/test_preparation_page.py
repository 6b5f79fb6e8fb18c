"""The page on which a person sees what was dropped and why, from the entries of prepared.json alone."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from ratescope.evaluation.preparation_page import common_folder, descriptors_of, preparation_page, state_of

EVIL = 'year/a & b/<img src=x onerror="alert(1)"> 100 % #1.tif'


def reason(code, text=None):
    return {"code": code, "text": text or f"words of {code}."}


def section(index, *reasons, stem="a"):
    status = "refused" if reasons else "prepared"
    crop = None if reasons else f"{stem}_s{index}.png"
    return {"index": index, "status": status, "reasons": list(reasons), "box": None, "crop": crop}


def entry(file, *, reasons=(), findings=(), sections=(), stem="a", **more):
    coating = {"thickness_um": 54.321, "thickness_sd_um": 3.21, "thickness_p95_um": 59.0} if sections else None
    return {
        "file": file,
        "status": "refused" if reasons else "prepared",
        "reasons": list(reasons),
        "findings": list(findings),
        "pixel_size_um": 0.123,
        "collector": {"tilt_deg": -1.25, "confidence": 0.93} if sections else None,
        "coating": coating,
        "other_coating": None,
        "sections": list(sections),
        "picture": f"pictures/{stem}.jpg",
        "picture_size": [310, 2000],
        **more,
    }


def year():
    return [
        entry("year/march/full.tif", sections=[section(0), section(1)], stem="full"),
        entry("year/march/part.tif", sections=[section(0), section(1, reason("void"), reason("scratch"))], stem="part"),
        entry(EVIL, reasons=[reason("no-collector")], stem=EVIL.rpartition("/")[2][:-4]),
        entry("year/april/grains.tif", reasons=[reason("no-collector")], stem="grains"),
        entry("year/april/soft.tif", findings=[reason("out-of-focus")], sections=[section(0)], stem="soft"),
    ]


class Page(HTMLParser):
    """Checks that every tag is closed in its turn, and gathers links, anchors and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.anchors, self.tags, self.words = [], [], set(), [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.tags.append((tag, known))
        self.links += [known[key] for key in ("href", "src") if key in known]
        self.anchors |= {known["id"]} if "id" in known else set()
        if tag not in {"meta", "img", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_counts_what_was_used_and_what_was_dropped():
    text = Page(preparation_page(year())).text
    assert "5 micrographs from year/" in text
    assert "Micrographs prepared 3 of 5" in text
    assert "2 in full; 1 lost some of their sections" in text
    assert "Micrographs refused 2 of 5" in text
    assert "Sections used 4 of 5" in text
    assert "Sections refused 1 of 5" in text


def test_every_reason_and_finding_has_its_line_in_order_of_what_it_cost():
    page = Page(preparation_page(year()))
    codes = [known["id"].removeprefix("reason-") for tag, known in page.tags if tag == "tr" and "id" in known]
    assert codes[0] == "no-collector"
    assert set(codes) == {"no-collector", "void", "scratch", "out-of-focus"}
    assert codes[-1] == "out-of-focus"
    for code in codes:
        assert page.text.count(f"words of {code}.") >= 2  # in the table and at its micrograph
        assert f"#reason-{code}" in page.links


def test_names_of_files_are_text_never_markup():
    html = preparation_page(year(), title="<b>", sheets=["<i>.jpg"])
    page = Page(html)
    assert "<img src=x" not in html
    assert not any("onerror" in known for _, known in page.tags)
    assert EVIL.removeprefix("year/") in page.text


def test_every_link_leads_to_a_file_beside_the_page_or_to_a_place_in_it(tmp_path):
    entries = year()
    page = Page(preparation_page(entries, sheets=["contact_sheet.jpg"]))
    names = {"contact_sheet.jpg", "prepared.json", *(known["picture"] for known in entries)}
    names |= {part["crop"] for known in entries for part in known["sections"] if part["crop"]}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    named = {link for link in page.links if not link.startswith("#")}
    assert {unquote(link) for link in named} == names
    for link in named:
        assert "#" not in link
        assert (tmp_path / unquote(link)).is_file()
    places = {link[1:] for link in page.links if link.startswith("#")} - {"show-all"}
    assert places <= page.anchors


def test_the_page_needs_no_network():
    assert not re.search(r"(https?:)?//[a-z]", preparation_page(year()))


def test_refused_micrographs_come_first_and_can_be_filtered_by_state_and_reason():
    cards = [known for tag, known in Page(preparation_page(year())).tags if tag == "article"]
    assert [card["data-state"] for card in cards] == ["refused", "refused", "partly", "prepared", "prepared"]
    assert cards[2]["data-codes"].split() == ["void", "scratch"]
    assert cards[0]["data-codes"] == "no-collector"


def test_a_card_says_what_was_measured_and_why_a_section_is_missing():
    text = Page(preparation_page(year()[1:2])).text
    assert "1 of 2 sections used" in text
    assert "thickness 54.3 ± 3.2 µm" in text
    assert "tilt −1.25°" in text
    assert "confidence in the foil 0.93" in text
    assert "words of void. (void) words of scratch. (scratch) 1 refused" in text


def test_pictures_are_loaded_when_they_come_into_sight_and_show_the_micrograph_without_its_strip():
    page = Page(preparation_page(year()))
    pictures = [known for tag, known in page.tags if tag == "img"]
    assert pictures
    assert all(known["loading"] == "lazy" and known["alt"] for known in pictures)
    assert any(known.get("class") == "view" and "aspect-ratio: 2000 / 310" in known["style"] for _, known in page.tags)


def test_micrographs_are_grouped_by_electrode_where_it_is_known():
    entries = [
        entry("a.tif", sections=[section(0)], electrode="E2 <b>", specimen="s7"),
        entry("b.tif", sections=[section(0), section(1, reason("void"))], electrode="E1"),
        entry("c.tif", reasons=[reason("no-collector")], electrode="E1"),
        entry("d.tif", sections=[section(0)]),
    ]
    text = Page(preparation_page(entries)).text
    assert "E1 2 1 1 / 2 54.3 E2 <b> 1 – 1 / 1 54.3 not known 1 – 1 / 1 54.3" in text
    places = [text.index(f"Electrode {name}") for name in ("E1", "E2 <b>", "not known")]
    assert places == sorted(places)
    assert "specimen s7" in text
    assert "By electrode" not in Page(preparation_page(year())).text


def test_descriptors_are_shown_as_far_as_they_are_there():
    numbers = {"area_porosity": 0.312, "area_porosity_se": 0.011, "d50_um": 7.04, "pore_length_um": None, "crops": 12}
    text = Page(preparation_page([entry("a.tif", sections=[section(0)], descriptors=numbers)])).text
    assert "area porosity 31.2 ± 1.1 % · d50 7.0 µm · crops 12" in text
    assert "pore length" not in text
    assert descriptors_of({"d50_um": float("nan"), "curve": [1, 2]}) == ()


def test_how_much_must_be_photographed_is_said_in_words():
    numbers = {"dark_share": 0.42, "dark_share_se": 0.0002, "crops": 2, "crops_needed": 62, "micrographs_needed": 31}
    text = Page(preparation_page([entry("a.tif", sections=[section(0)], descriptors=numbers)])).text
    assert "dark share 42.0 ± < 0.1 %" in text  # never ± 0.0, which reads as certainty
    assert "within ± 1 percentage point (95 %) takes some 62 crops, which is 31 micrographs like this one." in text
    assert "needed" not in text
    assert "Dark share: how much of the crops' area is darker than grains" in text
    enough = numbers | {"crops_needed": 2, "micrographs_needed": 1}
    text = Page(preparation_page([entry("a.tif", sections=[section(0)], descriptors=enough)])).text
    assert "Measured in 2 crops. They are enough to know the dark share" in text


def test_a_simulated_campaign_says_so():
    assert "These micrographs are simulated." in preparation_page(year(), simulated=True)
    assert "simulated" not in preparation_page(year())


def test_a_page_of_entries_without_pictures_still_reads():
    """Those of an older ratescope, or of a folder whose pictures were left behind."""
    bare = {key: value for key, value in year()[0].items() if not key.startswith("picture")}
    assert "No picture was drawn." in Page(preparation_page([bare])).text


def test_a_clean_folder_says_that_nothing_was_dropped():
    assert "Nothing was dropped" in Page(preparation_page(year()[:1])).text


@pytest.mark.parametrize(("which", "state"), [(0, "prepared"), (1, "partly"), (2, "refused")])
def test_a_micrograph_is_used_in_full_in_part_or_not(which, state):
    assert state_of(year()[which]) == state


@pytest.mark.parametrize(
    ("files", "folder"),
    [(["y/a/1.tif", "y/ab/2.tif"], "y/"), (["y/a.tif", "y/a.tif/b.tif"], "y/"), (["/1.tif", "x/2.tif"], ""), ([], "")],
)
def test_the_folder_that_all_files_share_is_said_once(files, folder):
    assert common_folder(files) == folder
