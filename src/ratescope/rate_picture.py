"""Rate tests as the paper's Figure 4 shows them: discharge curves of one cell of each electrode, and the rate plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ratescope.campaign.rate_sources import RateSource
from ratescope.cycling.discharge_curves import discharge_curves
from ratescope.cycling.rate_curve import rate_curve
from ratescope.cycling.rate_law_fit import fit_rate_law
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.typed_file import is_typed_file
from ratescope.errors import InputError, RateTestError
from ratescope.evaluation.figures import ElectrodeCurves, rate_test_png
from ratescope.evaluation.figures.rate_tests import Points
from ratescope.evaluation.figures.style import some_of
from ratescope.records import RateTest
from ratescope.units import specific_capacity_ah_per_kg


def rate_picture(sources: Sequence[RateSource]) -> bytes:
    """A PNG of at most eight electrodes, from the best at the fastest C-rate to the worst; of bare files, of cells.

    Raises
    ------
    InputError
        If there is nothing to draw: no discharge counts, or no active mass is known.
    """
    drawn: dict[str, tuple[list[RateTest], float]] = {}
    for source in sources:
        for test in source.tests:
            if test.active_mass_mg and any(discharge.counts for discharge in test.discharges):
                name = test.electrode if source.campaign else test.cell
                drawn.setdefault(name, ([], source.theoretical_ah_per_kg))[0].append(test)
    if not drawn:
        raise InputError(
            "there is no rate curve to draw: no cell has an active mass and a discharge that counts. "
            "Give --active-mass-mg, or leave --picture out."
        )
    fastest = {name: rate_curve(tests, "specific").values[-1] for name, (tests, _) in drawn.items()}
    chosen = some_of(sorted(drawn, key=lambda name: -fastest[name]))
    rates = {
        discharge.c_rate_per_h
        for name in chosen
        for t in drawn[name][0]
        for discharge in t.discharges
        if discharge.counts
    }
    shown = [sorted(rates)[place] for place in sorted({0, len(rates) // 2, len(rates) - 1})]
    electrodes = [electrode_curves(name, *drawn[name], shown) for name in chosen]
    simulated = [source.campaign.facts.simulated for source in sources if source.campaign]
    note = "Left: one cell of each, marked as on the right. Right: means over cells, bars ± 1 standard deviation."
    if len(chosen) < len(drawn):
        note += f" Shown are {len(chosen)} of {len(drawn)}."
    return rate_test_png(electrodes, c_rates_per_h=shown, note=f"SIMULATED. {note}" if any(simulated) else note)


def electrode_curves(
    name: str, tests: Sequence[RateTest], theoretical_ah_per_kg: float, c_rates_per_h: Sequence[float]
) -> ElectrodeCurves:
    """What is drawn of one electrode: its rate curve with the law that fits it, and discharges of its first cell."""
    curve = rate_curve(tests, "specific")
    try:
        law = fit_rate_law(curve, theoretical_ah_per_kg)
    except RateTestError:
        law = None  # the figure says that none fits; `rates --law` says why
    logged = [test for test in tests if test.file and not is_typed_file(Path(test.file))]
    return ElectrodeCurves(name, curve, law, _discharges(logged[0], c_rates_per_h) if logged else {})


def _discharges(test: RateTest, c_rates_per_h: Sequence[float]) -> dict[float, Points]:
    """By C-rate: what has passed in Ah/kg, and the voltage; read from the cell's file once more."""
    of_cell = discharge_curves(read_cycler_file(Path(test.file)), test, c_rates_per_h)
    per_ah = specific_capacity_ah_per_kg(1.0, test.active_mass_mg or math.nan)
    return {rate: (passed_ah * per_ah, voltage_v) for rate, (passed_ah, voltage_v) in of_cell.items()}
