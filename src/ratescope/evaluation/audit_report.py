"""The report of an audit: whether a run looks away from artefacts, what its maps are about, and on what they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratescope.evaluation.audit_tables import FEWEST_MICROGRAPHS, RANDOM, Row, verdict, worst_in_words
from ratescope.evaluation.figures import SPREAD_LABEL, hidden_svg, likeness_svg, planted_svg, relevance_svg
from ratescope.evaluation.figures.audit import WORDS_OF_METHOD
from ratescope.evaluation.pages import template
from ratescope.evaluation.pictures import jpeg_uri, svg_uri
from ratescope.evaluation.planting import ARTEFACTS
from ratescope.units import CAPACITY_NAME, CROP_ROWS, NETWORK_PIXEL_SIZE_UM, UNIT_OF, Capacity

STILL_ALIKE = 0.5  # our choice: a map that keeps half of its order of places shows the picture as much as the network


@dataclass(frozen=True, eq=False)
class Example:
    """One of the audited crops, and what was predicted of it with each artefact, at one C-rate.

    Attributes
    ----------
    pixels : uint8 array, shape (224, 672, 3)
    predicted : mapping from "" (clean) and each artefact's name to the prediction
    """

    name: str
    pixels: NDArray[np.uint8]
    c_rate_per_h: float
    predicted: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class CapacityAudit:
    """The tables of one capacity, and how they came about.

    Attributes
    ----------
    planted, likeness, hidden, relevance : list of rows
        Of ``audit.csv``, ``audit_sanity.csv``, ``audit_deletion.csv`` and ``audit_relevance.csv``; the last may be
        empty where no truth is known.
    crops, micrographs, electrodes : int
        How many the artefacts were planted into.
    cell_px, square_px : int
        Edge of a native cell of Grad-RAM and of the occluding square.
    """

    capacity: Capacity
    networks: int
    crops: int
    micrographs: int
    electrodes: int
    cell_px: int
    square_px: int
    planted: list[Row]
    likeness: list[Row]
    hidden: list[Row]
    relevance: list[Row]
    example: Example


@dataclass(frozen=True, eq=False)
class AuditSummary:
    """What an audit was of.

    Attributes
    ----------
    run : str
        The folder's name.
    held_out : str
        What the networks of each fold had not seen, such as "whole electrodes": what the measured error is of.
    facts : tuple of str
        What the networks are told beside the crops.
    """

    run: str
    learned_from: str
    simulated: bool
    held_out: str
    facts: tuple[str, ...]
    capacities: tuple[CapacityAudit, ...]


def audit_report(audit: AuditSummary) -> str:
    """The whole report as one HTML file without outside resources."""
    return template("audit.html").render(
        title=f"Audit of the run {audit.run}",
        audit=audit,
        first=audit.capacities[0],
        chapters=[_chapter(part) for part in audit.capacities],
        artefacts=tuple(ARTEFACTS),
        words=WORDS_OF_METHOD,
        spread_label=SPREAD_LABEL,
        fewest=FEWEST_MICROGRAPHS,
        still_alike=STILL_ALIKE,
        is_still_alike=is_still_alike,
        cell_um=f"{NETWORK_PIXEL_SIZE_UM * audit.capacities[0].cell_px:.1f}",
    )


def planted_verdicts(rows: Sequence[Row]) -> dict[str, str]:
    """By artefact: what its rows say, in plain words."""
    return {name: verdict([row for row in rows if row["artefact"] == name]) for name in _in_order(rows, "artefact")}


def likeness_left(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """By method: how alike its maps are, with sign and by size alone, once every layer is random; a mean."""
    last = max(row["random_layers"] for row in rows)
    left = {}
    for method in _in_order(rows, "method"):
        own = [row for row in rows if row["method"] == method and row["random_layers"] == last]
        signed, absolute = (float(np.mean([row[name] for row in own])) for name in ("signed", "absolute"))
        left[method] = signed, absolute
    return left


def sooner_than_random(rows: Sequence[Row]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """By method and way: how far its order moves predictions, times what a random one does; mean, lowest, highest.

    The distance is the mean over the shares that are hidden (or shown), crop by crop.
    """
    table = pd.DataFrame(rows)
    crops = ["way", "order", "repeat", "file", "section"]
    areas = table.groupby(crops)[["share", "moved"]].apply(lambda own: np.trapezoid(own["moved"], own["share"]))
    by_crop = areas.groupby(["order", "way", "file", "section"]).mean()
    ratios = {
        method: by_crop.loc[method] / by_crop.loc[RANDOM] for method in _in_order(rows, "order") if method != RANDOM
    }
    return {
        (method, str(way)): (float(own.mean()), float(own.min()), float(own.max()))
        for method, of_method in ratios.items()
        for way, own in of_method.groupby(level="way")
    }


def in_short(part: CapacityAudit) -> list[str]:
    """What came out, a sentence for each question that measured micrographs can answer too."""
    left = likeness_left(part.likeness)
    shows_picture = [WORDS_OF_METHOD[name] for name, alike in left.items() if is_still_alike(*alike)]
    follows = [WORDS_OF_METHOD[name] for name, alike in left.items() if not is_still_alike(*alike)]
    maps = [f"{_listed(follows)}: the maps follow the weights."] if follows else []
    if shows_picture:
        maps.append(f"{_listed(shows_picture)}: much of a map is the picture, not what the network learned.")
    times = [mean for (_, way), (mean, *_) in sooner_than_random(part.hidden).items() if way == "deletion"]
    order = (
        "Where places of most influence are hidden first, the prediction moves "
        f"{min(times):.2f} to {max(times):.2f} × as far as in random order."
    )
    return [worst_in_words(part.planted), *maps, order]


def is_still_alike(signed: float, absolute: float) -> bool:
    """Whether maps of random weights are much like those of the learned network."""
    return max(abs(signed), abs(absolute)) >= STILL_ALIKE


def _listed(names: Sequence[str]) -> str:
    said = " and ".join(", ".join(names).rsplit(", ", 1))
    return f"{said[0].upper()}{said[1:]}"


def _chapter(part: CapacityAudit) -> dict[str, Any]:
    """What the template shows of one capacity."""
    tables = {name: pd.DataFrame(getattr(part, name)) for name in ("planted", "likeness", "hidden", "relevance")}
    sooner = sooner_than_random(part.hidden)
    return {
        "part": part,
        "name": CAPACITY_NAME[part.capacity],
        "unit": UNIT_OF[part.capacity],
        "planted": svg_uri(planted_svg(tables["planted"])),
        "verdicts": planted_verdicts(part.planted),
        "rows": {
            name: [row for row in part.planted if row["artefact"] == name]
            for name in _in_order(part.planted, "artefact")
        },
        "in_short": in_short(part),
        "pictures": _pictures(part.example),
        "likeness": svg_uri(likeness_svg(tables["likeness"])),
        "pairs": len(tables["likeness"][["network", "file", "section"]].drop_duplicates()),
        "left": likeness_left(part.likeness),
        "hidden": svg_uri(hidden_svg(tables["hidden"])),
        "sooner": {method: (sooner[method, "deletion"], sooner[method, "insertion"]) for method, _ in sooner},
        "hidden_crops": len(tables["hidden"][["file", "section"]].drop_duplicates()),
        "hidden_rate": part.hidden[0]["c_rate_per_h"],
        "laid": _laid_over_truth(part.relevance),
    }


def _pictures(example: Example) -> list[tuple[str, str, float]]:
    """Name, picture and prediction of the clean crop, then with each artefact."""
    shown = [("as it is", example.pixels, example.predicted[""])]
    shown += [(f"with a {name}", plant(example.pixels), example.predicted[name]) for name, plant in ARTEFACTS.items()]
    return [(name, jpeg_uri(pixels, width=3 * CROP_ROWS), said) for name, pixels, said in shown]


def _laid_over_truth(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Relevance over all crops as a figure and a table, and by electrode; None where no truth is known."""
    if not rows:
        return None
    everywhere = [row for row in rows if not row["electrode"]]
    rates = sorted({row["c_rate_per_h"] for row in rows})
    by_electrode = [row for row in rows if row["electrode"]]
    return {
        "figure": svg_uri(relevance_svg(pd.DataFrame(everywhere))),
        "crops": everywhere[0]["crops"],
        "rates": rates,
        "places": _in_order(everywhere, "place"),
        "methods": _in_order(everywhere, "method"),
        "cells": {(row["method"], row["place"], row["c_rate_per_h"]): row for row in everywhere},
        "electrodes": sorted(
            {(row["electrode"], row["porosity"]) for row in by_electrode}, key=lambda of: (-(of[1] or 0.0), of[0])
        ),
        "cells_by_electrode": {
            (row["method"], row["place"], row["electrode"]): row
            for row in by_electrode
            if row["c_rate_per_h"] == rates[-1]
        },
        "edges": _in_words(everywhere, "particle rim", rates[-1]),
    }


def _in_words(rows: Sequence[Row], place: str, rate: float) -> list[str]:
    """What each method says of one kind of place at one C-rate: a ratio, its interval, and that of random weights."""
    said = []
    for row in rows:
        if row["place"] == place and row["c_rate_per_h"] == rate:
            between = "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}; "
            fresh = row["ratio_random_weights"]
            random = "not known" if fresh is None else f"{fresh:.2f}"
            said.append(f"{row['ratio']:.2f} by {WORDS_OF_METHOD[row['method']]} ({between}random weights {random})")
    return said


def _in_order(rows: Sequence[Row], column: str) -> list[str]:
    return list(dict.fromkeys(str(row[column]) for row in rows))
