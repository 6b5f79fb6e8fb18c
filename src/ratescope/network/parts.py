"""A batch in parts: each process of a team works on its own, and the sum is one step.

Batch norm compares the crops of a part alone, unless GPUs compare across parts. Everything else is as if the batch
were whole: what dropout leaves out is drawn for places in the batch, gradients add up, batch norms count the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ratescope.counted import counted
from ratescope.errors import TrainingError
from ratescope.network.architecture import RateNetwork
from ratescope.network.team import Team


def pieces_of(parts: int, team: Team) -> int:
    """In how many pieces a batch is worked on; more than ``parts`` where GPUs compare across them."""
    return max(parts, team.size)


def check_parts(parts: int, batch: int, team: Team) -> None:
    """Refuse to share out what cannot be shared out.

    Raises
    ------
    TrainingError
        If the processes would have unequal numbers of parts, or a part fewer than two crops.
    """
    across = team.device.type == "cuda" and parts == 1
    if not across and parts % team.size:
        fitting = [str(size) for size in range(1, parts + 1) if parts % size == 0]
        raise TrainingError(
            f"this training was begun with batches normalised in {counted(parts, 'part')}, which {team.size} "
            f"processes cannot share evenly. Resume it with --devices {' or '.join(fitting)}."
        )
    if batch // pieces_of(parts, team) < 2:
        raise TrainingError(
            f"batch norm compares two crops or more, but a batch of {batch} was to be cut into "
            f"{pieces_of(parts, team)} parts. Ask for fewer --devices."
        )


def own_parts(batch: int, parts: int, team: Team) -> list[slice]:
    """The places in the batch that this process works on, piece by piece.

    >>> own_parts(38, 2, Team())
    [slice(0, 19, None), slice(19, 38, None)]
    """
    pieces = pieces_of(parts, team)
    edges = [batch * piece // pieces for piece in range(pieces + 1)]
    return [slice(edges[piece], edges[piece + 1]) for piece in range(team.rank, pieces, team.size)]


def add_up_parts(
    network: RateNetwork, parts: Sequence[slice], work: Callable[[slice], tuple[float, float]], team: Team
) -> tuple[float, float]:
    """Do the work of each part from the same state of the batch norms; what it counts and yields is added up.

    Parameters
    ----------
    work : function of a part
        Adds to the gradients; returns its share of the loss and of the MAPE.
    """
    counts = [buffer for name, buffer in network.named_buffers() if name.endswith(("running_mean", "running_var"))]
    tracked = [buffer for name, buffer in network.named_buffers() if name.endswith("num_batches_tracked")]
    before = [count.clone() for count in (*counts, *tracked)]
    after = [torch.zeros_like(count) for count in counts]
    sums = torch.zeros(2, dtype=torch.float64)
    for part in parts:
        for count, start in zip((*counts, *tracked), before, strict=True):
            count.copy_(start)
        sums += torch.tensor(work(part), dtype=torch.float64)
        for total, count in zip(after, counts, strict=True):
            total.add_(count / (len(parts) * team.size))
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    sums = sums.to(team.device)
    team.add_up([*gradients, *after, sums])
    for count, total in zip(counts, after, strict=True):
        count.copy_(total)
    loss, error = sums.tolist()
    return loss, error


@contextmanager
def dropout_of(part: slice, batch: int, network: nn.Module) -> Iterator[None]:
    """Dropout as it falls on some places of the whole batch, whoever works on them; the layers are given back as such.

    It is drawn on the CPU, so that every device leaves out the same.
    """

    def drop(layer: nn.Dropout, inputs: tuple[Tensor, ...]) -> Tensor:
        kept = torch.empty(batch, inputs[0].shape[1]).bernoulli_(1 - layer.p).div_(1 - layer.p)
        return inputs[0] * kept[part].to(inputs[0].device)

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Dropout) and layer.p > 0]
    handles = [layer.eval().register_forward_pre_hook(drop) for layer in layers]  # what it is itself, it lets through
    try:
        yield
    finally:
        for layer, handle in zip(layers, handles, strict=True):
            layer.train()
            handle.remove()
