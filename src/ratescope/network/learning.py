"""The loop of section 2.6: step by step to the end of the steps, or of the patience.

It is the same in every process of a team, and what decides when it ends is the same there to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratescope.errors import TrainingError
from ratescope.network.adversarial import disturbed
from ratescope.network.architecture import RateNetwork
from ratescope.network.augmentation import draw_lamps, draw_moves, moved, relit
from ratescope.network.loss import kernel_l1, kernel_l2, mape
from ratescope.network.optimiser import learning_rate, warm_up_steps
from ratescope.network.parts import add_up_parts, dropout_of, own_parts, pieces_of
from ratescope.network.progress import Progress
from ratescope.network.team import ALONE, Team
from ratescope.network.training_set import TrainingSet
from ratescope.records import OnProgress, no_progress
from ratescope.settings import Settings

_STEPS_PER_EPOCH = 6  # section 2.6; small sets are gone through several times per epoch, so that patience means as much
_CROPS_AT_ONCE = 2  # in validation: our choice, eight take as long per crop and four times the memory


def learn(
    given: TrainingSet,
    progress: Progress,
    settings: Settings,
    *,
    team: Team = ALONE,
    keep: Callable[[], None] = lambda: None,
    on_progress: OnProgress = no_progress,
) -> None:
    """Bring a training to its end.

    Parameters
    ----------
    keep : function
        Called between steps, to write how far it is.

    Raises
    ------
    TrainingError
        If loss or validation error are not finite.
    """
    network = _on_device(progress, team)
    reduced = _reduced(given.crops[given.train], settings.network.input_reduction)
    epoch_steps = steps_per_epoch(len(given.train), settings.train.batch)
    while progress.steps < settings.train.max_steps and progress.epochs_since_best < settings.train.patience_epochs:
        keep()
        rate = learning_rate(progress.steps, settings.train)
        progress.count_step(*_step(given, reduced, progress, settings, team))
        if progress.steps % epoch_steps == 0 or progress.steps == settings.train.max_steps:
            error = validation_mape(network, given, team)
            _check_finite(error, "validation MAPE", progress.steps, settings)
            # Before the warm-up ends, a network says the mean curve, which may look best by luck: our choice.
            counts = progress.steps >= warm_up_steps(settings.train)
            progress.close_epoch(math.ceil(progress.steps / epoch_steps), rate, error, counts=counts)
        best = f"best validation MAPE {progress.best_mape:.1f} %" if math.isfinite(progress.best_mape) else "warming up"
        on_progress(progress.steps, settings.train.max_steps, best)


def _on_device(progress: Progress, team: Team) -> RateNetwork:
    """The network where this process computes; where GPUs work on pieces of a part, their batch norms compare all."""
    if team.device.type != "cpu":
        progress.move_to(team.device)
        if pieces_of(progress.parts, team) > progress.parts:
            nn.SyncBatchNorm.convert_sync_batchnorm(progress.network)  # type: ignore[no-untyped-call]
    return progress.network


def _step(
    given: TrainingSet, reduced: NDArray[np.uint8], progress: Progress, settings: Settings, team: Team
) -> tuple[float, float]:
    """One update; its loss and its MAPE in %."""
    train, step, network = settings.train, progress.steps, progress.network
    rows = batch_rows(len(given.train), train.batch, train.seed, step)
    drawn = draw_moves(len(rows), settings.augmentation, seed=train.seed, step=step)
    moves = [move.at_reduction(settings.network.input_reduction) for move in drawn]
    light = settings.augmentation.light
    lamps = draw_lamps(len(rows), light, seed=train.seed, step=step) if light else None
    reach = _noise_reach(given, len(rows), step, settings) if train.adversarial_noise else None

    def work(part: slice) -> tuple[float, float]:
        measured, facts = _curves_and_facts(given, given.train[rows[part]], team)

        def error_of(crops: Tensor) -> Tensor:
            with torch.autocast(team.device.type, torch.bfloat16, enabled=arithmetic(settings, team) == "bfloat16"):
                activation = network.activation_of_reduced(crops)
            with torch.random.fork_rng(devices=[]), dropout_of(part, len(rows), network):
                torch.manual_seed(chance(train.seed, "dropout", step).integers(2**63))
                return mape(network.head(network.pool(activation), facts), measured)

        crops = moved(reduced[rows[part]], moves[part])
        crops = (crops if lamps is None else relit(crops, lamps[part])).to(team.device)
        if reach is not None:
            crops = disturbed(network, crops, error_of, reach[part].to(team.device))
        error = error_of(crops)
        share = len(rows[part]) / len(rows)
        loss = error + train.l2 * kernel_l2(network) + train.l1 * kernel_l1(network)
        torch.autograd.backward(share * loss)
        return share * loss.item(), share * error.item()

    network.train()
    progress.optimiser.zero_grad()
    loss, error = add_up_parts(network, own_parts(len(rows), progress.parts, team), work, team)
    _check_finite(loss, "loss", step, settings)
    progress.optimiser.step()
    return loss, error


def _noise_reach(given: TrainingSet, batch: int, step: int, settings: Settings) -> Tensor:
    """How far the pixels of each crop of a batch are moved, in grey levels: drawn up to the bound (section 3.2)."""
    bound = settings.train.adversarial_noise * float(np.mean(given.mean_colour))
    return torch.from_numpy(chance(settings.train.seed, "noise", step).uniform(0.0, bound, batch)).float()


def validation_mape(network: RateNetwork, given: TrainingSet, team: Team = ALONE) -> float:
    """MAPE in % over the validation part, in float32, crops as they are; each process of a team takes some crops."""
    network.eval()
    errors = []
    with torch.no_grad():
        for start in range(team.rank * _CROPS_AT_ONCE, len(given.validation), team.size * _CROPS_AT_ONCE):
            rows = given.validation[start : start + _CROPS_AT_ONCE]
            crops = torch.from_numpy(given.crops[rows]).permute(0, 3, 1, 2).float().to(team.device)
            measured, facts = _curves_and_facts(given, rows, team)
            errors.append(mape(network(crops, facts), measured).item() * len(rows))
    total = torch.tensor([sum(errors)], dtype=torch.float64, device=team.device)
    team.add_up([total])
    return total.item() / len(given.validation)


def _check_finite(value: float, what: str, step: int, settings: Settings) -> None:
    if not math.isfinite(value):
        highest = settings.train.highest_rate
        raise TrainingError(f"the {what} became {value} at step {step}. Lower train.highest_rate, now {highest}.")


def _curves_and_facts(given: TrainingSet, rows: NDArray[np.int_], team: Team) -> tuple[Tensor, Tensor | None]:
    measured = torch.from_numpy(given.curves[rows]).float().to(team.device)
    return measured, torch.from_numpy(given.fact_table(rows)).float().to(team.device) if given.facts else None


def batch_rows(crops: int, batch: int, seed: int, step: int) -> NDArray[np.int_]:
    """Which of the training crops a step sees: each pass has its own order, its incomplete last batch is dropped."""
    batch = min(batch, crops)
    passed, place = divmod(step, crops // batch)
    order = chance(seed, "order", passed).permutation(crops)
    return order[place * batch : (place + 1) * batch]


def steps_per_epoch(crops: int, batch: int) -> int:
    """As many full batches as there are; where they are fewer than six, several passes make an epoch."""
    steps_per_pass = crops // min(batch, crops)
    return steps_per_pass * math.ceil(_STEPS_PER_EPOCH / steps_per_pass)


def chance(seed: int, what: str, number: int = 0) -> np.random.Generator:
    """A generator of its own for each purpose and step."""
    return np.random.default_rng([seed, number, *what.encode()])


def _reduced(crops: NDArray[np.uint8], reduction: int) -> NDArray[np.uint8]:
    """Crops averaged r × r, rounded to whole grey levels."""
    if reduction == 1:
        return crops
    n, rows, columns, colours = crops.shape
    squares = crops.reshape(n, rows // reduction, reduction, columns // reduction, reduction, colours)
    return np.stack([square.mean(axis=(1, 3)).round().astype(np.uint8) for square in squares])


def arithmetic(settings: Settings, team: Team = ALONE) -> Literal["bfloat16", "float32"]:
    """What convolutions are trained in here: on a CPU without AVX-512, bfloat16 is ten times slower than float32."""
    is_fast = team.device.type == "cuda" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "bfloat16" if settings.train.autocast_bf16 and is_fast else "float32"
