"""The leakage sheet of a campaign: what a network could learn, or its score reward, instead of the coating."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.entries import Campaign
from ratescope.campaign.leakage import Leakage, leakage
from ratescope.campaign.leakage_sheet import Audit
from ratescope.campaign.near_copies import NearCopy, near_copies
from ratescope.campaign.pictures import read_pictures, same_pictures
from ratescope.campaign.proxies import find_proxies
from ratescope.campaign.rates import measured_curves, usable_rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import CampaignError, RateTestError
from ratescope.records import CropId, OnProgress, RateCurve, RateTest, no_progress
from ratescope.settings import Settings


def audit_campaign(folder: Path, *, on_progress: OnProgress = no_progress) -> Audit:
    """Look for leaks in a campaign; its crops are prepared first, where they are not there yet.

    Without any micrograph nothing is looked for.

    Raises
    ------
    CampaignError
        If its sheets cannot be read.
    """
    campaign = read_campaign(folder)
    if not campaign.micrographs:
        same = tuple(same_coatings(campaign))
        return Audit(campaign.facts.name, len(campaign.electrodes), 0, 0, 0, (), (), (), (), remarks=same)
    pictures, refused = read_pictures(campaign, on_progress=on_progress)
    tests, faults = usable_rate_tests(campaign, on_progress=on_progress)
    remarks: list[str] = []
    curves = _curves(tests, remarks)
    ids, copies = _crops(campaign, remarks, on_progress)
    by_micrograph = [CropId(m.electrode, m.specimen, m.file, 0) for m in campaign.micrographs]
    leaks = leakage(ids or by_micrograph, copies)
    return Audit(
        name=campaign.facts.name,
        electrodes=len(campaign.electrodes),
        specimens=len({(m.electrode, m.specimen) for m in campaign.micrographs}),
        micrographs=len(campaign.micrographs),
        crops=len(ids),
        leakage=tuple(leaks),
        same_pictures=tuple(same_pictures(pictures)),
        copies=tuple(copies),
        proxies=tuple(find_proxies(campaign.micrographs, pictures, curves)),
        remarks=(*remarks, *_crossing(leaks), *_single_specimens(campaign), *same_coatings(campaign), _BELIEVE),
        refused=refused | {f"cell {cell}": why for cell, why in faults.items()},
        inputs=len(campaign.micrographs) + len(campaign.cells),
    )


_BELIEVE = (
    "Crops of one specimen are near copies and each electrode has one rate curve: believe scores by electrode; "
    "as-published scores also reward recognising a specimen."
)


def _curves(tests: Sequence[RateTest], remarks: list[str]) -> dict[str, RateCurve]:
    try:
        return measured_curves(tests, "specific")
    except RateTestError as error:
        remarks.append(f"nothing was compared with the capacity: {' '.join(str(error).split())}")
        return {}


def _crops(
    campaign: Campaign, remarks: list[str], on_progress: OnProgress
) -> tuple[tuple[CropId, ...], list[NearCopy]]:
    try:
        crops = prepare_campaign(campaign, Settings().prepare, on_progress=on_progress)
    except CampaignError as error:
        remarks.append(f"no crops were compared, and folds were counted by micrograph: {error}")
        return (), []
    return crops.ids, near_copies(crops.ids, crops.pixels, on_progress=on_progress)


def _crossing(leaks: Sequence[Leakage]) -> list[str]:
    """The main score is by electrode: what spoils even that is said once more."""
    return [
        f"{leak.copies} pairs of near copies stand on both sides of folds {leak.protocol} (once for each fold): "
        "even this score rewards memory until one micrograph of each pair is taken out."
        for leak in leaks
        if leak.protocol == "by-electrode" and leak.copies
    ]


def _single_specimens(campaign: Campaign) -> list[str]:
    specimens = defaultdict(set)
    for micrograph in campaign.micrographs:
        specimens[micrograph.electrode].add(micrograph.specimen)
    single = sorted(name for name, known in specimens.items() if len(known) == 1)
    if not single:
        return []
    return [f"one specimen only: {', '.join(single)}. Specimen and electrode cannot be told apart there."]


def same_coatings(campaign: Campaign) -> list[str]:
    """Electrodes that look like one coating under two names: a fold by electrode would have it on both sides."""
    named: dict[tuple[str, float], list[str]] = defaultdict(list)
    for e in campaign.electrodes.values():
        if e.batch and e.load_mpa is not None:
            named[e.batch, e.load_mpa].append(e.name)
    return [
        f"{' and '.join(names)} have one batch ({batch}) and one load ({load:g} MPa): one coating under several names? "
        "Folds by electrode would test on what they train on. Give them one name."
        for (batch, load), names in named.items()
        if len(names) > 1
    ]
