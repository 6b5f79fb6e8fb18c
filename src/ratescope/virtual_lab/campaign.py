"""A campaign folder as a laboratory would bring it, made by the virtual laboratory: all of it is simulated.

Each rate test, mosaic and tortuosity is a job with its own chance, drawn from the seed and the job's number alone, so
that the result does not depend on how many run at once, nor on where an interrupted campaign went on. A job that fails
is named with its reason; the others are done all the same, and asking again tries the failed ones only.

On a Dask cluster every worker must see the campaign's folder under the same path.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ratescope.errors import LabError
from ratescope.files import prepare_folder, remove_halves, write_json
from ratescope.jobs import run_jobs
from ratescope.records import OnProgress, no_progress
from ratescope.virtual_lab.campaign_jobs import (
    CellJob,
    MicrographJob,
    TortuosityJob,
    cell_jobs,
    is_done,
    micrograph_jobs,
)
from ratescope.virtual_lab.campaign_sheets import write_sheets
from ratescope.virtual_lab.cycler_file import write_basytec
from ratescope.virtual_lab.discharge import draw_cell, simulate_rate_test
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph, write_truth
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import CELL, GEOMETRY, MICROGRAPH, SPECIMEN, CampaignPlan, chance, plan_electrodes
from ratescope.virtual_lab.tortuosity import geometric_tortuosity

Job = TypeVar("Job", MicrographJob, CellJob, TortuosityJob)


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
) -> dict[str, str]:
    """Make a virtual campaign in a folder, or go on with it where it stopped.

    Returns
    -------
    dict
        By name of a rate test, mosaic or electrode: why it could not be made. The sheets leave it out;
        ``truth/failures.json`` says the same.

    Raises
    ------
    LabError
        If the folder holds another campaign, PyBaMM is missing, or nothing at all could be made.
    """
    electrodes = plan_electrodes(plan)
    micrographs, cells = micrograph_jobs(plan, electrodes), cell_jobs(plan, electrodes)
    tortuosities = [TortuosityJob(electrode, number) for number, electrode in enumerate(electrodes)]
    if importlib.util.find_spec("pybamm") is None and not all(is_done(job, folder) for job in cells):
        raise LabError(
            "the virtual laboratory's rate tests need PyBaMM, which is not installed. "
            "Install ratescope[lab], or in a clone run `make setup`."
        )
    prepare_folder(folder)  # now that the campaign can begin
    _claim(folder, plan)
    how = HowToRun(jobs, dask, on_progress)
    failures = {
        **_run(_simulate_cell, cells, folder, plan, how, "rate tests simulated"),
        **_run(_take_micrograph, micrographs, folder, plan, how, "mosaics rendered"),
        **_run(_work_out_tortuosity, tortuosities, folder, plan, how, "tortuosities worked out"),
    }
    made_micrographs = [job for job in micrographs if is_done(job, folder)]
    made_cells = [job for job in cells if is_done(job, folder)]
    whole = {job.electrode.name for job in made_micrographs} & {job.electrode.name for job in made_cells}
    for electrode in electrodes:
        if electrode.name not in whole:
            failures[electrode.name] = "no rate test or no mosaic of it could be made. The sheets leave it out."
    if not whole:
        raise LabError(f"{folder}: nothing could be made: {next(iter(failures.items()))}. Choose another plan.")
    write_sheets(
        folder,
        plan,
        [electrode for electrode in electrodes if electrode.name in whole],
        [job for job in made_micrographs if job.electrode.name in whole],
        [job for job in made_cells if job.electrode.name in whole],
    )
    _write_failures(folder / "truth" / "failures.json", failures)
    return failures


def _claim(folder: Path, plan: CampaignPlan) -> None:
    """Mark the folder as this plan's, and clear away what a killed run left half written; others' folders stay."""
    path = folder / "truth" / "plan.json"
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier != {"schema": 1, **asdict(plan)}:
            said = ", ".join(f"{key} {value}" for key, value in earlier.items() if key != "schema")
            raise LabError(f"{folder} holds another virtual campaign ({said}). Choose another folder.")
    else:
        own = {path.parent, *path.parent.glob(".plan.*.part*")}
        if any(file for file in folder.rglob("*") if file not in own):
            raise LabError(f"{folder} is not empty and holds no virtual campaign. Choose a new folder.")
    remove_halves(folder, *(below for below in folder.rglob("*") if below.is_dir()))
    if not path.is_file():
        write_json(path, {"schema": 1, **asdict(plan)})


def _run(
    make: Callable[[Job, Path, CampaignPlan], None],
    all_jobs: Sequence[Job],
    folder: Path,
    plan: CampaignPlan,
    how: HowToRun,
    what: str,
) -> dict[str, str]:
    """Run the jobs of one kind that are not done yet, tell how far they are, and return what failed, in words."""
    todo = [job for job in all_jobs if not is_done(job, folder)]
    earlier = len(all_jobs) - len(todo)

    def tell(done: int) -> None:
        how.on_progress(earlier + done, len(all_jobs), what)

    tell(0)
    attempt = partial(_attempt, make=make, folder=folder, plan=plan)
    failures = run_jobs(attempt, todo, jobs=how.jobs, dask=how.dask, on_done=tell)
    return {job.name: failure for job, failure in zip(todo, failures, strict=True) if failure}


def _attempt(job: Job, make: Callable[[Job, Path, CampaignPlan], None], folder: Path, plan: CampaignPlan) -> str:
    """Do a job; why it could not be done, or nothing. What nobody expected stops the campaign, and names the job."""
    try:
        make(job, folder, plan)
    except LabError as error:
        return str(error)
    except Exception as error:
        error.add_note(f"This came up while {job.name} of {folder} was made.")
        raise
    return ""


def _take_micrograph(job: MicrographJob, folder: Path, plan: CampaignPlan) -> None:
    rng = chance(plan, MICROGRAPH, job.number)
    microscope = plan.laboratory.microscope
    width_um = plan.mosaic_columns * microscope.pixel_size_um
    cross_section = cut_cross_section(job.electrode, width_um=width_um, rng=rng)
    lamp = chance(plan, SPECIMEN, job.number // plan.areas).uniform(*microscope.lamp)  # one lamp for a specimen
    micrograph = photograph(
        cross_section,
        rows=plan.mosaic_rows,
        columns=plan.mosaic_columns,
        rng=rng,
        microscope=microscope,
        preparation=plan.laboratory.preparation,
        illumination=float(lamp),
    )
    write_truth(folder / "truth", job.name, micrograph)
    write_micrograph(job.files(folder)[-1], micrograph)


def _simulate_cell(job: CellJob, folder: Path, plan: CampaignPlan) -> None:
    rng = chance(plan, CELL, job.number)
    cell = draw_cell(job.electrode, job.name, rng)
    trace = simulate_rate_test(cell)
    truth, export = job.files(folder)
    write_json(truth, {"schema": 1, **asdict(cell), **trace.truth()})
    write_basytec(export, trace, rng=rng)


def _work_out_tortuosity(job: TortuosityJob, folder: Path, plan: CampaignPlan) -> None:
    """Where no pore leads through the voxels, that is what there is to know: it is no failure."""
    try:
        known = asdict(geometric_tortuosity(job.electrode, chance(plan, GEOMETRY, job.number)))
    except LabError as error:
        known = {"tau_through": None, "why": str(error)}
    write_json(job.files(folder)[-1], {"schema": 1, "simulated": True, **known})


def _write_failures(path: Path, failures: Mapping[str, str]) -> None:
    if failures:
        write_json(path, {"schema": 1, "failures": failures})
    else:
        path.unlink(missing_ok=True)
