"""The virtual laboratory's story: a campaign is made, and the floor under every prediction from it is worked out."""

from __future__ import annotations

from pathlib import Path

from ratescope.errors import RatescopeError
from ratescope.floor import write_floor
from ratescope.jobs import check_cluster
from ratescope.records import OnProgress, no_progress
from ratescope.virtual_lab.campaign import make_campaign
from ratescope.virtual_lab.plan import CampaignPlan


def run_lab(
    folder: Path,
    plan: CampaignPlan,
    *,
    jobs: int = 1,
    dask: str | None = None,
    on_progress: OnProgress = no_progress,
) -> dict[str, str]:
    """Make a virtual campaign with its floor, or go on with it; returns by name what could not be made, and why."""
    check_cluster(dask)
    failures = make_campaign(folder, plan, jobs=jobs, dask=dask, on_progress=on_progress)
    try:
        write_floor(folder, jobs=jobs, on_progress=on_progress)
    except RatescopeError as error:
        failures["truth/floor.json"] = str(error)
    return failures
