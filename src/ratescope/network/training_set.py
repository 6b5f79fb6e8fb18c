"""What one network learns from, checked once, and what tells it from anything else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import TrainingError
from ratescope.facts import Facts
from ratescope.network.architecture import RateNetwork
from ratescope.settings import Settings


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Crops with their rate curves, and which of them a network learns from.

    Attributes
    ----------
    crops : uint8 array, shape (n, rows, columns, 3)
    curves : float array, shape (n, rates)
        In Ah/kg or Ah/L; one curve per crop.
    c_rates_per_h : tuple of floats
    train, validation : int array
        Positions in ``crops``.
    facts : mapping of name to float array, shape (n,)

    Raises
    ------
    TrainingError
        If a network cannot be trained on it.
    """

    crops: NDArray[np.uint8]
    curves: NDArray[np.float64]
    c_rates_per_h: tuple[float, ...]
    train: NDArray[np.int_]
    validation: NDArray[np.int_]
    facts: Facts = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_shapes()
        if len(self.train) < 2:
            raise TrainingError(
                f"a network learns from two crops or more; the training part has {len(self.train)}. Add micrographs."
            )
        if len(self.validation) < 1:
            raise TrainingError(
                "early stopping needs a crop to stop by; the validation part has none. Add micrographs."
            )
        used = np.concatenate([self.train, self.validation])
        if used.min() < 0 or used.max() >= len(self.crops):
            raise TrainingError(
                f"training and validation name crops 0 to {used.max()}, but there are {len(self.crops)}. Prepare again."
            )
        if not (np.isfinite(self.curves[used]).all() and (self.curves[used] > 0).all()):
            raise TrainingError(
                "capacities must be positive numbers: a percentage error divides by them. "
                f"The lowest is {np.min(self.curves[used])}. Check the cells with ratescope rates."
            )
        for name, values in self.facts.items():
            if values.shape != (len(self.crops),) or not np.isfinite(values[used]).all():
                raise TrainingError(
                    f"the fact {name!r} needs one finite number per crop. Fill its column, or leave it out."
                )

    def _check_shapes(self) -> None:
        if self.crops.dtype != np.uint8 or self.crops.ndim != 4 or self.crops.shape[3] != 3:
            raise TrainingError(
                f"crops are 8-bit of shape (n, rows, columns, 3); got {self.crops.dtype} {self.crops.shape}. "
                "Make them with ratescope prepare."
            )
        if self.curves.shape != (len(self.crops), len(self.c_rates_per_h)):
            raise TrainingError(
                f"each of {len(self.crops)} crops needs a capacity at each of {len(self.c_rates_per_h)} C-rates; "
                f"curves have shape {self.curves.shape}. Give one row per crop."
            )

    @cached_property
    def mean_colour(self) -> tuple[float, float, float]:
        """Of the training crops, 0…255 in red, green and blue."""
        red, green, blue = np.mean([self.crops[row].mean(axis=(0, 1)) for row in self.train], axis=0)
        return float(red), float(green), float(blue)

    @property
    def colour_spread(self) -> NDArray[np.float64]:
        """Standard deviation of the training crops' pixels, shape (3,); crop by crop, to stay within memory."""
        middle = np.asarray(self.mean_colour)
        squares = [np.square(self.crops[row] - middle).mean(axis=(0, 1)) for row in self.train]
        spread: NDArray[np.float64] = np.sqrt(np.mean(squares, axis=0))
        return spread

    @property
    def fact_ranges(self) -> tuple[tuple[float, float], ...]:
        """The lowest and the highest of each fact among the training crops."""
        told = [values[self.train] for values in self.facts.values()]
        return tuple((float(values.min()), float(values.max())) for values in told)

    def fact_table(self, rows: NDArray[np.int_]) -> NDArray[np.float64]:
        """The facts of some crops, shape (rows, facts)."""
        return np.array([values[rows] for values in self.facts.values()]).reshape(len(self.facts), len(rows)).T


def fingerprint(given: TrainingSet, settings: Settings, capacity: str, start_from: RateNetwork | None) -> str:
    """A checksum over everything that decides what is learned: whoever resumes must bring the same."""
    train = asdict(settings.train)
    del train["checkpoint_every_s"]  # changes when a file is written, never what stands in it
    del train["facts"]  # what was told counts, names and numbers, not what was asked for
    recipe = [asdict(settings.network), asdict(settings.augmentation), train]
    decided = [*recipe, capacity, given.c_rates_per_h, *given.facts]
    total = hashlib.sha256(json.dumps(decided).encode())
    for part in (given.train, given.validation):
        total.update(part.astype(np.int64).tobytes())
        total.update(given.curves[part].tobytes())
        total.update(given.crops[part].tobytes())
        for values in given.facts.values():
            total.update(values[part].astype(np.float64).tobytes())
    for tensor in start_from.state_dict().values() if start_from else ():
        total.update(tensor.detach().cpu().numpy().tobytes())
    return total.hexdigest()
