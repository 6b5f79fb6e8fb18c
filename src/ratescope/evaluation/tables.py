"""The rows of ``predictions.csv`` and ``curves.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ratescope.records import Finding, Prediction, Prepared
from ratescope.units import CAPACITIES, Capacity

PREDICTION_COLUMNS = ("file", "section", "status", "reasons", "capacity", "c_rate_per_h", "predicted", "spread", "unit")
CURVE_COLUMNS = ("level", "name", "sections", "capacity", "c_rate_per_h", "predicted", "spread", "unit")

Row = dict[str, Any]


def prediction_rows(
    prepared: Prepared, predictions: Mapping[Capacity, Prediction], capacities: Sequence[Capacity] = CAPACITIES
) -> list[Row]:
    """One row per section, capacity and C-rate; what was refused has one row per capacity, without numbers.

    ``predictions`` hold the prepared sections in their order; a micrograph refused as a whole has rows without a
    section. Spread is the network spread, not an interval. ``capacities`` are those that the model predicts.
    """
    refused_whole = prepared.status == "refused" or not prepared.sections
    if refused_whole:
        return [_refused_row(prepared.file, None, prepared.reasons, capacity) for capacity in capacities]
    rows: list[Row] = []
    position = 0
    for section in prepared.sections:
        if section.crop is None:
            rows += [_refused_row(prepared.file, section.index, section.reasons, capacity) for capacity in capacities]
            continue
        for prediction in predictions.values():
            start = {"file": prepared.file, "section": section.index, "status": section.status, "reasons": ""}
            rows += [start | numbers for numbers in _numbers(prediction, position)]
        position += 1
    return rows


def curve_rows(level: Literal["micrograph", "electrode"], name: str, prediction: Prediction) -> list[Row]:
    """One row per C-rate: the mean over all sections, with the spread of the networks' means; none without sections."""
    sections = prediction.by_network.shape[1]
    if sections == 0:
        return []
    start = {"level": level, "name": name, "sections": sections}
    mean_of_sections = prediction.by_network.mean(axis=1, keepdims=True)
    return [start | numbers for numbers in _numbers(replace(prediction, by_network=mean_of_sections), 0)]


def words(reasons: Sequence[Finding]) -> str:
    """Reasons in one field: ``code: text``, joined by a bar."""
    return " | ".join(f"{reason.code}: {reason.text}" for reason in reasons)


def _numbers(prediction: Prediction, crop: int) -> Iterator[Row]:
    for rate, predicted, spread in zip(
        prediction.c_rates_per_h, prediction.predicted[crop], prediction.spread[crop], strict=True
    ):
        yield {
            "capacity": prediction.capacity,
            "c_rate_per_h": float(rate),
            "predicted": float(predicted),
            "spread": float(spread) if np.isfinite(spread) else None,  # one network has no spread
            "unit": prediction.unit,
        }


def _refused_row(file: str, section: int | None, reasons: Sequence[Finding], capacity: Capacity) -> Row:
    return {"file": file, "section": section, "status": "refused", "reasons": words(reasons), "capacity": capacity}
