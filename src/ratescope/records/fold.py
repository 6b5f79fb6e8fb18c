"""Crops by their origin, and the parts of a cross-validation round that keep apart what belongs together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ratescope.errors import LeakError

FoldUnit = Literal["crop", "specimen", "electrode"]
Protocol = Literal["by-electrode", "by-specimen", "as-published"]


class CropId(NamedTuple):
    """Which crop: its electrode, specimen, micrograph file and section."""

    electrode: str
    specimen: str
    file: str
    section: int


@dataclass(frozen=True)
class Fold:
    """One cross-validation round; each part is a set of crops, and no ``unit`` of the test part stands elsewhere.

    ``validation_unit`` is what training and validation do not share: the unit, or a smaller one where units are few.

    Raises
    ------
    LeakError
        If a crop stands in two parts, a unit on both sides of the test, or a validation unit in training too.
    """

    unit: FoldUnit
    train: frozenset[CropId]
    validation: frozenset[CropId]
    test: frozenset[CropId]
    remarks: tuple[str, ...] = field(default=(), compare=False)
    validation_unit: FoldUnit = "crop"

    def __post_init__(self) -> None:
        if twice := (self.train & self.validation) | (self.test & (self.train | self.validation)):
            raise LeakError(f"a fold has {len(twice)} crops in two parts, such as {min(twice)}. Parts are disjoint.")
        if shared := units_of(self.train | self.validation, self.unit) & units_of(self.test, self.unit):
            raise LeakError(
                f"a fold by {self.unit} has {sorted(shared)} in training and in test. "
                f"Crops of one {self.unit} are near copies: keep them together."
            )
        if shared := units_of(self.train, self.validation_unit) & units_of(self.validation, self.validation_unit):
            raise LeakError(
                f"a fold that is validated by {self.validation_unit} has {sorted(shared)} in training and in "
                f"validation. Early stopping would reward what is learned by heart: keep each whole."
            )


def units_of(crops: frozenset[CropId], unit: FoldUnit) -> set[tuple[str, ...]]:
    """The electrodes, specimens or crops that a set of crops comes from."""
    return {unit_of(crop, unit) for crop in crops}


def unit_of(crop: CropId, unit: FoldUnit) -> tuple[str, ...]:
    """What a fold keeps together with a crop: its electrode, its specimen, or itself alone."""
    if unit == "electrode":
        return (crop.electrode,)
    if unit == "specimen":
        return (crop.electrode, crop.specimen)
    return (crop.electrode, crop.specimen, crop.file, str(crop.section))
