"""Campaigns, bare cycler files, folders of them and typed tables → one table of discharges, and what is to be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ratescope.campaign.bpx_file import read_given, write_half_cells
from ratescope.campaign.rate_laws import LAW_COLUMNS, write_rate_laws
from ratescope.campaign.rate_sources import read_rates
from ratescope.campaign.rates import measured_curves
from ratescope.cycling.cycle_table import paths_of_cells, write_cycle_tables
from ratescope.cycling.degradation import degradation, degradation_in_words
from ratescope.cycling.rate_curve import RATE_COLUMNS, rate_rows
from ratescope.errors import InputError
from ratescope.files import keep_originals, write_bytes, write_csv
from ratescope.protocol import TABLE_2, read_protocol
from ratescope.rate_picture import rate_picture
from ratescope.records import OnProgress, RateTest, no_progress
from ratescope.written import Written


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
    protocol: Path | None = None,
    picture: Path | None = None,
    on_progress: OnProgress = no_progress,
) -> Written:
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
    protocol : Path, optional
        A file with the protocol of the bare files, instead of Table 2's; a campaign names its own.
    picture : Path, optional
        A PNG as well (`ratescope.rate_picture`).

    Raises
    ------
    InputError
        If a path does not exist or is an empty folder, or half cells are asked of bare files.
    OutputError
        If what would be replaced is no earlier table of this kind.
    """
    out = Path(out)
    law, cycles, half_cells, given, protocol, picture = (
        path and Path(path) for path in (law, cycles, half_cells, given, protocol, picture)
    )
    _check_targets(out, law, picture)
    known = read_given(given) if given else None
    of_files = read_protocol(protocol.name, protocol.parent) if protocol else TABLE_2
    own = [path for path in (out, law) if path]
    sources = read_rates(paths, own, active_mass_mg, theoretical_ah_per_kg, protocol=of_files, on_progress=on_progress)
    if half_cells and not any(source.campaign for source in sources):
        raise InputError("bare files do not say what half cell they come from. Name a campaign for BPX files.")
    tests = [test for source in sources for test in source.tests]
    for folder in filter(None, (cycles, half_cells)):
        paths_of_cells(folder, tests, "")  # before anything is written
    png = rate_picture(sources) if picture else b""
    refused = {name: reason for source in sources for name, reason in source.refused.items()}
    inputs = len(tests) + len(refused)
    if not tests and out.exists():
        kept = f"no input could be read, so {out} was left as it was"
        return Written(out.parent, [], inputs, dict(refused), [kept])
    write_csv(out, RATE_COLUMNS, (row for test in tests for row in rate_rows(test)))
    said = [f"cell {test.cell}: {said}" for test in tests for said in _said_of(test)]
    said += [remark for source in sources if source.campaign for remark in _remarks_on_electrodes(source.tests)]
    if active_mass_mg is not None and any(source.campaign for source in sources):
        said.append("--active-mass-mg counts for bare files alone; cells of a campaign have the masses of its sheets")
    files = [out]
    if law:
        without = write_rate_laws([(source.tests, source.theoretical_ah_per_kg) for source in sources], law)
        said += [f"electrode {name} has no rate law: {reason}" for name, reason in without.items()]
        files.append(law)
    if picture:
        write_bytes(picture, png)
        files.append(picture)
    if cycles:
        files += write_cycle_tables(cycles, tests)
    for source in sources:
        if half_cells and source.campaign:
            written, without = write_half_cells(half_cells, source.tests, source.campaign, given=known)
            files += written
            said += [f"{name} was not written: {reason}" for name, reason in without.items()]
    return Written(out.parent, list(files), inputs, dict(refused), list(said))


def _check_targets(out: Path, law: Path | None, picture: Path | None) -> None:
    keep_originals(out, RATE_COLUMNS)
    if law:
        keep_originals(law, LAW_COLUMNS)
    if picture and picture.suffix.lower() != ".png":
        raise InputError(f"--picture is a PNG, but {picture} does not end in .png. Name it so.")


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
