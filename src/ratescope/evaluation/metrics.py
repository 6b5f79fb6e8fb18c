"""What ``metrics.json`` says of predictions: their scores, sliced as in section 3.1, per crop and per electrode.

Each part of the result reads ``metrics["test"]["network"]["per_electrode"]["overall"]["mape_percent"]``: part, then
who predicted (the network, or a rung of the ladder beside it), then what one value is, then the slice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import InputError
from ratescope.evaluation.scores import Score, rounded, scores_of
from ratescope.records import RateCurve
from ratescope.units import UNIT_OF, Capacity

if TYPE_CHECKING:  # it takes 0.3 s to import, and a prediction needs none
    import pandas as pd

FOLD_PREDICTION_COLUMNS = (
    "fold", "part", "electrode", "specimen", "file", "section", "c_rate_per_h", "measured", "predicted", "network",
)  # fmt: skip
NETWORK = "network"
PARTS = ("train", "validation", "test")

SMALL_SHARE = 0.05  # our choice: below 5 % of the theoretical capacity a percentage says little
POROSITY_STEP = 0.05  # our choice: puts the porosities of Table 1 under their own labels, 50, 35, 30, 25 and 20 %
USUAL_CELL_SCATTER = 0.02  # our choice where cells are unknown: cells of one electrode scatter by 1 to 2.6 %
LEAST_CELL_SCATTER = 0.005  # our choice: cells that agree better do so by chance, or because they are simulated (0025)


def metrics(
    fold_predictions: pd.DataFrame,
    capacity: Capacity,
    *,
    theoretical: float | Mapping[str, float | None],
    ladder: Mapping[str, pd.DataFrame] | None = None,
    cell_scatter: Mapping[float, float] | None = None,
    porosity_of: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Everything that ``metrics.json`` says of one capacity; unknown numbers are None, never NaN.

    Parameters
    ----------
    fold_predictions : DataFrame
        The columns of ``fold_predictions.csv``: a row per fold, crop and C-rate. Rows without a measured value are
        left out.
    theoretical : float or mapping from electrode to float
        Theoretical capacity in the unit of ``capacity``; for a capacity density it differs between electrodes. Where
        one is unknown, so is the error without small capacities.
    ladder : mapping from the baseline's name to a DataFrame
        The baselines' predictions of the same crops in the same folds, in the same columns. Where a baseline says
        nothing (NaN, at a C-rate that its training part never saw) it is not scored; ``values`` counts what is.
    cell_scatter : mapping from C-rate to float
        Standard deviation between cells of one electrode (`cell_scatter`); 2 % of the capacity where not given, and
        never taken as less than 0.5 % of it.
    porosity_of : mapping from electrode to porosity
        Written beside the electrodes; scores by porosity put electrodes together whose porosities round to the same
        5 %, and leave out those without one.

    Raises
    ------
    InputError
        If a column is missing or a prediction of the network is not a number.
    """
    predictors = {NETWORK: fold_predictions, **(ladder or {})}
    label_of = {electrode: porosity_label(porosity) for electrode, porosity in (porosity_of or {}).items()}
    tables = {
        name: _with_smallest(_checked(table, name), theoretical).assign(
            porosity=lambda checked: checked["electrode"].map(label_of)
        )
        for name, table in predictors.items()
    }
    content: dict[str, Any] = {"schema": 1, "capacity": capacity, "unit": UNIT_OF[capacity]}
    if porosity_of is not None:
        content["porosity"] = {electrode: rounded(porosity) for electrode, porosity in porosity_of.items()}
    for part in PARTS:
        held = {name: table[table["part"] == part] for name, table in tables.items()}
        if not held[NETWORK].empty:
            content[part] = {name: _one_predictor(table, cell_scatter) for name, table in held.items()}
    return content


def porosity_label(porosity: float) -> str | None:
    """A porosity rounded to the 5 % that scores by porosity stand under; None where it is unknown.

    >>> porosity_label(0.346), porosity_label(0.495)
    ('0.35', '0.50')
    """
    return f"{POROSITY_STEP * round(porosity / POROSITY_STEP):.2f}" if np.isfinite(porosity) else None


def cell_scatter(curves: Sequence[RateCurve]) -> dict[float, float]:
    """Standard deviation between cells of one electrode, by C-rate: root mean square over the electrodes' curves.

    Examples
    --------
    >>> rates, values = np.array([0.2, 5.0]), np.array([157.0, 99.0])
    >>> cell_scatter([RateCurve("specific", rates, values, np.array([3.0, 4.0]))])
    {0.2: 3.0, 5.0: 4.0}
    """
    squares: dict[float, list[float]] = {}
    for curve in curves:
        if curve.spread is not None:
            for rate, spread in zip(curve.c_rates_per_h, curve.spread, strict=True):
                if np.isfinite(spread):
                    squares.setdefault(float(rate), []).append(float(spread) ** 2)
    return {rate: float(np.sqrt(np.mean(values))) for rate, values in sorted(squares.items())}


def electrode_means(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over the crops of an electrode, fold by fold and C-rate by C-rate: how a user would use the networks."""
    keys = ["fold", "part", "electrode", *(["porosity"] if "porosity" in table else []), "c_rate_per_h"]
    return table.groupby(keys, as_index=False, dropna=False).mean(numeric_only=True)


def ensemble_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Measured and predicted capacity by electrode and C-rate, with the spread between the networks' means.

    Returns
    -------
    DataFrame
        ``electrode, c_rate_per_h, measured, predicted, spread, networks``; ``spread`` is the standard deviation
        (n − 1) over the networks, NaN where only one network predicted: it is not an interval. Each network answers
        for its own held-out crops of the electrode, so that the scatter between crops is in it too.
    """
    keys = ["electrode", "c_rate_per_h"]
    by_network = table.groupby([*keys, "network"], as_index=False)[["measured", "predicted"]].mean()
    return by_network.groupby(keys, as_index=False).agg(
        measured=("measured", "mean"),
        predicted=("predicted", "mean"),
        spread=("predicted", "std"),
        networks=("network", "nunique"),
    )


def _checked(table: pd.DataFrame, name: str) -> pd.DataFrame:
    if missing := [column for column in FOLD_PREDICTION_COLUMNS if column not in table]:
        raise InputError(
            f"the predictions of the {name} lack the column {missing[0]!r}; they have {', '.join(map(str, table))}. "
            "Write fold_predictions.csv again with ratescope train."
        )
    known = table.dropna(subset=["measured"])
    is_number = np.isfinite(known["predicted"].to_numpy(float))
    if name == NETWORK and not is_number.all():
        raise InputError(
            f"{int((~is_number).sum())} of the {len(known)} predictions of the network are not numbers. "
            "Train the folds they come from again."
        )
    return known.iloc[np.flatnonzero(is_number)]


def _with_smallest(table: pd.DataFrame, theoretical: float | Mapping[str, float | None]) -> pd.DataFrame:
    """The table with a column ``smallest``: the capacity under which a percentage says little, NaN where unknown."""
    if not isinstance(theoretical, Mapping):
        return table.assign(smallest=SMALL_SHARE * theoretical)
    known = {electrode: SMALL_SHARE * whole for electrode, whole in theoretical.items() if whole is not None}
    return table.assign(smallest=table["electrode"].map(known).astype(float))


def _one_predictor(table: pd.DataFrame, scatter: Mapping[float, float] | None) -> dict[str, Any]:
    means = electrode_means(table)
    return {
        "crops": len(table[["electrode", "specimen", "file", "section"]].drop_duplicates()),
        "electrodes": int(table["electrode"].nunique()),
        "per_crop": _slices(table, scatter),
        "per_electrode": _slices(means, scatter),
        "share_inside_spread": _share_inside_spread(table),
    }


def _slices(table: pd.DataFrame, scatter: Mapping[float, float] | None) -> dict[str, Any]:
    """The scores of one table overall, by C-rate, by electrode, by porosity, by combinations, and over the folds."""
    telling = _telling_rates(table, scatter)
    by_c_rate = {
        rate: score | ({} if rate in telling else {"r2": None})
        for rate, score in _scores_by(table, "c_rate_per_h").items()
    }
    r2_of_rates = [score["r2"] for score in by_c_rate.values() if score["r2"] is not None]
    overall = scores_of(table, np.zeros(len(table), np.intp), 1)[0]
    return {
        "overall": overall | {"r2_mean_over_c_rates": rounded(np.mean(r2_of_rates)) if r2_of_rates else None},
        "by_c_rate": by_c_rate,
        "by_electrode": _scores_by(table, "electrode"),
        "by_electrode_and_c_rate": _scores_by_both(table, "electrode"),
        "by_porosity": _scores_by(table, "porosity"),
        "by_porosity_and_c_rate": _scores_by_both(table, "porosity"),
        "over_folds": _over_folds(list(_scores_by(table, "fold").values())),
    }


def _scores_by(table: pd.DataFrame, column: str) -> dict[str, Score]:
    codes, names = table[column].factorize(sort=True)  # what has no name, such as no porosity, gets the code −1
    named = codes >= 0
    scores = scores_of(table[named], codes[named], len(names))
    return {_name(name): score for name, score in zip(names, scores, strict=True)}


def _scores_by_both(table: pd.DataFrame, column: str) -> dict[str, dict[str, Score]]:
    """By a column, and below it by C-rate."""
    codes, names = table[column].factorize(sort=True)
    rate_codes, rates = table["c_rate_per_h"].factorize(sort=True)
    named = codes >= 0
    scores = scores_of(table[named], (codes * len(rates) + rate_codes)[named], len(names) * len(rates))
    return {
        _name(name): {
            _name(rate): score
            for rate, score in zip(rates, scores[place * len(rates) : (place + 1) * len(rates)], strict=True)
            if score["values"]
        }
        for place, name in enumerate(names)
    }


def _telling_rates(table: pd.DataFrame, scatter: Mapping[float, float] | None) -> set[str]:
    """C-rates at which electrodes differ by more than cells of one electrode scatter (decisions 0006 and 0025)."""
    means = table.pivot_table("measured", "c_rate_per_h", "electrode")
    telling = set()
    for rate, row in zip(means.index, means.to_numpy(float), strict=True):
        known = row[np.isfinite(row)]
        capacity = float(known.mean())
        cells_scatter = (scatter or {}).get(float(rate), USUAL_CELL_SCATTER * capacity)
        floor = max(cells_scatter, LEAST_CELL_SCATTER * capacity)
        if len(known) > 1 and float(known.std(ddof=1)) > floor:
            telling.add(_name(rate))
    return telling


def _over_folds(scores: Sequence[Score]) -> dict[str, Any]:
    """Mean and range over the folds."""
    content: dict[str, Any] = {"folds": len(scores)}
    for key in ("mape_percent", "mape_percent_without_small", "mae", "r2"):
        values = [value for score in scores if (value := score[key]) is not None]
        content[key] = (
            {"mean": rounded(np.mean(values)), "lowest": min(values), "highest": max(values)} if values else None
        )
    return content


def _share_inside_spread(table: pd.DataFrame) -> float | None:
    """Share of the electrodes' measured values within one network spread of the ensemble's mean."""
    curves = ensemble_curves(table)
    several = curves[curves["networks"] > 1]
    if several.empty:
        return None
    inside: NDArray[np.bool_] = ((several["predicted"] - several["measured"]).abs() <= several["spread"]).to_numpy()
    return rounded(inside.mean())


def _name(key: Hashable) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
