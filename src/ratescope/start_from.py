"""What a training starts from: the networks of another run, fold by fold, and what these have seen."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratescope.campaign.hashes import file_hash
from ratescope.errors import CheckpointError, InputError, LeakError, TrainingError
from ratescope.network.checkpoint import load_network
from ratescope.network.ensemble import weights_by_fold
from ratescope.records import Fold
from ratescope.run_folder import check_is_run, check_trained, read_inputs
from ratescope.settings import NetworkSettings, Settings
from ratescope.units import RATES_PER_H, Capacity


def weights_to_start_from(run: Path, capacity: Capacity, settings: Settings) -> list[Path]:
    """The networks of a run, all of which can be started from; looked at before anything is read or written.

    Raises
    ------
    InputError
        If there is no such run, or it is not finished, or has no networks for the capacity.
    CheckpointError
        If one of them predicts, reads or is something else than what is to be trained.
    """
    check_is_run(run)
    check_trained(run)
    found = weights_by_fold(run / capacity)
    if not found:
        raise InputError(
            f"{run} has no trained networks for {capacity}, so there is nothing to start from. "
            "Name a run that has, or train only the --capacity that it has."
        )
    for path in found:
        _check_fits(path, capacity, settings)
    return found


def start_of_fold(found: Sequence[Path], number: int) -> Path | None:
    """The network that a fold starts from: of the same number, or, where there is none, in turn; None without any."""
    same = [path for path in found if path.parent.name == f"fold_{number}"]
    return same[0] if same else found[number % len(found)] if found else None


def check_unseen(found: Sequence[Path], folds: Sequence[Fold], hashes: Mapping[str, str]) -> None:
    """Refuse networks that learned from, or were stopped by, what they would be tested on.

    Parameters
    ----------
    hashes : of the campaign's micrographs, by name

    Raises
    ------
    LeakError
        If one did. Micrographs are known by their content, whatever they are called.
    """
    for number, fold in enumerate(folds):
        path = start_of_fold(found, number)
        if path is None:
            continue
        crop_by_crop = fold.unit == "crop"
        known = _seen_by(path, crop_by_crop=crop_by_crop)
        for crop in sorted(fold.test):
            if (hashes[crop.file], crop.section if crop_by_crop else None) in known:
                raise LeakError(
                    f"fold {number} tests {crop.file}, from which {path.parent} learned: its error would not be one on "
                    "what was held out. Start from a run with the same protocol and folds, or of another campaign."
                )


def _seen_by(path: Path, *, crop_by_crop: bool) -> set[tuple[str, int | None]]:
    """Micrographs by content, and sections where these count, of the training and validation part of a network."""
    folder = path.parents[1]
    if not (folder / "campaign.json").is_file():  # weights alone
        return set()
    hashes: Mapping[str, str] = read_inputs(folder)["files"]
    try:
        with (folder / "folds.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if path.parent.name == f"fold_{row['fold']}"]
        return {
            (hashes[row["file"]], int(row["section"]) if crop_by_crop else None)
            for row in rows
            if row["part"] != "test"
        }
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{folder / 'folds.csv'} cannot be read ({error!r}), so that what its networks saw is not known. "
            "Copy the run again, or train without --start-from."
        ) from error


def remembered(found: Sequence[Path]) -> dict[str, Any]:
    """What ``campaign.json`` keeps of the start: which run, and the hash of each network's weights."""
    if not found:
        return {}
    run = found[0].parents[2]
    weights = {path.parent.name: file_hash(path) for path in found}
    return {"started_from": {"run": str(run.resolve()), "capacity": found[0].parents[1].name, "weights": weights}}


def start_remarks(found: Sequence[Path]) -> list[str]:
    """For the report: a network that does not start at random has learned from more than the campaign at hand."""
    if not found:
        return []
    run, own = found[0].parents[2].resolve().name, found[0].parents[1]
    said = read_inputs(own)["learned_from"] if (own / "campaign.json").is_file() else "what is not known"
    return [f"The networks did not start at random, but from those of the run {run}, which learned from {said}."]


def _check_fits(path: Path, capacity: Capacity, settings: Settings) -> None:
    """Compare what a network is with what is to be trained: numbers of the same shape may mean something else."""
    network, card = load_network(path)
    reads, shall_read = (", ".join(("crops", *names)) for names in (card.facts, settings.train.facts))
    for seen, asked, remedy in (
        (f"predicts {card.capacity}", f"predicts {capacity}", f"Name a run whose {capacity}/ holds its own networks"),
        (f"predicts at {_c_rates(card.c_rates_per_h)}", f"predicts at {_c_rates(RATES_PER_H)}", "Name another run"),
        (f"reads {reads}", f"reads {shall_read}", "Ask for the same facts (--facts)"),
        (
            _layers(network.settings),
            _layers(settings.network),
            "Take over the [network] settings of its run into the recipe",
        ),
    ):
        if seen != asked:
            raise CheckpointError(
                f"{path} {seen}, but what is to be trained {asked}. {remedy}, or train without --start-from."
            )


def _c_rates(rates_per_h: Sequence[float]) -> str:
    return ", ".join(f"{rate!r}C" for rate in rates_per_h)


def _layers(settings: NetworkSettings) -> str:
    filters, hidden = (" ".join(map(str, counts)) for counts in (settings.filters, settings.hidden))
    return (
        f"has {filters} filters, {hidden} hidden units, a {settings.output} output and sees "
        f"1/{settings.input_reduction} of the resolution"
    )
