"""What one row of a sheet refers to: other rows, electrodes, files."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from ratescope.campaign.table import Fields, Table


def once(
    sheet: Table, row: int, column: str, name: str, seen: set[str], remedy: str, *, shown: str | None = None
) -> None:
    """Note a name that stands in ``seen`` already, and add it there."""
    if name and name in seen:
        sheet.fault(row, column, f"{(shown or name)!r} stands here twice. {remedy}")
    seen.add(name)


def known_electrode(sheet: Table, row: int, fields: Fields, electrodes: Collection[str]) -> str:
    """The electrode that a row names; noted where electrodes.csv has no such row."""
    name = sheet.text(row, fields, "electrode")
    if name and name not in electrodes:
        near = get_close_matches(name, electrodes, n=1, cutoff=0.8)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(electrodes) or 'none'}."
        sheet.fault(row, "electrode", f"{name!r} is not in electrodes.csv. {hint}")
    return name


def existing_file(sheet: Table, row: int, folder: Path, file: str) -> Path:
    """Where a file of a row lies; noted where it is not there, with a file of nearly that name."""
    path = folder / file
    if not file or is_file(path):
        return path
    if "\\" in file and is_file(folder / file.replace("\\", "/")):
        return folder / file.replace("\\", "/")
    if _is_folder(path):
        sheet.lacks(row, "file", f"{file!r} is a folder. Name one file in it.")
        return path
    sheet.lacks(row, "file", f"{file!r} does not exist in {folder}. {_where_else(folder, file)}")
    return path


def is_file(path: Path) -> bool:
    """Whether there is such a file; no file has a name that the file system refuses, such as a too long one."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _where_else(folder: Path, file: str) -> str:
    """A file of nearly that name, there or in the folder's own folders."""
    names = [
        path.relative_to(folder).as_posix()
        for place in ("", "micrographs", "cycler")
        for path in (folder / place).glob("*")
    ]
    by_name = {name.rpartition("/")[2].casefold(): name for name in names}
    near = get_close_matches(file.replace("\\", "/").rpartition("/")[2].casefold(), by_name, n=1, cutoff=0.9)
    return f"Did you mean {by_name[near[0]]!r}?" if near else "Put it there or mend the name."
