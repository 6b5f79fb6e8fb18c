"""What an audit asks of maps: whether they follow the weights and point at what matters, and on what they lie.

Each check gives rows of a table, one value each, for a file and a figure alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.attribution.deletion import SHARES, deletion
from ratescope.attribution.grad_ram import grad_ram
from ratescope.attribution.guided_backprop import guided_backprop
from ratescope.attribution.maps import METHODS, Method, ensemble_maps
from ratescope.attribution.occlusion import occlude
from ratescope.attribution.sanity import MapOf, cascade, unlearned
from ratescope.attribution.witnesses import AskedCrop
from ratescope.evaluation.audit_tables import RANDOM
from ratescope.evaluation.relevance import Relevance, in_cells, relevance_of
from ratescope.network.architecture import RateNetwork
from ratescope.network.ensemble import Ensemble
from ratescope.records import CropId, OnProgress, no_progress
from ratescope.units import UNIT_OF

Row = dict[str, Any]

LIKENESS_COLUMNS = ("capacity", "method", "network", "file", "section", "random_layers", "layer", "signed", "absolute")
DELETION_COLUMNS = (
    "capacity", "order", "repeat", "file", "section", "c_rate_per_h", "way", "share", "predicted", "moved", "unit",
)  # fmt: skip
EVERY = 4  # our choice: what random weights draw is a reference without an interval, and takes as long as the rest
CELL_PX = 16  # our choice: cells of 2 µm, about a third of a grain; all orders hide the same cells


def square_px(ensemble: Ensemble) -> int:
    """Edge of the occluding square: a cell of the network's own activation, at least 8 px (our choice: it is quick)."""
    return max(8, *(network.settings.cell_px for network in ensemble.networks))


def likeness_rows(crops: Sequence[AskedCrop], turns: int, *, on_progress: OnProgress = no_progress) -> Iterator[Row]:
    """How alike maps stay while layers are made random: in each turn the next network and the next crop.

    Of maps at the slowest and the fastest discharge; where nothing is random yet, they are alike by 1.
    """
    networks = len(crops[0].ensemble.networks)
    for turn in range(turns):
        asked, number = crops[turn % len(crops)], turn % networks
        for method, map_of in _map_functions(asked.ensemble).items():
            who = {"capacity": asked.ensemble.capacity, "method": method, "network": number, **_where(asked.crop)}
            yield who | {"random_layers": 0, "layer": "", "signed": 1.0, "absolute": 1.0}
            for step in cascade(asked.ensemble.networks[number], asked.pixels, map_of, seed=turn):
                yield who | vars(step)
        on_progress(turn + 1, turns, "weights made random")


def _map_functions(ensemble: Ensemble) -> Mapping[Method, MapOf]:
    """By method: the maps of one network at the slowest and the fastest discharge."""
    edge_px = square_px(ensemble)

    def occlusion(network: RateNetwork, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        return occlude(network, crop, ensemble.card.mean_colour, size_px=edge_px, stride_px=edge_px)[[0, -1]]

    return {
        "grad-ram": lambda network, crop: grad_ram(network, crop[np.newaxis])[0, [0, -1]],
        "guided-backprop": lambda network, crop: guided_backprop(network, crop[np.newaxis])[0, [0, -1]],
        "occlusion": occlusion,
    }


def deletion_rows(
    crops: Sequence[AskedCrop], *, random_orders: int = 2, on_progress: OnProgress = no_progress
) -> Iterator[Row]:
    """The ensemble's prediction as cells of 16 px are hidden, or shown, in the order of each method and at random.

    At the C-rate in the middle. ``moved`` is the distance from the prediction before the first cell.
    """
    rng = np.random.default_rng(0)
    for done, asked in enumerate(crops, start=1):
        ensemble = asked.ensemble
        middle = len(ensemble.c_rates_per_h) // 2
        orders: list[tuple[str, int, NDArray[np.floating[Any]]]] = [
            (method, 0, _influence_of_cells(ensemble, asked.pixels, method, middle)) for method in METHODS
        ]
        shape = orders[0][2].shape
        orders += [(RANDOM, repeat, rng.random(shape)) for repeat in range(random_orders)]
        for order, repeat, influence in orders:
            for way in ("deletion", "insertion"):
                said = _said(asked, influence, insertion=way == "insertion")[:, middle]
                for share, value in zip(SHARES, said.tolist(), strict=True):
                    yield {
                        "capacity": ensemble.capacity,
                        "order": order,
                        "repeat": repeat,
                        **_where(asked.crop),
                        "c_rate_per_h": float(ensemble.c_rates_per_h[middle]),
                        "way": way,
                        "share": share,
                        "predicted": value,
                        "moved": abs(value - said[0]),
                        "unit": UNIT_OF[ensemble.capacity],
                    }
        on_progress(done, len(crops), "places hidden in order")


def _influence_of_cells(
    ensemble: Ensemble, crop: NDArray[np.uint8], method: Method, rate: int
) -> NDArray[np.floating[Any]]:
    """The mean size of a map's influence in each cell."""
    influence = ensemble_maps(ensemble, crop[np.newaxis], method, size_px=CELL_PX, stride_px=CELL_PX)[0, rate]
    grid = (crop.shape[0] // CELL_PX, crop.shape[1] // CELL_PX)
    return np.asarray(in_cells(np.abs(influence)[np.newaxis], grid)[0])


def _said(asked: AskedCrop, influence: NDArray[np.floating[Any]], *, insertion: bool) -> NDArray[np.float64]:
    colour = asked.ensemble.card.mean_colour
    said = [
        deletion(network, asked.pixels, influence, colour, insertion=insertion) for network in asked.ensemble.networks
    ]
    return np.asarray(np.mean(said, axis=0))


def relevance_by_crop(
    crops: Sequence[AskedCrop], names: Sequence[str], *, on_progress: OnProgress = no_progress
) -> dict[tuple[Method, bool], list[list[dict[str, Relevance]]]]:
    """What of each map falls on each kind of place: by method, and whether the weights are random; crops × C-rates.

    Random weights are asked of the first crop and every fourth after it; the others have an empty list there.
    """
    told: dict[tuple[Method, bool], list[list[dict[str, Relevance]]]] = {}
    for done, asked in enumerate(crops, start=1):
        fresh = unlearned(asked.ensemble) if done % EVERY == 1 else None
        for is_random, ensemble in ((False, asked.ensemble), (True, fresh)):
            for method in METHODS:
                of_crop = [] if ensemble is None else _on_places(asked, ensemble, method, names)
                told.setdefault((method, is_random), []).append(of_crop)
        on_progress(done, len(crops), "maps laid over the truth")
    return told


def _on_places(
    asked: AskedCrop, ensemble: Ensemble, method: Method, names: Sequence[str]
) -> list[dict[str, Relevance]]:
    assert asked.regions is not None  # noqa: S101  chosen so by the caller
    edge_px = square_px(ensemble)
    maps = ensemble_maps(ensemble, asked.pixels[np.newaxis], method, size_px=edge_px, stride_px=edge_px)[0]
    return relevance_of(maps, asked.regions, names)


def _where(crop: CropId) -> Row:
    return {"file": crop.file, "section": crop.section}
