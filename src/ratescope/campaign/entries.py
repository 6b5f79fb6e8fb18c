"""The rows of a campaign's sheets as records, and what campaign.toml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ratescope.units import DENSITIES_G_PER_CM3, THEORETICAL_AH_PER_KG, WEIGHT_FRACTIONS

SCHEMA = 1


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
    """One row of electrodes.csv; ``active_loading_mg_per_cm2`` and ``porosity`` are already worked out.

    Attributes
    ----------
    active_density_kg_per_l : float or None
        Active material per litre of coating: what turns Ah/kg into Ah/L.
    coating_thickness_sd_um, active_loading_sd_mg_per_cm2 : float or None
        Standard uncertainties as they were typed; the second on the campaign's loading basis.
    """

    name: str
    batch: str
    load_mpa: float | None
    coating_thickness_um: float | None
    active_loading_mg_per_cm2: float | None
    porosity: float | None
    porosity_label: str
    active_density_kg_per_l: float | None
    coating_thickness_sd_um: float | None = None
    active_loading_sd_mg_per_cm2: float | None = None


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
    """One row of cells.csv: a cycler file, or capacities (Ah by C-rate) typed in.

    ``active_mass_sd_mg`` is the standard uncertainty of the mass, where it was typed.
    """

    name: str
    electrode: str
    active_mass_mg: float | None
    path: Path | None
    typed_ah: Mapping[float, float] = field(default_factory=dict)
    active_mass_sd_mg: float | None = None


@dataclass(frozen=True)
class Campaign:
    """A campaign as its sheets describe it."""

    folder: Path
    facts: CampaignFacts
    electrodes: Mapping[str, Electrode]
    micrographs: tuple[MicrographEntry, ...]
    cells: tuple[Cell, ...]


@dataclass
class Notes:
    """What reading a campaign brought to light; readers add to it, so that all is said at once.

    Attributes
    ----------
    errors : list of str
        What keeps the campaign, or a part of it, from being used.
    missing : list of str
        Files that are named, but not there: each keeps its own row from being used, and no other.
    warnings : list of str
        What should be looked at.
    conversions : list of str
        Which columns were read in another unit than their own.
    """

    errors: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)
