"""The story in a minute: the bundled micrographs, which are simulated, and what must be said of them."""

from __future__ import annotations

import csv
from pathlib import Path

from ratescope.errors import InstallationError
from ratescope.model import BUNDLED

EXPECTED = BUNDLED / "expected.csv"
TOLERANCE = 0.005  # of the largest capacity of a curve; our choice: processors differ in the sixth digit

_REMEDY = "Do not trust this installation's predictions: install ratescope anew, with the versions that it asks for."

Curves = dict[tuple[str, str], dict[str, float]]
"""Capacity by C-rate, by micrograph and capacity."""


def bundled_micrographs() -> list[Path]:
    """The micrographs that ratescope brings along, by name; they are simulated."""
    return sorted(BUNDLED.glob("micrographs/*.tif"))


def check_installation(curves: Path) -> str:
    """Hold the ``curves.csv`` of the bundled micrographs against the answers that belong to them; what came out.

    Raises
    ------
    InstallationError
        If the answers are not those that were written down when the ensemble was made.
    """
    apart = check_answers(read_curves(curves), read_curves(EXPECTED))
    return (
        "this installation gives the answers that are expected of it: the largest difference is "
        f"{100.0 * apart:.5f} % of the largest capacity"
    )


def read_curves(path: Path) -> Curves:
    """The curves of micrographs in a ``curves.csv``, under the names of their files."""
    curves: Curves = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            curve = curves.setdefault((Path(row["name"]).name, row["capacity"]), {})
            curve[row["c_rate_per_h"]] = float(row["predicted"])
    return curves


def check_answers(answers: Curves, expected: Curves) -> float:
    """The largest difference from the answers expected, over the largest capacity of its curve.

    Raises
    ------
    InstallationError
        If that is more than half a percent, or an answer is missing.
    """
    apart = 0.0
    for (name, capacity), curve in expected.items():
        if answers.get((name, capacity), {}).keys() != curve.keys():
            raise InstallationError(
                f"{name} has no {capacity} capacities at {', '.join(curve)}C here, but should have. {_REMEDY}"
            )
        for rate, wanted in curve.items():
            said = answers[name, capacity][rate]
            share = abs(said - wanted) / max(curve.values())
            if not share <= TOLERANCE:
                raise InstallationError(
                    f"{name} should give a {capacity} capacity of {wanted:.2f} at {rate}C, but gave {said:.2f} here. "
                    f"{_REMEDY}"
                )
            apart = max(apart, share)
    return apart
