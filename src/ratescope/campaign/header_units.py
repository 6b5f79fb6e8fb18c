"""Which column a header means, and in which unit: converted where that is certain, else refused with the right name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from ratescope.campaign.columns import CHARGES, TYPED_CAPACITY, Column

_SPELLINGS = str.maketrans("µμ²⁻−", "uu2--", "^")
_TYPED = re.compile(r"capacity_([a-z]+)_at_(\d+(?:[.,]\d+)?)_?c")
_PER_MASS = re.compile(r"capacity_[a-z]+_per_[a-z0-9]+_at_.*")


class Meaning(NamedTuple):
    """What a header means: a column's name, and what its numbers are multiplied by; or why it is refused."""

    name: str
    factor: float = 1.0
    refusal: str = ""


def meaning_of(header: str, columns: Sequence[Column]) -> Meaning:
    """Which of ``columns`` a header means.

    >>> from ratescope.campaign.columns import ELECTRODES
    >>> meaning_of("Thickness (mm)", ELECTRODES)
    Meaning(name='coating_thickness_um', factor=1000.0, refusal='')
    >>> meaning_of("loading_g_per_m2", ELECTRODES).factor
    0.1
    >>> meaning_of("coating_thickness", ELECTRODES).refusal
    'it does not say its unit. Name it coating_thickness_um.'
    """
    plain = _plain(header)
    known = {column.name: column for column in columns}
    if plain in known:
        return Meaning(plain)
    if plain.startswith("capacity_"):
        return _typed_capacity(plain)
    for column in columns:
        for word in (column.quantity, *column.aliases):
            if column.units and (plain == word or plain.startswith(f"{word}_")):
                unit = plain.removeprefix(word).strip("_")
                if column.name != plain and (meaning := _in_unit(column, unit)):
                    return meaning
    near = get_close_matches(plain, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}."
    return Meaning("", refusal=hint)


def _in_unit(column: Column, unit: str) -> Meaning | None:
    """The column in another unit; a refusal where the unit is missing or unknown; None for another word."""
    if (factor := column.units.get(unit)) is not None:
        return Meaning(column.name, factor)
    if not unit:
        return Meaning("", refusal=f"it does not say its unit. Name it {column.name}.")
    if "ah" in unit:
        return Meaning("", refusal=f"{unit!r} is a capacity, no unit of it. Name it {column.name}.")
    if get_close_matches(f"{column.quantity}_{unit}", [column.name], cutoff=0.9) or unit in {"label", "sd"}:
        return None  # a misspelt name, or another column's
    known = ", ".join(filter(None, column.units))
    return Meaning("", refusal=f"{unit!r} is no unit of it that is known here ({known}). Name it {column.name}.")


def _typed_capacity(plain: str) -> Meaning:
    right = f"{TYPED_CAPACITY}0.2c"
    if match := _TYPED.fullmatch(plain):
        unit, rate = match.groups()
        if unit in CHARGES:
            return Meaning(f"{TYPED_CAPACITY}{float(rate.replace(',', '.')):g}c", CHARGES[unit])
        return Meaning("", refusal=f"{unit!r} is no unit of charge. Name it like {right}, in Ah of the whole cell.")
    if _PER_MASS.fullmatch(plain):
        return Meaning("", refusal=f"typed capacities are those of the whole cell. Give Ah, named like {right}.")
    return Meaning("", refusal=f"a typed capacity says its unit and C-rate. Name it like {right}.")


def _plain(header: str) -> str:
    """Small letters, one spelling of each unit: ``Loading / mg cm⁻²`` → ``loading_mg_per_cm2``.

    >>> [_plain(text) for text in ("Loading / mg cm⁻²", "thickness (µm)", "loading [g/m^2]", "Porosity (%)")]
    ['loading_mg_per_cm2', 'thickness_um', 'loading_g_per_m2', 'porosity_%']
    """
    text = header.casefold().translate(_SPELLINGS)
    text = re.sub(r"(?<=g)\s*(?:/|[·*.\s_]\s*(?=[cm]?m-2))\s*([cm]?m)-?2", r"_per_\g<1>2", text)
    text = re.sub(r"[\s(\[]+/[\s(\[]*|\s+in\s+(?=\S+$)|[()\[\]]", " ", text).strip()  # "quantity / unit"
    return re.sub(r"[\s_-]+", "_", text).strip("_")
