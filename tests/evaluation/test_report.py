import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from ratescope.evaluation.held_out import HeldOutErrors
from ratescope.evaluation.report import (
    MicrographPage,
    ModelCard,
    micrograph_fragment,
    prediction_report,
    shown_names,
    summary_row,
)
from ratescope.records import Finding, Prediction, Prepared

MODEL = ModelCard(
    name="the bundled ensemble",
    learned_from="45 simulated micrographs of five electrodes",
    networks=5,
    capacities=("specific", "density"),
    simulated=True,
    limits=("It knows NCM111 alone.",),
)
VOID = {"area", "br", "img", "link", "meta", "rect", "line", "polyline", "image"}


class Reader(HTMLParser):
    """What a browser would see: open elements, attributes by element, and the text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.text, self.ids = [], [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for key, value in attributes if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text


@pytest.fixture
def page(prepared, predictions, rng):
    maps = {capacity: rng.normal(size=(2, 5, 56, 168)) for capacity in predictions}
    return MicrographPage(prepared, predictions, maps, simulated=True)


def report_of(*pages, model=MODEL, **options):
    fragments, rows = [micrograph_fragment(page) for page in pages], [summary_row(page) for page in pages]
    return "".join(prediction_report(fragments, rows, model=model, **options))


def test_the_report_is_well_formed_and_needs_nothing_from_outside(page):
    report = report_of(page)
    reader = Reader(report)
    assert reader.open == []
    addresses = [value for _, a in reader.elements for key, value in a.items() if key in {"src", "href"}]
    assert addresses
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", report)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in reader.elements}


def test_every_picture_says_in_words_what_it_shows(page):
    reader = Reader(report_of(page))
    pictures = [a for tag, a in reader.elements if tag == "img"]
    assert len(pictures) == 1 + 2 + 2 * 2 * 2  # curves, crops, and two rates for two capacities on each
    assert all(len(a["alt"]) > 20 for a in pictures)
    assert all(a.get("aria-label") for tag, a in reader.elements if tag == "svg")


def test_links_lead_to_the_chapters(page):
    reader = Reader(report_of(page))
    targets = [a["href"][1:] for tag, a in reader.elements if tag == "a"]
    assert targets
    assert set(targets) <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_a_file_name_cannot_become_a_script(page):
    name = "<script>alert(1)<script>\"'.tif"
    reason = (Finding("code", "<img src=x onerror=alert(1)>"),)
    hostile = dataclasses.replace(page, prepared=dataclasses.replace(page.prepared, file=name, findings=reason))
    refused = MicrographPage(Prepared("<b>b.tif", "refused", None, reason), {})
    reader = Reader(report_of(hostile, refused))
    assert not {"script", "b"} & {tag for tag, _ in reader.elements}
    assert not [a for _, a in reader.elements if "onerror" in a]
    assert name in reader.text


def test_a_model_of_simulated_micrographs_says_so_first(page):
    text = Reader(report_of(page)).text
    assert text.index("only ever seen simulated electrodes") < text.index("Micrograph")
    assert "The networks learned from simulated electrodes." in text
    measured = dataclasses.replace(MODEL, simulated=False, learned_from="nine micrographs")
    assert "simulated" not in Reader(report_of(dataclasses.replace(page, simulated=False), model=measured)).text


def test_the_report_says_how_far_the_model_erred_and_whether_it_is_worth_having(page):
    better = HeldOutErrors("specific", "by-electrode", 26, 7.9, {"0.2": 0.4, "5": None}, "mean curve", 12.7)
    worse = dataclasses.replace(better, capacity="density", mape_percent=13.0)
    text = " ".join(Reader(report_of(page, model=dataclasses.replace(MODEL, errors=(better, worse)))).text.split())
    assert "0.2C5Callall, the best predictor without a network" in text
    assert "Specific capacity0.4–7.912.7 (mean curve)" in text
    assert "whole electrodes, of 26 electrodes. Every electrode was predicted by networks that had seen no crop" in text
    assert "of the same kind. The mean of all networks, which predicts here, was not tested" in text
    assert text.count("is no better than") == 1
    assert "Its capacity density is no better than “mean curve”" in text
    alone = dataclasses.replace(MODEL, networks=1, errors=(better,))
    assert "The mean of all networks" not in Reader(report_of(page, model=alone)).text


def test_the_mean_of_the_networks_has_its_own_errors_where_it_was_tried_afterwards(page):
    alone = HeldOutErrors("specific", "by-electrode", 40, 9.16, {"5": 21.5}, "mean curve", 20.4)
    together = dataclasses.replace(alone, electrodes=41, mape_percent=5.81, by_c_rate={"5": 13.6})
    tried = dataclasses.replace(MODEL, errors=(alone,), afterwards=(together,))
    text = " ".join(Reader(report_of(page, model=tried)).text.split())
    assert "which predicts here, was tried on 41 electrodes, simulated too, that were made afterwards" in text
    assert text.index("Specific capacity21.59.2") < text.index("Specific capacity13.65.8")
    assert "was not tested" not in text


def test_where_errors_are_not_known_the_report_says_so(page):
    assert "Not known: nothing was held out when it was trained" in Reader(report_of(page)).text


def test_simulated_micrographs_are_called_so_before_their_numbers_and_nobody_elses(page):
    text = Reader(report_of(page, micrographs_simulated=True)).text
    assert text.index("These micrographs are simulated.") < text.index("This model has only ever") < text.index("157")
    assert "These micrographs are simulated." not in Reader(report_of(page)).text


def test_micrographs_go_by_their_names_and_by_folders_only_where_names_repeat(page):
    files = ["/home/me/year/march/a.tif", "/home/me/year/april/a.tif", "/home/me/year/april/b.tif"]
    assert list(shown_names(files).values()) == ["march/a.tif", "april/a.tif", "b.tif"]
    assert shown_names(["C:\\year\\a.tif"]) == {"C:\\year\\a.tif": "a.tif"}
    alone = dataclasses.replace(page, prepared=dataclasses.replace(page.prepared, file=files[0]))
    shown = dataclasses.replace(alone, shown_as="march/a.tif")
    for one, name in ((alone, "a.tif"), (shown, "march/a.tif")):
        reader = Reader(report_of(one))
        assert name in reader.text
        assert "/home/me" not in reader.text + str(reader.elements)


def test_a_spread_that_rounds_to_nothing_is_not_called_nothing(page, prepared):
    by_network = np.full((2, 2, 2), 150.0) + np.array([-0.01, 0.01])[:, None, None]
    answers = {name: Prediction(name, np.array([0.2, 5.0]), by_network) for name in ("specific", "density")}
    text = Reader(report_of(MicrographPage(prepared, answers))).text
    assert text.count("150.0 ± < 0.1") == 2
    assert text.count("150 ± < 1") == 2
    assert "± 0" not in text
    assert "the standard deviation between 2 networks" in text


def test_the_spread_is_called_what_it_is(page):
    text = Reader(report_of(page)).text
    assert text.count("network spread, not an interval") >= 3
    assert "confidence" not in text


def test_the_numbers_of_all_three_units_stand_in_the_table(page):
    text = Reader(report_of(page)).text
    curve = page.predictions["density"].over_crops()
    assert f"{curve.values[2]:.0f} ± {curve.spread[2]:.0f}" in text
    assert f"{curve.values[2] * 4.92e-3:.2f} ± {curve.spread[2] * 4.92e-3:.2f}" in text
    assert f"{page.predictions['specific'].predicted[1, 4]:.1f}" in text  # of one section


def test_refused_sections_are_drawn_apart_and_give_their_reason(page):
    fragment = micrograph_fragment(page)
    assert fragment.count('stroke-dasharray="10 6"') == 1  # by pattern, not by colour alone
    assert "Section 1: A void of 14 µm lies in the section" in Reader(fragment).text


def test_a_refused_micrograph_gives_its_reasons_and_no_curve():
    prepared = Prepared("top.jpg", "refused", 0.1, (Finding("no-collector", "No foil was found. Turn the picture?"),))
    page = MicrographPage(prepared, {})
    reader = Reader(report_of(page))
    assert reader.text.count("No foil was found. Turn the picture?") == 2  # in the table and in its chapter
    assert "1 micrograph without a prediction" in reader.text
    assert "img" not in {tag for tag, _ in reader.elements}


def test_crops_without_a_micrograph_have_curves_but_no_areal_capacity(page):
    """What ``--crops`` hands in: no pixels beside the crop, no thickness, no boxes."""
    sections = tuple(dataclasses.replace(section, box=None) for section in page.prepared.sections)
    bare = Prepared("crop.png", "prepared", 0.123, sections=sections)
    reader = Reader(report_of(dataclasses.replace(page, prepared=bare)))
    assert "Capacity density" in reader.text
    assert "Areal capacity" not in reader.text
    assert "svg" not in {tag for tag, _ in reader.elements}


def test_a_foil_coated_on_both_sides_is_told(page):
    other = dataclasses.replace(page.prepared.coating, thickness_um=31.4)
    both = dataclasses.replace(page.prepared, other_coating=other)
    assert "the other one is 31.4 µm thick" in micrograph_fragment(dataclasses.replace(page, prepared=both))


def test_one_network_has_an_unknown_spread(prepared):
    prediction = Prediction("specific", np.array([0.2, 5.0]), np.full((1, 2, 2), 150.0))
    text = Reader(report_of(MicrographPage(prepared, {"specific": prediction}))).text
    assert "its spread is unknown" in text
    assert "Shaded" not in text
    assert "nan" not in text


def test_a_row_of_the_table_holds_no_pixels(page):
    row = summary_row(page)
    assert (row.sections_prepared, row.sections_refused, row.thickness_um) == (2, 1, 49.2)
    assert sum(panel.by_section.nbytes for panel in row.panels) < 1000


def test_a_report_holds_one_chapter_at_a_time(page):
    """Hundreds of them fill the memory."""
    taken = []

    def chapters():
        for number in range(3):
            taken.append(number)
            yield f"<p>chapter {number}</p>"

    pieces = prediction_report(chapters(), [summary_row(page)] * 3, model=MODEL)
    assert any("chapter 0" in piece for piece in pieces)
    assert taken == [0]
    assert "chapter 2" in "".join(pieces)


def test_an_empty_report_is_a_report():
    assert "0 micrographs" in Reader(report_of()).text
