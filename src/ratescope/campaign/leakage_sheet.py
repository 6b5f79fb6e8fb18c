"""The leakage sheet: what an audit found, as a record for scripts and in words for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ratescope.campaign.leakage import Leakage
from ratescope.campaign.near_copies import NearCopy
from ratescope.campaign.pictures import SamePicture
from ratescope.campaign.proxies import Proxy


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
        heading = f"Leakage sheet of {self.name!r}: {counts}, {self.crops} crops"
        if not self.micrographs:
            return [heading, "No micrographs yet: in pictures there is nothing to audit.", *_listed(self.remarks)]
        return [
            heading,
            *_protocols_in_words(self.leakage),
            "The same picture under several names",
            *_listed(same.in_words() for same in self.same_pictures),
            "The same place in crops of several micrographs",
            *_copies_in_words(self.copies, self.crops),
            "What goes with the capacity",
            *_listed(proxy.in_words() for proxy in self.proxies),
            "Also",
            *_listed(self.remarks),
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
