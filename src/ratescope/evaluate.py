"""How good a run is: its metrics beside those of the baselines, and a report that reads without help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ratescope.errors import InputError
from ratescope.evaluation.implied_porosity import IMPLIED_COLUMNS, implied_porosity, implied_porosity_scores
from ratescope.evaluation.ladder import LADDER
from ratescope.evaluation.metrics import metrics
from ratescope.evaluation.run_report import CapacityRun, RunSummary, training_report
from ratescope.files import read_json, write_csv, write_json, write_text
from ratescope.model import LIMITS
from ratescope.network.progress import HISTORY_COLUMNS
from ratescope.records import OnProgress, no_progress
from ratescope.run_folder import check_is_run, provenance, read_inputs
from ratescope.settings import read_settings, to_toml
from ratescope.units import CAPACITIES, RATES_PER_H, Capacity

_WITHOUT_ORACLES = "Copy the run again, or remove this file to do without the oracles."
_AGAIN = "Copy the run again; `ratescope train … --resume` writes its predictions again."


def evaluate_run(run: Path, *, on_progress: OnProgress = no_progress) -> list[Path]:
    """Work out ``metrics.json`` and ``report.html`` of a run from its predictions; returns what was written.

    Raises
    ------
    InputError
        If there is no such run, it is not finished, or its tables are damaged.
    """
    check_is_run(run)
    parts = [capacity for capacity in CAPACITIES if (run / capacity / "fold_predictions.csv").is_file()]
    if not parts:
        raise InputError(
            f"{run} has no fold_predictions.csv under specific/ or density/: it is no finished run. "
            "Finish it with `ratescope train … --resume`."
        )
    for capacity in parts:
        _check_whole(run / capacity)
    implied = _implied_porosity(run)
    implied_scores = None if implied is None else implied_porosity_scores(implied)
    evaluated = []
    for done, capacity in enumerate(parts, start=1):
        evaluated.append(_evaluate_capacity(run / capacity, capacity, implied_scores))
        on_progress(done, len(parts), "capacities evaluated")
    report = training_report(_summary(run / parts[0], evaluated, implied))  # all is known before anything is replaced
    for part in evaluated:
        write_json(run / part.capacity / "metrics.json", {**part.metrics, **provenance(run / part.capacity)})
    written = [run / "report.html", *(run / capacity / "metrics.json" for capacity in parts)]
    if implied is not None:
        rows = [dict(zip(IMPLIED_COLUMNS, row, strict=True)) for row in implied.itertuples(index=False)]
        write_csv(run / "implied_porosity.csv", IMPLIED_COLUMNS, rows)
        written.append(run / "implied_porosity.csv")
    write_text(run / "report.html", report)
    return written


def _check_whole(folder: Path) -> None:
    """Refuse predictions that lost rows: scores of the others would look like the run's."""
    crops, trained = _read_table(folder / "folds.csv", "fold"), read_settings(folder / "settings.toml").folds.only
    wanted = len(RATES_PER_H) * (int(crops["fold"].isin(trained).sum()) if trained else len(crops))
    by_network = _read_table(folder / "fold_predictions.csv", "network").dropna(subset=["network"])
    rungs = _read_table(folder / "baseline_predictions.csv", "baseline").groupby("baseline").size()
    rows = {"network": len(by_network), **{str(name): int(count) for name, count in rungs.items()}}
    if cut := [who for who, count in rows.items() if count != wanted]:
        raise InputError(
            f"{folder} holds {rows[cut[0]]} whole rows that were predicted by {cut[0]}, but its folds.csv asks for "
            f"{wanted}. {_AGAIN}"
        )


def _read_table(path: Path, *columns: str) -> pd.DataFrame:
    kinds = {"electrode": str, "specimen": str, "file": str, "measured": float, "predicted": float}
    try:
        table = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])  # an electrode may be called NA
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}). {_AGAIN}") from error
    if missing := [column for column in columns if column not in table]:
        raise InputError(f"{path} lacks the column {missing[0]!r}. {_AGAIN}")
    return table


def _implied_porosity(run: Path) -> pd.DataFrame | None:
    """What the networks for both capacities imply together; None where there is one of them only."""
    predictions = [run / capacity / "fold_predictions.csv" for capacity in CAPACITIES]
    if not all(path.is_file() for path in (*predictions, run / "crops.csv")):
        return None
    solid = read_inputs(run / "specific")["solid_active_kg_per_l"]
    specific, density = map(_read_table, predictions)
    return implied_porosity(specific, density, _read_table(run / "crops.csv"), solid_active_kg_per_l=solid)


def _evaluate_capacity(folder: Path, capacity: Capacity, implied_scores: Mapping[str, Any] | None) -> CapacityRun:
    inputs = read_inputs(folder)
    table = _read_table(folder / "fold_predictions.csv")
    baselines = _read_table(folder / "baseline_predictions.csv")
    rungs = {str(name): rung for name, rung in baselines.groupby("baseline")}
    electrodes: Mapping[str, Any] = inputs["electrodes"]
    said = metrics(
        table,
        capacity,
        theoretical={name: facts["theoretical"][capacity] for name, facts in electrodes.items()},
        ladder={name: rungs[name] for name in (*LADDER, *rungs) if name in rungs},  # from the bottom up
        cell_scatter={float(rate): spread for rate, spread in inputs["cell_scatter"][capacity].items()},
        porosity_of={name: facts["porosity"] for name, facts in electrodes.items() if facts["porosity"] is not None},
    )
    if implied_scores is not None:
        said |= {"implied_porosity": implied_scores}
    histories = {
        path.parent.name.replace("_", " "): _read_table(path, *HISTORY_COLUMNS)
        for path in sorted(folder.glob("fold_*/history.csv"))
    }
    floor = folder / "floor.json"
    oracles = read_json(floor, "oracles", remedy=_WITHOUT_ORACLES)["oracles"] if floor.is_file() else {}
    return CapacityRun(capacity, said, table, histories, oracles)


def _summary(folder: Path, evaluated: Sequence[CapacityRun], implied: pd.DataFrame | None) -> RunSummary:
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
        implied=implied,
    )
