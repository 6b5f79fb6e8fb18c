"""Which cells of each layer a hidden square can change, and what those cells look at.

Read off the layers themselves, so that another depth, kernel or stride works too; a layer whose reach cannot be told
is refused. All along one axis at a time, rows or columns, in cells of the layer in question, counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from ratescope.errors import InputError
from ratescope.network.architecture import RateNetwork

Axis = int  # 0: rows, 1: columns

_CELL_BY_CELL = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.Identity, nn.Dropout, nn.BatchNorm2d)  # in evaluation mode


class Stage(NamedTuple):
    """A layer that looks at several cells, and all after it that look at one.

    Attributes
    ----------
    layer : module
        The layer itself, for whole crops.
    look : callable
        From a window of the layer's input, the outputs that see nothing outside the window: no padding.
    finish : callable
        The layers after it, cell by cell.
    kernel, stride, padding : pair of int
        Of the layer, along rows and columns; padding is with zeros.
    """

    layer: nn.Module
    look: Callable[[Tensor], Tensor]
    finish: Callable[[Tensor], Tensor]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def whole(self, cells: Tensor) -> Tensor:
        """The stage's output for a whole crop."""
        return self.finish(self.layer(cells))


class Span(NamedTuple):
    """Cells from `start` up to, not including, `stop`; some may lie outside the crop."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def within(self, other: Span) -> slice:
        """These cells counted from the first of the other ones."""
        return slice(self.start - other.start, self.stop - other.start)


class Window(NamedTuple):
    """One stage along one axis: cells of its input that can change, and those that a changed output looks at."""

    changed: Span
    seen: Span


def stages_of(network: RateNetwork) -> tuple[Callable[[Tensor], Tensor], list[Stage]]:
    """What a network does cell by cell before its first stage, and the stages up to the activation that is pooled.

    Raises
    ------
    InputError
        If it is not in evaluation mode, or has a layer whose reach cannot be told.
    """
    if network.training:
        raise InputError("only a network in evaluation mode can be explained: in training, batch norm mixes crops.")
    reduction = network.settings.input_reduction
    layers: list[nn.Module | Callable[[Tensor], Tensor]] = [network.standardise, *network.extractor]
    if reduction > 1:
        layers.insert(0, nn.AvgPool2d(reduction))
    looking = [index for index, layer in enumerate(layers) if not _is_cell_by_cell(layer, network)]
    stages = [_stage(layers[at], layers[at + 1 : following]) for at, following in pairwise([*looking, len(layers)])]
    return _in_turn(layers[: looking[0]]), stages


def _is_cell_by_cell(layer: nn.Module | Callable[[Tensor], Tensor], network: RateNetwork) -> bool:
    return isinstance(layer, _CELL_BY_CELL) or layer == network.standardise


def _stage(layer: object, after: Sequence[Callable[[Tensor], Tensor]]) -> Stage:
    finish = _in_turn(after)
    if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        kernel = _pair(d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size, strict=True))
        return _checked(
            Stage(layer, _unpadded(layer), finish, kernel, _pair(layer.stride), _pair(layer.padding)), layer
        )
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d) and not layer.ceil_mode:
        dilation = layer.dilation if isinstance(layer, nn.MaxPool2d) else 1
        if _both(dilation) == (1, 1) and _both(layer.padding) == (0, 0):
            return _checked(Stage(layer, layer, finish, _both(layer.kernel_size), _both(layer.stride), (0, 0)), layer)
    raise InputError(f"no exact occlusion for the layer {layer}: how far it looks cannot be told. Use another method.")


def _unpadded(layer: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    def convolve(window: Tensor) -> Tensor:
        return functional.conv2d(window, layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups)

    return convolve


def _checked(stage: Stage, layer: nn.Module) -> Stage:
    if any(stride > kernel for stride, kernel in zip(stage.stride, stage.kernel, strict=True)):
        raise InputError(f"no exact occlusion for the layer {layer}: it skips cells. Use another method.")
    return stage


def _in_turn(layers: Sequence[Callable[[Tensor], Tensor]]) -> Callable[[Tensor], Tensor]:
    def run(values: Tensor) -> Tensor:
        for layer in layers:
            values = layer(values)
        return values

    return run


def _both(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else _pair(value)


def _pair(values: Iterable[int]) -> tuple[int, int]:
    rows, columns = values
    return rows, columns


def windows_along(stages: Sequence[Stage], axis: Axis, square: Span) -> tuple[list[Window], Span]:
    """The window of each stage around a square, and the cells of the activation that can change.

    >>> from ratescope.settings import NetworkSettings
    >>> _, stages = stages_of(RateNetwork(NetworkSettings()).eval())
    >>> windows, changed = windows_along(stages, 0, Span(0, 7))
    >>> [len(window.seen) for window in windows], changed
    ([11, 13, 12, 10, 12, 12, 10, 12], Span(start=-4, stop=6))
    """
    windows, changed = [], square
    for stage in stages:
        kernel, stride, padding = stage.kernel[axis], stage.stride[axis], stage.padding[axis]
        first = -((kernel - 1 - padding - changed.start) // stride)  # rounded up
        last = (changed.stop - 1 + padding) // stride
        windows.append(Window(changed, Span(first * stride - padding, last * stride - padding + kernel)))
        changed = Span(first, last + 1)
    return windows, changed
