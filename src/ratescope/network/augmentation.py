"""Augmentation by shift and rotation, edges filled by mirroring (section 2.4): decided first, applied afterwards.

Nothing here changes the scale or the lighting. Chance is keyed by seed, step and position in the batch, so that a
training that is resumed draws what it would have drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ratescope.settings import AugmentationSettings


@dataclass(frozen=True)
class Move:
    """A turn about the middle and then a shift, both decided: the same crop always becomes the same crop.

    Attributes
    ----------
    down_px, right_px : float
    turn_deg : float
        Above zero, what was level falls to the right.

    Examples
    --------
    >>> crop = np.arange(3, dtype=np.uint8).reshape(3, 1, 1).repeat(3, axis=2)
    >>> Move(down_px=1.0)(crop)[:, 0, 0]
    array([0, 0, 1], dtype=uint8)
    """

    down_px: float = 0.0
    right_px: float = 0.0
    turn_deg: float = 0.0

    def __call__(self, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Move a crop (rows, columns, 3); what comes in over the edges mirrors the crop, the edge pixel first."""
        rows, columns = crop.shape[:2]
        pad_rows, pad_columns = self._reach_px(rows, columns)
        mirrored = np.pad(crop, ((pad_rows, pad_rows), (pad_columns, pad_columns), (0, 0)), mode="symmetric")
        cosine, sine = cos(radians(self.turn_deg)), sin(radians(self.turn_deg))
        # Where each pixel (x, y) of the result comes from, in Pillow's coordinates: pixel 0 reaches from 0 to 1.
        x, y = columns / 2 + self.right_px, rows / 2 + self.down_px
        source_x = (cosine, sine, pad_columns + columns / 2 - cosine * x - sine * y)
        source_y = (-sine, cosine, pad_rows + rows / 2 + sine * x - cosine * y)
        moved = Image.fromarray(mirrored).transform(
            (columns, rows), Image.Transform.AFFINE, source_x + source_y, Image.Resampling.BICUBIC
        )
        return np.asarray(moved)

    def at_reduction(self, reduction: int) -> Move:
        """The same move for a crop whose pixels were averaged r × r."""
        return replace(self, down_px=self.down_px / reduction, right_px=self.right_px / reduction)

    def _reach_px(self, rows: int, columns: int) -> tuple[int, int]:
        """How far beyond the edges the moved crop looks, in rows and columns."""
        cosine, sine = cos(radians(self.turn_deg)), abs(sin(radians(self.turn_deg)))
        shift = abs(self.down_px) + abs(self.right_px)  # a turned shift is never longer than this
        kernel = 2  # pixels that the interpolation reads beside the one it wants
        beyond_rows = (sine * columns + (cosine - 1.0) * rows) / 2 + shift
        beyond_columns = (sine * rows + (cosine - 1.0) * columns) / 2 + shift
        return ceil(max(beyond_rows, 0.0)) + kernel, ceil(max(beyond_columns, 0.0)) + kernel


def draw_move(rng: np.random.Generator, settings: AugmentationSettings) -> Move:
    """A move within the reach of the settings, each part uniform on both sides of zero."""
    down, right, turn = rng.uniform(-1.0, 1.0, size=3)
    return Move(down * settings.shift_rows_px, right * settings.shift_columns_px, turn * settings.rotation_deg)


def augment(
    crops: NDArray[np.uint8], settings: AugmentationSettings, *, seed: int, step: int, reduction: int = 1
) -> NDArray[np.uint8]:
    """Move each crop of a batch (n, rows, columns, 3) by its own draw.

    ``reduction`` says that the crops were averaged r × r already: moving them then is r² times cheaper, and differs
    from averaging afterwards by less than the camera's noise.
    """
    moves = [draw_move(np.random.default_rng([seed, step, position]), settings) for position in range(len(crops))]
    return np.stack([move.at_reduction(reduction)(crop) for move, crop in zip(moves, crops, strict=True)])
