"""Training one network (section 2.6): a plain loop that can be killed at any moment and goes on bit for bit.

A folder holds one training: ``resume/state.safetensors`` while it runs, then ``history.csv`` and, last of all,
``weights.safetensors``. Chance is keyed by seed and step, so that no generator's state needs keeping.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratescope.errors import TrainingError
from ratescope.files import prepare_folder, write_csv
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.augmentation import draw_moves, moved
from ratescope.network.checkpoint import NetworkCard, load_network, round_weights, save_network
from ratescope.network.loss import kernel_l2, mape
from ratescope.network.optimiser import learning_rate, warm_up_steps
from ratescope.network.progress import (
    HISTORY_COLUMNS,
    Progress,
    check_same_training,
    read_progress,
    start_progress,
    write_progress,
)
from ratescope.network.training_set import Facts, TrainingSet, fingerprint
from ratescope.records import OnProgress, no_progress
from ratescope.settings import Settings
from ratescope.units import Capacity

_STEPS_PER_EPOCH = 6  # section 2.6; small sets are gone through several times per epoch, so that patience means as much
_LEAST_SPREAD = 0.01  # of the mean capacity: our choice, where all electrodes agree, as at 0.2C, one can still be wrong
_CROPS_AT_ONCE = 2  # in validation: our choice, eight take as long per crop and four times the memory


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
        Start from its weights; the scalings of input and output are fitted anew.
    trained_on : str
        In words, for the card; what is simulated is called simulated.
    simulated : bool
        Whether the crops or the curves are.

    Raises
    ------
    TrainingError
        If the input cannot be learned from, the folder holds another training, or the loss is not finite.
    """
    keep_large_blocks()
    rates = tuple(float(rate) for rate in c_rates_per_h)
    given = TrainingSet(crops, np.asarray(curves, np.float64), rates, train, validation, facts or {})
    identity = fingerprint(given, settings, capacity, start_from)
    prepare_folder(folder)
    if (finished := _finished(folder, identity, resume=resume)) is not None:
        return finished
    progress = start_progress(new_network(given, settings, start_from), settings.train, identity)
    state = folder / "resume" / "state.safetensors"
    if state.exists():
        read_progress(state, progress)
    _learn(given, progress, settings, state, on_progress)
    network = _best_network(progress)
    card = NetworkCard(
        capacity,
        rates,
        given.mean_colour,
        facts=tuple(given.facts),
        trained_on=trained_on,
        simulated=simulated,
        arithmetic=arithmetic(settings),
        seed=settings.train.seed,
        fingerprint=identity,
    )
    rows = [dict(zip(HISTORY_COLUMNS, row, strict=True)) for row in progress.history]
    write_csv(folder / "history.csv", HISTORY_COLUMNS, rows)
    save_network(folder / "weights.safetensors", network, card)
    return network


def new_network(given: TrainingSet, settings: Settings, start_from: RateNetwork | None = None) -> RateNetwork:
    """A network before its first step, with the scalings of its input and output fitted to the training crops."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_chance(settings.train.seed, "weights").integers(2**63))
        network = RateNetwork(settings.network, rates=given.curves.shape[1], facts=len(given.facts))
    if start_from is not None:
        _take_over(start_from, network)
    _fit_scalings(network, given, settings)
    return network


def _fit_scalings(network: RateNetwork, given: TrainingSet, settings: Settings) -> None:
    """Write mean and spread of the training crops, their facts and their curves into the network's buffers."""
    _fill(network.input_mean, given.mean_colour)
    _fill(network.input_scale, np.maximum(given.colour_spread, 1.0))  # a uniform crop must not divide by zero
    curves, facts = given.curves[given.train], given.fact_table(given.train)
    if settings.train.output_unit == "spread":
        _fill(network.output_offset, curves.mean(axis=0))
        _fill(network.output_scale, np.maximum(curves.std(axis=0), _LEAST_SPREAD * curves.mean(axis=0)))
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


def _learn(given: TrainingSet, progress: Progress, settings: Settings, state: Path, on_progress: OnProgress) -> None:
    """Step by step to the end: of the steps, or of the patience."""
    reduced = _reduced(given.crops[given.train], settings.network.input_reduction)
    epoch_steps = steps_per_epoch(len(given.train), settings.train.batch)
    written_at = -math.inf  # at once, so that a full disk is noticed before an hour is spent
    while progress.steps < settings.train.max_steps and progress.epochs_since_best < settings.train.patience_epochs:
        if time.monotonic() - written_at >= settings.train.checkpoint_every_s:
            write_progress(state, progress)
            written_at = time.monotonic()
        rate = learning_rate(progress.steps, settings.train)
        progress.count_step(*_step(given, reduced, progress, settings))
        if progress.steps % epoch_steps == 0 or progress.steps == settings.train.max_steps:
            error = validation_mape(progress.network, given)
            _check_finite(error, "validation MAPE", progress.steps, settings)
            # Before the warm-up ends, a network says the mean curve, which may look best by luck: our choice.
            counts = progress.steps >= warm_up_steps(settings.train)
            progress.close_epoch(math.ceil(progress.steps / epoch_steps), rate, error, counts=counts)
        best = f"best validation MAPE {progress.best_mape:.1f} %" if math.isfinite(progress.best_mape) else "warming up"
        on_progress(progress.steps, settings.train.max_steps, best)


def _step(
    given: TrainingSet, reduced: NDArray[np.uint8], progress: Progress, settings: Settings
) -> tuple[float, float]:
    """One update; its loss and its MAPE in %."""
    seed, step, network = settings.train.seed, progress.steps, progress.network
    rows = batch_rows(len(given.train), settings.train.batch, seed, step)
    reduction = settings.network.input_reduction
    moves = draw_moves(len(rows), settings.augmentation, seed=seed, step=step)
    crops = moved(reduced[rows], [move.at_reduction(reduction) for move in moves])
    measured, facts = _curves_and_facts(given, given.train[rows])
    network.train()
    progress.optimiser.zero_grad()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_chance(seed, "dropout", step).integers(2**63))
        with torch.autocast("cpu", torch.bfloat16, enabled=arithmetic(settings) == "bfloat16"):
            activation = network.activation_of_reduced(crops)
        error = mape(network.head(network.pool(activation), facts), measured)
    loss = error + settings.train.l2 * kernel_l2(network)
    _check_finite(loss.item(), "loss", step, settings)
    torch.autograd.backward(loss)
    progress.optimiser.step()
    return loss.item(), error.item()


def validation_mape(network: RateNetwork, given: TrainingSet) -> float:
    """MAPE in % over the validation part, in float32, crops as they are."""
    network.eval()
    errors = []
    with torch.no_grad():
        for start in range(0, len(given.validation), _CROPS_AT_ONCE):
            rows = given.validation[start : start + _CROPS_AT_ONCE]
            crops = torch.from_numpy(given.crops[rows]).permute(0, 3, 1, 2).float()
            measured, facts = _curves_and_facts(given, rows)
            errors.append(mape(network(crops, facts), measured).item() * len(rows))
    return sum(errors) / len(given.validation)


def _check_finite(value: float, what: str, step: int, settings: Settings) -> None:
    if not math.isfinite(value):
        highest = settings.train.highest_rate
        raise TrainingError(f"the {what} became {value} at step {step}. Lower train.highest_rate, now {highest}.")


def _curves_and_facts(given: TrainingSet, rows: NDArray[np.int_]) -> tuple[Tensor, Tensor | None]:
    measured = torch.from_numpy(given.curves[rows]).float()
    return measured, torch.from_numpy(given.fact_table(rows)).float() if given.facts else None


def batch_rows(crops: int, batch: int, seed: int, step: int) -> NDArray[np.int_]:
    """Which of the training crops a step sees: each pass has its own order, its incomplete last batch is dropped."""
    batch = min(batch, crops)
    passed, place = divmod(step, crops // batch)
    order = _chance(seed, "order", passed).permutation(crops)
    return order[place * batch : (place + 1) * batch]


def steps_per_epoch(crops: int, batch: int) -> int:
    """As many full batches as there are; where they are fewer than six, several passes make an epoch."""
    steps_per_pass = crops // min(batch, crops)
    return steps_per_pass * math.ceil(_STEPS_PER_EPOCH / steps_per_pass)


def _chance(seed: int, what: str, number: int = 0) -> np.random.Generator:
    """A generator of its own for each purpose and step."""
    return np.random.default_rng([seed, number, *what.encode()])


def _reduced(crops: NDArray[np.uint8], reduction: int) -> NDArray[np.uint8]:
    """Crops averaged r × r, rounded to whole grey levels."""
    if reduction == 1:
        return crops
    n, rows, columns, colours = crops.shape
    squares = crops.reshape(n, rows // reduction, reduction, columns // reduction, reduction, colours)
    return np.stack([square.mean(axis=(1, 3)).round().astype(np.uint8) for square in squares])


def arithmetic(settings: Settings) -> Literal["bfloat16", "float32"]:
    """What convolutions are trained in on this CPU: without AVX-512, bfloat16 is ten times slower than float32."""
    is_fast = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "bfloat16" if settings.train.autocast_bf16 and is_fast else "float32"


def _take_over(source: RateNetwork, network: RateNetwork) -> None:
    """Copy the weights of another network, and what its batch norms counted."""
    try:
        network.load_state_dict(source.state_dict())
    except RuntimeError as error:
        raise TrainingError(
            "the network to start from has another architecture or other C-rates than the recipe asks for. "
            "Take over its [network] settings, or train without --start-from."
        ) from error


def _fill(buffer: Tensor, values: NDArray[np.float64] | tuple[float, ...]) -> None:
    buffer.copy_(torch.as_tensor(values))


def _best_network(progress: Progress) -> RateNetwork:
    """The network with its best weights (section 2.6: recovery), rounded to what a file holds."""
    progress.network.load_state_dict(progress.best)
    round_weights(progress.network)
    return progress.network.eval()
