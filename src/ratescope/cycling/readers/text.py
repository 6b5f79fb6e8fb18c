"""Bytes → text, whatever the computer beside the instrument wrote: UTF-8, UTF-16, GB 18030 or latin-1."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path
from typing import BinaryIO, cast

ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Many bytes may be GB 18030 as well; these words in them, voltage and current, are no chance.
CHINESE = ("电压", "电流")
MOSTLY = 0.9  # our choice: text in Latin letters whose every second byte is zero
# What some functions take for the end of a line, and cyclers' programs do not.
NO_LINE_ENDS = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))


def opened(path: Path) -> BinaryIO:
    """The bytes of a file; the Battery Data Format allows that gzip has packed them."""
    with path.open("rb") as stream:
        is_packed = stream.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path)) if is_packed else path.open("rb")


def opened_as_utf8(path: Path, encoding: str) -> BinaryIO:
    """The bytes of a text file, which `delimited` takes as UTF-8 or latin-1: what is neither is recoded."""
    stream = opened(path)
    if encoding in {"utf-8", "utf-8-sig", "latin-1"}:
        return stream
    return cast("BinaryIO", codecs.EncodedFile(stream, "utf-8", encoding, "replace"))


def decoded(start: bytes) -> str:
    """The beginning of a file, or all of it, as text; its last character may be cut in two."""
    text = codecs.getincrementaldecoder(encoding_of(start))("replace").decode(start)
    return text.translate(NO_LINE_ENDS)


def encoding_of(start: bytes) -> str:
    r"""The encoding by the byte-order mark; without one, the first that fits.

    >>> encoding_of("U/V".encode("utf-16-le")), encoding_of("电压,电流".encode("gbk")), encoding_of(b"T1[\xb0C]")
    ('utf-16-le', 'gb18030', 'latin-1')
    """
    marked = next((encoding for mark, encoding in ENCODINGS.items() if start.startswith(mark)), None)
    return (
        marked
        or _utf16_without_mark(start[:200])
        or next(e for e in ("utf-8", "gb18030", "latin-1") if _fits(e, start))
    )


def _utf16_without_mark(start: bytes) -> str | None:
    """Every second byte of plain letters is zero, and no other."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even == 0 and odd > MOSTLY * (len(start) // 2):
        return "utf-16-le"
    return "utf-16-be" if odd == 0 and even > MOSTLY * (len(start) // 2) else None


def _fits(encoding: str, start: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(start)
    except UnicodeDecodeError:
        return False
    return encoding != "gb18030" or any(word in text for word in CHINESE)
