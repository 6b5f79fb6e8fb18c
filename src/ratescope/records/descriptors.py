"""What is measured in the crops of one micrograph, with its standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GrainSizes:
    """Diameters of the grains as balls of a log-normal law: a tenth, a half and nine tenths of the volume are smaller.

    Attributes
    ----------
    d10_um, d50_um, d90_um : float
    d10_error_um, d50_error_um, d90_error_um : float
        Standard errors.
    profiles : int
        Whole profiles that were measured.
    """

    d10_um: float
    d50_um: float
    d90_um: float
    d10_error_um: float
    d50_error_um: float
    d90_error_um: float
    profiles: int


@dataclass(frozen=True, eq=False)
class Descriptors:
    """What is measured in the crops of one micrograph, beside what a network makes of them.

    Attributes
    ----------
    dark_shares : float array, shape (crops,)
        Share of each crop's area that is darker than grains: pores and cracks, with the carbon and binder in them.
    crop_error_by_covariance : float
        Standard error of one crop's dark share as a measure of the coating's, from its structure up to 10 µm. Too low
        where the coating varies over longer distances: of a single virtual crop by a quarter to a half.
    crop_error_by_scatter : float or None
        The same, as the standard deviation (n − 1) between these crops; None with fewer than three.
    thickness_um : float
        Of the coating.
    grain_sizes : GrainSizes or None
        None with too few whole profiles.
    """

    dark_shares: NDArray[np.float64]
    crop_error_by_covariance: float
    crop_error_by_scatter: float | None
    thickness_um: float
    grain_sizes: GrainSizes | None

    @property
    def dark_share(self) -> float:
        """Mean over the crops."""
        return float(self.dark_shares.mean())

    @property
    def crop_error(self) -> float:
        """Standard error of one crop's dark share: the larger of two, as either may be too low."""
        return max(self.crop_error_by_covariance, self.crop_error_by_scatter or 0.0)

    @property
    def standard_error(self) -> float:
        """Of the mean over the crops, as if none knew of its neighbour."""
        return self.crop_error / float(np.sqrt(len(self.dark_shares)))

    @property
    def crops_needed(self) -> int:
        """For ± 1 point of dark share (95 %), by the larger error."""
        return crops_for_one_point(self.crop_error)

    @property
    def micrographs_needed(self) -> int:
        """The same in micrographs with as many crops as this one."""
        return -(-self.crops_needed // len(self.dark_shares))


def crops_for_one_point(crop_error: float) -> int:
    """How many crops of this standard error have a mean that is right within ± 1 point in 95 of 100 cases.

    >>> crops_for_one_point(0.04)
    62
    """
    return max(1, int(np.ceil((1.96 * crop_error / 0.01) ** 2)))
