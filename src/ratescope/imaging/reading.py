"""File → Micrograph: pixels as 8-bit RGB and the pixel size, from the file's tags or from the caller (section 2.1).

What a file contains decides how it is read, not its ending. Whatever is wrong with a file becomes a `MicrographError`
of one sentence.
"""

from __future__ import annotations

import glob
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from pathlib import Path

from ratescope.errors import InputError, MicrographError
from ratescope.imaging.readers.czi import open_czi
from ratescope.imaging.readers.pictures import open_picture
from ratescope.imaging.readers.pixel_size import Pair
from ratescope.imaging.readers.scan import Scan, to_rgb8
from ratescope.imaging.readers.tiff import open_tiff
from ratescope.records import Finding, Micrograph
from ratescope.units import CROP_COLUMNS, CROP_ROWS, NETWORK_PIXEL_SIZE_UM

SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".czi"})
READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    Warning,
)  # what tifffile, imagecodecs, czifile and Pillow raise on damaged files, or warn of where warnings are errors

_CROP_NAME = r".+_s\d+\.png"
_BESIDE_CROPS = "prepared.json"
_WRITTEN_BESIDE = {
    _BESIDE_CROPS: re.compile(rf"pictures|contact_sheet(_\d+)?\.jpg|{_CROP_NAME}"),
    "explain.json": re.compile(r".+_s\d+_(specific|density)_[a-z-]+\.png"),
}  # micrographs may lie there too: who writes crops among them finds the same ones again

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it logs what we say in our own sentence


def find_micrograph_files(paths: Iterable[Path], *, crops: bool = False) -> list[Path]:
    """Micrograph files among files, folders and patterns such as ``folder/*.tif``, sorted, each once.

    Folders are searched with all that lies below them, except hidden folders, ``truth`` folders of virtual campaigns
    and what ratescope wrote: crops, maps and pictures. Files that are named stand as they are. With ``crops`` it is the
    other way round: of the folders that ``ratescope prepare`` wrote, the crops alone are found.

    Raises
    ------
    InputError
        If a path does not exist, a pattern matches nothing, or nothing is found.
    """
    paths = matching_paths(paths)
    found = {file for path in paths for file in ([path] if path.is_file() else _files_below(path, crops=crops))}
    if not found:
        raise InputError(
            f"no {'crop' if crops else 'micrograph'} in {', '.join(map(str, paths))}: files ending in "
            f"{', '.join(sorted(SUFFIXES))} are read. Name the files, or the folder that holds them."
        )
    return sorted(found)


def matching_paths(paths: Iterable[Path]) -> list[Path]:
    """Paths as they are, and what patterns match: not every shell (none on Windows) expands ``folder/*.tif``.

    Raises
    ------
    InputError
        If a path does not exist, or a pattern matches nothing.
    """
    matching: list[Path] = []
    for path in map(Path, paths):
        is_pattern = not path.exists() and glob.has_magic(str(path))
        found = glob.glob(str(path), recursive=True) if is_pattern else [path]  # noqa: PTH207 - as a shell: none hidden
        matched = sorted(map(Path, found))
        if not matched:
            raise InputError(f"nothing matches {path}. Check the pattern, or name the folder.")
        matching.extend(matched)
    if missing := [path for path in matching if not path.exists()]:
        raise InputError(f"no such file or folder: {missing[0]}. Check the path.")
    return matching


def check_pixel_size(pixel_size_um: float | None) -> None:
    """Refuse a pixel size that is no length, before it is taken for one that was not given.

    Raises
    ------
    InputError
        If it is given, and not above zero or not finite.
    """
    if pixel_size_um is not None and not 0.0 < pixel_size_um < inf:
        raise InputError(
            f"the edge of a pixel is a length above 0 µm; got {pixel_size_um:g}. "
            "Give it with --pixel-size-um, or leave that out where the files say it themselves."
        )


def _files_below(folder: Path, *, crops: bool) -> Iterator[Path]:
    try:
        inside = list(folder.iterdir())
        marks = [mark for mark in _WRITTEN_BESIDE if (folder / mark).exists()]
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read ({error.strerror}). Make it readable, or name files or a folder."
        ) from error
    crops_alone = crops and _BESIDE_CROPS in marks
    for path in inside:
        if path.name.startswith(".") or path.name == "truth":
            continue
        is_named_so = any(_WRITTEN_BESIDE[mark].fullmatch(path.name) for mark in marks)
        is_ours = is_named_so and not _is_named_like_a_crop_only(path)
        if path.is_dir():
            yield from () if is_ours else _files_below(path, crops=crops)
        elif _is_crop(path) if crops_alone else path.suffix.lower() in SUFFIXES and not is_ours:
            yield path


def _is_named_like_a_crop_only(path: Path) -> bool:
    """Whether it is named as our crops are, but is none: microscopes, too, call a scene ``a_s1.png``."""
    return re.fullmatch(_CROP_NAME, path.name) is not None and not _is_crop(path)


def _is_crop(path: Path) -> bool:
    """Whether a file has the name and the size of our crops."""
    if not re.fullmatch(_CROP_NAME, path.name) or not path.is_file():
        return False
    with path.open("rb") as handle:
        head = handle.read(24)  # signature, then the header's length and name, width and height
    return head[16:] == struct.pack(">II", CROP_COLUMNS, CROP_ROWS)


def read_micrograph(path: Path, *, pixel_size_um: float | None = None, otherwise_um: float | None = None) -> Micrograph:
    """Read a micrograph from TIFF (also OME and ImageJ), PNG, JPEG, or CZI (with the extra ``ratescope[czi]``).

    Parameters
    ----------
    pixel_size_um : float, optional
        Wins over the file's tags; a difference over 2 % is a finding.
    otherwise_um : float, optional
        What a campaign says: used where the file says nothing; a difference over 2 % is a finding.

    Raises
    ------
    MicrographError
        If the file is not one whole image of a known format, or its pixel size is unknown or not the same both ways.
    """
    path = Path(path)
    with open_scan(path) as scan:
        size_um, size_findings = _settle_pixel_size(path.name, scan.pixel_size_um, pixel_size_um, otherwise_um)
        pixels, findings = to_rgb8(scan, path.name)
    return Micrograph(pixels, size_um, str(path), (*size_findings, *findings))


def read_crop(path: Path) -> Micrograph:
    """A file that is a crop already, 224 × 672 px at the network's scale, of any format and depth of a micrograph.

    Raises
    ------
    MicrographError
        If it is no image, or of another size.
    """
    with open_scan(path) as scan:
        if (scan.rows, scan.columns) != (CROP_ROWS, CROP_COLUMNS):
            raise MicrographError(
                "not-a-crop",
                f"a crop has {CROP_ROWS} × {CROP_COLUMNS} pixels, this one {scan.rows} × {scan.columns}. "
                "Leave --crops out to have it prepared.",
            )
        pixels, findings = to_rgb8(scan, path.name)
    if pixels.shape[:2] != (CROP_ROWS, CROP_COLUMNS):
        raise MicrographError("not-a-crop", f"{path.name} stands on its side, by its orientation tag. Turn it back.")
    return Micrograph(pixels, NETWORK_PIXEL_SIZE_UM, str(path), findings)


@contextmanager
def open_scan(path: Path) -> Iterator[Scan]:
    """A file's header, and its pixels still to be decoded: what is enough to check many files quickly.

    Raises
    ------
    MicrographError
        If the file is not one whole image of a known format; inside the block too.
    """
    try:
        with _opener_of(path)(path) as scan:
            yield scan
    except MemoryError as error:
        raise MicrographError(
            "too-large", f"{path.name} needs more memory than this machine has left. Cut it into single mosaics."
        ) from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise MicrographError(
            "unreadable", f"{path.name} cannot be opened ({error.strerror}). Check the path and its permissions."
        ) from error
    except READ_ERRORS as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise MicrographError(
            "damaged-file", f"{path.name} is damaged or cut short ({said}). Copy it again from the microscope."
        ) from error


def _opener_of(path: Path) -> Callable[[Path], AbstractContextManager[Scan]]:
    with path.open("rb") as handle:
        head = handle.read(16)
    if not head:
        raise MicrographError("empty-file", f"{path.name} is empty. Copy it again from the microscope.")
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return open_tiff
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return open_picture
    if head.startswith(b"ZISRAWFILE"):
        return open_czi
    raise MicrographError(
        "unknown-format",
        f"{path.name} is no TIFF, PNG, JPEG or CZI: it begins with {head[:8].decode('latin-1')!r}. Export it as TIFF.",
    )


def _settle_pixel_size(
    name: str, tagged: Pair | None, given_um: float | None, otherwise_um: float | None
) -> tuple[float, tuple[Finding, ...]]:
    if tagged is None:
        if (size_um := given_um or otherwise_um) is None:
            raise MicrographError(
                "no-pixel-size", f"{name} does not say how large its pixels are; give it with --pixel-size-um."
            )
        return size_um, ()
    width_um, height_um = tagged
    if given_um is None and abs(height_um / width_um - 1.0) > 0.01:
        raise MicrographError(
            "pixels-not-square",
            f"{name} says that its pixels are {width_um:.4g} µm wide and {height_um:.4g} µm high. "
            "Export it with square pixels, or give their size with --pixel-size-um.",
        )
    other_um = given_um or otherwise_um
    if other_um is None or abs(other_um / width_um - 1.0) <= 0.02:
        return given_um or width_um, ()
    said = f"pixel size {other_um:g} µm was given" if given_um else f"the campaign says {other_um:g} µm per pixel"
    used = "given one" if given_um else "file's"
    text = f"{said}, but the file says {width_um:.4g} µm; the {used} was used."
    return given_um or width_um, (Finding("pixel-size-differs", text),)
