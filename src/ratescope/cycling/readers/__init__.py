"""Cycler file → CyclerRecord: the maker is told from the content, never from the file's name."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ratescope.cycling.overlaps import without_overlaps
from ratescope.cycling.readers import arbin, basytec, bdf, biologic, generic, maccor, neware, novonix
from ratescope.cycling.readers.delimited import read_delimited
from ratescope.cycling.readers.header import SEPARATORS
from ratescope.cycling.readers.layout import Layout
from ratescope.cycling.readers.spreadsheet import is_spreadsheet, read_spreadsheet
from ratescope.cycling.readers.text import decoded, encoding_of, opened, opened_as_utf8
from ratescope.cycling.record import CyclerRecord
from ratescope.errors import RateTestError

MAKERS: tuple[Callable[[str], Layout | None], ...] = (
    bdf.find_layout,
    basytec.find_layout,
    biologic.find_layout,
    neware.find_layout,
    maccor.find_layout,
    arbin.find_layout,
    novonix.find_layout,
)
HEAD_BYTES = 256 * 1024  # our choice: a preamble with the test plan may have 120 kB, 20 characters per setting and step
WAY_OUT = (
    "Give a text or xlsx export of BaSyTec, BioLogic (.mpt), Neware, Maccor, Arbin or Novonix, a csv or parquet file "
    "of the Battery Data Format, any table whose header names time, voltage and current with their units, or type the "
    "capacities into cells.csv as capacity_ah_at_0.2c and so on."
)
# First bytes of files that are recognised, but cannot be read, and what to do instead.
REFUSED = {
    b"BIO-LOGIC MODULAR FILE": "a binary file of EC-Lab (.mpr), which only readers under the GPL can open. Export it "
    "in EC-Lab as text (.mpt).",
    b"NEWARE": "a binary file of Neware (.nda). Export it in BTSDA as csv or xlsx.",
    b"\x00\x01\x00\x00Standard": "a database of Arbin (.res). Export it as csv or xlsx.",
    b"\x89HDF": "an HDF5 file. Export it as csv.",
}


def read_cycler_file(path: Path) -> CyclerRecord:
    """The record of a cycler's export; its rows are read when its chunks are asked for, and once if they stand twice.

    Raises
    ------
    RateTestError
        In one sentence: what was seen instead, and what to do.
    """
    return without_overlaps(_record(Path(path)))


def find_layout(head: str) -> Layout | None:
    """The layout by the first maker who knows the beginning of a file, or as a table that says what it holds, or None.

    Raises
    ------
    RateTestError
        If a maker knows it, but it lacks what is needed.
    """
    return _find_layout_of_maker(head) or generic.find_layout(head)


def _find_layout_of_maker(head: str) -> Layout | None:
    for find_layout_of_maker in MAKERS:
        if (layout := find_layout_of_maker(head)) is not None:
            return layout
    return None


def _record(path: Path) -> CyclerRecord:
    try:
        with opened(path) as stream:
            start = stream.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise RateTestError(f"{path} cannot be read ({error}). Check the path and its permissions.") from error
    if start.startswith(b"PAR1"):
        return bdf.read_parquet(path)
    for magic, said in REFUSED.items():
        if start.startswith(magic):
            raise RateTestError(f"{path} is {said}")
    if is_spreadsheet(start):
        return read_spreadsheet(path, (_find_layout_of_maker, generic.find_layout), str(path))
    head = decoded(start)
    if not head.strip():
        raise RateTestError(f"{path} holds no text: it is empty. {WAY_OUT}")
    if "\0" in head[:4096]:
        raise RateTestError(f"{path} is not text but a binary file. {WAY_OUT}")
    try:
        layout = find_layout(head)
    except RateTestError as error:
        raise RateTestError(f"{path}: {error}") from error
    if layout is None:
        raise RateTestError(
            f"{path} is no known cycler's export; what looks most like its header is "
            f"{_like_a_header(head)!r}. {WAY_OUT}"
        )
    return read_delimited(partial(opened_as_utf8, path, encoding_of(start)), layout, str(path))


def _like_a_header(text: str) -> str:
    r"""The line with the most words between separators, the first of equals, and not too much of it.

    >>> _like_a_header("Lab 3\nt/s;U;I\n1;2;3\n")
    't/s;U;I'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]

    def words(line: str) -> int:
        return max(sum(field[:1].isalpha() for field in line.split(separator)) for separator in SEPARATORS)

    return max(lines, key=words)[:100]
