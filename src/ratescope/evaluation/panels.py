"""One micrograph's predictions as people read them: a panel per quantity, the areal capacity among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratescope.records import Prediction, Prepared
from ratescope.units import CAPACITY_NAME, Capacity, areal_from_density


@dataclass(frozen=True, eq=False)
class Panel:
    """A quantity against the C-rate: the mean over the sections, the network spread, and each section's own curve.

    Attributes
    ----------
    unit : str
        Ah/kg, Ah/L or mAh/cm2.
    values : float array, shape (rates,)
    spread : float array, shape (rates,), or None
        Between the networks' means: not an interval. None where one network predicted.
    by_section : float array, shape (sections, rates)
    """

    quantity: str
    unit: str
    c_rates_per_h: NDArray[np.float64]
    values: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    by_section: NDArray[np.float64]

    def times(self, factor: float, quantity: str, unit: str) -> Panel:
        """Another quantity, proportional to this one."""
        return replace(
            self,
            quantity=quantity,
            unit=unit,
            values=self.values * factor,
            spread=None if self.spread is None else self.spread * factor,
            by_section=self.by_section * factor,
        )


def panels(prepared: Prepared, predictions: Mapping[Capacity, Prediction]) -> tuple[Panel, ...]:
    """A panel per capacity that was predicted; none where no section was prepared.

    The areal capacity is the predicted capacity density times the mean thickness that the micrograph shows.
    """
    content: list[Panel] = []
    for capacity, prediction in predictions.items():
        if prediction.by_network.shape[1] == 0:
            continue
        panel = _panel(prediction)
        content.append(panel)
        if capacity == "density" and prepared.coating is not None:
            per_density = areal_from_density(1.0, prepared.coating.thickness_um)
            content.append(panel.times(per_density, "areal capacity", "mAh/cm2"))
    return tuple(content)


def _panel(prediction: Prediction) -> Panel:
    curve = prediction.over_crops()
    has_spread = curve.spread is not None and bool(np.isfinite(curve.spread).all())
    return Panel(
        quantity=CAPACITY_NAME[prediction.capacity],
        unit=prediction.unit,
        c_rates_per_h=prediction.c_rates_per_h,
        values=curve.values,
        spread=curve.spread if has_spread else None,
        by_section=prediction.predicted,
    )
