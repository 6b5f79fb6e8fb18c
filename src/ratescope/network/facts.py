"""What networks have to be told beside the crop: what is asked for, what is lacking, what they never learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ratescope.errors import InputError
from ratescope.facts import FACTS, THICKNESS, shows_whole_thickness, with_unit
from ratescope.network.ensemble import Ensemble
from ratescope.records import Finding, Prepared
from ratescope.units import Capacity

Ensembles = Mapping[Capacity, Ensemble]
Known = Mapping[str, float]
"""Facts of one micrograph, by name."""

TOLD, BEYOND = "facts-told", "fact-beyond-training"  # codes of findings
_MARGIN = 0.1  # of the width of what was learned from; our choice: a thickness measured again is never quite the same
_ROUNDING = 1e-6  # relative, so that a fact of one value only is recognised


def facts_read(ensembles: Ensembles) -> tuple[str, ...]:
    """The facts that any of the networks reads."""
    return tuple(dict.fromkeys(name for ensemble in ensembles.values() for name in ensemble.card.facts))


def check_facts(ensembles: Ensembles, given: Known, known_of: Sequence[Known], *, crops_given: bool) -> None:
    """Refuse facts that nobody reads, and to begin where every micrograph lacks one.

    Parameters
    ----------
    known_of : by micrograph, what sheets say of it; may hold more than is read
    crops_given : there is no micrograph in which the preparation could measure a thickness

    Raises
    ------
    InputError
        With what to give, or to leave out.
    """
    read = facts_read(ensembles)
    if useless := [name for name in given if name not in read]:
        reads = f"crops and {', '.join(read)}" if read else "crops alone"
        raise InputError(f"the networks do not read {', '.join(useless)}: they read {reads}. Leave it out.")
    asked_for = [name for name in read if name not in given and (crops_given or name != THICKNESS)]
    if missing := [name for name in asked_for if all(name not in known for known in known_of)]:
        raise InputError(_asked_for(missing))


def tell(prepared: Prepared, ensembles: Ensembles, known: Known) -> tuple[Prepared, Ensembles]:
    """Tell the networks what is known of one micrograph, and add to its findings what they were told.

    It is refused where a fact is lacking. ``known`` wins over what the image shows.
    """
    if prepared.status == "refused":
        return prepared, {}
    known = measured_facts(prepared) | dict(known)
    if reasons := lacking(ensembles, known):
        return replace(prepared, status="refused", reasons=reasons, sections=()), {}
    told = {capacity: ensemble.told(known) for capacity, ensemble in ensembles.items()}
    return replace(prepared, findings=(*prepared.findings, *told_and_beyond(ensembles, known))), told


def measured_facts(prepared: Prepared) -> dict[str, float]:
    """The facts that the preparation has measured."""
    coating = prepared.coating
    if coating is None or not shows_whole_thickness(finding.code for finding in prepared.findings):
        return {}
    return {THICKNESS: coating.thickness_um}


def lacking(ensembles: Ensembles, known: Known) -> tuple[Finding, ...]:
    """Why a micrograph cannot be predicted, if a fact of it is not known."""
    missing = [name for name in facts_read(ensembles) if name not in known]
    return (Finding("fact-missing", _asked_for(missing)),) if missing else ()


def told_and_beyond(ensembles: Ensembles, known: Known) -> tuple[Finding, ...]:
    """What the networks are told of a micrograph, and what of it lies outside what they learned from."""
    read = facts_read(ensembles)
    if not read:
        return ()
    said = ", ".join(with_unit(name, known[name]) for name in read)
    beyond = dict.fromkeys(finding for ensemble in ensembles.values() for finding in _beyond(ensemble, known))
    return (Finding(TOLD, f"beside the crops, the networks were told {said}."), *beyond)


def _beyond(ensemble: Ensemble, known: Known) -> list[Finding]:
    ranges = dict(zip(ensemble.card.facts, ensemble.card.fact_ranges, strict=False))  # may not be known
    return [
        Finding(
            BEYOND,
            f"{with_unit(name, known[name])} lies outside what the networks learned from, {low:.4g} to {high:.4g}: "
            "the prediction is an extrapolation. Train on electrodes like this one.",
        )
        for name, (low, high) in ranges.items()
        if not _is_within(known[name], low, high)
    ]


def _is_within(value: float, low: float, high: float) -> bool:
    margin = _MARGIN * (high - low) + _ROUNDING * abs(high)
    return low - margin <= value <= high + margin


def _asked_for(missing: Sequence[str]) -> str:
    """One sentence, with where each fact may come from."""
    asked = ", ".join(f"{name} ({FACTS[name].meaning})" for name in missing)
    given = " ".join(f"--fact {name}=VALUE" for name in missing)
    sheets = "" if set(missing) == {THICKNESS} else ", or name a campaign whose electrodes.csv holds it"
    return f"the networks also read {asked}, which is not known here. Give {given}{sheets}."
