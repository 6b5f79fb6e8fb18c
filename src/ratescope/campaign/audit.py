"""Whether a campaign is complete, and whether anything in it gives the answer away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from ratescope.campaign.crops import file_hash
from ratescope.campaign.rates import curves_to_learn, measured_curves, rate_tests
from ratescope.campaign.sheets import PREPARATION_COLUMNS, Campaign, read_campaign
from ratescope.records import OnProgress, no_progress


def check_campaign(folder: Path, *, on_progress: OnProgress = no_progress) -> str:
    """Read all sheets and rate tests; one sentence if nothing is wrong.

    Raises
    ------
    CampaignError
        With everything that is wrong, at once.
    """
    campaign = read_campaign(folder)
    curves_to_learn(campaign, measured_curves(rate_tests(campaign, on_progress=on_progress), "specific"))
    simulated = " All of it is simulated." if campaign.facts.simulated else ""
    return (
        f"{folder}: {len(campaign.electrodes)} electrodes, {len(campaign.micrographs)} micrographs and "
        f"{len(campaign.cells)} cells; nothing to mend.{simulated}"
    )


def audit_campaign(folder: Path) -> list[str]:
    """What could let a network learn something else than the coating, as sentences."""
    campaign = read_campaign(folder)
    said = [f"{folder}: {len(campaign.electrodes)} electrodes, {len(campaign.micrographs)} micrographs"]
    said += _same_pictures(campaign)
    said += _preparation_that_follows(campaign)
    specimens = defaultdict(set)
    for micrograph in campaign.micrographs:
        specimens[micrograph.electrode].add(micrograph.specimen)
    if single := sorted(name for name, known in specimens.items() if len(known) == 1):
        said.append(f"one specimen only: {', '.join(single)}. Specimen and electrode cannot be told apart there.")
    said.append(
        "Crops of one specimen are near copies and each electrode has one rate curve: "
        "believe scores by electrode; as-published scores also reward recognising a specimen."
    )
    return said


def _same_pictures(campaign: Campaign) -> list[str]:
    by_content: Mapping[str, list[str]] = defaultdict(list)
    for micrograph in campaign.micrographs:
        by_content[file_hash(micrograph.path)].append(micrograph.file)
    same = [names for names in by_content.values() if len(names) > 1]
    return [f"the same picture under {len(names)} names: {', '.join(names)}. Keep one." for names in same]


def _preparation_that_follows(campaign: Campaign) -> list[str]:
    said = []
    for column in PREPARATION_COLUMNS:
        electrodes_of: Mapping[str, set[str]] = defaultdict(set)
        for micrograph in campaign.micrographs:
            electrodes_of[micrograph.preparation.get(column, "")].add(micrograph.electrode)
        values = set(electrodes_of) - {""}
        if not values:
            said.append(f"{column}: not filled in, so nobody can see whether it follows the capacity.")
        elif len(values) > 1 and all(len(electrodes_of[value]) == 1 for value in values):
            said.append(f"{column}: each value belongs to one electrode, so a network may learn it instead. Mix them.")
    return said
