"""The porosity that two networks imply together, against the one that the crops show.

Ah/L over Ah/kg is kilograms of active material per litre of coating: what the solid would hold without pores
(skeletal density × active fraction by weight), times one minus the porosity. The two networks are trained apart, so
nothing makes their ratio a sensible porosity, unless each has understood how densely the coating is packed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CROP = ["fold", "part", "electrode", "specimen", "file", "section"]
AGAINST = ("area_porosity", "electrode_porosity")
IMPLIED_COLUMNS = (*CROP, "implied_porosity", *AGAINST)


def implied_porosity(
    specific: pd.DataFrame, density: pd.DataFrame, crops: pd.DataFrame, *, solid_active_kg_per_l: float
) -> pd.DataFrame:
    """One row per fold and crop: the porosity implied by the ratio of both networks' answers, and the known ones.

    Parameters
    ----------
    specific, density : DataFrame
        The columns of ``fold_predictions.csv``, in Ah/kg and Ah/L, of the same folds.
    crops : DataFrame
        ``electrode, specimen, file, section, area_porosity, electrode_porosity``: by threshold and recipe, and by the
        sheets; NaN where unknown.
    solid_active_kg_per_l : float
        Active material per litre of the solid without pores: skeletal density × active fraction by weight.

    Returns
    -------
    DataFrame
        The columns `IMPLIED_COLUMNS`. The C-rates imply one porosity each; theirs is the median.
    """
    both = specific.merge(density, on=[*CROP, "c_rate_per_h"], suffixes=("_specific", "_density"))
    ratio = both["predicted_density"] / both["predicted_specific"].where(both["predicted_specific"] > 0)
    implied = both.assign(implied_porosity=1.0 - ratio / solid_active_kg_per_l)
    by_crop = implied.groupby(CROP, as_index=False)["implied_porosity"].median()
    known = crops[[*CROP[2:], *AGAINST]]
    table: pd.DataFrame = by_crop.merge(known, on=CROP[2:], how="left")[list(IMPLIED_COLUMNS)]
    return table


def implied_porosity_scores(table: pd.DataFrame) -> dict[str, Any]:
    """How far implied porosities of the test part lie from the known ones, per crop and per electrode.

    Differences are fractions, implied minus known: their mean, and the root of their mean square.
    """
    test = table[table["part"] == "test"].dropna(subset=["implied_porosity"])
    means = test.groupby(["fold", "electrode"], as_index=False)[["implied_porosity", *AGAINST]].mean()
    return {
        "part": "test",
        "per_crop": {f"against_{known}": _difference(test, known) for known in AGAINST},
        "per_electrode": {f"against_{known}": _difference(means, known) for known in AGAINST},
        "by_electrode": {
            str(electrode): {name: _number(of[name].mean()) for name in ("implied_porosity", *AGAINST)}
            for electrode, of in means.groupby("electrode")
        },
    }


def _difference(table: pd.DataFrame, known: str) -> dict[str, float | int | None]:
    difference = (table["implied_porosity"] - table[known]).dropna().to_numpy(float)
    if len(difference) == 0:
        return {"values": 0, "mean": None, "root_mean_square": None}
    return {
        "values": len(difference),
        "mean": _number(difference.mean()),
        "root_mean_square": _number(np.sqrt((difference**2).mean())),
    }


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
