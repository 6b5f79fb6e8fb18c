"""The sheets of a virtual campaign, and what is true of its electrodes: written last, when the files are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from ratescope.campaign.sheets import (
    CELL_COLUMNS,
    ELECTRODE_COLUMNS,
    MICROGRAPH_COLUMNS,
    PREPARATION_COLUMNS,
    CampaignFacts,
)
from ratescope.files import write_csv, write_json, write_text
from ratescope.units import POROSITIES, POROSITY_LABELS
from ratescope.virtual_lab.campaign_jobs import CellJob, MicrographJob, TortuosityJob
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.laboratories import Laboratory
from ratescope.virtual_lab.plan import CampaignPlan


def write_sheets(
    folder: Path,
    plan: CampaignPlan,
    electrodes: Sequence[VirtualElectrode],
    micrographs: Sequence[MicrographJob],
    cells: Sequence[CellJob],
) -> None:
    """The four sheets, last: a folder without them is not yet a campaign."""
    labels = dict(zip(POROSITIES, POROSITY_LABELS, strict=True))
    write_csv(folder / "electrodes.csv", ELECTRODE_COLUMNS, [_electrode_row(e, labels) for e in electrodes])
    write_csv(
        folder / "micrographs.csv",
        [*MICROGRAPH_COLUMNS, *PREPARATION_COLUMNS],
        [_micrograph_row(job, plan.laboratory) for job in micrographs],
    )
    masses = {job.name: _true_mass_mg(folder, job) for job in cells}
    write_csv(
        folder / "cells.csv",
        CELL_COLUMNS,
        [
            {
                "cell": job.name,
                "electrode": job.electrode.name,
                "active_mass_mg": round(masses[job.name], 4),
                "file": f"cycler/{job.name}.txt",
            }
            for job in cells
        ],
    )
    write_json(
        folder / "truth" / "electrodes.json",
        {"schema": 1, "simulated": True, "electrodes": [_truth_of(electrode, folder) for electrode in electrodes]},
    )
    preset = "" if plan.preset == "reference" else f" of {plan.preset}"
    facts = CampaignFacts(name=f"simulated {plan.design}{preset}, seed {plan.seed}", simulated=True)
    table = {key: value for key, value in asdict(facts).items() if value is not None}
    note = "# Made by ratescope's virtual laboratory: every micrograph and every rate test here is SIMULATED.\n"
    write_text(folder / "campaign.toml", note + tomli_w.dumps(table))


def _electrode_row(electrode: VirtualElectrode, labels: dict[float, int]) -> dict[str, object]:
    return {
        "electrode": electrode.name,
        "batch": electrode.batch,
        "load_mpa": electrode.load_mpa,
        "coating_thickness_um": round(electrode.thickness_um, 2),
        "loading_mg_per_cm2": electrode.active_loading_mg_per_cm2,
        "porosity": electrode.porosity,
        "porosity_label": labels.get(electrode.porosity, round(electrode.porosity * 100)),
    }


def _micrograph_row(job: MicrographJob, laboratory: Laboratory) -> dict[str, object]:
    return {
        "file": f"micrographs/{job.name}.tif",
        "electrode": job.electrode.name,
        "specimen": job.specimen,
        "area": job.area,
        "pixel_size_um": laboratory.microscope.pixel_size_um,
        "prepared_on": f"simulated day {1 + int(job.specimen[1:]) % 3}",  # not tied to the electrode
        "microscope": laboratory.microscope_name,
        "objective": "50x/0.80",
        "exposure_ms": 10,
        "polish": "simulated",
    }


def _true_mass_mg(folder: Path, job: CellJob) -> float:
    truth = json.loads(job.files(folder)[0].read_text(encoding="utf-8"))
    return float(truth["active_mass_mg"])


def _truth_of(electrode: VirtualElectrode, folder: Path) -> dict[str, Any]:
    """Everything that is true of an electrode; where no pore leads through, its geometry has no tortuosity."""
    file = TortuosityJob(electrode, 0).files(folder)[-1]
    geometry = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return asdict(electrode) | {
        "thickness_um": electrode.thickness_um,
        "volume_fractions": electrode.volume_fractions,
        "tortuosity": electrode.tortuosity,
        "tortuosity_geometric": geometry.get("tau_through"),
    }
