"""The leakage sheet of a campaign: what a network could learn, or its score reward, instead of the coating."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ratescope.campaign.crops import prepare_campaign
from ratescope.campaign.entries import Campaign
from ratescope.campaign.leakage import Leakage, leakage
from ratescope.campaign.near_copies import NearCopy, near_copies
from ratescope.campaign.pictures import SamePicture, read_pictures, same_pictures
from ratescope.campaign.proxies import Proxy, find_proxies
from ratescope.campaign.rates import measured_curves, usable_rate_tests
from ratescope.campaign.sheets import read_campaign
from ratescope.errors import CampaignError, RateTestError
from ratescope.records import CropId, OnProgress, RateCurve, RateTest, no_progress
from ratescope.settings import Settings


@dataclass(frozen=True)
class Audit:
    """All that was found, for scripts; `in_words` is the sheet for people.

    Attributes
    ----------
    crops : int
        How many were compared with each other; 0 where none could be prepared.
    leakage : one entry per protocol
    same_pictures : micrographs that are one picture
    copies : crops of different micrographs that show one place
    proxies : preparation columns and facts of the files against the capacity
    remarks : whatever else should be looked at
    refused : by micrograph or cell, why it could not be read and was left out
    inputs : micrographs and cells that were tried
    """

    name: str
    electrodes: int
    specimens: int
    micrographs: int
    crops: int
    leakage: tuple[Leakage, ...]
    same_pictures: tuple[SamePicture, ...]
    copies: tuple[NearCopy, ...]
    proxies: tuple[Proxy, ...]
    remarks: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    inputs: int = 0

    def in_words(self) -> list[str]:
        """The sheet, line by line."""
        counts = f"{self.electrodes} electrodes, {self.specimens} specimens, {self.micrographs} micrographs"
        return [
            f"Leakage sheet of {self.name!r}: {counts}, {self.crops} crops",
            *_protocols_in_words(self.leakage),
            "The same picture under several names",
            *_listed(_same_in_words(same) for same in self.same_pictures),
            "The same place in crops of several micrographs",
            *_copies_in_words(self.copies, self.crops),
            "What goes with the capacity",
            *_listed(proxy.in_words() for proxy in self.proxies),
            "Also",
            *_listed(self.remarks),
        ]


def audit_campaign(folder: Path, *, on_progress: OnProgress = no_progress) -> Audit:
    """Look for leaks in a campaign; its crops are prepared first, where they are not there yet.

    Raises
    ------
    CampaignError
        If its sheets cannot be read.
    """
    campaign = read_campaign(folder)
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
        remarks.append(f"nothing was compared with the capacity: {error}")
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


def _protocols_in_words(rows: Sequence[Leakage]) -> list[str]:
    """A table: of the tested crops, how many have their electrode, specimen or micrograph in training too."""
    said = [
        "Known from training, of the tested crops",
        f"  {'protocol':<14}{'electrode':>10}{'specimen':>10}{'micrograph':>12}{'near copies':>13}",
    ]
    for row in rows:
        if row.refusal:
            said.append(f"  {row.protocol:<14}no folds: {row.refusal}")
            continue
        shares = f"{row.electrodes:>10.0%}{row.specimens:>10.0%}{row.micrographs:>12.0%}"
        said.append(f"  {row.protocol:<14}{shares}{row.copies:>13}")
    return said


def _same_in_words(same: SamePicture) -> str:
    first, second = same.first, same.second
    where = f"electrode {first.electrode} {first.specimen} and electrode {second.electrode} {second.specimen}"
    said = f"{first.file} and {second.file} ({where}): {same.how}"
    return f"{said} (likeness {same.likeness:.2f}). Keep one."


def _copies_in_words(copies: Sequence[NearCopy], crops: int) -> list[str]:
    """By pair of micrographs, the most alike crops as the example."""
    if not crops:
        return ["  not looked for: there are no crops"]
    by_files: dict[tuple[str, str], list[NearCopy]] = defaultdict(list)
    for copy in copies:
        by_files[copy.first.file, copy.second.file].append(copy)
    return _listed(_pair_in_words(pair) for pair in by_files.values())


def _pair_in_words(copies: Sequence[NearCopy]) -> str:
    best = copies[0]
    first, second = best.first, best.second
    turned = f", {best.turned}" if best.turned else ""
    moved = f" and shifted by {best.down_px} rows, {best.right_px} columns" if best.down_px or best.right_px else ""
    crops = f"{len(copies)} pair{'s' if len(copies) > 1 else ''} of crops"
    if first.electrode != second.electrode:
        where = f"electrodes {first.electrode} and {second.electrode}. One of them is filed wrongly"
    elif first.specimen != second.specimen:
        where = f"specimens {first.specimen} and {second.specimen} of {first.electrode}. File them under one specimen"
    else:
        where = f"specimen {first.specimen} of {first.electrode}. They count twice"
    best_said = f"sections {first.section} and {second.section}{turned}{moved}, likeness {best.likeness:.2f}"
    return f"{first.file} and {second.file}: {crops} show one place (best: {best_said}); {where}."


def _listed(lines: Iterable[str]) -> list[str]:
    return [f"  - {line}" for line in lines] or ["  nothing"]
