"""Campaigns, bare cycler files, folders of them and typed tables → one table of discharges, and what is to be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ratescope.campaign.bpx_file import read_given, write_half_cells
from ratescope.campaign.rate_laws import write_rate_laws
from ratescope.campaign.rates import is_typed_table, measured_curves, typed_capacities, usable_rate_tests
from ratescope.campaign.sheets import Campaign, is_campaign, read_campaign
from ratescope.cycling.cycle_table import write_cycle_tables
from ratescope.cycling.degradation import degradation, degradation_in_words
from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_rows
from ratescope.cycling.rate_test import rate_test, rate_test_from_capacities
from ratescope.cycling.readers import read_cycler_file
from ratescope.errors import InputError, RateTestError
from ratescope.files import write_csv
from ratescope.records import OnProgress, RateTest, no_progress
from ratescope.units import THEORETICAL_AH_PER_KG


@dataclass(frozen=True)
class RatesWritten:
    """What `write_rates` did.

    Attributes
    ----------
    files : tuple of Path
    inputs : int
        Files and cells that were tried.
    refused : mapping of str to str
        By file or cell: why it could not be used, or has no BPX file.
    remarks : tuple of str
        What was put right or should be looked at, what each cell lost over its test, where no rate law fits.
    """

    files: tuple[Path, ...]
    inputs: int
    refused: Mapping[str, str]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class RateSource:
    """The rate tests of one campaign, or of all bare files."""

    campaign: Campaign | None
    theoretical_ah_per_kg: float
    tests: Sequence[RateTest]
    refused: Mapping[str, str]


def write_rates(
    paths: Sequence[Path],
    out: Path,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float | None = None,
    *,
    law: Path | None = None,
    cycles: Path | None = None,
    half_cells: Path | None = None,
    given: Path | None = None,
    on_progress: OnProgress = no_progress,
) -> RatesWritten:
    """Write the discharges of campaigns, of bare cycler files and of typed tables, as one table.

    Parameters
    ----------
    law : Path, optional
        A table of rate laws as well (`campaign.rate_laws`).
    cycles : Path, optional
        A folder for one table of cycles for each cell, named as in the Battery Data Format (`cycling.cycle_table`).
    half_cells : Path, optional
        A folder for a BPX file of each campaign's cells; ``given`` is a file of what else is known of them
        (`campaign.bpx_file`).

    Raises
    ------
    InputError
        If a path does not exist or is an empty folder, or half cells are asked of bare files.
    """
    known = read_given(given) if given else None
    sources = read_rates(paths, out, active_mass_mg, theoretical_ah_per_kg, on_progress=on_progress)
    if half_cells and not any(source.campaign for source in sources):
        raise InputError("bare files do not say what half cell they come from. Name a campaign for BPX files.")
    tests = [test for source in sources for test in source.tests]
    refused = {name: reason for source in sources for name, reason in source.refused.items()}
    inputs = len(tests) + len(refused)
    write_csv(out, RATE_COLUMNS, (row for test in tests for row in rate_rows(test)))
    said = [f"cell {test.cell}: {said}" for test in tests for said in _said_of(test)]
    said += [remark for source in sources if source.campaign for remark in _remarks_on_electrodes(source.tests)]
    files = [out]
    if law:
        without = write_rate_laws([(source.tests, source.theoretical_ah_per_kg) for source in sources], law)
        said += [f"electrode {name} has no rate law: {reason}" for name, reason in without.items()]
        files.append(law)
    if cycles:
        files += write_cycle_tables(cycles, tests)
    for source in sources:
        if half_cells and source.campaign:
            written, without = write_half_cells(half_cells, source.tests, source.campaign, given=known)
            files += written
            refused |= without
    return RatesWritten(tuple(files), inputs, refused, tuple(said))


def read_rates(
    paths: Sequence[Path],
    out: Path,
    active_mass_mg: float | None = None,
    theoretical_ah_per_kg: float | None = None,
    *,
    on_progress: OnProgress = no_progress,
) -> list[RateSource]:
    """The rate tests of each campaign, and of all bare files together.

    A folder that is no campaign stands for the files in it, without ``out``. One file is read after the other, and
    only its discharges are kept.
    """
    sources: list[RateSource] = []
    files: list[Path] = []
    for path in paths:
        if not is_campaign(path):
            files += _files_at(path, out)
            continue
        campaign = _with_theoretical(read_campaign(path), theoretical_ah_per_kg)
        tests, faults = usable_rate_tests(campaign, on_progress=on_progress)
        refused = {f"{path} cell {cell}": fault for cell, fault in faults.items()}
        sources.append(RateSource(campaign, campaign.facts.theoretical_ah_per_kg, tests, refused))
    if files:
        one_c = theoretical_ah_per_kg or THEORETICAL_AH_PER_KG
        sources.append(_bare_source(files, active_mass_mg, one_c, on_progress))
    return sources


def _bare_source(
    files: Sequence[Path], active_mass_mg: float | None, theoretical_ah_per_kg: float, on_progress: OnProgress
) -> RateSource:
    tests: list[RateTest] = []
    refused: dict[str, str] = {}
    cells = _cell_names(files)
    for done, file in enumerate(files, start=1):
        try:
            tests += _bare_rate_tests(file, cells[file], active_mass_mg, theoretical_ah_per_kg)
        except RateTestError as error:
            refused[str(file)] = str(error)
        on_progress(done, len(files), "cycler files read")
    return RateSource(None, theoretical_ah_per_kg, tests, refused)


def _files_at(path: Path, out: Path) -> list[Path]:
    if not path.exists():
        raise InputError(f"{path} does not exist. Name cycler files, a folder of them, or a campaign's folder.")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    # The table that an earlier call wrote among the exports is none of them.
    files = [file for file in files if file.resolve() != out.resolve()]
    if not files:
        raise InputError(f"{path} is an empty folder. Put cycler files there, or name a campaign's folder.")
    return files


def _cell_names(files: Sequence[Path]) -> dict[Path, str]:
    """The file's name without its ending, or its whole path where two would be called the same."""
    stems = Counter(file.stem for file in files)
    return {file: file.stem if stems[file.stem] == 1 else str(file) for file in files}


def _said_of(test: RateTest) -> Iterator[str]:
    yield from (remark.text for remark in test.remarks)
    loss = degradation(test.discharges)
    if loss and not any(remark.code == "degraded" for remark in test.remarks):
        yield degradation_in_words(loss)


def _remarks_on_electrodes(tests: Sequence[RateTest]) -> list[str]:
    """Cells that lie apart from the others of their electrode, by their specific capacities."""
    weighed = [test for test in tests if test.active_mass_mg and any(d.counts for d in test.discharges)]
    curves = measured_curves(weighed, "specific")
    return [f"electrode {name}: {remark.text}" for name, curve in curves.items() for remark in curve.remarks]


def _with_theoretical(campaign: Campaign, theoretical_ah_per_kg: float | None) -> Campaign:
    if theoretical_ah_per_kg is None:
        return campaign
    return replace(campaign, facts=replace(campaign.facts, theoretical_ah_per_kg=theoretical_ah_per_kg))


def _bare_rate_tests(
    file: Path, cell: str, active_mass_mg: float | None, theoretical_ah_per_kg: float
) -> list[RateTest]:
    """What a campaign would know beside the mass stays unknown."""
    if is_typed_table(file):
        typed = typed_capacities(file)
        return [
            replace(
                rate_test_from_capacities(
                    capacities,
                    cell=name or cell,
                    electrode="",
                    active_mass_mg=active_mass_mg,
                    theoretical_ah_per_kg=theoretical_ah_per_kg,
                ),
                file=str(file),
            )
            for name, capacities in typed.items()
        ]
    return [
        rate_test(
            read_cycler_file(file),
            cell=cell,
            electrode="",
            active_mass_mg=active_mass_mg,
            theoretical_ah_per_kg=theoretical_ah_per_kg,
        )
    ]
