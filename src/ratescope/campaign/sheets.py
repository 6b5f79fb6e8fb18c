"""electrodes.csv, micrographs.csv, cells.csv and campaign.toml: read, checked together, every error with its place.

A campaign is a folder that a laboratory fills by hand; docs/conventions.md describes its columns.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ratescope.campaign.table import TYPED_CAPACITY, ReadNumber, Table
from ratescope.errors import CampaignError
from ratescope.units import (
    DENSITIES_G_PER_CM3,
    THEORETICAL_AH_PER_KG,
    WEIGHT_FRACTIONS,
    porosity_from_mass,
    skeletal_density_g_per_cm3,
)

SCHEMA = 1
ELECTRODE_COLUMNS = (
    "electrode",
    "batch",
    "load_mpa",
    "coating_thickness_um",
    "loading_mg_per_cm2",
    "porosity",
    "porosity_label",
)
MASS_COLUMNS = ("mass_mg", "diameter_mm", "foil_mass_mg")
MICROGRAPH_COLUMNS = ("file", "electrode", "specimen", "area", "pixel_size_um")
PREPARATION_COLUMNS = ("prepared_on", "microscope", "objective", "exposure_ms", "polish")
CELL_COLUMNS = ("cell", "electrode", "active_mass_mg", "file")


@dataclass(frozen=True)
class CampaignFacts:
    """What campaign.toml says; the defaults are the paper's (section 2.1).

    Attributes
    ----------
    loading_basis : "active" or "coating"
        What ``loading_mg_per_cm2`` counts: the active material alone, or the whole dry coating (decision 0004).
    simulated : bool
        True for campaigns of the virtual laboratory; every report then says so.
    """

    name: str
    active_material: str = "NCM111"
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG
    loading_basis: Literal["active", "coating"] = "active"
    protocol: str = "table-2"
    pixel_size_um: float | None = None
    simulated: bool = False
    schema: int = SCHEMA
    weight_fractions: dict[str, float] = field(default_factory=lambda: dict(WEIGHT_FRACTIONS))
    densities_g_per_cm3: dict[str, float] = field(default_factory=lambda: dict(DENSITIES_G_PER_CM3))


@dataclass(frozen=True)
class Electrode:
    """One row of electrodes.csv; ``active_loading_mg_per_cm2`` and ``porosity`` are already worked out."""

    name: str
    batch: str
    load_mpa: float | None
    coating_thickness_um: float | None
    active_loading_mg_per_cm2: float | None
    porosity: float | None
    porosity_label: str
    active_density_kg_per_l: float | None
    """Active material per litre of coating: what turns Ah/kg into Ah/L."""


@dataclass(frozen=True)
class MicrographEntry:
    """One row of micrographs.csv, its file resolved against the campaign's folder."""

    file: str
    path: Path
    electrode: str
    specimen: str
    area: str
    pixel_size_um: float | None
    preparation: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One row of cells.csv: a cycler file, or capacities (Ah by C-rate) typed in."""

    name: str
    electrode: str
    active_mass_mg: float | None
    path: Path | None
    typed_ah: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Campaign:
    """A campaign as its sheets describe it."""

    folder: Path
    facts: CampaignFacts
    electrodes: Mapping[str, Electrode]
    micrographs: tuple[MicrographEntry, ...]
    cells: tuple[Cell, ...]


def is_campaign(folder: Path) -> bool:
    """Whether a folder is a campaign: it has a campaign.toml."""
    return (folder / "campaign.toml").is_file()


def read_campaign(folder: Path) -> Campaign:
    """Read a campaign's sheets and check them together.

    Raises
    ------
    CampaignError
        With all that is wrong at once: file, row, column, what was seen, what to do.
    """
    if not is_campaign(folder):
        raise CampaignError(
            f"{folder} is no campaign: it has no campaign.toml. `ratescope campaign new {folder}` writes a template."
        )
    faults: list[str] = []
    facts = _read_facts(folder / "campaign.toml", faults)
    electrodes = {e.name: e for e in _electrodes(Table.read(folder / "electrodes.csv", faults), facts)}
    micrographs = tuple(_micrographs(Table.read(folder / "micrographs.csv", faults), folder, electrodes))
    cells = tuple(_cells(Table.read(folder / "cells.csv", faults), folder, electrodes))
    if faults:
        raise CampaignError(f"{folder}: {len(faults)} thing(s) to mend\n  " + "\n  ".join(faults))
    return Campaign(folder, facts, electrodes, micrographs, cells)


def _read_facts(path: Path, faults: list[str]) -> CampaignFacts:
    from ratescope.errors import SettingsError
    from ratescope.settings import from_table

    try:
        facts = from_table(CampaignFacts, tomllib.loads(path.read_text(encoding="utf-8-sig")), path.name)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, SettingsError) as error:
        faults.append(f"{path.name}: {error}")
        return CampaignFacts(name=path.parent.name)
    if facts.schema != SCHEMA:
        faults.append(f"{path.name}: schema {facts.schema} is not known here, only {SCHEMA}. Use a newer ratescope.")
    if abs(sum(facts.weight_fractions.values()) - 1.0) > 0.005:
        faults.append(f"{path.name}: weight_fractions sum to {sum(facts.weight_fractions.values()):.3f}. Make it 1.")
    if missing := {"active", *facts.weight_fractions} - set(facts.densities_g_per_cm3):
        faults.append(f"{path.name}: densities_g_per_cm3 lacks {sorted(missing)}. Give each component's density.")
    return facts


def _electrodes(sheet: Table, facts: CampaignFacts) -> Iterable[Electrode]:
    sheet.check_columns([*ELECTRODE_COLUMNS, *MASS_COLUMNS], ["electrode"])
    skeletal = skeletal_density_g_per_cm3(facts.weight_fractions, facts.densities_g_per_cm3)
    active = facts.weight_fractions["active"]
    seen: set[str] = set()
    for row, fields in sheet.rows:
        name = sheet.text(row, fields, "electrode")
        if name in seen:
            sheet.fault(row, "electrode", f"{name!r} stands here twice. Give each electrode one row.")
        seen.add(name)
        number = sheet.numbers_of(row, fields)
        thickness = number("coating_thickness_um", low=1.0, high=1000.0)
        loading = number("loading_mg_per_cm2", low=0.1, high=200.0)
        coating_loading = _coating_loading(loading, facts, number)
        porosity = number("porosity", low=0.0, high=0.95)
        if porosity is None and thickness and coating_loading:
            porosity = porosity_from_mass(coating_loading, thickness, skeletal)
        density = None
        if thickness and coating_loading:
            density = coating_loading * active / thickness * 10.0
        elif porosity is not None:
            density = skeletal * (1.0 - porosity) * active
        yield Electrode(
            name=name,
            batch=fields.get("batch", ""),
            load_mpa=number("load_mpa", low=0.0, high=1e5),
            coating_thickness_um=thickness,
            active_loading_mg_per_cm2=None if coating_loading is None else coating_loading * active,
            porosity=porosity,
            porosity_label=fields.get("porosity_label", "") or name,
            active_density_kg_per_l=density,
        )


def _coating_loading(loading: float | None, facts: CampaignFacts, number: ReadNumber) -> float | None:
    """mg of dry coating per cm², from the loading on its stated basis or from the masses of a disc."""
    if loading is not None:
        return loading / facts.weight_fractions["active"] if facts.loading_basis == "active" else loading
    mass, diameter, foil = (number(column) for column in MASS_COLUMNS)
    if mass is None or not diameter or foil is None:
        return None
    return (mass - foil) / (3.141592653589793 / 4.0 * (diameter / 10.0) ** 2)


def _micrographs(sheet: Table, folder: Path, electrodes: Mapping[str, Electrode]) -> Iterable[MicrographEntry]:
    sheet.check_columns([*MICROGRAPH_COLUMNS, *PREPARATION_COLUMNS], ["file", "electrode", "specimen"])
    seen: set[str] = set()
    for row, fields in sheet.rows:
        file = sheet.text(row, fields, "file")
        if file in seen:
            sheet.fault(row, "file", f"{file!r} stands here twice. Remove one.")
        seen.add(file)
        path = _existing(sheet, row, folder, file)
        yield MicrographEntry(
            file=file,
            path=path,
            electrode=_known(sheet, row, fields, electrodes),
            specimen=sheet.text(row, fields, "specimen"),
            area=fields.get("area", ""),
            pixel_size_um=sheet.number(row, fields, "pixel_size_um", low=1e-3, high=100.0),
            preparation={column: fields[column] for column in PREPARATION_COLUMNS if fields.get(column)},
        )


def _cells(sheet: Table, folder: Path, electrodes: Mapping[str, Electrode]) -> Iterable[Cell]:
    sheet.check_columns(CELL_COLUMNS, ["cell", "electrode"])
    for row, fields in sheet.rows:
        file = fields.get("file", "")
        typed = {}
        for column in sheet.columns:
            if column.startswith(TYPED_CAPACITY) and (value := sheet.number(row, fields, column)) is not None:
                typed[float(column.removeprefix(TYPED_CAPACITY).lower().removesuffix("c"))] = value
        if not file and not typed:
            sheet.fault(row, "file", "neither a cycler file nor typed-in capacities. Give one of them.")
        yield Cell(
            name=sheet.text(row, fields, "cell"),
            electrode=_known(sheet, row, fields, electrodes),
            active_mass_mg=sheet.number(row, fields, "active_mass_mg", low=1e-3),
            path=_existing(sheet, row, folder, file) if file else None,
            typed_ah=typed,
        )


def _known(sheet: Table, row: int, fields: Mapping[str, str], electrodes: Mapping[str, Electrode]) -> str:
    name = sheet.text(row, fields, "electrode")
    if name and name not in electrodes:
        sheet.fault(row, "electrode", f"{name!r} is not in electrodes.csv. Known are {', '.join(electrodes)}.")
    return name


def _existing(sheet: Table, row: int, folder: Path, file: str) -> Path:
    path = folder / file
    if file and not path.is_file():
        sheet.fault(row, "file", f"{file!r} does not exist in {folder}. Put it there or mend the name.")
    return path
