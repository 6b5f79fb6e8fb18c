"""What there is to do for a virtual campaign, one file or pair of files at a time, and whether it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.plan import CampaignPlan


@dataclass(frozen=True)
class MicrographJob:
    """One mosaic to be made."""

    electrode: VirtualElectrode
    specimen: str
    area: int
    number: int

    @property
    def name(self) -> str:
        """Stem of its files."""
        return f"{self.electrode.name}_{self.specimen}_a{self.area}"

    def files(self, folder: Path) -> tuple[Path, ...]:
        """What there is when it is done; the last one is written last."""
        truth = folder / "truth"
        return (
            truth / f"{self.name}_phases.png",
            truth / f"{self.name}.json",
            folder / "micrographs" / f"{self.name}.tif",
        )


@dataclass(frozen=True)
class CellJob:
    """One rate test to be made."""

    electrode: VirtualElectrode
    name: str
    number: int

    def files(self, folder: Path) -> tuple[Path, ...]:
        """What there is when it is done; the last one is written last."""
        return folder / "truth" / f"{self.name}.json", folder / "cycler" / f"{self.name}.txt"


@dataclass(frozen=True)
class TortuosityJob:
    """The tortuosity of one electrode's geometry, to stand beside the one that its physics uses."""

    electrode: VirtualElectrode
    number: int

    @property
    def name(self) -> str:
        """Of the electrode."""
        return self.electrode.name

    def files(self, folder: Path) -> tuple[Path, ...]:
        """What there is when it is done."""
        return (folder / "truth" / f"{self.name}_tortuosity.json",)


CampaignJob = MicrographJob | CellJob | TortuosityJob


def is_done(job: CampaignJob, folder: Path) -> bool:
    """Whether all files of a job are there."""
    return all(file.is_file() for file in job.files(folder))


def micrograph_jobs(plan: CampaignPlan, electrodes: Sequence[VirtualElectrode]) -> list[MicrographJob]:
    """Every area of every specimen of every electrode."""
    places = [
        (electrode, f"s{specimen}", area)
        for electrode in electrodes
        for specimen in range(1, plan.specimens + 1)
        for area in range(1, plan.areas + 1)
    ]
    return [MicrographJob(*place, number) for number, place in enumerate(places)]


def cell_jobs(plan: CampaignPlan, electrodes: Sequence[VirtualElectrode]) -> list[CellJob]:
    """Every cell of every electrode."""
    names = [(electrode, f"{electrode.name}_c{n}") for electrode in electrodes for n in range(1, plan.cells + 1)]
    return [CellJob(*name, number) for number, name in enumerate(names)]
