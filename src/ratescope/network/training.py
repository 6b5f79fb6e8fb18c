"""Training one network (section 2.6): a plain loop that can be killed at any moment and goes on bit for bit.

A folder holds one training: ``resume/state.safetensors`` while it runs, then ``history.csv`` and, last of all,
``weights.safetensors``. Chance is keyed by seed, step and place in the batch, so that no generator's state needs
keeping, and several processes draw what one would (`ratescope.network.team`). The loop is in `learning`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratescope.errors import TrainingError
from ratescope.facts import Facts
from ratescope.files import prepare_folder, remove_halves, write_csv
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.checkpoint import NetworkCard, load_network, round_weights, save_network
from ratescope.network.learning import arithmetic, chance, learn
from ratescope.network.message import from_message, to_message
from ratescope.network.parts import check_parts
from ratescope.network.progress import (
    HISTORY_COLUMNS,
    Progress,
    check_same_training,
    read_progress,
    start_progress,
    write_progress,
)
from ratescope.network.team import ALONE, Team
from ratescope.network.training_set import TrainingSet, fingerprint
from ratescope.records import OnProgress, no_progress
from ratescope.settings import Settings
from ratescope.units import Capacity

_LEAST_SPREAD = 0.01  # of the mean capacity: our choice, where all electrodes agree, as at 0.2C, one can still be wrong


def train_network(
    crops: NDArray[np.uint8],
    curves: NDArray[np.float64],
    *,
    train: NDArray[np.int_],
    validation: NDArray[np.int_],
    settings: Settings,
    capacity: Capacity,
    c_rates_per_h: NDArray[np.float64] | tuple[float, ...],
    folder: Path,
    resume: bool = False,
    facts: Facts | None = None,
    start_from: RateNetwork | None = None,
    trained_on: str = "not stated",
    simulated: bool = False,
    team: Team = ALONE,
    on_progress: OnProgress = no_progress,
) -> RateNetwork:
    """Train one network; it ends, in evaluation mode, as returned and as ``folder/weights.safetensors``.

    Parameters
    ----------
    crops : uint8 array, shape (n, 224, 672, 3)
    curves : float array, shape (n, rates)
        The rate curve that belongs to each crop, in Ah/kg or Ah/L.
    train, validation : int array
        Which crops to learn from, and which to stop by.
    resume : bool
        Go on where an earlier call with the same input stopped; if it had finished, return what it found.
    facts : mapping of name to float array, shape (n,), optional
        Scalar inputs beside the crop.
    start_from : RateNetwork, optional
        Start from its weights, and from the scalings of its output and facts, in whose units they speak; that of the
        input is fitted anew, as another camera sees other colours (decision 0030).
    trained_on : str
        In words, for the card; what is simulated is called simulated.
    simulated : bool
        Whether the crops or the curves are.
    team : Team
        Who trains together (`ratescope.network.team.team_of`); on CPUs, each process normalises its part of a batch.

    Raises
    ------
    TrainingError
        If the input cannot be learned from, the folder holds another training, the loss is not finite, or the team
        cannot share out a batch.
    OutputError
        If the disk is full, or the folder cannot be written.
    """
    keep_large_blocks()
    rates = tuple(float(rate) for rate in c_rates_per_h)
    given = TrainingSet(crops, np.asarray(curves, np.float64), rates, train, validation, facts or {})
    identity = fingerprint(given, settings, capacity, start_from)
    prepare_folder(folder)
    remove_halves(folder, folder / "resume")
    if (finished := _finished(folder, identity, resume=resume)) is not None:
        return finished
    parts = team.size if team.device.type == "cpu" else 1
    progress = start_progress(new_network(given, settings, start_from), settings.train, identity, parts)
    state = folder / "resume" / "state.safetensors"
    if state.exists():
        read_progress(state, progress)
    check_parts(progress.parts, min(settings.train.batch, len(given.train)), team)
    if team.size > 1:
        team.share(to_message(given, progress, settings))
    keep = _keeper(progress, state, settings.train.checkpoint_every_s)
    learn(given, progress, settings, team=team, keep=keep, on_progress=on_progress)
    network = _best_network(given, progress, settings)
    card = NetworkCard(
        capacity,
        rates,
        given.mean_colour,
        facts=tuple(given.facts),
        fact_ranges=given.fact_ranges,
        trained_on=trained_on,
        simulated=simulated,
        arithmetic=_arithmetic_in_words(progress, settings, team),
        seed=settings.train.seed,
        fingerprint=identity,
    )
    rows = [dict(zip(HISTORY_COLUMNS, row, strict=True)) for row in progress.history]
    write_csv(folder / "history.csv", HISTORY_COLUMNS, rows)
    save_network(folder / "weights.safetensors", network, card)
    return network


def new_network(given: TrainingSet, settings: Settings, start_from: RateNetwork | None = None) -> RateNetwork:
    """A network before its first step, with the scalings of its input and output fitted to the training crops.

    Where it starts from another one, that of the input alone (decision 0030).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chance(settings.train.seed, "weights").integers(2**63))
        network = RateNetwork(settings.network, rates=given.curves.shape[1], facts=len(given.facts))
    if start_from is None:
        _fit_scalings(network, given, settings)
    else:
        _take_over(start_from, network)
    _fill(network.input_mean, given.mean_colour)
    _fill(network.input_scale, np.maximum(given.colour_spread, 1.0))  # a uniform crop must not divide by zero
    return network


def _fit_scalings(network: RateNetwork, given: TrainingSet, settings: Settings) -> None:
    """Write mean and spread of the training part's facts and curves into the network's buffers."""
    curves, facts = given.curves[given.train], given.fact_table(given.train)
    if settings.train.output_unit == "spread":
        is_linear = settings.network.output == "linear"
        said = curves if is_linear else np.log(curves)
        least = _LEAST_SPREAD * (curves.mean(axis=0) if is_linear else 1.0)
        _fill(network.output_offset, said.mean(axis=0))
        _fill(network.output_scale, np.maximum(said.std(axis=0), least))
    if given.facts:
        _fill(network.fact_mean, facts.mean(axis=0))
        _fill(network.fact_scale, np.where(facts.std(axis=0) > 0, facts.std(axis=0), 1.0))


def _finished(folder: Path, identity: str, *, resume: bool) -> RateNetwork | None:
    """The network of a training that had ended here; None if there is still something to do."""
    weights = folder / "weights.safetensors"
    if not resume and (weights.exists() or (folder / "resume" / "state.safetensors").exists()):
        raise TrainingError(f"{folder}: holds a training already. Go on with --resume, or train into another --out.")
    if not weights.exists():
        return None
    network, card = load_network(weights)
    check_same_training(weights, card.fingerprint, identity)
    return network


def _take_over(source: RateNetwork, network: RateNetwork) -> None:
    """Copy the weights of another network, and what its batch norms counted."""
    if source.settings.output != network.settings.output:
        raise TrainingError(
            f"the network to start from has the output {source.settings.output!r}, but the recipe asks for "
            f"{network.settings.output!r}. Take over its [network] settings, or train without --start-from."
        )
    try:
        network.load_state_dict(source.state_dict())
    except RuntimeError as error:
        raise TrainingError(
            "the network to start from has another architecture or other C-rates than the recipe asks for. "
            "Take over its [network] settings, or train without --start-from."
        ) from error


def _fill(buffer: Tensor, values: NDArray[np.float64] | tuple[float, ...]) -> None:
    buffer.copy_(torch.as_tensor(values))


def _keeper(progress: Progress, state: Path, every_s: float) -> Callable[[], None]:
    """Writes the state where the last one is old: at once, so that a full disk is noticed before an hour is spent."""
    written_at = -math.inf

    def keep() -> None:
        nonlocal written_at
        if time.monotonic() - written_at >= every_s:
            write_progress(state, progress)
            written_at = time.monotonic()

    return keep


def _best_network(given: TrainingSet, progress: Progress, settings: Settings) -> RateNetwork:
    """A network with the best weights (section 2.6: recovery), rounded to what a file holds."""
    with torch.random.fork_rng(devices=[]):
        network = RateNetwork(settings.network, rates=len(given.c_rates_per_h), facts=len(given.facts))
    network.load_state_dict(progress.best)
    round_weights(network)
    return network.eval()


def _arithmetic_in_words(progress: Progress, settings: Settings, team: Team) -> str:
    apart = f", batches normalised in {progress.parts} parts" if progress.parts > 1 else ""
    return arithmetic(settings, team) + apart


def help_out(team: Team) -> None:
    """What a helper does: work on its part of each training that the first process begins, until there is no more."""
    keep_large_blocks()
    while content := team.share():
        given, progress, settings = from_message(content)
        learn(given, progress, settings, team=team)
