"""Writing that never leaves half a file: everything that ratescope writes goes through here, and is read back.

A file appears under its final name only when it is whole. A full disk, a read-only folder or a file in the place of a
folder becomes an `OutputError` of one sentence.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from ratescope.errors import InputError, OutputError

_HALF = re.compile(r"\..+\.\d+\.part(\.\w+)?")  # the names that `whole_file` gives while it writes


def prepare_folder(folder: Path) -> Path:
    """Make an output folder, or say in one sentence why it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _output_error(folder, error) from error
    return folder


def check_folder(folder: Path) -> None:
    """Say in one sentence why an output folder could not be made or written, and make nothing.

    For work that may yet end without anything to write: `prepare_folder` would leave an empty folder.

    Raises
    ------
    OutputError
        If a file is in its way, or neither it nor the nearest folder above that exists can be written.
    """
    try:
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise _output_error(folder, error) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; move it into place when the block ends well, remove it otherwise.

    Examples
    --------
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with whole_file(target) as part:
    ...     _ = part.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    # The ending stays, because image libraries choose the format by it.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        with suppress(NotADirectoryError):  # a file stands where the folder should be: there is no part either
            part.unlink(missing_ok=True)


def remove_halves(*folders: Path, older_than_s: float = 0.0) -> None:
    """Remove what writers that were killed left half written in folders, not in those below them.

    Parameters
    ----------
    older_than_s : float
        Where others may be writing now: what is younger stays.
    """
    for folder in folders:
        for half in folder.glob(".*.part*"):
            if _HALF.fullmatch(half.name):
                with suppress(FileNotFoundError):  # its writer has just moved it into place
                    if time.time() - half.stat().st_mtime >= older_than_s:
                        half.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    with whole_file(path) as part:
        part.write_bytes(content)


def printable(name: str) -> str:
    r"""A file's name as it can be shown: bytes of it that are no UTF-8, as old systems wrote them, become escapes.

    >>> printable(os.fsdecode(b"10_\xb5m.tif"))
    '10_\\udcb5m.tif'
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text with unix line ends, whole or not at all.

    What the system's file names hold that is no UTF-8 is written as an escape, which JSON reads back as it was.
    """
    write_bytes(path, content.encode("utf-8", "backslashreplace"))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write text that comes piece by piece, and is never held as a whole, as `write_text` does."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(pieces)


def keep_originals(path: Path, columns: Sequence[str]) -> None:
    """Refuse to replace what is no earlier table with these columns: it may be what was to be read.

    Raises
    ------
    OutputError
        If there is such a file.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(10_000)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _output_error(path, error) from error
    if first and first.decode("utf-8", "replace").strip().split(",") != list(columns):
        raise OutputError(f"{path} is there already and no table that ratescope wrote. Choose another file to write.")


class LongText:
    """Text that is too long to hold in memory, kept in a nameless file of a folder until it is read back.

    Examples
    --------
    >>> with LongText(Path(tempfile.mkdtemp())) as text:
    ...     text.add("one, ")
    ...     text.add("two")
    ...     "".join(text.pieces())
    'one, two'
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file: IO[str] = tempfile.TemporaryFile(  # noqa: SIM115
                "w+", encoding="utf-8", errors="backslashreplace", newline="", dir=folder
            )
        except OSError as error:
            raise _output_error(folder, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def add(self, text: str) -> None:
        """Put text at the end.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise _output_error(self._folder, error) from error

    def pieces(self) -> Iterator[str]:
        """All of it, from the beginning, line by line; nothing may be added before its end is reached."""
        self._file.seek(0)
        yield from self._file


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that every reader understands: no NaN, keys in the given order."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, *keys: str, remedy: str) -> dict[str, Any]:
    """What a JSON file says that ratescope wrote earlier.

    Parameters
    ----------
    keys : str
        What it has to name.
    remedy : str
        What to do where it is damaged, a sentence.

    Raises
    ------
    InputError
        If it is missing, no JSON, or lacks a key: somebody changed it, or copied a part of it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("it holds no names")
        if missing := [key for key in keys if key not in content]:
            raise ValueError(f"it lacks {missing[0]!r}")
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}). {remedy}") from error
    return content


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows under a header; ``None`` and NaN become empty fields, booleans become true and false."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_field(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def _field(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}" if math.isfinite(value) else ""  # what is not known stays empty
    return value


def _output_error(path: Path, error: OSError) -> OutputError:
    if isinstance(error, IsADirectoryError):
        return OutputError(
            f"{path} is a folder, but a file is to be written there. Name a file, in that folder or not."
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        for place in (path, *path.parents):
            if place.is_file():
                return OutputError(f"{place} is a file, but a folder is to be written there. Choose another name.")
    said = error.strerror or str(error)
    return OutputError(f"cannot write {path}: {said}. Choose a folder that can be written and has room.")
