"""The tables of an audit: how far planted artefacts move a prediction, how much influence each kind of place has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.evaluation.planting import HIDING, planted_where
from ratescope.evaluation.relevance import Relevance, interval_of_ratio, mean_relevance
from ratescope.records import CropId, Prediction
from ratescope.units import Capacity

Row = dict[str, Any]
Floats = NDArray[np.float64]

PLANTED_COLUMNS = (
    "capacity", "artefact", "c_rate_per_h", "predicted", "mean_shift", "mean_absolute_shift", "spread", "unit",
    "low", "high", "shift_in_spreads", "measured_error", "other_material_shift", "area_share", "crops",
)  # fmt: skip
RELEVANCE_COLUMNS = (
    "capacity", "method", "place", "c_rate_per_h", "electrode", "porosity", "crops", "micrographs", "area", "mass",
    "ratio", "low", "high", "rank", "net", "ratio_random_weights",
)  # fmt: skip
RANDOM = "random"  # the order of places that the methods' orders are compared with
FEWEST_MICROGRAPHS = 4  # our choice: from fewer, an interval by drawing micrographs again says little


@dataclass(frozen=True, eq=False)
class Planted:
    """Predictions of the same crops: clean, with each artefact, and with other material where it hides any.

    Attributes
    ----------
    artefacts, other_material : mapping from an artefact's name to float array, shape (crops, rates)
        What was predicted.
    """

    crops: Sequence[CropId]
    clean: Prediction
    artefacts: Mapping[str, Floats]
    other_material: Mapping[str, Floats]


def planted_rows(planted: Planted, measured_error: Mapping[float, float]) -> list[Row]:
    """One row per artefact and C-rate; what is not known is None.

    Parameters
    ----------
    measured_error : mapping from C-rate to mean absolute error
        Of the run's held-out electrodes, in the capacity's unit; may be empty.
    """
    clean = planted.clean
    files = [crop.file for crop in planted.crops]
    rows = []
    for name, said in planted.artefacts.items():
        shift = said - clean.predicted
        other = planted.other_material.get(name)
        for at, rate in enumerate(clean.c_rates_per_h.tolist()):
            moved = np.abs(shift[:, at])
            spread = float(clean.spread[:, at].mean()) if len(clean.by_network) > 1 else None
            low, high = _interval(moved, np.ones(len(moved)), files)
            rows.append(
                {
                    "capacity": clean.capacity,
                    "artefact": name,
                    "c_rate_per_h": rate,
                    "predicted": float(clean.predicted[:, at].mean()),
                    "mean_shift": float(shift[:, at].mean()),
                    "mean_absolute_shift": float(moved.mean()),
                    "spread": spread,
                    "unit": clean.unit,
                    "low": low,
                    "high": high,
                    "shift_in_spreads": float(moved.mean()) / spread if spread else None,
                    "measured_error": measured_error.get(rate),
                    "other_material_shift": None if other is None else _mean_distance(other, clean.predicted, at),
                    "area_share": float(planted_where(name).mean()),
                    "crops": len(files),
                }
            )
    return rows


def _mean_distance(said: Floats, clean: Floats, rate: int) -> float:
    return float(np.abs(said[:, rate] - clean[:, rate]).mean())


def _interval(parts: Floats, wholes: Floats, files: Sequence[str]) -> tuple[float | None, float | None]:
    if len(set(files)) < FEWEST_MICROGRAPHS:
        return None, None
    _, low, high = interval_of_ratio(parts, wholes, files)
    return low, high


def worst_in_words(rows: Sequence[Row]) -> str:
    """Of all artefacts, what the one says that moves the prediction most."""
    most = _most(rows)
    own = [row for row in rows if row["artefact"] == most["artefact"]]
    return (
        f"Of the planted artefacts, the {most['artefact']} moves the prediction most, by {_how_far(most)}: "
        f"{_beside_spread(own)}{_beside_error(own)}."
    )


def verdict(rows: Sequence[Row]) -> str:
    """What the rows of one artefact say, in plain words, without the artefact's name at the front."""
    most = _most(rows)
    moved, unit = float(most["mean_absolute_shift"]), most["unit"]
    beside = _beside_spread(rows) + _beside_error(rows)
    said = [f"moves the {most['capacity']} prediction by {_how_far(most)}, where it moves it most: {beside}."]
    covered = 100.0 * float(most["area_share"])
    if most["artefact"] in HIDING:
        said.append(f"It covers {covered:.1f} % of the crop.")
    else:
        said.append(f"It changes the grey of {covered:.0f} % of the crop and hides nothing, so it should move nothing.")
    if most["other_material_shift"] is not None:
        honest = float(most["other_material_shift"])
        said.append(
            f"Other material of the same crop in its place moves it by {honest:.1f} {unit}: so much is to be "
            f"expected of any change there{_beyond(moved, honest)}."
        )
    return " ".join(said)


def _most(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: float(row["mean_absolute_shift"]))


def _how_far(row: Row) -> str:
    moved = float(row["mean_absolute_shift"])
    share = 100.0 * moved / abs(float(row["predicted"]))
    return f"{moved:.1f} {row['unit']} ({share:.0f} %) at {row['c_rate_per_h']:g}C"


def _beside_spread(rows: Sequence[Row]) -> str:
    if rows[0]["shift_in_spreads"] is None:
        return "one network alone has no spread to compare it with"
    more = [row for row in rows if row["shift_in_spreads"] > 1.0]
    if not more:
        return "less than the network spread at every C-rate"
    where = ", ".join(f"{row['c_rate_per_h']:g}C ({row['shift_in_spreads']:.1f} ×)" for row in more)
    return f"more than the network spread at {where}"


def _beside_error(rows: Sequence[Row]) -> str:
    known = [row for row in rows if row["measured_error"] is not None]
    if not known:
        return ""
    more = [f"{row['c_rate_per_h']:g}C" for row in known if row["mean_absolute_shift"] > row["measured_error"]]
    where = f"more than the measured error at {', '.join(more)}" if more else "nowhere more than the measured error"
    return f", and {where}"


def _beyond(moved: float, honest: float) -> str:
    ratio = round(moved / honest, 1) if honest > 0 else 0.0
    return f", and the artefact does {ratio:.1f} × as much" if ratio > 1.0 else ""


def relevance_rows(
    capacity: Capacity,
    c_rates_per_h: Sequence[float],
    told: Mapping[Any, Sequence[Sequence[Mapping[str, Relevance]]]],
    crops: Sequence[CropId],
    porosity_of: Mapping[str, float | None],
    places: Sequence[str],
) -> Iterator[Row]:
    """One row per method, kind of place and C-rate: of all crops (electrode empty), then electrode by electrode.

    Parameters
    ----------
    told : by (method, whether the weights were random)
        What `relevance_of` says, crops × C-rates; an empty list for a crop that was not asked.
    places : of str
        All kinds, in the order to tell them; those that no crop has are left out.
    """
    groups = ["", *dict.fromkeys(crop.electrode for crop in crops)]
    for method in dict.fromkeys(method for method, _ in told):
        for electrode in groups:
            own = [place for place, crop in enumerate(crops) if electrode in {"", crop.electrode}]
            for at, rate in enumerate(c_rates_per_h):
                learned = [told[method, False][place][at] for place in own]
                fresh = [told[method, True][place][at] for place in own if told[method, True][place]]
                for name in (name for name in places if any(name in seen for seen in learned)):
                    yield {
                        "capacity": capacity,
                        "method": method,
                        "place": name,
                        "c_rate_per_h": float(rate),
                        "electrode": electrode,
                        "porosity": porosity_of.get(electrode),
                        "crops": len(own),
                        **_relevance(learned, name, [crops[place].file for place in own]),
                        "ratio_random_weights": _ratio(fresh, name),
                    }


def _relevance(told: Sequence[Mapping[str, Relevance]], name: str, files: Sequence[str]) -> Row:
    mean = mean_relevance(told, name)
    nothing = Relevance(0.0, 0.0, 0.0, 0.0)
    mass, area = (np.array([getattr(seen.get(name, nothing), part) for seen in told]) for part in ("mass", "area"))
    with_it = {file for file, seen in zip(files, told, strict=True) if name in seen}
    low, high = _interval(mass, area, files) if len(with_it) >= FEWEST_MICROGRAPHS else (None, None)
    return {
        "micrographs": len(with_it),
        "area": mean.area,
        "mass": mean.mass,
        "ratio": _ratio(told, name),
        "low": low,
        "high": high,
        "rank": mean.rank,
        "net": mean.net,
    }


def _ratio(told: Sequence[Mapping[str, Relevance]], name: str) -> float | None:
    """Influence over area; None where no crop has such places."""
    if not any(name in seen for seen in told):
        return None
    mean = mean_relevance(told, name)
    return mean.mass / mean.area
