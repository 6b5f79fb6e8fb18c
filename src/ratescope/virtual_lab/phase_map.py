"""What the truth says of a crop: its phases, pixel by pixel, and what a perfect eye would measure in them.

Only the oracles and the ladder's rung of the true porosity read this. The image preparation never does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ratescope.records import Box
from ratescope.units import CROP_COLUMNS, CROP_ROWS, NETWORK_PIXEL_SIZE_UM
from ratescope.virtual_lab.cross_section import PHASES

MATERIALS = ("pore", "crack", "particle", "carbon", "binder")
"""What a crop is made of; what artefacts cover is left out of every share."""

FEATURES = (
    "area_porosity",  # cracks included; the oracles read along it
    *(f"{name}_share" for name in MATERIALS[1:]),
    "particle_chord_along_um",
    "particle_chord_upright_um",
    "pore_chord_along_um",
    "pore_chord_upright_um",
    "particle_depth_median_um",
    "particle_depth_p90_um",
    "pore_depth_median_um",
    "pore_depth_p90_um",
    "particle_share_sd_across",
)
BLOCKS = 8  # our choice: pieces of 84 columns, about one particle wide


def true_phases(
    truth: Path, file: str, level_to_file: NDArray[np.float64] | None, boxes: Sequence[Box]
) -> list[NDArray[np.uint8]] | None:
    """The phases under crops of one mosaic, `crop_phases` of each; None where its truth is not known.

    Parameters
    ----------
    truth : Path
        The truth folder of a virtual campaign; other campaigns have none.
    file : str
        The mosaic's name in the sheets.
    """
    picture = phases_file(truth, file)
    if level_to_file is None or not picture.is_file():
        return None
    with Image.open(picture) as opened:
        phases = np.array(opened)
    return [crop_phases(phases, level_to_file, box) for box in boxes]


def phases_file(truth: Path, file: str) -> Path:
    """Where the phases of a mosaic would lie."""
    return truth / f"{Path(file).stem}_phases.png"


def crop_phases(phases: NDArray[np.uint8], level_to_file: NDArray[np.float64], box: Box) -> NDArray[np.uint8]:
    """The phases under a crop: the same grid of 224 × 672 places, each with the phase of the nearest pixel.

    Parameters
    ----------
    phases : uint8 array, shape (rows, columns)
        Of the file.
    level_to_file : float array, shape (2, 3)
        (row, column, 1) in the levelled micrograph → (row, column) in the file.
    box : Box
        Of the crop, in the levelled micrograph.

    Examples
    --------
    >>> phases = np.zeros((300, 800), np.uint8)
    >>> phases[100:] = 2
    >>> straight = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> int(crop_phases(phases, straight, Box(50.0, 274.0, 10.0, 682.0)).argmax(axis=0)[0])
    50
    """
    row = box.top + (np.arange(CROP_ROWS)[:, None] + 0.5) * box.height / CROP_ROWS - 0.5
    column = box.left + (np.arange(CROP_COLUMNS)[None, :] + 0.5) * box.width / CROP_COLUMNS - 0.5
    there = level_to_file[:, :1, None] * row + level_to_file[:, 1:2, None] * column + level_to_file[:, 2:, None]
    rows, columns = (
        np.clip(np.rint(place), 0, size - 1).astype(np.intp) for place, size in zip(there, phases.shape, strict=True)
    )
    return np.asarray(phases[rows, columns])


def area_porosity(phases: NDArray[np.uint8]) -> float:
    """Pores and cracks among what a coating is made of; what artefacts cover is left out."""
    known = np.isin(phases, [PHASES[name] for name in MATERIALS])
    return float(np.isin(phases, [PHASES["pore"], PHASES["crack"]]).sum()) / max(int(known.sum()), 1)


REGIONS = ("particle interior", "particle rim", "pore", "crack", "carbon and binder", "artefact", "outside")
"""Kinds of places in a crop of which a map may be asked; outside: resin and foil."""

RIM_UM = 0.6  # our choice: five pixels of a crop, about what an optical microscope blurs an edge over


def regions_of(phases: NDArray[np.uint8], rim_um: float = RIM_UM) -> NDArray[np.uint8]:
    """Which of `REGIONS` each pixel of a crop is, as a number from 0 in their order.

    Parameters
    ----------
    phases : uint8 array, shape (224, 672)
    rim_um : float
        A particle's rim is what lies so near to something that is not particle; cracks count, the crop's edge does not.
    """
    particle = phases == PHASES["particle"]
    deep = particle.all() or ndimage.distance_transform_edt(particle) * NETWORK_PIXEL_SIZE_UM > rim_um
    kinds = {
        "particle interior": particle & deep,
        "particle rim": particle & ~deep,
        **{name: phases == PHASES[name] for name in ("pore", "crack")},
        "carbon and binder": np.isin(phases, [PHASES["carbon"], PHASES["binder"]]),
        "outside": np.isin(phases, [PHASES["resin"], PHASES["foil"]]),
    }
    regions = np.full(phases.shape, REGIONS.index("artefact"), np.uint8)
    for name, mask in kinds.items():
        regions[mask] = REGIONS.index(name)
    return regions


def phase_features(phases: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a perfect eye measures in one crop, in the order of `FEATURES`.

    Shares of the area; mean chords of particles and of pores, along the foil and upright (stereology's intercepts);
    how deep particles and pores are (distance from their boundary, median and 90th percentile over their area); and how
    unevenly particles lie along the crop.

    Parameters
    ----------
    phases : uint8 array, shape (224, 672)

    Returns
    -------
    float array, shape (14,)
    """
    masks = {name: phases == PHASES[name] for name in MATERIALS}
    known = sum(int(mask.sum()) for mask in masks.values())
    particle, pore = masks["particle"], masks["pore"] | masks["crack"]
    shares = [area_porosity(phases), *(mask.sum() / max(known, 1) for mask in list(masks.values())[1:])]
    across = [block.mean() for block in np.array_split(particle, BLOCKS, axis=1)]
    return np.array(
        [
            *shares,
            *(_mean_chord_um(mask, axis) for mask in (particle, pore) for axis in (1, 0)),
            *_depths_um(particle),
            *_depths_um(pore),
            np.std(across),
        ]
    )


def _mean_chord_um(mask: NDArray[np.bool_], axis: int) -> float:
    """Mean length of the runs along an axis; runs that the border cuts count half."""
    changes = int(np.count_nonzero(np.diff(mask.astype(np.int8), axis=axis)))
    return 2.0 * NETWORK_PIXEL_SIZE_UM * int(mask.sum()) / max(changes, 1)


def _depths_um(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not mask.any():
        return np.zeros(2)
    depth_um = ndimage.distance_transform_edt(mask)[mask] * NETWORK_PIXEL_SIZE_UM
    return np.asarray(np.quantile(depth_um, (0.5, 0.9)))


def true_thickness_um(truth: Path, file: str) -> float:
    """Mean thickness of the coating in one mosaic: its true surface over its true foil edge, across the tilt."""
    facts = json.loads((truth / f"{Path(file).stem}.json").read_text(encoding="utf-8"))
    rows = np.array(facts["foil_rows"], float) - np.array(facts["surface_rows"], float)
    return float(np.nanmean(rows) * facts["pixel_size_um"] * np.cos(np.deg2rad(facts["tilt_deg"])))
