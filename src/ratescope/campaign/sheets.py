"""electrodes.csv, micrographs.csv, cells.csv and campaign.toml: read, checked together, every error with its place.

A campaign is a folder that a laboratory fills by hand; campaign/columns.py describes its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ratescope.campaign import columns as known
from ratescope.campaign.campaign_toml import read_campaign_toml
from ratescope.campaign.columns import TYPED_CAPACITY
from ratescope.campaign.entries import Campaign, CampaignFacts, Cell, Electrode, MicrographEntry, Notes
from ratescope.campaign.plausible import check_active_mass, check_porosity, check_typed_capacities
from ratescope.campaign.references import existing_file, is_file, known_electrode, once
from ratescope.campaign.table import Fields, ReadNumber, Table
from ratescope.counted import counted
from ratescope.errors import CampaignError
from ratescope.units import (
    active_density_kg_per_l,
    active_loading_mg_per_cm2,
    coating_loading_mg_per_cm2,
    loading_from_disc,
    porosity_from_mass,
    skeletal_density_g_per_cm3,
)

__all__ = [
    "CELL_COLUMNS",
    "ELECTRODE_COLUMNS",
    "MICROGRAPH_COLUMNS",
    "PREPARATION_COLUMNS",
    "Campaign",
    "CampaignFacts",
    "Cell",
    "Electrode",
    "MicrographEntry",
    "is_campaign",
    "read_campaign",
    "read_sheets",
]

ELECTRODE_COLUMNS = known.names_of(known.ELECTRODES)
MICROGRAPH_COLUMNS = known.names_of(known.MICROGRAPHS)
PREPARATION_COLUMNS = known.names_of(known.PREPARATION)
CELL_COLUMNS = known.names_of(known.CELLS)


def is_campaign(folder: Path) -> bool:
    """Whether a folder is a campaign: it has a campaign.toml."""
    return (folder / "campaign.toml").is_file()


def read_campaign(folder: Path, *, may_lack_files: bool = False) -> Campaign:
    """Read a campaign's sheets and check them together.

    Parameters
    ----------
    may_lack_files : bool
        Files that are not there are no fault of the sheets: who reads one by one refuses them one by one. A training
        would go on for hours without them, so it does not take them so.

    Raises
    ------
    CampaignError
        With all that is wrong at once: file, row, column, what was seen, what to do.
    """
    campaign, notes = read_sheets(Path(folder))
    errors = notes.errors if may_lack_files else [*notes.errors, *notes.missing]
    if errors:
        raise CampaignError(in_one_error(folder, errors))
    return campaign


def in_one_error(folder: Path, errors: Iterable[str]) -> str:
    """All errors below each other."""
    errors = list(errors)
    return f"{folder}: {counted(len(errors), 'thing')} to mend\n  " + "\n  ".join(errors)


def read_sheets(folder: Path) -> tuple[Campaign, Notes]:
    """As much of a campaign as can be read, and what is wrong with it.

    Raises
    ------
    CampaignError
        If the folder is no campaign.
    """
    if not folder.is_dir():
        seen = "is a file" if folder.exists() else "does not exist"
        raise CampaignError(
            f"{folder} {seen}, but a campaign is a folder with a campaign.toml. "
            f"Check the path, or begin one by `ratescope campaign new DIR`."
        )
    if not is_campaign(folder):
        raise CampaignError(
            f"{folder} is no campaign: it has no campaign.toml. `ratescope campaign new {folder}` writes a template."
        )
    notes = Notes()
    facts = read_campaign_toml(folder / "campaign.toml", notes)
    electrodes_sheet, micrographs_sheet, cells_sheet = (
        Table.read(folder / name, columns, notes, without_rows=known.MAY_COME_LATER.get(name, ""))
        for name, columns in known.SHEETS.items()
    )
    electrodes = {electrode.name: electrode for electrode in _electrodes(electrodes_sheet, facts)}
    micrographs = tuple(_micrographs(micrographs_sheet, folder, electrodes))
    return Campaign(
        folder, facts, electrodes, micrographs, tuple(_cells(cells_sheet, folder, electrodes, facts))
    ), notes


def _electrodes(sheet: Table, facts: CampaignFacts) -> Iterable[Electrode]:
    seen: set[str] = set()
    for row, fields in sheet.rows:
        name = sheet.text(row, fields, "electrode")
        once(sheet, row, "electrode", name, seen, "Give each electrode one row.")
        yield _electrode(sheet, row, fields, name, facts)


def _electrode(sheet: Table, row: int, fields: Fields, name: str, facts: CampaignFacts) -> Electrode:
    number = sheet.numbers_of(row, fields)
    thickness = _coating_thickness(sheet, row, number)
    coating_loading = _coating_loading(sheet, row, facts, number)
    given = number("porosity", low=0.0, high=0.95)
    loading_sd = number("loading_sd_mg_per_cm2", high=100.0)
    active, skeletal = facts.weight_fractions.get("active") or 1.0, _skeletal_density(facts)
    worked_out = None
    if thickness and coating_loading and skeletal:
        worked_out = porosity_from_mass(coating_loading, thickness, skeletal)
        check_porosity(sheet, row, given, worked_out, facts)
    porosity = worked_out if given is None else given
    density = None
    if thickness and coating_loading:
        density = active_density_kg_per_l(coating_loading * active, thickness)
    elif porosity is not None and skeletal:
        density = skeletal * (1.0 - porosity) * active
    return Electrode(
        name=name,
        batch=fields.get("batch", ""),
        load_mpa=number("load_mpa", low=0.0, high=1e5),
        coating_thickness_um=thickness,
        active_loading_mg_per_cm2=None if coating_loading is None else coating_loading * active,
        porosity=porosity,
        porosity_label=fields.get("porosity_label", "") or name,
        active_density_kg_per_l=density,
        coating_thickness_sd_um=number("coating_thickness_sd_um", high=100.0),
        # A loading and its error stand on one basis and change it alike.
        active_loading_sd_mg_per_cm2=None
        if loading_sd is None
        else active_loading_mg_per_cm2(loading_sd, active, basis=facts.loading_basis),
    )


def _coating_thickness(sheet: Table, row: int, number: ReadNumber) -> float | None:
    """µm of dry coating: as it stands, or what a gauge reads without the foil."""
    coating = number("coating_thickness_um", low=1.0, high=1000.0)
    both, foil = (
        number("electrode_thickness_um", low=1.0, high=2000.0),
        number("foil_thickness_um", low=1.0, high=500.0),
    )
    if coating is not None or both is None or foil is None:
        return coating
    if both - foil < 1.0:
        text = f"{both:g} µm with foil leave no coating on the foil's {foil:g} µm. Check both."
        sheet.fault(row, "electrode_thickness_um", text)
        return None
    return both - foil


def _skeletal_density(facts: CampaignFacts) -> float | None:
    """None where campaign.toml does not give it: its own fault says so."""
    if set(facts.weight_fractions) - set(facts.densities_g_per_cm3) or "active" not in facts.weight_fractions:
        return None
    if min(facts.densities_g_per_cm3.values()) <= 0.0 or sum(facts.weight_fractions.values()) <= 0.0:
        return None
    return skeletal_density_g_per_cm3(facts.weight_fractions, facts.densities_g_per_cm3)


def _coating_loading(sheet: Table, row: int, facts: CampaignFacts, number: ReadNumber) -> float | None:
    """mg of dry coating per cm², from the loading on its stated basis or from the masses of a disc."""
    loading = number("loading_mg_per_cm2", low=0.1, high=200.0)
    mass, diameter, foil = number("mass_mg"), number("diameter_mm", low=1.0, high=200.0), number("foil_mass_mg")
    if loading is not None:
        active = facts.weight_fractions.get("active") or 1.0  # its lack is a fault of campaign.toml
        return coating_loading_mg_per_cm2(loading, active, basis=facts.loading_basis)
    if mass is None or diameter is None or foil is None:
        return None
    if mass <= foil:
        sheet.fault(row, "mass_mg", f"{mass:g} mg with foil is not more than the foil's {foil:g} mg. Check both.")
        return None
    return loading_from_disc(mass, foil, diameter)


def _micrographs(sheet: Table, folder: Path, electrodes: Mapping[str, Electrode]) -> Iterable[MicrographEntry]:
    seen: set[str] = set()
    for row, fields in sheet.rows:
        file = sheet.text(row, fields, "file")
        path = existing_file(sheet, row, folder, file)
        once(sheet, row, "file", str(path.resolve()) if file else "", seen, "Remove one.", shown=file)
        exposure = sheet.number(row, fields, "exposure_ms")
        preparation = {column: fields[column] for column in PREPARATION_COLUMNS if fields.get(column)}
        if exposure is not None:
            preparation["exposure_ms"] = f"{exposure:g}"
        yield MicrographEntry(
            file=file.replace("\\", "/") if is_file(path) else file,
            path=path,
            electrode=known_electrode(sheet, row, fields, electrodes),
            specimen=sheet.text(row, fields, "specimen"),
            area=fields.get("area", ""),
            pixel_size_um=sheet.number(row, fields, "pixel_size_um", low=1e-3, high=100.0),
            preparation=preparation,
        )


def _cells(sheet: Table, folder: Path, electrodes: Mapping[str, Electrode], facts: CampaignFacts) -> Iterable[Cell]:
    seen: set[str] = set()
    for row, fields in sheet.rows:
        name, file = sheet.text(row, fields, "cell"), fields.get("file", "")
        once(sheet, row, "cell", name, seen, "Give each cell one row and its own name.")
        mass = sheet.number(row, fields, "active_mass_mg", low=1e-3)
        check_active_mass(sheet, row, mass)
        typed = {
            float(column.removeprefix(TYPED_CAPACITY).removesuffix("c")): capacity
            for column in sheet.columns
            if column.startswith(TYPED_CAPACITY) and (capacity := sheet.number(row, fields, column)) is not None
        }
        check_typed_capacities(sheet, row, typed, mass, facts.theoretical_ah_per_kg)
        if not file and not typed:
            sheet.fault(row, "file", "neither a cycler file nor typed-in capacities. Give one of them.")
        yield Cell(
            name=name,
            electrode=known_electrode(sheet, row, fields, electrodes),
            active_mass_mg=mass,
            path=existing_file(sheet, row, folder, file) if file else None,
            typed_ah=typed,
            active_mass_sd_mg=sheet.number(row, fields, "active_mass_sd_mg"),
        )
