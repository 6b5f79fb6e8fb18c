"""Lookahead around RAdam, and the schedule of the learning rate (section 2.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from ratescope.settings import TrainSettings


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Rate of the update after ``step`` updates: up a line during the warm-up, down a line to the end (section 2.6).

    >>> [learning_rate(step, TrainSettings()) for step in (0, 500, 5000)]
    [1e-05, 0.001, 1e-05]
    """
    low, high = settings.lowest_rate, settings.highest_rate
    peak = warm_up_steps(settings)
    share = step / peak if step < peak else (settings.max_steps - step) / max(settings.max_steps - peak, 1)
    return low + (high - low) * share


def warm_up_steps(settings: TrainSettings) -> int:
    """How many updates the learning rate climbs: 10 % of 5000 (section 2.6)."""
    return round(settings.warm_up_share * settings.max_steps)


class Lookahead:
    """RAdam on fast weights; every few steps slow weights go part of the way to them, and the fast start from there.

    Section 2.6; Zhang et al. 2019 (Lookahead), Liu et al. 2020 (RAdam). Unlike the classes in ``torch.optim`` it can
    be written to a file of plain tensors and goes on from there bit for bit.

    Parameters
    ----------
    weights : iterable of nn.Parameter
    settings : TrainSettings
    """

    def __init__(self, weights: Iterable[nn.Parameter], settings: TrainSettings) -> None:
        self.settings = settings
        self.fast = list(weights)
        self.slow = [weight.detach().clone() for weight in self.fast]
        self.inner = torch.optim.RAdam(self.fast, lr=settings.lowest_rate)
        self.steps = 0

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        self.inner.zero_grad()

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients that stand in the weights, at the scheduled rate."""
        for group in self.inner.param_groups:
            group["lr"] = learning_rate(self.steps, self.settings)
        self.inner.step()
        self.steps += 1
        if self.steps % self.settings.lookahead_period == 0:
            for slow, fast in zip(self.slow, self.fast, strict=True):
                slow.lerp_(fast, self.settings.lookahead_step)
                fast.copy_(slow)

    def tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on, beside the fast weights and their gradients."""
        state = {"steps": torch.tensor(self.steps)}
        for index, slow in enumerate(self.slow):
            state[f"slow.{index}"] = slow
        for index, moments in self.inner.state_dict()["state"].items():
            state |= {f"radam.{index}.{name}": moment for name, moment in moments.items()}
        return state

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave; the fast weights are the network's to restore."""
        self.steps = int(tensors["steps"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            kind, *rest = name.split(".")
            if kind == "slow":
                self.slow[int(rest[0])].copy_(tensor)
            elif kind == "radam":
                moments.setdefault(int(rest[0]), {})[rest[1]] = tensor.clone()
        self.inner.load_state_dict(self.inner.state_dict() | {"state": moments})
