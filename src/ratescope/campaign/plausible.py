"""Numbers of one row that do not fit together: said as warnings, or as faults where no reading of them can be right."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from ratescope.campaign.entries import CampaignFacts
from ratescope.campaign.table import Table
from ratescope.units import specific_capacity_ah_per_kg

POROSITY_TOLERANCE = 0.02  # our choice, two points: 1 µm of 50 and 2 % of the mass make one and a half
ACTIVE_MASS_MG = (0.5, 500.0)  # our choice: a disc of 5 mm at 3 mg/cm² to a pouch of 30 cm² at 17 mg/cm²


def check_porosity(table: Table, row: int, given: float | None, worked_out: float | None, facts: CampaignFacts) -> None:
    """Warn where the typed porosity is not that of mass and thickness."""
    if worked_out is None:
        return
    if given is None:
        if not 0.0 <= worked_out <= 0.95:
            said = f"mass and thickness make a porosity of {worked_out:.2f}, which no coating has."
            table.fault(row, "coating_thickness_um", f"{said} Check both, the densities and loading_basis.")
        return
    if abs(given - worked_out) <= POROSITY_TOLERANCE:
        return
    share = facts.weight_fractions["active"]
    other, factor = ("coating", share) if facts.loading_basis == "active" else ("active", 1.0 / share)
    on_other_basis = 1.0 - (1.0 - worked_out) * factor
    hint = "Check thickness, loading and densities."
    if abs(given - on_other_basis) <= POROSITY_TOLERANCE:
        hint = f'With loading_basis = "{other}" in campaign.toml they would make {on_other_basis:.3f}.'
    said = f"{given:.3f} is given, but mass and thickness make {worked_out:.3f}; the given one is used."
    table.warn(row, "porosity", f"{said} {hint}")


def check_active_mass(table: Table, row: int, mass_mg: float | None) -> None:
    """Warn of a mass that no half cell has."""
    low, high = ACTIVE_MASS_MG
    if mass_mg is not None and not low <= mass_mg <= high:
        said = f"{mass_mg:g} mg of active material is unusual for a half cell ({low:g} … {high:g})."
        table.warn(row, "active_mass_mg", f"{said} Check the unit, and that only the active material is counted.")


def check_typed_capacities(
    table: Table, row: int, typed_ah: Mapping[float, float], active_mass_mg: float | None, theoretical: float
) -> None:
    """A typed capacity far above what the mass can hold is a wrong unit; a little above, or rising, is a warning."""
    before = inf
    for rate, capacity_ah in sorted(typed_ah.items()):
        column = f"capacity_ah_at_{rate:g}c"
        specific = 0.0
        if active_mass_mg and theoretical > 0.0:
            specific = specific_capacity_ah_per_kg(capacity_ah, active_mass_mg)
        if specific > 10.0 * theoretical:  # our choice: no material holds ten times its theoretical capacity
            said = f"{capacity_ah:g} Ah in {active_mass_mg:g} mg are {specific:.4g} Ah/kg"
            table.fault(row, column, f"{said}, {specific / theoretical:.0f} times the theoretical. Is it in mAh?")
        elif specific > 1.1 * theoretical:  # our choice: what masses and C-rates may be wrong by
            said = f"{specific:.1f} Ah/kg are more than the theoretical {theoretical:g}"
            table.warn(row, column, f"{said}. Check active_mass_mg and theoretical_ah_per_kg.")
        if capacity_ah > 1.02 * before:  # our choice: repeatability of a cycler; capacity falls with C-rate
            table.warn(row, column, f"{capacity_ah:g} Ah are more than at the slower rate before. Check the columns.")
        before = capacity_ah
