"""Three oracles, and what each is told: of an electrode, of all its crops, or of the one crop alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratescope.oracles.regressors import REGRESSORS
from ratescope.records import CropId, Fold

ORACLES = ("electrode", "field", "field with thickness", "crop", "crop with thickness")
LOOKED_UP = "looked up among the training electrodes"

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truth:
    """Everything that oracles are told.

    Attributes
    ----------
    electrodes : electrode → float array, shape (3,)
        Porosity of the volume, particle size, thickness.
    crops : CropId → float array, shape (features + 1,)
        What a perfect eye sees in the crop, and behind it the true thickness of the coating in this crop's mosaic.
    """

    electrodes: Mapping[str, Values]
    crops: Mapping[CropId, Values]


@dataclass(frozen=True, eq=False)
class OracleJob:
    """One oracle with one regressor in one fold.

    Attributes
    ----------
    curves : electrode → float array, shape (values,)
        The measured values that are to be predicted: a rate curve, or those of both capacities one after the other.
    """

    number: int
    fold: Fold
    oracle: str
    regressor: str
    truth: Truth
    curves: Mapping[str, Values]


def ask(job: OracleJob) -> tuple[list[CropId], Values]:
    """Let an oracle learn from the training and validation parts of a fold, and answer for its test part.

    Returns
    -------
    crops : list of CropId
        Those of the test part.
    curves : float array, shape (crops, values)
    """
    learn, asked = sorted(job.fold.train | job.fold.validation), sorted(job.fold.test)
    if job.oracle == "electrode":
        return asked, _electrode_oracle(job, learn, asked)
    if job.oracle.startswith("field"):
        return asked, _field_oracle(job, learn, asked)
    return asked, _answer(job, _told(job, learn), [crop.electrode for crop in learn], _told(job, asked))


def regressors_of(oracle: str, fold: Fold) -> tuple[str, ...]:
    """What an oracle may try: who knows the facts of an electrode that is trained on too looks its curve up."""
    trained = {crop.electrode for crop in fold.train | fold.validation}
    if oracle == "electrode" and {crop.electrode for crop in fold.test} <= trained:
        return (LOOKED_UP,)
    return tuple(REGRESSORS)


def _electrode_oracle(job: OracleJob, learn: Sequence[CropId], asked: Sequence[CropId]) -> Values:
    if job.regressor == LOOKED_UP:
        return np.stack([job.curves[crop.electrode] for crop in asked])
    names = sorted({crop.electrode for crop in learn})
    told = np.stack([job.truth.electrodes[crop.electrode] for crop in asked])
    return _answer(job, np.stack([job.truth.electrodes[name] for name in names]), names, told)


def _field_oracle(job: OracleJob, learn: Sequence[CropId], asked: Sequence[CropId]) -> Values:
    """Learns from means over specimens, and over whole electrodes where these are held out together."""
    told, told_before = _told(job, asked), _told(job, learn)
    rows = _means([f"{crop.electrode}\n{crop.specimen}" for crop in learn], told_before)
    if job.fold.unit == "electrode":
        rows |= _means([crop.electrode for crop in learn], told_before)
    fields = _means([crop.electrode for crop in asked], told)
    return _answer(
        job,
        np.stack(list(rows.values())),
        [name.partition("\n")[0] for name in rows],
        np.stack([fields[crop.electrode] for crop in asked]),
    )


def _answer(job: OracleJob, facts: Values, electrodes: Sequence[str], told: Values) -> Values:
    curves = np.stack([job.curves[electrode] for electrode in electrodes])
    return REGRESSORS[job.regressor](facts, curves, told, job.number)


def _told(job: OracleJob, crops: Sequence[CropId]) -> Values:
    features = np.stack([job.truth.crops[crop] for crop in crops])
    return features if job.oracle.endswith("with thickness") else features[:, :-1]


def _means(names: Sequence[str], told: Values) -> dict[str, Values]:
    groups: dict[str, list[Values]] = defaultdict(list)
    for name, features in zip(names, told, strict=True):
        groups[name].append(features)
    return {name: np.asarray(np.mean(rows, axis=0)) for name, rows in groups.items()}
