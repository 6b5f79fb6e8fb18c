"""Occlusion: what a prediction loses when a small square of the crop is hidden.

A square is felt only near it: two 3 × 3 convolutions, a pooling, two, a pooling and two reach 14 px to each side. So
for each position only a window around the square is computed again; what lies further off is taken from the crop's
own activation. The result is that of the plain loop over whole crops, up to rounding.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratescope.attribution.pixels import as_batch
from ratescope.errors import InputError
from ratescope.network.architecture import RateNetwork
from ratescope.records import OnProgress, no_progress

BATCH = 16  # windows computed at once; our choice: small enough to stay in the cache, and more are no faster


def occlude(
    network: RateNetwork,
    crop: NDArray[np.uint8],
    mean_colour: tuple[float, float, float],
    *,
    size_px: int = 7,
    stride_px: int = 7,
    on_progress: OnProgress = no_progress,
) -> NDArray[np.float32]:
    """Original − occluded prediction for every position of a square of one colour (section 2.7).

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

    Returns
    -------
    float32 array, shape (rates, 32, 96)
        In the capacity's unit; above zero where the place raises the capacity.

    Raises
    ------
    InputError
        If the square has no size, does not move, or is larger than the crop; or if the crop is of another size.
    """
    _check(network, crop, size_px, stride_px)
    rows = spans(network, crop.shape[0], size_px, stride_px)
    columns = spans(network, crop.shape[1], size_px, stride_px)
    pixels = as_batch(crop, network)
    colour = torch.tensor(mean_colour, dtype=pixels.dtype)[:, None, None]
    with torch.no_grad():
        kept = network.activation(pixels)
        changes: list[Tensor] = []
        squares = list(product(rows, columns))
        for first in range(0, len(squares), BATCH):
            on_progress(first, len(squares), "occlusion")
            changes.append(_changes(network, pixels[0], colour, kept[0], squares[first : first + BATCH]))
        on_progress(len(squares), len(squares), "occlusion")
        original = network.pool(kept)
        losses = network.head(original) - network.head(original + torch.cat(changes) / kept[0, 0].numel())
    return np.asarray(losses.T.reshape(-1, len(rows), len(columns)).numpy(), dtype=np.float32)


class Span(NamedTuple):
    """One square along one axis.

    Attributes
    ----------
    window : slice
        Pixels of the crop that are computed again; as many for every square.
    hidden : slice
        Pixels of the window that the square hides.
    felt : slice
        Cells of the crop's activation that can change.
    felt_in_window : slice
        The same cells, counted in the activation of the window.
    """

    window: slice
    hidden: slice
    felt: slice
    felt_in_window: slice


def spans(network: RateNetwork, length_px: int, size_px: int, stride_px: int) -> list[Span]:
    """Every position of the square along an axis of the crop, the last one reaching up to or over its end.

    >>> from ratescope.settings import NetworkSettings
    >>> network = RateNetwork(NetworkSettings())
    >>> len(spans(network, 224, 7, 7)), len(spans(network, 672, 7, 7)), len(spans(network, 224, 7, 1))
    (32, 96, 218)
    """
    cell_px, reach_px = cell_and_reach_px(network)
    starts = range(0, min(length_px, length_px - size_px + stride_px), stride_px)
    return [_span(start, size_px, length_px // cell_px, cell_px, reach_px) for start in starts]


def _span(start: int, size_px: int, cells: int, cell_px: int, reach_px: int) -> Span:
    stop = min(start + size_px, cells * cell_px)
    first, last = max(0, (start - reach_px) // cell_px), min(cells, _ceil(stop + reach_px, cell_px))
    margin = _ceil(reach_px, cell_px)  # cells nearer to the window's edge than this feel that it was cut there
    window_cells = min(cells, _ceil(size_px + 2 * reach_px, cell_px) + 1 + 2 * margin)
    # At the crop's own edge the window ends with it: the zero padding there is what the network sees in the crop.
    origin = min(max(0, first - margin), cells - window_cells)
    return Span(
        window=slice(origin * cell_px, (origin + window_cells) * cell_px),
        hidden=slice(start - origin * cell_px, stop - origin * cell_px),
        felt=slice(first, last),
        felt_in_window=slice(first - origin, last - origin),
    )


def cell_and_reach_px(network: RateNetwork) -> tuple[int, int]:
    """How many pixels one cell of the activation spans, and how far beyond it the convolutions look.

    >>> from ratescope.settings import NetworkSettings
    >>> cell_and_reach_px(RateNetwork(NetworkSettings()))
    (4, 14)
    """
    blocks, reduction = len(network.settings.filters) // 2, network.settings.input_reduction
    # Two 3 × 3 convolutions look 2 px further, each block at half the resolution of the one before: 2 + 4 + 8.
    return reduction * 2 ** (blocks - 1), reduction * 2 * (2**blocks - 1)


def _changes(
    network: RateNetwork, pixels: Tensor, colour: Tensor, kept: Tensor, squares: list[tuple[Span, Span]]
) -> Tensor:
    """What each square adds to the sum of the activation over positions, shape (squares, features)."""
    windows = torch.stack([_window(pixels, colour, rows, columns) for rows, columns in squares])
    activations = network.activation(windows.contiguous(memory_format=torch.channels_last))
    return torch.stack(
        [
            (activation[:, rows.felt_in_window, columns.felt_in_window] - kept[:, rows.felt, columns.felt]).sum((1, 2))
            for activation, (rows, columns) in zip(activations, squares, strict=True)
        ]
    )


def _window(pixels: Tensor, colour: Tensor, rows: Span, columns: Span) -> Tensor:
    window = pixels[:, rows.window, columns.window].clone()
    window[:, rows.hidden, columns.hidden] = colour
    return window


def _ceil(length: int, unit: int) -> int:
    return -(-length // unit)


def _check(network: RateNetwork, crop: NDArray[np.uint8], size_px: int, stride_px: int) -> None:
    largest = min(crop.shape[:2])
    if not (1 <= size_px <= largest and stride_px >= 1):
        raise InputError(
            f"the occluding square has an edge of 1 to {largest} px and a step of at least 1 px; asked for "
            f"{size_px} and {stride_px}. The paper's are 7 and 7."
        )
    cell_px, _ = cell_and_reach_px(network)
    if crop.shape[0] % cell_px or crop.shape[1] % cell_px:
        raise InputError(
            f"a crop's sides are multiples of {cell_px} px for this network; got {crop.shape[0]} × {crop.shape[1]}. "
            "Prepare crops of 224 × 672 px with ratescope prepare."
        )
