"""Files of typed capacities: text in any encoding, or a workbook whose first such sheet is meant."""

from __future__ import annotations

from pathlib import Path

from ratescope.cycling.readers.spreadsheet import is_spreadsheet, sheets_as_text
from ratescope.cycling.readers.text import decoded
from ratescope.cycling.readers.typed import is_typed, read_typed
from ratescope.errors import RateTestError

HEAD_BYTES = 4096  # our choice: the names of a typed table's columns stand in its first line


def is_typed_file(path: Path) -> bool:
    """Whether a file is a plain table of capacities that somebody typed, and no cycler's export.

    Raises
    ------
    RateTestError
        If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(HEAD_BYTES)
    except OSError as error:
        raise RateTestError(f"{path} cannot be read ({error}). Check the path and its permissions.") from error
    return any(map(is_typed, sheets_as_text(path))) if is_spreadsheet(start) else is_typed(decoded(start))


def read_typed_file(path: Path) -> dict[str, dict[float, float]]:
    """Capacities in Ah by C-rate in 1/h, by cell.

    Raises
    ------
    RateTestError
        As `read_typed` does.
    """
    content = path.read_bytes()
    if is_spreadsheet(content):
        return read_typed(next(filter(is_typed, sheets_as_text(path)), ""), str(path))
    return read_typed(decoded(content), str(path))
