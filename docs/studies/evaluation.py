"""The runs of study 0006, one after another: campaigns, networks, errors, all simulated.

    python docs/studies/evaluation.py WORK            all of them; 0006-networks.csv and 0006-scores.csv
    python docs/studies/evaluation.py WORK RUN...     some of them, so that several machines can share the work

Everything is kept in WORK: campaigns and runs that are finished are not made again, interrupted ones go on. When the
ten networks of a run are trained (some 45 minutes on two cores), their rows are written, and those of an earlier time
replaced.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from networks_of_runs import write_rows

from ratescope.cli import main as ratescope
from ratescope.files import write_csv
from ratescope.units import CAPACITIES, RATES_PER_H

HERE = Path(__file__).parent
JOBS = ("--jobs", "2")
CAMPAIGNS = {  # the options of `ratescope lab`
    "densification": ("--design", "densification", "--seed", "1"),
    "continuum": ("--design", "continuum", "--electrodes", "40", "--seed", "2"),
    "fresh": ("--design", "continuum", "--electrodes", "40", "--seed", "5"),
    "drawn-loading": ("--design", "continuum", "--electrodes", "40", "--seed", "3", "--preset", "drawn-loading"),
}


@dataclass(frozen=True)
class Run:
    """One campaign under one protocol; the options are those of `ratescope train`."""

    name: str
    campaign: str
    options: tuple[str, ...]


RUNS = (
    Run("as-published", "densification", ("--protocol", "as-published")),
    Run("continuum", "continuum", ("--protocol", "by-electrode")),
    Run("by-specimen", "densification", ("--protocol", "by-specimen")),
    Run("by-electrode", "densification", ("--protocol", "by-electrode")),
    Run("thickness told", "drawn-loading", ("--protocol", "by-electrode", "--facts", "coating_thickness_um")),
    Run("thickness not told", "drawn-loading", ("--protocol", "by-electrode")),
)
SCORE_COLUMNS = (
    "run", "campaign", "protocol", "capacity", "part", "who", "one_value_is", "values", "mape_percent",
    "lowest_fold", "highest_fold", "mape_percent_without_small", "mae", "r2",
    *(f"mape_percent_{rate:g}C" for rate in RATES_PER_H),
)  # fmt: skip


def command(*arguments: str) -> None:
    """A command of ratescope; some refused micrographs (status 3) are part of the work."""
    if (status := ratescope(arguments)) not in {0, 3}:
        sys.exit(status)


def score_rows(folder: Path, about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per part, per who answered and per what one value is: the networks, the ladder, the oracles."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for part in ("train", "validation", "test"):
        for who, scores in metrics[part].items():
            for level in ("per_crop", "per_electrode"):
                if part == "test" or who == "network":
                    yield about | {"part": part, "who": who, "one_value_is": level} | numbers(scores[level])
    floor = folder / "floor.json"
    for who, scores in json.loads(floor.read_text(encoding="utf-8"))["oracles"].items() if floor.exists() else ():
        for level in ("per_crop", "per_electrode"):
            if level in scores:
                asked = {"part": "test", "who": f"{who} oracle", "one_value_is": level}
                yield about | asked | numbers(scores[level])


def numbers(slices: dict[str, Any]) -> dict[str, Any]:
    """The columns of one row, rounded."""
    over_folds = slices["over_folds"]["mape_percent"]
    whole = {name: slices["overall"][name] for name in ("mape_percent", "mape_percent_without_small", "mae", "r2")}
    ranges = {f"{end}_fold": over_folds[end] for end in ("lowest", "highest")}
    by_rate = {f"mape_percent_{rate}C": score["mape_percent"] for rate, score in slices["by_c_rate"].items()}
    known = {name: None if value is None else round(value, 3) for name, value in (whole | ranges | by_rate).items()}
    return known | {"values": slices["overall"]["values"]}


def write_scores(run: Run, folder: Path, capacity: str) -> None:
    target = HERE / "0006-scores.csv"
    rows = list(csv.DictReader(target.open(encoding="utf-8"))) if target.exists() else []
    kept = [row for row in rows if (row["run"], row["capacity"]) != (run.name, capacity)]
    protocol = run.options[run.options.index("--protocol") + 1]
    about = {"run": run.name, "campaign": run.campaign, "protocol": protocol, "capacity": capacity}
    write_csv(target, SCORE_COLUMNS, [*kept, *score_rows(folder / capacity, about)])


def run_of(name: str) -> Run:
    """A run by its name."""
    if name not in {run.name for run in RUNS}:
        sys.exit(f"there is no run {name!r}. Known are: {', '.join(run.name for run in RUNS)}.")
    return next(run for run in RUNS if run.name == name)


def made(name: str, work: Path) -> Path:
    """Make a campaign, as far as that was not done; where it lies."""
    campaign = work / "campaigns" / name
    command("lab", str(campaign), *CAMPAIGNS[name], *JOBS)
    return campaign


def trained(run: Run, work: Path) -> Path:
    """Make the campaign and train the networks, as far as that was not done; write their rows; where the run lies."""
    campaign, folder = made(run.campaign, work), work / "runs" / run.name.replace(" ", "-")
    command("train", str(campaign), "--out", str(folder), "--recipe", "fast", *run.options, "--resume", *JOBS)
    write_rows(HERE / "0006-networks.csv", folder)
    for capacity in CAPACITIES:
        write_scores(run, folder, capacity)
    return folder


def main(work: Path, *names: str) -> None:
    for run in [run_of(name) for name in names] or RUNS:
        trained(run, work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
