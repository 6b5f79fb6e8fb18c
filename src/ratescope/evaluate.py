"""How good a run is: its metrics beside those of the baselines, and a report that reads without help."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ratescope.errors import InputError
from ratescope.evaluation.metrics import metrics
from ratescope.evaluation.run_report import CapacityRun, RunSummary, training_report
from ratescope.files import write_json, write_text
from ratescope.predict import LIMITS
from ratescope.records import OnProgress, no_progress
from ratescope.run_folder import read_inputs
from ratescope.settings import read_settings, to_toml
from ratescope.units import CAPACITIES, Capacity


def evaluate_run(run: Path, *, on_progress: OnProgress = no_progress) -> list[Path]:
    """Work out ``metrics.json`` and ``report.html`` of a run from its predictions; returns what was written.

    Raises
    ------
    InputError
        If the run is not finished.
    """
    parts = [capacity for capacity in CAPACITIES if (run / capacity / "fold_predictions.csv").is_file()]
    if not parts:
        raise InputError(
            f"{run} has no fold_predictions.csv under specific/ or density/: it is no finished run. "
            "Finish it with `ratescope train … --resume`."
        )
    evaluated = []
    for done, capacity in enumerate(parts, start=1):
        evaluated.append(_evaluate_capacity(run / capacity, capacity))
        on_progress(done, len(parts), "capacities evaluated")
    write_text(run / "report.html", training_report(_summary(run / parts[0], evaluated)))
    return [run / "report.html", *(run / capacity / "metrics.json" for capacity in parts)]


def _evaluate_capacity(folder: Path, capacity: Capacity) -> CapacityRun:
    inputs = read_inputs(folder)
    names = {"electrode": str, "specimen": str, "file": str}
    table = pd.read_csv(folder / "fold_predictions.csv", dtype=names)
    baselines = pd.read_csv(folder / "baseline_predictions.csv", dtype=names)
    electrodes: Mapping[str, Any] = inputs["electrodes"]
    said = metrics(
        table,
        capacity,
        theoretical={name: facts["theoretical"][capacity] for name, facts in electrodes.items()},
        ladder={str(name): rung for name, rung in baselines.groupby("baseline")},
        cell_scatter={float(rate): spread for rate, spread in inputs["cell_scatter"][capacity].items()},
        porosity_of={name: facts["porosity"] for name, facts in electrodes.items() if facts["porosity"] is not None},
    )
    write_json(folder / "metrics.json", said | {"inputs": inputs["files"], "versions": inputs["versions"]})
    histories = {
        path.parent.name.replace("_", " "): pd.read_csv(path) for path in sorted(folder.glob("fold_*/history.csv"))
    }
    floor = folder / "floor.json"
    oracles = json.loads(floor.read_text(encoding="utf-8"))["oracles"] if floor.is_file() else {}
    return CapacityRun(capacity, said, table, histories, oracles)


def _summary(folder: Path, evaluated: Sequence[CapacityRun]) -> RunSummary:
    inputs = read_inputs(folder)
    settings = read_settings(folder / "settings.toml")
    electrodes: Mapping[str, Any] = inputs["electrodes"]
    in_order = sorted(electrodes, key=lambda name: (-(electrodes[name]["porosity"] or 0.0), name))
    return RunSummary(
        campaign=inputs["name"],
        learned_from=inputs["learned_from"],
        protocol=settings.folds.protocol,
        capacities=tuple(evaluated),
        settings_text=to_toml(settings),
        simulated=inputs["simulated"],
        remarks=tuple(inputs["remarks"]),
        name_of={name: electrodes[name]["shown_as"] for name in in_order},
        limits=LIMITS,
    )
