"""From cells.csv to measured rate curves: every capacity traceable to the cycler file that it was read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.basis import with_basis
from ratescope.campaign.sheets import Campaign, Cell
from ratescope.counted import counted
from ratescope.cycling.outliers import usual_spread
from ratescope.cycling.rate_curve import capacities_by_rate, rate_curve
from ratescope.cycling.rate_test import rate_test, rate_test_from_capacities
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.typed_file import is_typed_file, read_typed_file
from ratescope.errors import CampaignError, RateTestError
from ratescope.protocol import RateProtocol, read_protocol
from ratescope.records import OnProgress, RateCurve, RateTest, no_progress
from ratescope.units import RATES_PER_H, Capacity


def rate_tests(campaign: Campaign, *, on_progress: OnProgress = no_progress) -> list[RateTest]:
    """The rate test of every cell of a campaign.

    Raises
    ------
    CampaignError
        With every cell whose file cannot be read, at once.
    """
    tests, faults = usable_rate_tests(campaign, on_progress=on_progress)
    if faults:
        said = "".join(f"\n  cells.csv, cell {cell!r}: {fault}" for cell, fault in faults.items())
        raise CampaignError(f"{campaign.folder}: {counted(len(faults), 'rate test')} cannot be used{said}")
    return tests


def usable_rate_tests(
    campaign: Campaign, *, on_progress: OnProgress = no_progress
) -> tuple[list[RateTest], dict[str, str]]:
    """The rate tests that can be used, and by cell what is wrong with the others.

    Raises
    ------
    SettingsError
        If there is no such protocol as campaign.toml names.
    """
    protocol = read_protocol(campaign.facts.protocol, campaign.folder)
    tests, faults = [], {}
    for done, cell in enumerate(campaign.cells, start=1):
        try:
            tests.append(with_basis(_rate_test(cell, campaign, protocol), cell, campaign))
        except RateTestError as error:
            faults[cell.name] = str(error)
        on_progress(done, len(campaign.cells), "rate tests read")
    return tests, faults


def _rate_test(cell: Cell, campaign: Campaign, protocol: RateProtocol) -> RateTest:
    known: dict[str, Any] = {
        "cell": cell.name,
        "electrode": cell.electrode,
        "active_mass_mg": cell.active_mass_mg,
        "theoretical_ah_per_kg": campaign.facts.theoretical_ah_per_kg,
        "protocol": protocol,
    }
    if cell.path is None:
        return rate_test_from_capacities(cell.typed_ah, **known)
    if is_typed_file(cell.path):
        typed = rate_test_from_capacities(_typed_of_cell(cell.path, cell.name), **known)
        return replace(typed, file=str(cell.path))
    return rate_test(read_cycler_file(cell.path), **known)


def _typed_of_cell(file: Path, cell: str) -> Mapping[float, float]:
    """The capacities of one cell from a table that may hold several."""
    typed = read_typed_file(file)
    if cell in typed or set(typed) == {""}:
        return typed.get(cell) or typed[""]
    raise RateTestError(
        f"{file} holds the cells {', '.join(map(repr, typed))}, but not {cell!r}. Call it there as in cells.csv."
    )


def measured_curves(tests: Sequence[RateTest], capacity: Capacity) -> dict[str, RateCurve]:
    """The measured rate curve of each electrode: mean over its cells, with their spread and who lies apart.

    Raises
    ------
    RateTestError
        With every electrode that has none, at once.
    """
    by_electrode = {
        name: [test for test in tests if test.electrode == name] for name in sorted({test.electrode for test in tests})
    }
    usual = usual_spread([capacities_by_rate(of, capacity) for of in by_electrode.values()])
    curves, faults = {}, []
    for name, of in by_electrode.items():
        try:
            curves[name] = rate_curve(of, capacity, usual=usual)
        except RateTestError as error:
            faults.append(f"electrode {name!r}: {error}")
    if len(faults) == 1:
        raise RateTestError(faults[0])
    if faults:
        raise RateTestError("\n  ".join([f"{counted(len(faults), 'electrode')} without a rate curve", *faults]))
    return curves


def curves_to_learn(
    campaign: Campaign, curves: Mapping[str, RateCurve], rates_per_h: Sequence[float] = RATES_PER_H
) -> dict[str, NDArray[np.float64]]:
    """Capacities at the rates that a network learns, by electrode, shape (rates,) each.

    Raises
    ------
    CampaignError
        If there is no micrograph, or an electrode with micrographs has no rate test, or a rate is missing or without
        positive capacity.
    """
    if not campaign.micrographs:
        raise CampaignError(
            f"{campaign.folder} has no micrographs yet, so there is nothing to learn from. Add them to micrographs.csv."
        )
    faults, learned = [], {}
    for name in sorted({m.electrode for m in campaign.micrographs}):
        curve = curves.get(name)
        if curve is None:
            faults.append(f"electrode {name!r} has micrographs but no cell in cells.csv. Add one, or drop its images.")
            continue
        at = {round(float(rate), 6): float(v) for rate, v in zip(curve.c_rates_per_h, curve.values, strict=True)}
        bad = [f"{rate:g}C" for rate in rates_per_h if not at.get(rate, 0.0) > 0.0]
        if bad:
            faults.append(
                f"electrode {name!r} has no capacity above zero at {', '.join(bad)}; its cells give "
                f"{', '.join(f'{rate:g}C' for rate in at)}. Networks learn these "
                "rates and no others: where the test has them, check the active mass and the cycler files."
            )
            continue
        learned[name] = np.array([at[rate] for rate in rates_per_h])
    if faults:
        raise CampaignError(
            f"{campaign.folder}: {counted(len(faults), 'electrode')} cannot be learned\n  " + "\n  ".join(faults)
        )
    return learned
