import re
from dataclasses import replace

import numpy as np
import pytest

from ratescope.evaluation.audit_report import (
    AuditSummary,
    CapacityAudit,
    Example,
    audit_report,
    in_short,
    likeness_left,
    sooner_than_random,
)
from ratescope.evaluation.audit_tables import Planted, planted_rows, relevance_rows
from ratescope.evaluation.planting import ARTEFACTS, HIDING
from ratescope.evaluation.relevance import Relevance
from ratescope.records import CropId, Prediction

RATES = (1.0, 5.0)
CROPS = [CropId("A<b>" if n % 2 else "C", "s", f"m{n}.tif", 0) for n in range(6)]
METHODS = ("grad-ram", "guided-backprop", "occlusion")


def likeness_rows():
    """Grad-RAM loses everything at once, the others nothing."""
    return [
        {
            "method": method,
            "network": network,
            "file": "m",
            "section": 0,
            "random_layers": depth,
            "layer": f"{'regressor' if depth < 2 else 'extractor'}.{depth}",
        }
        | dict.fromkeys(("signed", "absolute"), 0.0 if method == "grad-ram" and depth else 1.0)
        for method in METHODS
        for depth in range(4)
        for network in range(2)
    ]


def hidden_rows():
    """A method moves predictions twice as far as chance, shown again four times; Grad-RAM twice and three times."""
    return [
        {"order": order, "repeat": repeat, "file": "m", "section": section, "way": way, "share": share, "unit": "Ah/kg"}
        | {"c_rate_per_h": 5.0, "moved": share * times}
        for order, repeat in (*((method, 0) for method in METHODS), ("random", 0), ("random", 1))
        for section in (0, 1)
        for way in ("deletion", "insertion")
        for share in (0.0, 0.5, 1.0)
        for times in [{"random": 0.5 + repeat, "grad-ram": 2.0 + section}.get(order, 2.0 if way == "deletion" else 4.0)]
    ]


def laid_rows():
    rim = [[{"particle rim": Relevance(0.2, 0.3, 0.6, 0.1)}] * 2] * 6
    told = {(method, is_random): rim for method in METHODS for is_random in (False, True)}
    return list(relevance_rows("specific", RATES, told, CROPS, {"A<b>": 0.3, "C": None}, ["particle rim"]))


@pytest.fixture(scope="module")
def audit():
    by_network = np.array([100.0, 40.0]) + 2.0 * np.arange(3)[:, None, None] + np.zeros((3, 6, 2))
    clean = Prediction("specific", np.array(RATES), by_network)
    moved = dict.fromkeys(ARTEFACTS, clean.predicted + 3.0)
    rows = planted_rows(Planted(CROPS, clean, moved, dict.fromkeys(HIDING, clean.predicted + 1)), {5.0: 7.77})
    example = Example(
        "C, m0.tif, section 0", np.full((224, 672, 3), 90, np.uint8), 5.0, dict.fromkeys(["", *ARTEFACTS], 42.42)
    )
    part = CapacityAudit(
        "specific", networks=3, crops=6, micrographs=6, electrodes=2, cell_px=16, square_px=16, planted=rows,
        likeness=likeness_rows(), hidden=hidden_rows(), relevance=laid_rows(), example=example,
    )  # fmt: skip
    return AuditSummary("my <run>", "45 simulated micrographs", True, "whole electrodes", ("load_mpa",), (part,))


@pytest.fixture(scope="module")
def report(audit):
    return audit_report(audit)


def words_of(report):
    return " ".join(re.sub(r"<[^>]+>", " ", report).replace("&nbsp;", " ").split())


def test_the_report_has_everything_inside_and_calls_simulated_what_is(report):
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", report)
    assert report.count("data:image/svg+xml") == 4
    assert report.count("data:image/jpeg") == 1 + len(ARTEFACTS)
    assert "Everything here is simulated: the micrographs and the rate tests." in words_of(report)
    assert all(escaped in report for escaped in ("A&lt;b&gt;", "my &lt;run&gt;"))
    assert "<run>" not in report


def test_shifts_stand_in_both_units_beside_spread_and_error(report):
    text = words_of(report)
    assert "void 4.2 3.00 (1.5 ×) 3.00 (1.5 ×)" in text
    assert "network spread 2.00 2.00 measured error, held out – 7.77" in text
    assert "With a stamp: predicted 42.4 Ah kg⁻¹ at 5C." in text


def test_what_came_out_stands_before_the_figures(audit, report):
    artefact, follow, show, order = in_short(audit.capacities[0])
    assert artefact == (
        "Of the planted artefacts, the void moves the prediction most, by 3.0 Ah/kg (3 %) at 1C: more than the network "
        "spread at 1C (1.5 ×), 5C (1.5 ×), and nowhere more than the measured error."
    )
    assert follow == "Grad-RAM: the maps follow the weights."
    assert show == "Guided backpropagation and occlusion: much of a map is the picture, not what the network learned."
    assert "2.00 to 2.50 × as far as in random order" in order
    text = words_of(report)
    assert text.index("In short") < text.index(show) < text.index("Planted artefacts")
    assert "by electrode, on what was held out (whole electrodes)." in text


def test_what_was_told_is_said_to_be_left_out(audit, report):
    assert "are also told load_mpa; of each crop these stayed what they are" in words_of(report)
    assert "are also told" not in words_of(audit_report(replace(audit, facts=())))


def test_maps_that_keep_their_order_are_called_pictures(report):
    text = words_of(report)
    assert "Grad-RAM : with all weights random, maps are still alike by 0.00 with their sign and 0.00 by" in text
    assert text.count("It follows the weights.") == 1
    assert text.count("Much of such a map is the picture, not what the network learned.") == 2
    assert likeness_left(likeness_rows()) == {"grad-ram": (0, 0), "guided-backprop": (1, 1), "occlusion": (1, 1)}


def test_orders_are_compared_with_random_ones_crop_by_crop():
    ratios = sooner_than_random(hidden_rows())
    assert ratios["occlusion", "deletion"] == pytest.approx((2.0, 2.0, 2.0))
    assert ratios["grad-ram", "insertion"] == pytest.approx((2.5, 2.0, 3.0))


def test_relevance_is_a_ratio_with_an_interval(report):
    assert "particle rim 20.0 30.0 1.50 (1.50 – 1.50) 1.50 0.60" in words_of(report)
    assert "is 1.50 by Grad-RAM (1.50 to 1.50; random weights 1.50)" in words_of(report)


def test_without_truth_the_report_says_what_it_cannot_know(audit):
    measured = replace(audit, simulated=False, capacities=(replace(audit.capacities[0], relevance=[]),))
    text = words_of(audit_report(measured))
    assert "On what the maps lie is not said: only a virtual campaign knows what each pixel shows." in text
    assert "simulated" not in text.replace("45 simulated micrographs", "")
