import dataclasses

import numpy as np
import pytest

from ratescope.evaluation.tables import CURVE_COLUMNS, PREDICTION_COLUMNS, curve_rows, prediction_rows
from ratescope.records import Finding, Prediction, Prepared


def test_one_row_per_section_capacity_and_rate(prepared, predictions):
    rows = prediction_rows(prepared, predictions)
    numbered = [row for row in rows if row["status"] == "prepared"]
    assert len(numbered) == 2 * 2 * 5
    assert {row["section"] for row in numbered} == {0, 2}
    assert all(set(row) <= set(PREDICTION_COLUMNS) for row in rows)


def test_each_section_has_its_own_numbers(prepared, predictions):
    rows = prediction_rows(prepared, predictions)
    last = [row["predicted"] for row in rows if row["section"] == 2 and row["capacity"] == "density"]
    assert last == predictions["density"].predicted[1].tolist()
    assert [row["unit"] for row in rows if row["capacity"] == "density" and row["section"] == 2] == ["Ah/L"] * 5


def test_a_refused_section_has_its_reason_and_no_numbers(prepared, predictions):
    refused = [row for row in prediction_rows(prepared, predictions) if row["status"] == "refused"]
    assert [(row["section"], row["capacity"]) for row in refused] == [(1, "specific"), (1, "density")]
    assert all(row["reasons"].startswith("void: A void of 14 µm") for row in refused)
    assert all(row.get("predicted") is None for row in refused)


def test_a_refused_micrograph_has_a_row_per_capacity_without_a_section():
    reasons = (Finding("no-collector", "No foil was found."), Finding("blurred", "It is not in focus."))
    rows = prediction_rows(Prepared("top_view.jpg", "refused", None, reasons), {})
    assert [row["capacity"] for row in rows] == ["specific", "density"]
    assert rows[0]["section"] is None
    assert rows[0]["reasons"] == "no-collector: No foil was found. | blurred: It is not in focus."


def test_sections_that_were_all_refused_each_keep_their_row(prepared):
    sections = tuple(dataclasses.replace(s, status="refused", crop=None) for s in prepared.sections)
    rows = prediction_rows(dataclasses.replace(prepared, sections=sections), {})
    assert [row["section"] for row in rows] == [0, 0, 1, 1, 2, 2]


def test_a_curve_is_the_mean_over_sections_with_the_spread_of_the_networks_means():
    by_network = np.array([[[100.0], [120.0]], [[140.0], [160.0]]])  # two networks, two sections, one rate
    (row,) = curve_rows("micrograph", "a.tif", Prediction("specific", np.array([1.0]), by_network))
    assert row["sections"] == 2
    assert row["predicted"] == 130.0
    assert row["spread"] == pytest.approx(40.0 / 2**0.5)
    assert tuple(row) == CURVE_COLUMNS


def test_one_network_has_no_spread_rather_than_none_at_all():
    (row,) = curve_rows("electrode", "E30", Prediction("specific", np.array([1.0]), np.ones((1, 3, 1))))
    assert row["spread"] is None


def test_no_sections_no_curve():
    assert curve_rows("electrode", "E30", Prediction("density", np.array([1.0]), np.ones((3, 0, 1)))) == []


def test_what_is_refused_has_rows_for_what_the_model_predicts(prepared):
    refused = dataclasses.replace(prepared, status="refused")
    assert [row["capacity"] for row in prediction_rows(refused, {}, ("density",))] == ["density"]
