"""Whether what was written of the preparation, or can be seen of the files, follows the measured capacity.

The electrode is the unit. With few electrodes nearly every order looks strong: then nothing is decided, and it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import Literal

import numpy as np

from ratescope.campaign.association import Floats, Link, link_of_categories, link_of_numbers
from ratescope.campaign.columns import PREPARATION, names_of
from ratescope.campaign.entries import MicrographEntry
from ratescope.campaign.pictures import Picture
from ratescope.records import RateCurve

ALPHA = 0.05  # our choice: the usual one, divided by the number of things that are tested
FEWEST_ELECTRODES = 3  # our choice: two always have a perfect link
FEWEST_FOR_A_VERDICT = 6  # our choice: of five, one order in sixty is perfect, so only a perfect link would be told
Verdict = Literal[
    "follows",
    "no sign",
    "too few electrodes",
    "one value per electrode",
    "evenly mixed",
    "the same for all",
    "empty",
]
Seen = list[tuple[str, str]] | list[tuple[str, float]]


@dataclass(frozen=True)
class Proxy:
    """How one preparation column, or one fact of the files, goes with the capacity.

    Attributes
    ----------
    what : str
        A column's name, or a fact such as "mean brightness".
    verdict : str
        "follows" where so strong a link is rarer among orders of electrodes than 5 % over the number of tests.
    is_written : bool
        Whether it stands in micrographs.csv; else it was seen in the files.
    electrodes : int
        How many were compared.
    link, c_rate_per_h : Link, float; None where nothing was tested
    """

    what: str
    verdict: Verdict
    is_written: bool
    is_number: bool = False
    electrodes: int = 0
    link: Link | None = None
    c_rate_per_h: float | None = None

    def in_words(self) -> str:
        """A sentence or two."""
        return f"{self.what}: {self._link_in_words()}{self._verdict_in_words()}"

    def _link_in_words(self) -> str:
        if self.link is None:
            return ""
        measure = "rank correlation" if self.is_number else "correlation ratio"
        return (
            f"{measure} {self.link.strength:.2f} with the capacity at {self.c_rate_per_h:g}C, p = "
            f"{self.link.p_value:.2g} among {self.link.orders} orders of {self.electrodes} electrodes. "
        )

    def _verdict_in_words(self) -> str:
        if self.verdict == "follows":
            if self.is_written:
                return "It FOLLOWS the capacity: a network may learn it instead of the coating. Mix it over electrodes."
            return "It FOLLOWS the capacity: the coating itself (pores are dark), or the light. Look before you train."
        if self.verdict == "too few electrodes":
            least = f", where p cannot fall below {self.link.least_p_value:.2g}" if self.link else ""
            return f"No verdict: {self.electrodes} electrodes with capacities are too few{least}."
        return {
            "no sign": "No sign that it follows.",
            "one value per electrode": "each value belongs to one electrode, so a network may learn it instead of the "
            "coating, and no test can tell. Mix it over electrodes.",
            "evenly mixed": "each electrode has the same mix of values, so they cannot follow the capacity.",
            "the same for all": "the same for all, so nothing can follow it.",
            "empty": "not filled in, so nobody can see whether it follows the capacity.",
        }[self.verdict]


def find_proxies(
    micrographs: Sequence[MicrographEntry], pictures: Sequence[Picture], curves: Mapping[str, RateCurve]
) -> list[Proxy]:
    """Every preparation column and every fact of the files against the measured rate curves, by electrode."""
    capacities, rates = _capacities(curves)
    found = []
    for column in names_of(PREPARATION):
        written = [(m.electrode, m.preparation[column]) for m in micrographs if m.preparation.get(column)]
        found.append(_compared(Proxy(column, "no sign", is_written=True), written, capacities, rates))
        if found[-1].link and (ordered := _in_order(written)):
            proxy = Proxy(f"{column} (in order)", "no sign", is_written=True, is_number=True)
            found.append(_compared(proxy, ordered, capacities, rates))
    for what, seen in _facts_of(pictures).items():
        proxy = Proxy(what, "no sign", is_written=False, is_number=True)
        found.append(_compared(proxy, seen, capacities, rates))
    return _judged(found)


def _capacities(curves: Mapping[str, RateCurve]) -> tuple[dict[str, Floats], list[float]]:
    """Capacities by electrode at the C-rates that all of them have."""
    known = {
        name: {round(float(r), 6): float(v) for r, v in zip(c.c_rates_per_h, c.values, strict=True) if np.isfinite(v)}
        for name, c in curves.items()
    }
    shared = sorted(set.intersection(*map(set, known.values()))) if known else []
    return {name: np.array([at[rate] for rate in shared]) for name, at in known.items()}, shared


def _in_order(written: Sequence[tuple[str, str]]) -> list[tuple[str, float]]:
    """Days (as 2026-03-31) and numbers; empty where some value is neither."""
    try:
        ordered = [
            (electrode, float(date.fromisoformat(value).toordinal() if value.count("-") == 2 else value))
            for electrode, value in written
        ]
    except ValueError:
        return []
    return ordered if all(isfinite(value) for _, value in ordered) else []  # "nan" reads as a number


def _facts_of(pictures: Sequence[Picture]) -> dict[str, list[tuple[str, float]]]:
    """What nobody wrote down: the electrode and value of each micrograph."""
    return {
        "mean brightness": [(p.entry.electrode, p.mean_brightness) for p in pictures],
        "file size": [(p.entry.electrode, float(p.file_bytes)) for p in pictures],
        "rows of the image": [(p.entry.electrode, float(p.rows)) for p in pictures],
        "columns of the image": [(p.entry.electrode, float(p.columns)) for p in pictures],
        # Tags hold fractions of whole numbers: the fifth digit is theirs, not the microscope's.
        "pixel size": [
            (p.entry.electrode, float(f"{size_um:.4g}"))
            for p in pictures
            if (size_um := p.pixel_size_um or p.entry.pixel_size_um)
        ],
    }


def _compared(proxy: Proxy, seen: Seen, capacities: Mapping[str, Floats], rates: Sequence[float]) -> Proxy:
    """With its link, or with a verdict where nothing can be tested."""
    if len({value for _, value in seen}) < 2:
        return replace(proxy, verdict="the same for all" if seen else "empty")
    names = sorted({electrode for electrode, _ in seen} & set(capacities))
    proxy = replace(proxy, electrodes=len(names))
    if not proxy.is_number and _belongs_to_electrodes(seen):
        return replace(proxy, verdict="one value per electrode")
    if len(names) < FEWEST_ELECTRODES or not rates:
        return replace(proxy, verdict="too few electrodes")
    values = _means(seen, names) if proxy.is_number else _shares(seen, names)
    if np.ptp(values, axis=0).max() < 1e-9 * np.abs(values).max():
        return replace(proxy, verdict="evenly mixed")
    measured = np.stack([capacities[name] for name in names])
    link = link_of_numbers(values, measured) if proxy.is_number else link_of_categories(values, measured)
    return replace(proxy, link=link, c_rate_per_h=rates[link.rate])


def _belongs_to_electrodes(seen: Seen) -> bool:
    """Each value stands at one electrode only: a link that no order of electrodes can make weaker."""
    pairs = set(seen)
    return len({value for _, value in pairs}) == len(pairs)


def _means(seen: Seen, names: Sequence[str]) -> Floats:
    """Mean of each electrode's numbers, shape (electrodes,)."""
    return np.array([np.mean([float(value) for name, value in seen if name == at]) for at in names])


def _shares(seen: Seen, names: Sequence[str]) -> Floats:
    """How much of each electrode has each value, shape (electrodes, values)."""
    values = sorted({str(value) for name, value in seen if name in names})
    counts = np.zeros((len(names), len(values)))
    for name, value in seen:
        if name in names:
            counts[names.index(name), values.index(str(value))] += 1.0
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _judged(found: Sequence[Proxy]) -> list[Proxy]:
    """Verdicts for what was tested: the more tests, the rarer a link must be."""
    limit = ALPHA / max(1, sum(proxy.link is not None for proxy in found))
    return [
        proxy if proxy.link is None else replace(proxy, verdict=_verdict(proxy, proxy.link, limit)) for proxy in found
    ]


def _verdict(proxy: Proxy, link: Link, limit: float) -> Verdict:
    if proxy.electrodes < FEWEST_FOR_A_VERDICT or link.least_p_value > limit:
        return "too few electrodes"
    return "follows" if link.p_value <= limit else "no sign"
