"""From cells.csv to measured rate curves: every capacity traceable to the cycler file that it was read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratescope.campaign.sheets import Campaign, Cell, Electrode, is_campaign, read_campaign
from ratescope.cycling.rate_test import RATE_COLUMNS, rate_curve, rate_rows, rate_test, rate_test_from_capacities
from ratescope.cycling.readers import read_cycler_file
from ratescope.errors import CampaignError, InputError, RateTestError
from ratescope.files import write_csv
from ratescope.records import OnProgress, RateCurve, RateTest, no_progress
from ratescope.units import RATES_PER_H, THEORETICAL_AH_PER_KG, Capacity


def write_rates(
    paths: Sequence[Path],
    out: Path,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float | None = None,
    *,
    on_progress: OnProgress = no_progress,
) -> tuple[dict[str, str], list[str]]:
    """Write the discharges of a campaign, or of bare cycler files, as one table.

    Returns
    -------
    refused : dict
        By file or cell: why it could not be used.
    remarks : list of str
        What was put right, or should be looked at, in the files that were used.
    """
    tests: list[RateTest] = []
    refused: dict[str, str] = {}
    for done, path in enumerate(paths, start=1):
        if not path.exists():
            raise InputError(f"{path} does not exist. Name cycler files or a campaign's folder.")
        if is_campaign(path):
            campaign = _with_theoretical(read_campaign(path), theoretical_ah_per_kg)
            read, faults = _rate_tests_and_faults(campaign, on_progress)
            tests += read
            refused |= {f"{path} cell {cell}": fault for cell, fault in faults.items()}
            continue
        try:
            tests.append(_bare_rate_test(path, active_mass_mg, theoretical_ah_per_kg or THEORETICAL_AH_PER_KG))
        except RateTestError as error:
            refused[str(path)] = str(error)
        on_progress(done, len(paths), "cycler files read")
    write_csv(out, RATE_COLUMNS, [row for test in tests for row in rate_rows(test)])
    remarks = [f"cell {test.cell}: {remark.text}" for test in tests for remark in test.remarks]
    return refused, remarks


def _with_theoretical(campaign: Campaign, theoretical_ah_per_kg: float | None) -> Campaign:
    if theoretical_ah_per_kg is None:
        return campaign
    return replace(campaign, facts=replace(campaign.facts, theoretical_ah_per_kg=theoretical_ah_per_kg))


def _bare_rate_test(file: Path, active_mass_mg: float | None, theoretical_ah_per_kg: float) -> RateTest:
    """What a campaign would know beside the mass stays unknown."""
    return rate_test(
        read_cycler_file(file),
        cell=file.stem,
        electrode="",
        active_mass_mg=active_mass_mg,
        theoretical_ah_per_kg=theoretical_ah_per_kg,
    )


def rate_tests(campaign: Campaign, *, on_progress: OnProgress = no_progress) -> list[RateTest]:
    """The rate test of every cell of a campaign.

    Raises
    ------
    CampaignError
        With every cell whose file cannot be read, at once.
    """
    tests, faults = _rate_tests_and_faults(campaign, on_progress)
    if faults:
        said = "".join(f"\n  cells.csv, cell {cell!r}: {fault}" for cell, fault in faults.items())
        raise CampaignError(f"{campaign.folder}: {len(faults)} rate test(s) cannot be used{said}")
    return tests


def _rate_tests_and_faults(campaign: Campaign, on_progress: OnProgress) -> tuple[list[RateTest], dict[str, str]]:
    """The rate tests that can be used, and by cell what is wrong with the others."""
    tests, faults = [], {}
    for done, cell in enumerate(campaign.cells, start=1):
        try:
            tests.append(_rate_test(cell, campaign))
        except RateTestError as error:
            faults[cell.name] = str(error)
        on_progress(done, len(campaign.cells), "rate tests read")
    return tests, faults


def _rate_test(cell: Cell, campaign: Campaign) -> RateTest:
    electrode = campaign.electrodes[cell.electrode]
    area_cm2 = _area_cm2(cell, electrode)
    known = {
        "cell": cell.name,
        "electrode": cell.electrode,
        "active_mass_mg": cell.active_mass_mg,
        "theoretical_ah_per_kg": campaign.facts.theoretical_ah_per_kg,
        "coating_volume_mm3": _coating_volume_mm3(cell, electrode),
        "collector_area_cm2": area_cm2,
    }
    if cell.path is None:
        return rate_test_from_capacities(cell.typed_ah, **known)  # type: ignore[arg-type]
    return rate_test(read_cycler_file(cell.path), **known)  # type: ignore[arg-type]


def _area_cm2(cell: Cell, electrode: Electrode) -> float | None:
    if cell.active_mass_mg is None or not electrode.active_loading_mg_per_cm2:
        return None
    return cell.active_mass_mg / electrode.active_loading_mg_per_cm2


def _coating_volume_mm3(cell: Cell, electrode: Electrode) -> float | None:
    if cell.active_mass_mg is None or not electrode.active_density_kg_per_l:
        return None
    return cell.active_mass_mg / electrode.active_density_kg_per_l  # 1 kg/L = 1 mg/mm³


def measured_curves(tests: Sequence[RateTest], capacity: Capacity) -> dict[str, RateCurve]:
    """The measured rate curve of each electrode: mean over its cells, with their spread."""
    names = sorted({test.electrode for test in tests})
    return {name: rate_curve([test for test in tests if test.electrode == name], capacity) for name in names}


def curves_to_learn(
    campaign: Campaign, curves: Mapping[str, RateCurve], rates_per_h: Sequence[float] = RATES_PER_H
) -> dict[str, NDArray[np.float64]]:
    """Capacities at the rates that a network learns, by electrode, shape (rates,) each.

    Raises
    ------
    CampaignError
        If an electrode with micrographs has no rate test, or a rate is missing or without positive capacity.
    """
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
                f"{', '.join(f'{rate:g}C' for rate in at)}. Check the active mass and the cycler files."
            )
            continue
        learned[name] = np.array([at[rate] for rate in rates_per_h])
    if faults:
        raise CampaignError(
            f"{campaign.folder}: {len(faults)} electrode(s) cannot be learned\n  " + "\n  ".join(faults)
        )
    return learned
