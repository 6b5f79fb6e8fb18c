"""Which crops are held out together: a fold states its unit and cannot be built otherwise (records.Fold).

`as-published` draws crops at random, as the paper did (section 3.1); `by-specimen` keeps the crops of one specimen
together; `by-electrode` holds whole electrodes out: the main score (decision 0002).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ratescope.counted import counted
from ratescope.errors import TrainingError
from ratescope.records import CropId, Fold, FoldUnit, Protocol

ELECTRODES_FOR_VALIDATION_BY_ELECTRODE = 10  # our choice: below, validation is by specimen of the others

_FEWEST_DRAWN = 2
_FEWEST_ROTATED = 3  # one each for training, validation and test
_FEWEST_TO_TRAIN_ON = 2  # batch norm compares crops

Group = list[CropId]


def make_folds(crops: Sequence[CropId], protocol: Protocol, count: int, rng: np.random.Generator) -> list[Fold]:
    """The folds of a protocol; every crop stands in the test part of exactly one.

    For `as-published` each held-out chunk is halved into validation and test and the halves swap in no other fold, so
    there half of the crops are tested.

    Raises
    ------
    TrainingError
        If there are too few folds, too few units to hold one out in each, or fewer than two crops to train on.
    """
    makers: Mapping[Protocol, Callable[[Sequence[CropId], int, np.random.Generator], list[Fold]]] = {
        "as-published": _as_published,
        "by-specimen": _by_specimen,
        "by-electrode": _by_electrode,
    }
    check_fold_count(protocol, count)
    folds = makers[protocol](sorted(crops), count, rng)
    for number, fold in enumerate(folds):
        if len(fold.train) < _FEWEST_TO_TRAIN_ON:
            raise TrainingError(
                f"a network learns from two crops or more, but of {counted(len(crops), 'crop')} "
                f"fold {number} {protocol} leaves {len(fold.train)} to train on. Add micrographs."
            )
    return folds


def check_fold_count(protocol: Protocol, count: int) -> None:
    """Refuse too few folds, which needs no crop to be seen.

    Raises
    ------
    TrainingError
        If there are fewer than two as-published, or fewer than three of whole units.
    """
    if protocol == "as-published" and count < _FEWEST_DRAWN:
        raise TrainingError(f"2 folds as-published are the fewest; asked for {count}. Choose --folds 2 or more.")
    if protocol != "as-published" and count < _FEWEST_ROTATED:
        raise TrainingError(
            f"folds {protocol} rotate through training, validation and test, so 3 are the fewest; "
            f"asked for {count}. Choose --folds 3 or more."
        )


def _as_published(crops: Sequence[CropId], count: int, rng: np.random.Generator) -> list[Fold]:
    order = [crops[i] for i in rng.permutation(len(crops))]
    if len(order) < 2 * count:
        raise TrainingError(
            f"{count} folds as-published hold out two crops or more each, one to validate and one to test, which takes "
            f"{2 * count} crops; there are {len(order)}. {_remedy(len(order) // 2, 2)} micrographs."
        )
    folds = []
    for held_out in (order[start::count] for start in range(count)):
        half = len(held_out) // 2
        validation, test = frozenset(held_out[:half]), frozenset(held_out[half:])
        folds.append(Fold("crop", frozenset(order) - validation - test, validation, test))
    return folds


def _by_specimen(crops: Sequence[CropId], count: int, rng: np.random.Generator) -> list[Fold]:
    chunks = _deal(_grouped(crops, lambda crop: (crop.electrode, crop.specimen)), count, rng, "specimens")
    return [_rotated("specimen", chunks, i) for i in range(count)]


def _by_electrode(crops: Sequence[CropId], count: int, rng: np.random.Generator) -> list[Fold]:
    electrodes = _grouped(crops, lambda crop: (crop.electrode,))
    chunks = _deal(electrodes, count, rng, "electrodes")
    if len(electrodes) >= ELECTRODES_FOR_VALIDATION_BY_ELECTRODE:
        return [_rotated("electrode", chunks, i) for i in range(count)]
    return [_validated_inside(chunks, i, rng) for i in range(count)]


def _rotated(unit: FoldUnit, chunks: list[Group], i: int) -> Fold:
    """Test on chunk i, validate on the next, train on the rest."""
    test, validation = chunks[i], chunks[(i + 1) % len(chunks)]
    train = frozenset(crop for chunk in chunks for crop in chunk) - frozenset(test) - frozenset(validation)
    return Fold(unit, train, frozenset(validation), frozenset(test), validation_unit=unit)


def _validated_inside(chunks: list[Group], i: int, rng: np.random.Generator) -> Fold:
    """Test on chunk i; validate on one specimen of each other electrode that has several."""
    rest = [crop for j, chunk in enumerate(chunks) if j != i for crop in chunk]
    validation: Group = []
    for electrode in _grouped(rest, lambda crop: (crop.electrode,)):
        specimens = _grouped(electrode, lambda crop: (crop.specimen,))
        if len(specimens) > 1:
            validation.extend(specimens[int(rng.integers(len(specimens)))])
    if not validation:
        raise TrainingError(
            "there are fewer than ten electrodes, and each has one specimen only: nothing is left to validate on. "
            "Bring a second specimen of at least one electrode, or use --protocol as-published."
        )
    remark = (
        "Validation is by specimen inside the training electrodes (fewer than ten electrodes): "
        "early stopping cannot see that a network learns its electrodes by heart."
    )
    train = frozenset(rest) - frozenset(validation)
    return Fold("electrode", train, frozenset(validation), frozenset(chunks[i]), (remark,), "specimen")


def _grouped(crops: Sequence[CropId], key: Callable[[CropId], tuple[str, ...]]) -> list[Group]:
    groups: dict[tuple[str, ...], Group] = defaultdict(list)
    for crop in crops:
        groups[key(crop)].append(crop)
    return [groups[name] for name in sorted(groups)]


def _deal(groups: list[Group], count: int, rng: np.random.Generator, what: str) -> list[Group]:
    """Deal groups into chunks: shuffled inside an electrode, so that each electrode is spread over the chunks."""
    if len(groups) < count:
        smaller = {"electrodes": "by-specimen", "specimens": "as-published"}[what]
        raise TrainingError(
            f"{count} folds that each hold out whole {what} take {count} {what}; there are crops of "
            f"{counted(len(groups), what.removesuffix('s'))}. {_remedy(len(groups), _FEWEST_ROTATED)} {what}, "
            f"or hold out less with --protocol {smaller}."
        )
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    shuffled.sort(key=lambda group: group[0].electrode if what == "specimens" else "")
    return [[crop for group in shuffled[start::count] for crop in group] for start in range(count)]


def _remedy(most: int, fewest: int) -> str:
    """The remedy of fewer folds, where there is one, before that of more to be added."""
    return f"Choose --folds {most}{' or fewer' if most > fewest else ''}, or add" if most >= fewest else "Add"
