"""Whether a campaign is complete: its sheets, every cycler file and every micrograph, all that is wrong at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ratescope.campaign.audit import same_coatings
from ratescope.campaign.entries import Campaign, Cell, Notes
from ratescope.campaign.hashes import file_hash
from ratescope.campaign.pictures import Picture, read_pictures, same_pictures
from ratescope.campaign.rates import curves_to_learn, measured_curves, usable_rate_tests
from ratescope.campaign.references import is_file
from ratescope.campaign.sheets import in_one_error, read_sheets
from ratescope.counted import counted
from ratescope.cycling.readers.typed_file import is_typed_file
from ratescope.errors import CampaignError, RateTestError, SettingsError
from ratescope.records import OnProgress, no_progress


@dataclass(frozen=True)
class Check:
    """A campaign that can be used.

    Attributes
    ----------
    said : str
        What it holds, in a sentence.
    warnings : tuple of str
        What should be looked at.
    conversions : tuple of str
        Columns that were read in another unit than their own.
    """

    said: str
    warnings: tuple[str, ...]
    conversions: tuple[str, ...]


def check_campaign(folder: Path, *, on_progress: OnProgress = no_progress) -> Check:
    """Read all sheets, rate tests and micrographs.

    Raises
    ------
    CampaignError
        With everything that keeps a part of the campaign from being used, at once; below that the warnings.
    """
    campaign, notes = read_sheets(folder)
    notes.errors += notes.missing
    _check_rate_tests(campaign, notes, on_progress)
    pictures, refused = read_pictures(campaign, on_progress=on_progress)
    notes.errors.extend(f"micrographs.csv, file {file!r}: {why}" for file, why in refused.items())
    _check_pixel_sizes(campaign, pictures, notes)
    for same in same_pictures(pictures):
        # Near copies are found by a threshold: a person should look, but no campaign is refused for them.
        is_wrong = same.is_certain and not same.is_one_specimen
        (notes.errors if is_wrong else notes.warnings).append(f"micrographs.csv: {same.in_words()}")
    notes.warnings += [*_orphans(campaign), *_same_cycler_files(campaign), *same_coatings(campaign)]
    if notes.errors:
        raise CampaignError(_all_in_one(folder, notes))
    simulated = " All of it is simulated." if campaign.facts.simulated else ""
    mend = "nothing to mend" if not notes.warnings else _to_look_at(notes)
    said = (
        f"{folder}: {counted(len(campaign.electrodes), 'electrode')}, "
        f"{counted(len(campaign.micrographs), 'micrograph')} and {counted(len(campaign.cells), 'cell')}; "
        f"{mend}.{simulated}"
    )
    return Check(said, tuple(notes.warnings), tuple(notes.conversions))


def _all_in_one(folder: Path, notes: Notes) -> str:
    said = in_one_error(folder, notes.errors)
    if notes.warnings:
        said += f"\nand {_to_look_at(notes)}\n  " + "\n  ".join(notes.warnings)
    return said


def _to_look_at(notes: Notes) -> str:
    return f"{counted(len(notes.warnings), 'thing')} to look at"


def _check_rate_tests(campaign: Campaign, notes: Notes, on_progress: OnProgress) -> None:
    """Read what the sheets name rightly; then ask whether every electrode with micrographs can be learned from."""
    named = [cell for cell in campaign.cells if cell.electrode in campaign.electrodes and _is_there(cell)]
    try:
        tests, faults = usable_rate_tests(replace(campaign, cells=tuple(named)), on_progress=on_progress)
    except SettingsError:
        return  # the protocol's own fault stands among those of campaign.toml
    notes.errors.extend(f"cells.csv, cell {cell!r}: {fault}" for cell, fault in faults.items())
    notes.warnings.extend(f"cells.csv, cell {test.cell!r}: {note.text}" for test in tests for note in test.remarks)
    # An electrode is not called incomplete for a cell whose own fault is said already.
    spoilt = {cell.electrode for cell in campaign.cells if cell not in named or cell.name in faults}
    whole = [m for m in campaign.micrographs if m.electrode in campaign.electrodes and m.electrode not in spoilt]
    try:
        curves = measured_curves([test for test in tests if test.electrode not in spoilt], "specific")
        if whole and campaign.cells:  # without any it is said once, as a warning
            curves_to_learn(replace(campaign, micrographs=tuple(whole)), curves)
    except (CampaignError, RateTestError) as error:
        notes.errors.extend(_faults_in(error))
    else:
        said = [f"cells.csv, electrode {name!r}: {note.text}" for name, c in curves.items() for note in c.remarks]
        notes.warnings.extend(said)


def _is_there(cell: Cell) -> bool:
    return is_file(cell.path) if cell.path else bool(cell.typed_ah)


def _faults_in(error: Exception) -> list[str]:
    """The faults that an error has below its first line; the error itself where it has none."""
    first, *faults = str(error).split("\n  ")
    return faults or [first]


def _check_pixel_sizes(campaign: Campaign, pictures: Sequence[Picture], notes: Notes) -> None:
    for picture in pictures:
        entry, tagged_um = picture.entry, picture.pixel_size_um
        written_um = entry.pixel_size_um or campaign.facts.pixel_size_um
        if tagged_um is None and written_um is None:
            notes.errors.append(
                f"micrographs.csv, file {entry.file!r}: neither the file nor pixel_size_um says how large its pixels "
                "are. Fill in pixel_size_um, here or in campaign.toml."
            )
        elif tagged_um and written_um and abs(written_um / tagged_um - 1.0) > 0.02:  # as `prepare` finds it
            notes.warnings.append(
                f"micrographs.csv, file {entry.file!r}: {written_um:g} µm per pixel are given, but the file says "
                f"{tagged_um:.4g}; the file's is used. Check the scale."
            )


def _orphans(campaign: Campaign) -> Iterable[str]:
    """Electrodes that nothing refers to, and files that no sheet names."""
    for what, sheet, named in (
        ("cell", "cells.csv", {cell.electrode for cell in campaign.cells}),
        ("micrograph", "micrographs.csv", {m.electrode for m in campaign.micrographs}),
    ):
        # Where there is none at all, that is said already.
        if named and (orphans := [name for name in campaign.electrodes if name and name not in named]):
            yield f"electrodes.csv: no {what} of {', '.join(orphans)} in {sheet}. Add one, or take the row out."
    paths = [m.path for m in campaign.micrographs] + [cell.path for cell in campaign.cells if cell.path]
    known = {path.resolve() for path in paths}
    for place, sheet in (("micrographs", "micrographs.csv"), ("cycler", "cells.csv")):
        files = sorted(path for path in (campaign.folder / place).rglob("*") if path.is_file())
        unnamed = [path.name for path in files if path.resolve() not in known and not path.name.startswith(".")]
        if unnamed:
            shown = ", ".join(unnamed[:5]) + (f" and {len(unnamed) - 5} more" if len(unnamed) > 5 else "")
            whose = f"{counted(len(unnamed), 'file')} that {sheet} does not name: {shown}"
            yield f"{place}/: {whose}. Add rows, or move them away."


def _same_cycler_files(campaign: Campaign) -> Iterable[str]:
    """Cells whose cycler files have the same bytes; a table of typed capacities may hold several cells."""
    by_size = defaultdict(list)
    for cell in campaign.cells:
        if cell.path and is_file(cell.path):
            by_size[cell.path.stat().st_size].append((cell.name, cell.path))
    by_content = defaultdict(list)
    for cells in by_size.values():
        for name, path in cells if len(cells) > 1 else ():  # files of different sizes need not be read
            by_content[file_hash(path)].append((name, path))
    for cells in by_content.values():
        if len(cells) > 1 and not _is_typed(cells[0][1]):
            names = " and ".join(name for name, _ in cells)
            yield f"cells.csv: {names} have the same cycler file. Give each cell its own, or one row."


def _is_typed(path: Path) -> bool:
    try:
        return is_typed_file(path)
    except RateTestError:
        return False  # its own fault is said already
