"""What the preparation made of a folder of micrographs: one page on which a person sees what was dropped and why.

It is made from the entries of ``prepared.json`` alone, so it can be made again without the micrographs, and stands
beside that file: it shows the pictures and crops that lie there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Literal

import numpy as np

from ratescope.evaluation.pages import anchor_of, number, spread, template

Entry = Mapping[str, Any]
State = Literal["refused", "partly", "prepared"]

STATES: tuple[State, ...] = ("refused", "partly", "prepared")
IN_WORDS = {"refused": "refused", "partly": "used in part", "prepared": "used in full"}
NEEDED = ("crops", "crops_needed", "micrographs_needed")  # said in a sentence of their own
MOST_ROWS_OPEN = 60  # our choice: a longer table is folded up


@dataclass(frozen=True)
class Cause:
    """A code of a finding or reason, and where it was met: anchors and names of micrographs.

    Attributes
    ----------
    text : str
        What is said of the first one.
    refused, in_part, noticed : tuple of (anchor, name)
        Micrographs that were refused for it; that lost sections to it; where it was seen and nothing was dropped.
    sections : int
        How many sections were refused for it.
    """

    code: str
    text: str
    refused: tuple[tuple[str, str], ...]
    in_part: tuple[tuple[str, str], ...]
    noticed: tuple[tuple[str, str], ...]
    sections: int


@dataclass(frozen=True)
class Descriptor:
    """A number that describes the coating, with its standard error where that is known."""

    name: str
    value: str
    error: str | None
    unit: str


@dataclass(frozen=True)
class MicrographCard:
    """What the page shows of one micrograph; its name is the file's, less the folder that all files lie in."""

    entry: Entry
    anchor: str
    name: str
    state: State
    codes: tuple[str, ...]
    used: int
    descriptors: tuple[Descriptor, ...]
    needed: str

    @property
    def sections(self) -> int:
        """All of them, the refused ones too."""
        return len(self.entry["sections"])


@dataclass(frozen=True)
class Group:
    """The micrographs of one electrode, or all of them where electrodes are not known."""

    name: str | None
    cards: tuple[MicrographCard, ...]

    @property
    def thickness_um(self) -> tuple[float, float] | None:
        """Mean and standard deviation (n − 1; NaN for one) over the micrographs."""
        seen = [card.entry["coating"]["thickness_um"] for card in self.cards if card.entry["coating"]]
        return (float(np.mean(seen)), float(np.std(seen, ddof=1)) if len(seen) > 1 else float("nan")) if seen else None


@dataclass(frozen=True)
class Counts:
    """How many micrographs and sections came to what."""

    by_state: Mapping[State, int]
    sections_used: int
    sections_refused: int
    micrographs: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "micrographs", sum(self.by_state.values()))


def preparation_page(
    entries: Sequence[Entry],
    *,
    title: str = "What the preparation saw",
    sheets: Sequence[str] = (),
    simulated: bool = False,
) -> str:
    """The page, as HTML; file names in it are relative to the folder of ``prepared.json``.

    Parameters
    ----------
    entries : of ``prepared.json``
        ``picture``, ``electrode``, ``specimen`` and ``descriptors`` are shown where an entry has them.
    sheets : file names of contact sheets
    simulated : bool
        Whether the micrographs are known to be simulated; then the page says so.
    """
    folder = common_folder([str(entry["file"]) for entry in entries])
    cards = sorted((_card(entry, folder) for entry in entries), key=lambda card: STATES.index(card.state))
    return template("preparation.html").render(
        title=title,
        simulated=simulated,
        sheets=sheets,
        folder=folder,
        counts=_counts(cards),
        causes=_causes(cards),
        groups=_groups(cards),
        cards=sorted(cards, key=lambda card: str(card.entry["file"])),
        states=STATES,
        in_words=IN_WORDS,
        is_long=len(cards) > MOST_ROWS_OPEN,
        has_descriptors=any(card.descriptors for card in cards),
        facts_of=facts_of,
        thickness_of=thickness_of,
    )


def state_of(entry: Entry) -> State:
    """Whether a micrograph was refused, lost some of its sections, or is used in full.

    >>> state_of({"status": "prepared", "sections": [{"status": "prepared"}, {"status": "refused"}]})
    'partly'
    """
    if entry["status"] == "refused":
        return "refused"
    return "partly" if any(section["status"] == "refused" for section in entry["sections"]) else "prepared"


def common_folder(files: Sequence[str]) -> str:
    """The folder that all files lie in, with its slash: said once, it need not stand before every name.

    >>> common_folder(["year/march/a.tif", "year/april/a.tif"]), common_folder(["a.tif"])
    ('year/', '')
    """
    parts = [file.replace("\\", "/").split("/")[:-1] for file in files]
    shared = takewhile(lambda names: len(set(names)) == 1, zip(*parts, strict=False))
    return "".join(f"{names[0]}/" for names in shared)


def _card(entry: Entry, folder: str) -> MicrographCard:
    said = [*entry["reasons"], *entry["findings"], *_section_reasons(entry)]
    return MicrographCard(
        entry=entry,
        anchor=anchor_of(str(entry["file"])),
        name=str(entry["file"])[len(folder) :],
        state=state_of(entry),
        codes=tuple(dict.fromkeys(reason["code"] for reason in said)),
        used=sum(section["status"] == "prepared" for section in entry["sections"]),
        descriptors=descriptors_of(entry.get("descriptors") or {}),
        needed=needed_in_words(entry.get("descriptors") or {}),
    )


def facts_of(entry: Entry) -> list[str]:
    """What was measured of a micrograph, in words: as much as is known."""
    facts = []
    if count := len(entry["sections"]):
        used = sum(section["status"] == "prepared" for section in entry["sections"])
        facts.append(f"{used} of {count} section{'' if count == 1 else 's'} used")
    if coating := entry["coating"]:
        most = number(coating["thickness_p95_um"], "µm")
        facts.append(f"thickness {thickness_of(coating)} µm (mean ± sd), 95 % of it under {most} µm")
    if other := entry["other_coating"]:
        facts.append(f"other coating {thickness_of(other)} µm")
    if collector := entry["collector"]:
        facts.append(f"tilt {collector['tilt_deg']:+.2f}°".replace("-", "−"))
        facts.append(f"confidence in the foil {collector['confidence']:.2f}")
    if size_um := entry["pixel_size_um"]:
        facts.append(f"{size_um:.4g} µm per pixel")
    if specimen := entry.get("specimen"):
        facts.append(f"specimen {specimen}")
    return facts


def thickness_of(coating: Mapping[str, float]) -> str:
    """Mean and standard deviation, as they are written."""
    return f"{number(coating['thickness_um'], 'µm')} {spread(coating['thickness_sd_um'], 'µm')}"


def _section_reasons(entry: Entry) -> list[Mapping[str, str]]:
    return [reason for section in entry["sections"] for reason in section["reasons"]]


def _counts(cards: Sequence[MicrographCard]) -> Counts:
    states = Counter(card.state for card in cards)
    used = sum(card.used for card in cards)
    return Counts({state: states[state] for state in STATES}, used, sum(card.sections for card in cards) - used)


def _causes(cards: Sequence[MicrographCard]) -> list[Cause]:
    """By code, those that cost most first."""
    texts: dict[str, str] = {}
    sections: Counter[str] = Counter()
    met: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for card in cards:
        link = (card.anchor, card.name)
        for place, said in (
            ("refused", card.entry["reasons"]),
            ("in_part", _section_reasons(card.entry)),
            ("noticed", card.entry["findings"]),
        ):
            for code, text in {reason["code"]: reason["text"] for reason in reversed(said)}.items():
                texts.setdefault(code, text)
                met.setdefault(code, {}).setdefault(place, []).append(link)
        sections.update(reason["code"] for reason in _section_reasons(card.entry))
    causes = [
        Cause(
            code,
            text,
            refused=tuple(met[code].get("refused", ())),
            in_part=tuple(met[code].get("in_part", ())),
            noticed=tuple(met[code].get("noticed", ())),
            sections=sections[code],
        )
        for code, text in texts.items()
    ]
    return sorted(causes, key=lambda cause: (-len(cause.refused), -cause.sections, -len(cause.noticed)))


def _groups(cards: Sequence[MicrographCard]) -> list[Group]:
    """By electrode where entries name one, in the order of their names; the others last."""
    by_name: dict[str, list[MicrographCard]] = {}
    for card in cards:
        by_name.setdefault(str(card.entry.get("electrode") or ""), []).append(card)
    names = sorted(by_name, key=lambda name: (not name, name))
    return [Group(name or None, tuple(by_name[name])) for name in names]


def descriptors_of(numbers: Mapping[str, Any]) -> tuple[Descriptor, ...]:
    """Descriptors as they are written: the unit from the end of the key, the error from the key that ends in ``_se``.

    >>> porosity, d50 = descriptors_of({"area_porosity": 0.312, "area_porosity_se": 0.011, "d50_um": 7.04})
    >>> porosity.name, porosity.value, porosity.error, porosity.unit
    ('area porosity', '31.2', '1.1', '%')
    >>> d50.name, d50.value, d50.error, d50.unit
    ('d50', '7.0', None, 'µm')
    """
    apart = NEEDED if needed_in_words(numbers) else ()
    errors = {key for key in numbers if key.endswith("_se") and key.removesuffix("_se") in numbers}
    shown = [key for key in numbers if key not in errors and key not in apart]
    found = (_descriptor(key, numbers[key], numbers.get(f"{key}_se")) for key in shown)
    return tuple(descriptor for descriptor in found if descriptor is not None)


def needed_in_words(numbers: Mapping[str, Any]) -> str:
    """How much must be photographed to know the dark share well; empty where that was not worked out.

    >>> needed_in_words({"crops": 2, "crops_needed": 62, "micrographs_needed": 31})[:62]
    'Measured in 2 crops. To know the dark share of this electrode '
    """
    if any(key not in numbers for key in NEEDED):
        return ""
    crops, crops_needed, micrographs_needed = (numbers[key] for key in NEEDED)
    measured = f"Measured in {crops} crop{'' if crops == 1 else 's'}."
    if crops_needed <= crops:
        return (
            f"{measured} They are enough to know the dark share of this electrode within ± 1 percentage point (95 %)."
        )
    return (
        f"{measured} To know the dark share of this electrode within ± 1 percentage point (95 %) takes "
        f"some {crops_needed} crops, which is {micrographs_needed} micrographs like this one."
    )


def _descriptor(key: str, value: object, error: object) -> Descriptor | None:
    """None where there is no number to show."""
    percent = 100.0 if any(word in key for word in ("porosity", "share", "fraction")) else 1.0
    unit = "%" if percent > 1.0 else "µm" if key.endswith("_um") else ""
    decimals = 1 if unit else 3
    said = _written(value, percent, decimals)
    if said is None:
        return None
    name = key.removesuffix("_um").replace("_", " ")
    return Descriptor(name, said, _error_written(error, percent, decimals), unit)


def _error_written(error: object, times: float, decimals: int) -> str | None:
    """An error that rounds to nothing is said to be smaller than the last digit, never zero."""
    said = _written(error, times, decimals)
    return f"< {10.0**-decimals:.{decimals}f}" if said is not None and not said.strip("0.") else said


def _written(value: object, times: float, decimals: int) -> str | None:
    if isinstance(value, str | bool) or (isinstance(value, int) and times == 1.0):
        return str(value)  # a word or a count
    if not isinstance(value, int | float) or not np.isfinite(value):
        return None
    return f"{value * times:.{decimals}f}".replace("-", "−")
