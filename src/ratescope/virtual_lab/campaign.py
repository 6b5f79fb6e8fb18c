"""A campaign folder as a laboratory would bring it, made by the virtual laboratory: all of it is simulated.

Each micrograph and each cell is a job with its own chance, drawn from the seed and the job's number alone, so that the
result does not depend on how many run at once, nor on where an interrupted campaign went on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import tomli_w

from ratescope.campaign.sheets import (
    CELL_COLUMNS,
    ELECTRODE_COLUMNS,
    MICROGRAPH_COLUMNS,
    PREPARATION_COLUMNS,
    CampaignFacts,
)
from ratescope.errors import LabError
from ratescope.files import prepare_folder, write_csv, write_json, write_text
from ratescope.jobs import run_jobs
from ratescope.records import OnProgress, no_progress
from ratescope.units import NETWORK_PIXEL_SIZE_UM, POROSITIES, POROSITY_LABELS
from ratescope.virtual_lab.cycler_file import write_basytec
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.discharge import draw_cell, simulate_rate_test
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph, write_truth
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import CELL, MICROGRAPH, SPECIMEN, CampaignPlan, chance, plan_electrodes

Job = TypeVar("Job")
MOSAIC_ROWS = 975  # section 2.1
LAMP = (0.92, 1.06)  # our choice: illumination differs between specimens, not between areas of one


@dataclass(frozen=True)
class MicrographJob:
    """One mosaic to be made."""

    electrode: VirtualElectrode
    specimen: str
    area: int
    number: int

    @property
    def stem(self) -> str:
        """Name of its files."""
        return f"{self.electrode.name}_{self.specimen}_a{self.area}"


@dataclass(frozen=True)
class CellJob:
    """One rate test to be made."""

    electrode: VirtualElectrode
    name: str
    number: int


@dataclass(frozen=True)
class HowToRun:
    """How many jobs run at once, where, and who is told."""

    jobs: int
    dask: str | None
    on_progress: OnProgress


def make_campaign(
    folder: Path,
    plan: CampaignPlan,
    *,
    jobs: int = 1,
    dask: str | None = None,
    on_progress: OnProgress = no_progress,
) -> None:
    """Make a virtual campaign in a folder, or go on with it where it stopped.

    Raises
    ------
    LabError
        If the folder holds another campaign, or a rate test could not be simulated; what was made stays.
    """
    prepare_folder(folder)
    _claim(folder, plan)
    electrodes = plan_electrodes(plan)
    micrographs, cells = _micrograph_jobs(plan, electrodes), _cell_jobs(plan, electrodes)
    how = HowToRun(jobs, dask, on_progress)
    failures = [
        *_run(partial(_simulate_cell, folder=folder, plan=plan), cells, how, "rate tests simulated"),
        *_run(partial(_take_micrograph, folder=folder, plan=plan), micrographs, how, "mosaics rendered"),
    ]
    if failures:
        raise LabError(f"{len(failures)} of {len(cells) + len(micrographs)} jobs failed: {' · '.join(failures[:5])}")
    _write_sheets(folder, plan, electrodes, micrographs, cells)


def _claim(folder: Path, plan: CampaignPlan) -> None:
    """Mark the folder as this plan's; another plan's folder is left alone."""
    path = folder / "truth" / "plan.json"
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier != {"schema": 1, **asdict(plan)}:
            said = ", ".join(f"{key} {value}" for key, value in earlier.items() if key != "schema")
            raise LabError(f"{folder} holds another virtual campaign ({said}). Choose another folder.")
    elif any(folder.iterdir()):
        raise LabError(f"{folder} is not empty and holds no virtual campaign. Choose a new folder.")
    write_json(path, {"schema": 1, **asdict(plan)})


def _micrograph_jobs(plan: CampaignPlan, electrodes: Sequence[VirtualElectrode]) -> list[MicrographJob]:
    places = [
        (electrode, f"s{specimen}", area)
        for electrode in electrodes
        for specimen in range(1, plan.specimens + 1)
        for area in range(1, plan.areas + 1)
    ]
    return [MicrographJob(*place, number) for number, place in enumerate(places)]


def _cell_jobs(plan: CampaignPlan, electrodes: Sequence[VirtualElectrode]) -> list[CellJob]:
    names = [(electrode, f"{electrode.name}_c{n}") for electrode in electrodes for n in range(1, plan.cells + 1)]
    return [CellJob(*name, number) for number, name in enumerate(names)]


def _run(job: Callable[[Job], str], todo: Sequence[Job], how: HowToRun, what: str) -> list[str]:
    """Run jobs of one kind, tell how far they are, and return what failed, in words."""
    failures = []
    how.on_progress(0, len(todo), what)
    for done, failure in enumerate(run_jobs(job, todo, jobs=how.jobs, dask=how.dask), start=1):
        if failure:
            failures.append(failure)
        how.on_progress(done, len(todo), what)
    return failures


def _take_micrograph(job: MicrographJob, folder: Path, plan: CampaignPlan) -> str:
    target = folder / "micrographs" / f"{job.stem}.tif"
    if target.is_file():
        return ""
    rng = chance(plan, MICROGRAPH, job.number)
    width_um = plan.mosaic_columns * NETWORK_PIXEL_SIZE_UM
    cross_section = cut_cross_section(job.electrode, width_um=width_um, rng=rng)
    lamp = chance(plan, SPECIMEN, job.number // plan.areas).uniform(*LAMP)
    micrograph = photograph(
        cross_section, rows=MOSAIC_ROWS, columns=plan.mosaic_columns, rng=rng, illumination=float(lamp)
    )
    write_truth(folder / "truth", job.stem, micrograph)
    write_micrograph(target, micrograph)  # last: its presence says that the job is done
    return ""


def _simulate_cell(job: CellJob, folder: Path, plan: CampaignPlan) -> str:
    target = folder / "cycler" / f"{job.name}.txt"
    if target.is_file():
        return ""
    rng = chance(plan, CELL, job.number)
    try:
        cell = draw_cell(job.electrode, job.name, rng)
        trace = simulate_rate_test(cell)
    except LabError as error:
        return f"{job.name}: {error}"
    write_json(folder / "truth" / f"{job.name}.json", {"schema": 1, **asdict(cell), **trace.truth()})
    write_basytec(target, trace, rng=rng)
    return ""


def _write_sheets(
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
        [_micrograph_row(job) for job in micrographs],
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
    write_json(folder / "truth" / "electrodes.json", {"schema": 1, "electrodes": [_truth_of(e) for e in electrodes]})
    facts = CampaignFacts(name=f"simulated {plan.design}, seed {plan.seed}", simulated=True)
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


def _micrograph_row(job: MicrographJob) -> dict[str, object]:
    return {
        "file": f"micrographs/{job.stem}.tif",
        "electrode": job.electrode.name,
        "specimen": job.specimen,
        "area": job.area,
        "pixel_size_um": NETWORK_PIXEL_SIZE_UM,
        "prepared_on": f"simulated day {1 + int(job.specimen[1:]) % 3}",  # not tied to the electrode
        "microscope": "simulated bright field",
        "objective": "50x/0.80",
        "exposure_ms": 10,
        "polish": "simulated",
    }


def _true_mass_mg(folder: Path, job: CellJob) -> float:
    truth = json.loads((folder / "truth" / f"{job.name}.json").read_text(encoding="utf-8"))
    return float(truth["active_mass_mg"])


def _truth_of(electrode: VirtualElectrode) -> dict[str, object]:
    return asdict(electrode) | {"thickness_um": electrode.thickness_um, "tortuosity": electrode.tortuosity}
