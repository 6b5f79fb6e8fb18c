"""The crops that an audit asks, spread evenly over a campaign, with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.crops import CampaignCrops
from ratescope.network.ensemble import Ensemble
from ratescope.records import CropId
from ratescope.virtual_lab.phase_map import regions_of, true_phases


@dataclass(frozen=True, eq=False)
class AskedCrop:
    """One crop, and the ensemble that reads it alone because it was told its facts.

    Attributes
    ----------
    pixels : uint8 array, shape (224, 672, 3)
    regions : uint8 array, shape (224, 672), or None
        Which kind of place each pixel is, as a number of `REGIONS`; None where the truth is unknown.
    """

    crop: CropId
    pixels: NDArray[np.uint8]
    ensemble: Ensemble
    regions: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Witnesses:
    """Crops of a campaign.

    Attributes
    ----------
    pixels : uint8 array, shape (crops, 224, 672, 3)
    facts : mapping of name to float array, shape (crops,)
    regions : tuple of uint8 arrays, or None where the truth is unknown
    """

    ids: tuple[CropId, ...]
    pixels: NDArray[np.uint8]
    facts: Mapping[str, NDArray[np.float64]]
    regions: tuple[NDArray[np.uint8] | None, ...]

    def asked(self, ensemble: Ensemble, count: int) -> list[AskedCrop]:
        """Some of them, evenly, each with the ensemble that was told its facts."""
        return [
            AskedCrop(
                self.ids[place],
                self.pixels[place],
                ensemble.told({name: float(values[place]) for name, values in self.facts.items()}),
                self.regions[place],
            )
            for place in evenly(len(self.ids), count)
        ]


def witnesses_among(
    crops: CampaignCrops, facts: Mapping[str, NDArray[np.float64]], truth: Path, count: int
) -> Witnesses:
    """So many crops of a campaign, evenly over it, with the truth of those of which it is there."""
    chosen = evenly(len(crops.ids), count)
    return Witnesses(
        tuple(crops.ids[place] for place in chosen),
        crops.pixels[chosen],
        {name: values[chosen] for name, values in facts.items()},
        tuple(_regions(truth, crops, place) for place in chosen.tolist()),
    )


def _regions(truth: Path, crops: CampaignCrops, place: int) -> NDArray[np.uint8] | None:
    file = crops.ids[place].file
    phases = true_phases(truth, file, crops.level_to_file.get(file), [crops.boxes[place]])
    return None if phases is None else regions_of(phases[0])


def evenly(count: int, wanted: int) -> NDArray[np.intp]:
    """Places from the first to the last, as many as wanted or as there are.

    >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(np.intp))
