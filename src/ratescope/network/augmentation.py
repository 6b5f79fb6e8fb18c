"""Augmentation by shift and rotation, edges filled by mirroring (section 2.4): decided first, applied afterwards.

Where it is asked for, left and right are swapped and the light is changed too, which the paper does not do.

Nothing here changes the scale. Chance is keyed by seed, step and position in the batch, so that a training that is
resumed draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ratescope.settings import AugmentationSettings


@dataclass(frozen=True)
class Move:
    """A turn about the middle, a shift, and perhaps a mirror, all decided: the same crop always becomes the same crop.

    Attributes
    ----------
    down_px, right_px : float
    turn_deg : float
        Above zero, what was level falls to the right.
    mirrored : bool
        Left and right swapped, last of all.
    """

    down_px: float = 0.0
    right_px: float = 0.0
    turn_deg: float = 0.0
    mirrored: bool = False

    def at_reduction(self, reduction: int) -> Move:
        """The same move for a crop whose pixels were averaged r × r."""
        return replace(self, down_px=self.down_px / reduction, right_px=self.right_px / reduction)

    def source(self, rows: int, columns: int) -> list[list[float]]:
        """Where each place of the moved crop comes from: 2 × 3, from (x, y, 1) to (x, y), both from −1 to 1."""
        cosine, sine = cos(radians(self.turn_deg)), sin(radians(self.turn_deg))
        back_x = cosine * self.right_px + sine * self.down_px
        back_y = cosine * self.down_px - sine * self.right_px
        x = -1.0 if self.mirrored else 1.0
        return [
            [x * cosine, sine * rows / columns, -2.0 * back_x / columns],
            [-x * sine * columns / rows, cosine, -2.0 * back_y / rows],
        ]


def draw_move(rng: np.random.Generator, settings: AugmentationSettings) -> Move:
    """A move within the reach of the settings, each part uniform on both sides of zero; mirrored or not alike often."""
    down, right, turn, side = rng.uniform(-1.0, 1.0, size=4).tolist()
    return Move(
        down * settings.shift_rows_px,
        right * settings.shift_columns_px,
        turn * settings.rotation_deg,
        mirrored=settings.mirror and side < 0.0,
    )


def draw_moves(count: int, settings: AugmentationSettings, *, seed: int, step: int) -> list[Move]:
    """The moves of one batch: each depends on seed, step and its own position, and on nothing else."""
    return [draw_move(np.random.default_rng([seed, step, position]), settings) for position in range(count)]


@dataclass(frozen=True)
class Lamp:
    """Another light on a crop: grey levels of red, green and blue become gain × level + offset."""

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]


TINT = 0.25  # our choice: how much of the change is each colour's own
OFFSET_LEVELS = 40.0  # our choice: grey levels up or down for a light of 1, as stray light and black levels do


def draw_lamps(count: int, light: float, *, seed: int, step: int) -> list[Lamp]:
    """The lamps of one batch, each from seed, step and its own position alone, as strong as ``light`` at most."""
    lamps = []
    for position in range(count):
        rng = np.random.default_rng([seed, step, position, 1])  # other numbers than the move's
        common, own = rng.uniform(-light, light, (2, 1)), TINT * rng.uniform(-light, light, (2, 3))
        gain, offset = np.exp(common[0] + own[0]), OFFSET_LEVELS * (common[1] + own[1])
        lamps.append(Lamp(tuple(gain.tolist()), tuple(offset.tolist())))
    return lamps


def relit(crops: Tensor, lamps: Sequence[Lamp]) -> Tensor:
    """Crops (n, 3, rows, columns), each under its own lamp; what is beyond black and white stays there.

    >>> relit(torch.full((1, 3, 1, 1), 100.0), [Lamp((1.1, 1.0, 0.9), (0.0, 200.0, 0.0))]).flatten().tolist()
    [110.0, 255.0, 90.0]
    """
    gain, offset = (
        torch.tensor([getattr(lamp, name) for lamp in lamps])[:, :, None, None] for name in ("gain", "offset")
    )
    return (crops * gain + offset).clamp(0.0, 255.0)


def moved(crops: NDArray[np.uint8], moves: Sequence[Move]) -> Tensor:
    """Crops (n, rows, columns, 3), each after its own move, as the network takes them: float (n, 3, rows, columns).

    What comes in over the edges mirrors the crop, the edge pixel first. Between pixels the interpolation is cubic: a
    linear one blurs, and the network would be trained on another microscope than it is used with.

    Examples
    --------
    >>> crop = np.arange(4, dtype=np.uint8).reshape(1, 4, 1, 1).repeat(3, axis=3)
    >>> moved(crop, [Move(down_px=1.0)])[0, 0, :, 0]
    tensor([0., 0., 1., 2.])
    """
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    sources = torch.tensor([move.source(*crops.shape[1:3]) for move in moves])
    grid = functional.affine_grid(sources, list(pixels.shape), align_corners=False)
    result = functional.grid_sample(pixels, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return result.clamp(0.0, 255.0)
