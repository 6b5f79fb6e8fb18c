"""How long one step of the paper's recipe takes here (38 crops of 224 × 672), beside a plain script of the same recipe.

Each runs in a fresh process: ratescope as `ratescope train` does, and the script as torch comes, eager, float32, NCHW,
with the allocator that it finds. Both see the same crops, moved alike, and leave out the same in dropout, so that
their losses can be compared. The last line is one JSON object: speedup_per_step, seconds_per_step and
plain_seconds_per_step (medians of all steps but the first), batch, arithmetic, share_of_peak (operations of the
convolutions and matrix products per second, over those of the fastest bfloat16 matrix product seen in the same run),
peak_gflop_per_s, peak_mib and plain_peak_mib, and loss_difference (the largest relative one between the two).
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from mosaic import paper_mosaic
from ratescope.imaging.prepare import prepare_file
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.network.augmentation import draw_moves, moved
from ratescope.network.learning import arithmetic, batch_rows, chance, learn
from ratescope.network.loss import kernel_l2, mape
from ratescope.network.optimiser import Lookahead
from ratescope.network.parts import dropout_of
from ratescope.network.progress import start_progress
from ratescope.network.training import new_network
from ratescope.network.training_set import TrainingSet
from ratescope.settings import PrepareSettings, Settings, TrainSettings
from ratescope.units import RATES_PER_H

BATCH, STEPS, PLAIN_STEPS = 38, 5, 4  # within the first epoch, so that no step waits for a validation
SETTINGS = Settings(train=TrainSettings(batch=BATCH))


class Enough(Exception):  # noqa: N818  it is no error
    """As many steps as were to be timed."""


def training_set() -> TrainingSet:
    """A batch of crops of one simulated mosaic, each with a drawn curve; one more for a validation that never comes."""
    seen = prepare_file(paper_mosaic(), PrepareSettings()).crops
    turned = np.concatenate([seen, seen[:, ::-1], seen[:, :, ::-1], seen[:, ::-1, ::-1]])
    crops = np.resize(turned, (BATCH + 1, *seen.shape[1:]))
    curves = np.random.default_rng(0).uniform([150, 140, 120, 80, 20], [160, 155, 150, 140, 120], (len(crops), 5))
    return TrainingSet(crops, curves, RATES_PER_H, np.arange(BATCH), np.arange(BATCH, BATCH + 1))


def ours() -> None:
    """Steps as `ratescope train` makes them."""
    keep_large_blocks()
    given = training_set()
    progress = start_progress(new_network(given, SETTINGS), SETTINGS.train, "")
    times, sums = [], []

    def note() -> None:
        times.append(time.perf_counter())
        sums.append(progress.sums[0])
        if progress.steps == STEPS:
            raise Enough

    with suppress(Enough):
        learn(given, progress, SETTINGS, keep=note)
    tell(np.diff(times), np.diff(sums))


def plain() -> None:
    """Steps as a script makes them that knows nothing of layouts, allocators or bfloat16."""
    given = training_set()
    train = SETTINGS.train
    network = new_network(given, SETTINGS).to(memory_format=torch.contiguous_format).train()
    optimiser = Lookahead(network.parameters(), train)
    seconds, losses = [], []
    for step in range(PLAIN_STEPS):
        start = time.perf_counter()
        rows = batch_rows(BATCH, BATCH, train.seed, step)
        crops = moved(given.crops[rows], draw_moves(BATCH, SETTINGS.augmentation, seed=train.seed, step=step))
        standardised = (crops - network.input_mean[:, None, None]) / network.input_scale[:, None, None]
        features = network.extractor(standardised.contiguous()).mean(dim=(2, 3))
        with dropout_of(slice(0, BATCH), BATCH, network):
            torch.manual_seed(chance(train.seed, "dropout", step).integers(2**63))
            said = network.output_offset + network.output_scale * network.regressor(features)
        loss = mape(said, torch.from_numpy(given.curves[rows]).float()) + train.l2 * kernel_l2(network)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    tell(seconds, losses)


def tell(seconds: Iterable[float], losses: Iterable[float]) -> None:
    """To the process that asked: seconds and losses of each step, and the most memory that this one held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": list(map(float, seconds)), "losses": list(map(float, losses)), "peak_mib": peak}))


def operations_per_step() -> int:
    """Floating-point operations of the convolutions and matrix products in one forward and backward pass."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        RateNetwork(SETTINGS.network)(torch.zeros(BATCH, 3, 224, 672)).sum().backward()
    return counter.get_total_flops()


def peak_of_bf16() -> float:
    """Operations per second of the fastest large matrix product in bfloat16."""
    best = 0.0
    for size in (1024, 2048, 4096):
        left, right = (torch.randn(size, size).bfloat16() for _ in range(2))
        for _ in range(8):
            start = time.perf_counter()
            left @ right
            best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def in_fresh_process(which: str) -> dict:
    """What `ours` or `plain` tells."""
    done = subprocess.run([sys.executable, __file__, which], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    peak = peak_of_bf16()
    fast, slow = in_fresh_process("ours"), in_fresh_process("plain")
    step, plain_step = (statistics.median(told["seconds"][1:]) for told in (fast, slow))
    print(f"ours: {fast}; plain: {slow}")
    result = {
        "speedup_per_step": round(plain_step / step, 2),
        "seconds_per_step": round(step, 3),
        "plain_seconds_per_step": round(plain_step, 3),
        "batch": BATCH,
        "arithmetic": arithmetic(SETTINGS),
        "share_of_peak": round(operations_per_step() / step / peak, 3),
        "peak_gflop_per_s": round(peak / 1e9),
        "peak_mib": round(fast["peak_mib"]),
        "plain_peak_mib": round(slow["peak_mib"]),
        "loss_difference": max(abs(a / b - 1) for a, b in zip(fast["losses"], slow["losses"], strict=False)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    {"ours": ours, "plain": plain}.get(sys.argv[-1], main)()
