"""Facts: numbers that a network may be told beside the crop, because the crop does not show them.

None is told by default. The dark share is none of them (our choice): whoever sees the crop sees it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import InputError, SettingsError

Facts = Mapping[str, NDArray[np.float64]]
"""Facts of crops by name: one value per crop, shape (crops,)."""

THICKNESS = "coating_thickness_um"
SURFACE_NOT_SEEN = "surface-not-seen"
"""Code of a finding: the coating runs out of the image, so that it is at least as thick as is said."""


@dataclass(frozen=True)
class FactKind:
    """What a fact is; what lies outside ``lowest`` to ``highest`` is taken for a slip of the unit.

    Attributes
    ----------
    unit : str
        "" for a fraction.
    lowest, highest : float
        Those of the sheets.
    meaning : str
        For people, with its source.
    """

    unit: str
    lowest: float
    highest: float
    meaning: str


FACTS: Mapping[str, FactKind] = {
    THICKNESS: FactKind("µm", 1.0, 1000.0, "mean thickness of the coating as it is measured in the micrograph"),
    "loading_mg_per_cm2": FactKind("mg/cm²", 0.1, 200.0, "active material per area, from electrodes.csv"),
    "load_mpa": FactKind("MPa", 0.0, 1e5, "load of the calender or press, from electrodes.csv"),
    "porosity": FactKind("", 0.0, 0.95, "a fraction, given in electrodes.csv or worked out from its masses"),
}


def fact_names(names: Iterable[str], where: str) -> tuple[str, ...]:
    """Names of facts, each once and in the one order of `FACTS`, so that it does not matter how they were listed.

    Raises
    ------
    SettingsError
        If there is no such fact.

    Examples
    --------
    >>> fact_names(["load_mpa", "coating_thickness_um"], "--facts")
    ('coating_thickness_um', 'load_mpa')
    """
    asked = set(names)
    if unknown := sorted(asked - set(FACTS)):
        raise SettingsError(f"{where}: there is no fact {unknown[0]!r}{_meant(unknown[0])}")
    return tuple(name for name in FACTS if name in asked)


def read_given_facts(texts: Iterable[str]) -> dict[str, float]:
    """Facts as they are typed, ``NAME=VALUE``.

    Raises
    ------
    InputError
        If one is not of that form, has no such name, is no number or one that cannot be, or is given twice.

    Examples
    --------
    >>> read_given_facts(["load_mpa=300"])
    {'load_mpa': 300.0}
    """
    given: dict[str, float] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"--fact {text!r} is not of the form NAME=VALUE. Write --fact load_mpa=300.")
        fact_names([name], "--fact")
        if name in given:
            raise InputError(f"--fact {name} is given twice, as {given[name]:g} and as {value}. Give it once.")
        given[name] = _number(name, value)
    return given


def shows_whole_thickness(codes: Iterable[str]) -> bool:
    """Whether the thickness that was measured in a micrograph is the coating's, by the codes of its findings.

    >>> shows_whole_thickness(["noisy"]), shows_whole_thickness(["noisy", "surface-not-seen"])
    (True, False)
    """
    return SURFACE_NOT_SEEN not in codes


def with_unit(name: str, value: float) -> str:
    """A fact in words.

    >>> with_unit("load_mpa", 300.0)
    'load_mpa = 300 MPa'
    """
    return f"{name} = {value:.4g} {FACTS[name].unit}".rstrip()


def _number(name: str, text: str) -> float:
    kind = FACTS[name]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not kind.lowest <= value <= kind.highest:
        unit = f" {kind.unit}" if kind.unit else ""
        raise InputError(
            f"--fact {name}={text} cannot be: it is a number from {kind.lowest:g} to {kind.highest:g}{unit}, "
            f"{kind.meaning.split(',')[0]}. Give it so."
        )
    return value


def _meant(name: str) -> str:
    near = get_close_matches(name, FACTS, n=1, cutoff=0.5)  # so that "loading" is enough
    return f"; did you mean {near[0]!r}?" if near else f". Known are {', '.join(FACTS)}."
