"""What the folds of a protocol would have on both sides: electrodes, specimens, micrographs and near copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from ratescope.campaign.folds import make_folds
from ratescope.campaign.near_copies import NearCopy
from ratescope.errors import TrainingError
from ratescope.records import CropId, Fold, FoldUnit, Protocol
from ratescope.settings import FoldSettings, TrainSettings


@dataclass(frozen=True)
class Leakage:
    """Of one protocol: shares of test crops whose electrode, specimen or micrograph also stands in training.

    ``copies`` counts near copies with one side in the test part of a fold; ``refusal`` says why there are no folds.
    """

    protocol: Protocol
    unit: FoldUnit | None = None
    folds: int = 0
    electrodes: float = 0.0
    specimens: float = 0.0
    micrographs: float = 0.0
    copies: int = 0
    refusal: str = ""


def leakage(crops: Sequence[CropId], copies: Sequence[NearCopy]) -> list[Leakage]:
    """Of all three protocols, with the folds that `ratescope train` would make by default."""
    return [_leakage(protocol, crops, copies) for protocol in get_args(Protocol)]


def _leakage(protocol: Protocol, crops: Sequence[CropId], copies: Sequence[NearCopy]) -> Leakage:
    try:
        folds = make_folds(crops, protocol, FoldSettings().count, np.random.default_rng(TrainSettings().seed))
    except TrainingError as error:
        return Leakage(protocol, refusal=str(error))
    return Leakage(
        protocol,
        folds[0].unit,
        len(folds),
        _share_on_both_sides(folds, lambda crop: (crop.electrode,)),
        _share_on_both_sides(folds, lambda crop: (crop.electrode, crop.specimen)),
        _share_on_both_sides(folds, lambda crop: (crop.file,)),
        sum(len({copy.first in fold.test, copy.second in fold.test}) == 2 for fold in folds for copy in copies),
    )


def _share_on_both_sides(folds: Sequence[Fold], unit_of: Callable[[CropId], tuple[str, ...]]) -> float:
    """Of all tested crops, the share whose unit is known from training or validation."""
    tested = known = 0
    for fold in folds:
        seen = {unit_of(crop) for crop in fold.train | fold.validation}
        tested += len(fold.test)
        known += sum(unit_of(crop) in seen for crop in fold.test)
    return known / tested
