"""campaign.toml: what holds for a whole campaign."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from ratescope.campaign.entries import SCHEMA, CampaignFacts, Notes
from ratescope.campaign.sheet_text import text_of
from ratescope.errors import SettingsError
from ratescope.protocol import read_protocol
from ratescope.settings import from_table


def read_campaign_toml(path: Path, notes: Notes) -> CampaignFacts:
    """Read and check campaign.toml; the defaults where it cannot be read."""
    try:
        facts = from_table(CampaignFacts, tomllib.loads(text_of(path)), path.name)
    except (ValueError, SettingsError) as error:
        said = str(error)
        notes.errors.append(said if said.startswith(path.name) else f"{path.name}: {said}")
        return CampaignFacts(name=path.parent.name)
    notes.errors.extend(f"{path.name}: {fault}" for fault in _faults_of(facts))
    try:
        read_protocol(facts.protocol, path.parent)
    except SettingsError as error:
        notes.errors.append(f"{path.name}, protocol: {error}")
    return facts


def _faults_of(facts: CampaignFacts) -> list[str]:
    faults = []
    if facts.schema != SCHEMA:
        faults.append(f"schema {facts.schema} is not known here, only {SCHEMA}. Use a newer ratescope.")
    if not 1.0 <= facts.theoretical_ah_per_kg <= 5000.0:  # our choice: lithium has 3860
        faults.append(f"theoretical_ah_per_kg is {facts.theoretical_ah_per_kg:g}. Give Ah per kg (= mAh per g).")
    if facts.pixel_size_um is not None and not 1e-3 <= facts.pixel_size_um <= 100.0:
        faults.append(f"pixel_size_um is {facts.pixel_size_um:g}, no pixel of a micrograph in µm. Mend it.")
    return faults + _recipe_faults(facts.weight_fractions, facts.densities_g_per_cm3)


def _recipe_faults(weight_fractions: Mapping[str, float], densities_g_per_cm3: Mapping[str, float]) -> list[str]:
    faults = []
    if abs(sum(weight_fractions.values()) - 1.0) > 0.005:
        faults.append(f"weight_fractions sum to {sum(weight_fractions.values()):.3f}. Make it 1.")
    if not weight_fractions.get("active", 0.0) > 0.0:
        faults.append(f"weight_fractions has {sorted(weight_fractions)}, but no share of 'active'. Add it.")
    if missing := {"active", *weight_fractions} - set(densities_g_per_cm3):
        faults.append(f"densities_g_per_cm3 lacks {sorted(missing)}. Give each component's density.")
    for part, density in densities_g_per_cm3.items():
        if not 0.1 <= density <= 25.0:  # our choice: no solid is lighter or heavier
            faults.append(f"densities_g_per_cm3.{part} is {density:g}, no density in g/cm³. Divide kg/m³ by 1000.")
    for part, share in weight_fractions.items():
        if not 0.0 <= share <= 1.0:
            faults.append(f"weight_fractions.{part} is {share:g}, no fraction. Divide percent by 100.")
    return faults
