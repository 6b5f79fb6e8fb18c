"""Campaigns, bare cycler files, folders of them and typed tables → their rate tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ratescope.campaign import bpx_file
from ratescope.campaign.rates import usable_rate_tests
from ratescope.campaign.sheets import Campaign, is_campaign, read_campaign
from ratescope.cycling import cycle_table
from ratescope.cycling.rate_test import rate_test, rate_test_from_capacities
from ratescope.cycling.readers import read_cycler_file
from ratescope.cycling.readers.typed_file import is_typed_file, read_typed_file
from ratescope.errors import CampaignError, InputError, RateTestError
from ratescope.protocol import TABLE_2, RateProtocol
from ratescope.records import OnProgress, RateTest, no_progress
from ratescope.units import THEORETICAL_AH_PER_KG

WRITTEN = (bpx_file.ENDING, cycle_table.ENDING)  # by an earlier call, perhaps beside the exports


@dataclass(frozen=True)
class BareFacts:
    """What is known of all bare files: a campaign would know it of each of its cells."""

    active_mass_mg: float | None = None
    theoretical_ah_per_kg: float = THEORETICAL_AH_PER_KG
    protocol: RateProtocol = TABLE_2


@dataclass(frozen=True)
class RateSource:
    """The rate tests of one campaign, or of all bare files."""

    campaign: Campaign | None
    theoretical_ah_per_kg: float
    tests: Sequence[RateTest]
    refused: Mapping[str, str]


def read_rates(
    paths: Sequence[Path],
    own: Collection[Path],
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float | None = None,
    *,
    protocol: RateProtocol = TABLE_2,
    on_progress: OnProgress = no_progress,
) -> list[RateSource]:
    """The rate tests of each campaign, and of all bare files together.

    A folder that is no campaign stands for the files in it, without ``own``, the tables that are written. One file is
    read after the other, and only its discharges are kept. ``protocol`` is that of the bare files; a campaign names its
    own.
    """
    sources: list[RateSource] = []
    files: list[Path] = []
    for path in map(Path, paths):
        if not is_campaign(path):
            files += _files_at(path, own)
            continue
        campaign = _with_theoretical(read_campaign(path, may_lack_files=True), theoretical_ah_per_kg)
        if not campaign.cells:
            raise CampaignError(f"{path} has no cell yet, so there is no rate test to read. Add cells to cells.csv.")
        tests, faults = usable_rate_tests(campaign, on_progress=on_progress)
        refused = {f"{path} cell {cell}": fault for cell, fault in faults.items()}
        sources.append(RateSource(campaign, campaign.facts.theoretical_ah_per_kg, tests, refused))
    if files:
        facts = BareFacts(active_mass_mg, theoretical_ah_per_kg or THEORETICAL_AH_PER_KG, protocol)
        sources.append(_bare_source(files, facts, on_progress))
    return sources


def _bare_source(files: Sequence[Path], facts: BareFacts, on_progress: OnProgress) -> RateSource:
    tests: list[RateTest] = []
    refused: dict[str, str] = {}
    cells = _cell_names(files)
    for done, file in enumerate(files, start=1):
        try:
            tests += _bare_rate_tests(file, cells[file], facts)
        except RateTestError as error:
            refused[str(file)] = str(error)
        on_progress(done, len(files), "cycler files read")
    return RateSource(None, facts.theoretical_ah_per_kg, tests, refused)


def _files_at(path: Path, own: Collection[Path]) -> list[Path]:
    if not path.exists():
        raise InputError(f"{path} does not exist. Name cycler files, a folder of them, or a campaign's folder.")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    # What an earlier call wrote among the exports is none of them.
    known = {path.resolve() for path in own}
    files = [file for file in files if file.resolve() not in known and not file.name.endswith(WRITTEN)]
    if not files:
        raise InputError(f"{path} is an empty folder. Put cycler files there, or name a campaign's folder.")
    return files


def _cell_names(files: Sequence[Path]) -> dict[Path, str]:
    """The file's name without its ending, or its whole path where two would be called the same."""
    stems = Counter(file.stem for file in files)
    return {file: file.stem if stems[file.stem] == 1 else str(file) for file in files}


def _with_theoretical(campaign: Campaign, theoretical_ah_per_kg: float | None) -> Campaign:
    if theoretical_ah_per_kg is None:
        return campaign
    return replace(campaign, facts=replace(campaign.facts, theoretical_ah_per_kg=theoretical_ah_per_kg))


def _bare_rate_tests(file: Path, cell: str, facts: BareFacts) -> list[RateTest]:
    """What a campaign would know beside the facts stays unknown."""
    if not is_typed_file(file):
        return [rate_test(read_cycler_file(file), cell=cell, electrode="", **vars(facts))]
    return [
        replace(
            rate_test_from_capacities(capacities, cell=name or cell, electrode="", **vars(facts)),
            file=str(file),
        )
        for name, capacities in read_typed_file(file).items()
    ]
