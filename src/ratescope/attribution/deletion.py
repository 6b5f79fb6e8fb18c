"""Does a map point at what matters? Its places are hidden in its own order, and the prediction should move soon.

Samek et al., *Evaluating the Visualization of What a Deep Neural Network Has Learned*, IEEE TNNLS 2017; Petsiuk et
al., *RISE*, BMVC 2018. A crop with many places hidden is none that the network ever saw, so that the order of a map
is only to be compared with other orders, first of all with a random one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ratescope.attribution.pixels import as_batch
from ratescope.errors import InputError
from ratescope.network.architecture import RateNetwork

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def deletion(
    network: RateNetwork,
    crop: NDArray[np.uint8],
    influence: NDArray[np.floating],
    mean_colour: tuple[float, float, float],
    *,
    shares: Sequence[float] = SHARES,
    insertion: bool = False,
) -> NDArray[np.float64]:
    """Capacities as more and more of a crop takes the mean colour, the places of most influence first.

    Parameters
    ----------
    network : RateNetwork
        In evaluation mode.
    crop : uint8 array, shape (224, 672, 3)
    influence : float array, shape (rows, columns)
        One map, on a grid that divides the crop into equal cells; its absolute values give the order.
    mean_colour : three floats, 0…255
    shares : sequence of float
        How much of the crop is hidden each time.
    insertion : bool
        Begin with a crop of the mean colour and show the places of most influence first.

    Returns
    -------
    float array, shape (shares, rates)
        In the capacity's unit.

    Raises
    ------
    InputError
        If the grid does not divide the crop.
    """
    rows, columns = influence.shape
    if crop.shape[0] % rows or crop.shape[1] % columns:
        raise InputError(
            f"a map of {rows} × {columns} cells does not divide a crop of {crop.shape[0]} × {crop.shape[1]} px. "
            "Make one whose cells are all of one size."
        )
    place = np.empty(influence.size, np.intp)
    place[np.argsort(-np.abs(influence), axis=None, kind="stable")] = np.arange(influence.size)
    place_of_pixel = place.reshape(influence.shape).repeat(crop.shape[0] // rows, 0).repeat(crop.shape[1] // columns, 1)
    said = []
    pixels = as_batch(crop, network)
    colour = torch.tensor(mean_colour, dtype=pixels.dtype)[None, :, None, None]
    with torch.no_grad():
        for share in shares:
            first = torch.from_numpy(place_of_pixel < round(share * influence.size))
            said.append(network(torch.where(first ^ insertion, colour, pixels))[0].double().numpy())
    return np.stack(said)
