"""What a campaign knows of each crop beside its pixels: the facts that a network may be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ratescope.campaign.entries import Campaign, Electrode
from ratescope.errors import CampaignError
from ratescope.facts import FACTS, THICKNESS, Facts
from ratescope.records import CropId, Protocol

_LOADING = "loading_mg_per_cm2"
_SAME_LOADING = 0.05  # our choice: at 30 % porosity, 5 % of loading are 3.5 points, less than between densifications
_HARDLY_NEEDED = (
    "hardly need the image. "
    "Compare them with the baselines that read the curve at a porosity, or train without this fact."
)


def facts_in_sheets(electrode: Electrode) -> dict[str, float]:
    """The facts of an electrode that electrodes.csv holds, by name; what is not known is left out."""
    stated = {
        _LOADING: electrode.active_loading_mg_per_cm2,
        "load_mpa": electrode.load_mpa,
        "porosity": electrode.porosity,
    }
    return {name: value for name, value in stated.items() if value is not None}


def facts_of_crops(
    campaign: Campaign, ids: Sequence[CropId], thickness_um: Mapping[str, float], names: Iterable[str]
) -> Facts:
    """The named facts of each crop, shape (crops,) each.

    Parameters
    ----------
    thickness_um : by micrograph file, where the preparation has measured it

    Raises
    ------
    CampaignError
        If one is not known, with the electrodes or micrographs that lack it.
    """
    known = [
        facts_in_sheets(campaign.electrodes[crop.electrode])
        | ({THICKNESS: thickness_um[crop.file]} if crop.file in thickness_um else {})
        for crop in ids
    ]
    names = tuple(names)
    if faults := [fault for name in names if (fault := _who_lacks(name, ids, known))]:
        raise CampaignError(f"{campaign.folder}: {' '.join(faults)}")
    return {name: np.array([facts[name] for facts in known]) for name in names}


def _who_lacks(name: str, ids: Sequence[CropId], known: Sequence[Mapping[str, float]]) -> str:
    """One sentence, or nothing."""
    without = [crop for crop, facts in zip(ids, known, strict=True) if name not in facts]
    if not without:
        return ""
    if name == THICKNESS:
        files = sorted({crop.file for crop in without})
        return (
            f"{name} cannot be measured in {_listed(files)}, where the coating runs out of the image. "
            "Take these out of micrographs.csv, or train without this fact."
        )
    electrodes = sorted({crop.electrode for crop in without})
    return f"{name} is not known of {_listed(electrodes)}. Fill it in electrodes.csv, or train without this fact."


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def fact_warnings(names: Iterable[str], protocol: Protocol) -> list[str]:
    """What to mind before networks are told these facts, in words."""
    names = tuple(names)
    said = []
    if "porosity" in names:
        said.append(f"Networks that are told the porosity {_HARDLY_NEEDED}")
    elif {THICKNESS, _LOADING} <= set(names):
        said.append(f"Thickness and loading together tell the porosity; networks that know both {_HARDLY_NEEDED}")
    of_electrode = [name for name in names if name != THICKNESS]
    if of_electrode and protocol != "by-electrode":
        said.append(
            f"All crops of an electrode share its {' and '.join(of_electrode)}, which names the electrode: "
            f"by protocol {protocol}, its curve can be looked up. Hold out whole electrodes (by-electrode)."
        )
    return said


def fact_remarks(campaign: Campaign, facts: Facts) -> list[str]:
    """What the numbers themselves show: a fact that teaches nothing, or one that tells more than its name says."""
    said = [
        f"{name} is {values[0]:.4g} {FACTS[name].unit} everywhere in this campaign: networks learn nothing from it."
        for name, values in facts.items()
        if np.ptp(values) == 0.0
    ]
    loadings = [known[_LOADING] for e in campaign.electrodes.values() if _LOADING in (known := facts_in_sheets(e))]
    if THICKNESS in facts and loadings and max(loadings) <= (1.0 + _SAME_LOADING) * min(loadings):
        said.append(
            "All electrodes of this campaign have much the same loading, so that their thickness tells their porosity; "
            f"networks that know it {_HARDLY_NEEDED}"
        )
    return said
