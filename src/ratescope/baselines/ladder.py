"""The ladder: what can be said of a crop's rate curve without a network, rung by rung, under the same folds.

    mean curve                               without looking
    light alone, looked up                   colours of grains and dark, the curve of the training crop most like it
    curve at thresholded porosity            the dark share of the crop's area
    texture, Gaussian process                twenty numbers of the crop: shares, chords, granulometry, greys
    texture, boosted trees                   the same numbers
    curve at the electrode's porosity        as the sheets tell it, from mass and thickness: no image is needed
    curve at the crop's true porosity        virtual campaigns only: the pores in the crop's field, from the truth

Every rung learns from the training part alone, as a network does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ratescope.baselines.curves import curve_at_porosity, mean_curve
from ratescope.baselines.light import looked_up_by_light
from ratescope.baselines.regressors import boosted_trees, gaussian_process
from ratescope.baselines.texture import TEXTURE_FEATURES
from ratescope.evaluation.ladder import (
    BOOSTED_TREES,
    ELECTRODE_POROSITY,
    GAUSSIAN_PROCESS,
    LIGHT_ALONE,
    MEAN_CURVE,
    THRESHOLDED,
    TRUE_POROSITY,
)
from ratescope.records import CropId, Fold, FoldUnit, unit_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """What the rungs of a campaign's ladder may look at, crop by crop.

    Attributes
    ----------
    ids : tuple of CropId
    light : float array, shape (crops, features)
        The numbers of `ratescope.baselines.light.light_of`.
    texture : float array, shape (crops, features)
        The numbers of `TEXTURE_FEATURES`; the first one is the dark share.
    electrode_porosity : float array, shape (crops,)
        Of the crop's electrode, from the sheets; NaN where they do not tell it.
    true_porosity : float array, shape (crops,)
        Of the crop's field, pores and cracks by area, from a virtual campaign's truth; NaN where there is none.
    """

    ids: tuple[CropId, ...]
    light: Floats
    texture: Floats
    electrode_porosity: Floats
    true_porosity: Floats

    @property
    def dark_share(self) -> Floats:
        """Share of each crop's area that is darker than grains, shape (crops,)."""
        return np.asarray(self.texture[:, TEXTURE_FEATURES.index("dark_share")])


@dataclass(frozen=True, eq=False)
class Question:
    """One fold, as the rungs are asked: learn from ``train``, answer for every crop.

    Attributes
    ----------
    train : int array
        Places of the training crops.
    curves : float array, shape (crops, rates)
        Measured; a rung reads those of ``train`` only.
    """

    unit: FoldUnit
    train: NDArray[np.intp]
    seen: Seen
    curves: Floats


def climb(fold: Fold, seen: Seen, curves: Floats) -> dict[str, Floats]:
    """What each rung says of every crop, by its name, from the bottom up; arrays of shape (crops, rates).

    A rung whose facts are unknown for all training crops is missing; where only a crop's own are unknown, it says NaN.
    """
    train = np.array([place for place, crop in enumerate(seen.ids) if crop in fold.train], dtype=np.intp)
    question = Question(fold.unit, train, seen, curves)
    # Small matrices: several threads wait for each other more than they compute, a hundredfold on a busy machine.
    with threadpool_limits(1):
        answers = {name: rung(question) for name, rung in RUNGS.items()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def _mean_curve(asked: Question) -> Floats:
    return mean_curve(asked.curves[asked.train], len(asked.curves))


def _by_light_alone(asked: Question) -> Floats:
    light, ids = asked.seen.light, asked.seen.ids
    micrographs = [(ids[place].electrode, ids[place].file) for place in asked.train]
    return looked_up_by_light(light[asked.train], asked.curves[asked.train], micrographs, light)


def _at_thresholded_porosity(asked: Question) -> Floats | None:
    return _read_at(asked.seen.dark_share, asked)


def _texture_by_gaussian_process(asked: Question) -> Floats:
    texture, ids = asked.seen.texture, asked.seen.ids
    groups = [unit_of(ids[place], asked.unit) for place in asked.train]  # knobs are chosen as the fold will ask
    return gaussian_process(texture[asked.train], asked.curves[asked.train], groups, texture)


def _texture_by_boosted_trees(asked: Question) -> Floats:
    texture = asked.seen.texture
    return boosted_trees(texture[asked.train], asked.curves[asked.train], texture)


def _at_true_porosity(asked: Question) -> Floats | None:
    return _read_at(asked.seen.true_porosity, asked)


def _at_electrode_porosity(asked: Question) -> Floats | None:
    """One row per electrode, not per crop: whoever knows the porosity by heart needs no crop."""
    first = {asked.seen.ids[place].electrode: place for place in asked.train[::-1]}
    return _read_at(asked.seen.electrode_porosity, asked, np.array(sorted(first.values()), dtype=np.intp))


def _read_at(porosity: Floats, asked: Question, rows: NDArray[np.intp] | None = None) -> Floats | None:
    rows = asked.train if rows is None else rows
    known = rows[np.isfinite(porosity[rows])]
    if len(known) == 0:
        return None
    said = curve_at_porosity(porosity[known], asked.curves[known], porosity)
    return np.where(np.isfinite(porosity)[:, None], said, np.nan)


RUNGS: Mapping[str, Callable[[Question], Floats | None]] = {
    MEAN_CURVE: _mean_curve,
    LIGHT_ALONE: _by_light_alone,
    THRESHOLDED: _at_thresholded_porosity,
    GAUSSIAN_PROCESS: _texture_by_gaussian_process,
    BOOSTED_TREES: _texture_by_boosted_trees,
    ELECTRODE_POROSITY: _at_electrode_porosity,
    TRUE_POROSITY: _at_true_porosity,
}
"""From the bottom up: the order in which reports show them."""
