"""Cycler file → CyclerRecord: the maker is told from the content, never from the file's name."""

from __future__ import annotations

import codecs
from pathlib import Path

from ratescope.cycling.readers.basytec import is_basytec, read_basytec
from ratescope.cycling.record import CyclerRecord
from ratescope.errors import RateTestError

WAY_OUT = (
    "Give the BaSyTec text export (other makers are not read yet), or type the capacities into cells.csv as "
    "capacity_ah_at_0.2c and so on."
)


def read_cycler_file(path: Path) -> CyclerRecord:
    """Read the export of a cycler; so far of BaSyTec alone.

    Raises
    ------
    RateTestError
        In one sentence: what was seen instead, and what to do.
    """
    try:
        text = _decode(path.read_bytes())
    except OSError as error:
        raise RateTestError(f"{path} cannot be read ({error.strerror}). Check the path and its permissions.") from error
    if not text.strip():
        raise RateTestError(f"{path} holds no text: it is empty. {WAY_OUT}")
    if "\0" in text[:4096]:
        raise RateTestError(f"{path} is not text but a binary file. {WAY_OUT}")
    if not is_basytec(text):
        raise RateTestError(f"{path} is not a BaSyTec export; it begins with {_beginning(text)!r}. {WAY_OUT}")
    return read_basytec(text, str(path))


def _decode(content: bytes) -> str:
    """Text of what instruments' computers write: UTF-8 or UTF-16 with a byte-order mark, UTF-8, else latin-1."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # knows every byte; only the degree sign depends on it


def _beginning(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())
    return first[:60].strip()
