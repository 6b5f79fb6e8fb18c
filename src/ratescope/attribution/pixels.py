"""Crops as the networks take them: pixel values 0…255, colour before rows and columns."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratescope.network.architecture import RateNetwork


def as_batch(crop: NDArray[np.uint8], network: RateNetwork) -> Tensor:
    """One crop (rows, columns, 3) as a batch of one (1, 3, rows, columns), in the number format of the network."""
    values = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)[None]
    return values.to(network.input_mean.dtype, memory_format=torch.channels_last)
