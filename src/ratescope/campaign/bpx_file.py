"""What a rate test and its sheets know of a half cell, as a file of the Battery Parameter eXchange (BPX 1).

The format wants each of its groups whole. A laboratory knows the whole of one, "Cell"; of the positive electrode it
knows thickness and porosity and none of the dozen others. So the file is a "Partial" one: what has no place stands in
"User-defined", its unit in the key. Whoever knows the rest gives it as a JSON or TOML file of the groups under
"Parameterisation"; thickness and porosity are added to it here. Nothing is assumed.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratescope.campaign.entries import Campaign, CampaignFacts, Electrode
from ratescope.cycling.cycle_table import paths_of_cells
from ratescope.errors import InputError
from ratescope.files import write_json
from ratescope.protocol import RateProtocol, read_protocol
from ratescope.records import RateTest
from ratescope.units import active_volume_share, current_a

Group = dict[str, Any]
ENDING = ".bpx.json"
POSITIVE = "Positive electrode"
AGREEMENT = 1e-6  # relative: a value that is given and also known has to be the same number


def write_half_cells(
    folder: Path, tests: Sequence[RateTest], campaign: Campaign, *, given: Mapping[str, Any] | None = None
) -> tuple[list[Path], dict[str, str]]:
    """Write each cell of a campaign as ``{cell}.bpx.json``; those that could not be written, with the reason."""
    protocol = read_protocol(campaign.facts.protocol, campaign.folder)
    written, refused = [], {}
    for path, test in zip(paths_of_cells(folder, tests, ENDING), tests, strict=True):
        try:
            write_bpx(path, test, campaign.electrodes[test.electrode], campaign.facts, protocol, given=given)
        except InputError as error:
            refused[f"BPX file of cell {test.cell}"] = str(error)
        else:
            written.append(path)
    return written, refused


def write_bpx(
    path: Path,
    test: RateTest,
    electrode: Electrode,
    facts: CampaignFacts,
    protocol: RateProtocol,
    *,
    given: Mapping[str, Any] | None = None,
) -> None:
    """Write one half cell as a BPX file, checked by the format's own schema.

    Parameters
    ----------
    given : mapping, optional
        Groups of "Parameterisation" that the laboratory knows from elsewhere, as `read_given` reads them.

    Raises
    ------
    InputError
        If mass or loading are not known, or what is given is incomplete, unknown to the format, or contradicts.
    """
    content = bpx_content(test, electrode, facts, protocol, given=given)
    _check(content)
    write_json(path, content)


def read_given(path: Path) -> Group:
    """The groups of "Parameterisation" in a JSON or TOML file; a whole BPX file will do as well."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:  # both decoders' errors are ValueErrors
        raise InputError(f"{path} cannot be read: {error}. Give a JSON or TOML file of BPX groups.") from error
    groups = content.get("Parameterisation", content) if isinstance(content, dict) else None
    if not isinstance(groups, dict) or not all(isinstance(group, dict) for group in groups.values()):
        raise InputError(f"{path} holds no groups of parameters. Begin with {POSITIVE!r}: {{…}}, as in a BPX file.")
    return groups


def bpx_content(
    test: RateTest,
    electrode: Electrode,
    facts: CampaignFacts,
    protocol: RateProtocol,
    *,
    given: Mapping[str, Any] | None = None,
) -> Group:
    """The file's content: header, the cell, the groups that are given, and what has no other place."""
    import bpx

    groups: dict[str, Group] = {"Cell": {}, **(given or {})}
    groups["Cell"] = _with_known("Cell", groups["Cell"], _cell(test, facts, protocol))
    if POSITIVE in groups:
        groups[POSITIVE] = _with_known(POSITIVE, groups[POSITIVE], _place_in_positive(electrode))
    groups["User-defined"] = groups.get("User-defined", {}) | _without_a_place(test, electrode, facts)
    source = "SIMULATED by the virtual laboratory of ratescope. " if facts.simulated else ""
    return {
        "Header": {
            "BPX": bpx.__version__,  # the format and its reader have one version
            "Title": f"{source}Half cell {test.cell}, electrode {test.electrode}, {facts.active_material}",
            "Description": f"{source}Lithium half cell: the negative electrode is lithium metal. Written by ratescope "
            f"from the campaign {facts.name!r}. The nominal capacity is what 1C refers to.",
            "Model": "Partial",
        },
        "Parameterisation": groups,
    }


def _cell(test: RateTest, facts: CampaignFacts, protocol: RateProtocol) -> Group:
    if test.active_mass_mg is None or test.collector_area_cm2 is None:
        raise InputError(
            f"cell {test.cell}: a BPX file needs its area and capacity, which come from active_mass_mg in cells.csv "
            "and loading_mg_per_cm2 in electrodes.csv. Fill both."
        )
    return {
        "Electrode area [m2]": test.collector_area_cm2 * 1e-4,
        "Number of electrode pairs connected in parallel to make a cell": 1,
        "Lower voltage cut-off [V]": protocol.discharge_cut_off_v,
        "Upper voltage cut-off [V]": protocol.charge_cut_off_v,
        "Nominal cell capacity [A.h]": current_a(1.0, test.active_mass_mg, facts.theoretical_ah_per_kg),
    }


def _without_a_place(test: RateTest, electrode: Electrode, facts: CampaignFacts) -> Group:
    """What is known of the positive electrode, under "User-defined"; the keys name unit and electrode."""
    solid = active_volume_share(facts.weight_fractions, facts.densities_g_per_cm3)
    loading, porosity, thickness = (
        electrode.active_loading_mg_per_cm2,
        electrode.porosity,
        electrode.coating_thickness_um,
    )
    known = {
        "thickness [m]": None if thickness is None else thickness * 1e-6,
        "porosity": porosity,
        "active material volume fraction": None if porosity is None else (1.0 - porosity) * solid,
        "active material loading [kg.m-2]": None if loading is None else loading * 1e-2,
        "theoretical specific capacity [A.h.kg-1]": facts.theoretical_ah_per_kg,
        "active material mass [kg]": test.active_mass_mg and test.active_mass_mg * 1e-6,
        "calendering pressure [Pa]": None if electrode.load_mpa is None else electrode.load_mpa * 1e6,
    }
    return {f"{POSITIVE} {name}": value for name, value in known.items() if value is not None}


def _place_in_positive(electrode: Electrode) -> Group:
    um = electrode.coating_thickness_um
    known = {"Thickness [m]": None if um is None else um * 1e-6, "Porosity": electrode.porosity}
    return {key: value for key, value in known.items() if value is not None}


def _with_known(name: str, given: Mapping[str, Any], known: Group) -> Group:
    """A group as it is given, with what the campaign knows of it."""
    for key, value in known.items():
        other = given.get(key)
        if isinstance(other, int | float) and not math.isclose(other, value, rel_tol=AGREEMENT):
            raise InputError(
                f"{name}, {key}: {other:g} is given, but the campaign has {value:g}. Leave it out of the given "
                "file, or mend the campaign's sheets."
            )
    return known | dict(given)


def _check(content: Group) -> None:
    """Against the schema of the bpx package, which says what is missing."""
    import bpx
    import pydantic

    try:
        text = json.dumps(content, allow_nan=False, default=str)
    except ValueError as error:
        raise InputError(f"a given parameter is no finite number: {error}. Mend it, or leave it out.") from error
    try:
        bpx.BPX.model_validate(json.loads(text))  # a copy: its validators put their own objects into what they get
    except pydantic.ValidationError as error:
        by_place: dict[str, list[str]] = {}
        for fault in error.errors():
            by_place.setdefault(", ".join(str(part) for part in fault["loc"][:2]), []).append(fault["msg"])
        faults = [
            # Several faults at one place are the kinds of value that it might have been.
            f"\n  {place}: {messages[0] if len(messages) == 1 else 'no value that the format allows there'}"
            for place, messages in by_place.items()
        ]
        raise InputError(
            "the given parameters make no BPX file. Add what is missing, or leave the group out:" + "".join(faults)
        ) from error
