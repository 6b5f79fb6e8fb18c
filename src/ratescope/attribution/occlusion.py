"""Occlusion: what a prediction loses when a small square of the crop is hidden.

A square changes only a small window of every layer. So the crop is run once and what enters each layer is kept; for
each place of the square, layer by layer, only the cells that can change are computed again, with their surroundings
taken from what was kept. The result is that of the plain loop over whole crops, up to rounding (`windows` has the
geometry).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ratescope.attribution.pixels import as_batch
from ratescope.attribution.windows import Axis, Span, Stage, Window, stages_of, windows_along
from ratescope.errors import InputError
from ratescope.network.allocator import keep_large_blocks
from ratescope.network.architecture import RateNetwork
from ratescope.records import OnProgress, no_progress

AT_ONCE = 48  # places computed together; our choice: as fast as any on one thread, and two threads share them well


def occlude(
    network: RateNetwork,
    crop: NDArray[np.uint8],
    mean_colour: tuple[float, float, float],
    *,
    size_px: int = 7,
    stride_px: int = 7,
    at_once: int = AT_ONCE,
    on_progress: OnProgress = no_progress,
) -> NDArray[np.float64]:
    """Original − occluded prediction for every place of a square of one colour (section 2.7).

    Parameters
    ----------
    network : RateNetwork
        In evaluation mode.
    crop : uint8 array, shape (224, 672, 3)
    mean_colour : three floats, 0…255
        What the square shows: the mean over the training crops (section 2.7).
    size_px, stride_px : int
        Edge of the square and its step, 7 and 7 in section 2.7. The first square lies in the top left corner; where
        the steps do not end at an edge, the last square reaches over it and hides fewer pixels.
    at_once : int
        How many places are computed together, which bounds the memory: about 0.2 MiB each with the paper's network
        and square, beside 40 MiB for the crop's own activations.

    Returns
    -------
    float64 array, shape (rates, 32, 96)
        In the capacity's unit; above zero where the place raises the capacity.

    Raises
    ------
    InputError
        If the square has no size, does not move, or is larger than the crop; or if the network has a layer for which
        this cannot be exact.
    """
    _check(crop, size_px, stride_px)
    keep_large_blocks()
    tops, lefts = (_starts(length, size_px, stride_px) for length in crop.shape[:2])
    with torch.no_grad():
        before, stages = stages_of(network)
        pixels = as_batch(crop, network)
        kept = _keep(before(pixels), stages, (tops, lefts), size_px)
        hidden = before(torch.tensor(mean_colour, dtype=pixels.dtype)[None, :, None, None]).squeeze()
        exact = copy.deepcopy(network).double()  # for the head: small differences of large capacities
        original = exact.pool(kept[-1].own().double())
        losses = np.empty((len(tops), len(lefts), len(network.output_scale)))
        for row, top in enumerate(tops):
            on_progress(row, len(tops), "occlusion")
            sums = torch.empty(len(lefts), original.shape[1], dtype=torch.float64)
            for alike in _alike(lefts, stages, at_once):
                places = _Places(top, [lefts[column] for column in alike], size_px)
                sums[alike] = _change(stages, kept, hidden, places)
            losses[row] = exact.head(original) - exact.head(original + sums / math.prod(kept[-1].lengths))
        on_progress(len(tops), len(tops), "occlusion")
    return np.moveaxis(losses, -1, 0).copy()


def _starts(length_px: int, size_px: int, stride_px: int) -> list[int]:
    """Where the square starts along an axis; the last one reaches up to or over the end.

    >>> len(_starts(224, 7, 7)), len(_starts(672, 7, 7)), len(_starts(224, 7, 1))
    (32, 96, 218)
    """
    return list(range(0, min(length_px, length_px - size_px + stride_px), stride_px))


@dataclass(frozen=True)
class _Kept:
    """What enters a stage when nothing is hidden: cells (rows, columns, features) with zeros around them."""

    cells: Tensor
    margin: tuple[int, int]
    lengths: tuple[int, int]

    def windows(self, rows: Span, columns: Span, step: int, count: int) -> Tensor:
        """Copies (count, features, rows, columns) of windows that lie side by side, so many cells apart."""
        row, column, feature = self.cells.stride()
        first = (rows.start + self.margin[0]) * row + (columns.start + self.margin[1]) * column
        shape = (count, len(rows), len(columns), self.cells.shape[-1])
        windows = self.cells.as_strided(shape, (step * column, row, column, feature), first)
        return windows.clone(memory_format=torch.contiguous_format).permute(0, 3, 1, 2)

    def own(self) -> Tensor:
        """The cells of the crop itself, (1, features, rows, columns)."""
        (top, left), (rows, columns) = self.margin, self.lengths
        return self.cells[top : top + rows, left : left + columns].permute(2, 0, 1)[None]


def _keep(cells: Tensor, stages: Sequence[Stage], starts: tuple[list[int], list[int]], size_px: int) -> list[_Kept]:
    """What enters each stage, and what leaves the last."""
    kept = []
    margins = [_margins(stages, axis, starts[axis], size_px) for axis in (0, 1)]
    for number in range(len(stages) + 1):
        above, left = margins[0][number], margins[1][number]
        padded = functional.pad(cells, (left, left, above, above))[0].permute(1, 2, 0).contiguous()
        kept.append(_Kept(padded, (above, left), (cells.shape[2], cells.shape[3])))
        if number < len(stages):
            cells = stages[number].whole(cells)
    return kept


def _margins(stages: Sequence[Stage], axis: Axis, starts: Sequence[int], size_px: int) -> list[int]:
    """How many zeros around the crop are enough for every window of each stage: as many as it is long."""
    longest = [0] * (len(stages) + 1)
    for start in starts:
        windows, changed = windows_along(stages, axis, Span(start, start + size_px))
        longest = list(map(max, longest, [*(len(window.seen) for window in windows), len(changed)]))
    return longest


@dataclass(frozen=True)
class _Places:
    """Squares side by side, equally far apart."""

    top: int
    lefts: list[int]
    size_px: int

    def along(self, stages: Sequence[Stage]) -> tuple[list[tuple[Window, Window]], tuple[Span, Span]]:
        """Windows of each stage around the first square, and the cells of the activation that it can change."""
        rows, changed_rows = windows_along(stages, 0, Span(self.top, self.top + self.size_px))
        columns, changed_columns = windows_along(stages, 1, Span(self.lefts[0], self.lefts[0] + self.size_px))
        return list(zip(rows, columns, strict=True)), (changed_rows, changed_columns)


def _alike(lefts: Sequence[int], stages: Sequence[Stage], at_once: int) -> Iterator[list[int]]:
    """Places along a row, in batches of equally far apart ones whose windows lie alike in the cells of every stage."""
    cell_px = math.prod(stage.stride[1] for stage in stages)
    stride_px = lefts[1] - lefts[0] if len(lefts) > 1 else 1
    apart = cell_px // math.gcd(cell_px, stride_px)
    for first in range(min(apart, len(lefts))):
        alike = list(range(first, len(lefts), apart))
        yield from (alike[start : start + at_once] for start in range(0, len(alike), at_once))


def _change(stages: Sequence[Stage], kept: Sequence[_Kept], hidden: Tensor, places: _Places) -> Tensor:
    """What each square adds to the sum of the activation over its cells, shape (squares, features)."""
    count = len(places.lefts)
    step = places.lefts[1] - places.lefts[0] if count > 1 else 0
    windows, felt = places.along(stages)
    patches = hidden[None, :, None, None].expand(count, -1, places.size_px, places.size_px)
    for stage, before, (rows, columns) in zip(stages, kept, windows, strict=False):
        surrounded = before.windows(rows.seen, columns.seen, step, count)
        inside = (slice(None), slice(None), rows.changed.within(rows.seen), columns.changed.within(columns.seen))
        surrounded[inside] = _only_inside(patches, (rows.changed, columns.changed), step, before.lengths)
        patches = stage.finish(stage.look(surrounded))
        step //= stage.stride[1]
    patches = _only_inside(patches, felt, step, kept[-1].lengths)
    return (patches - kept[-1].windows(*felt, step, count)).sum(dim=(2, 3), dtype=torch.float64)


def _only_inside(patches: Tensor, spans: tuple[Span, Span], step: int, lengths: tuple[int, int]) -> Tensor:
    """Zeros where a patch reaches over the edge of the crop: that is what the next layer's padding holds there."""
    rows, columns = spans
    furthest = columns.stop + step * (len(patches) - 1)
    if rows.start >= 0 and rows.stop <= lengths[0] and columns.start >= 0 and furthest <= lengths[1]:
        return patches
    row = torch.arange(rows.start, rows.stop)
    column = torch.arange(columns.start, columns.stop) + step * torch.arange(len(patches))[:, None]
    inside = ((row >= 0) & (row < lengths[0]))[:, None] & ((column >= 0) & (column < lengths[1]))[:, None, :]
    return patches * inside[:, None]


def _check(crop: NDArray[np.uint8], size_px: int, stride_px: int) -> None:
    largest = min(crop.shape[:2])
    if not (1 <= size_px <= largest and stride_px >= 1):
        raise InputError(
            f"the occluding square has an edge of 1 to {largest} px and a step of at least 1 px; asked for "
            f"{size_px} and {stride_px}. The paper's are 7 and 7."
        )
