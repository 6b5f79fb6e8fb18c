"""File → Micrograph: pixels as 8-bit RGB and the pixel size, from the file's tags or from the caller (section 2.1).

What a file contains decides how it is read, not its ending. Whatever is wrong with a file becomes a `MicrographError`
of one sentence.
"""

from __future__ import annotations

import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ratescope.errors import InputError, MicrographError
from ratescope.records import Finding, Micrograph

SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".czi"})
MOST_PIXELS = 89_000_000  # our choice: fourteen of the paper's mosaics; more is a mistake or a decompression bomb
FEWEST_ROWS = 16  # our choice: nothing can be seen in less
COARSEST_TAG_UM = 5.0  # our choice: coarser tags (72, 96, 300 … dpi, 1 per unit) speak of print, not of microscopes
FINEST_TAG_UM = 0.002  # our choice: finer than any microscope that sees a whole electrode
MICROMETRES = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    SyntaxError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    Warning,
)  # what tifffile, imagecodecs, czifile and Pillow raise on damaged files, or warn of where warnings are errors

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it logs what we say in our own sentence


@dataclass(frozen=True, eq=False)
class Scan:
    """What stands in a file: pixels of any depth, shape (rows, columns[, 1 to 4]), and the tagged pixel size."""

    pixels: NDArray[np.generic]
    pixel_size_um: float | None = None


def find_micrograph_files(paths: Iterable[Path]) -> list[Path]:
    """Micrograph files among files and folders, sorted, each once.

    Folders are searched with all that lies below them, except hidden folders, ``truth`` folders of virtual campaigns
    and folders that hold a ``prepared.json`` (crops that ratescope wrote). Files that are named stand as they are.

    Raises
    ------
    InputError
        If a path does not exist, or nothing is found.
    """
    paths = [Path(path) for path in paths]
    if missing := [path for path in paths if not path.exists()]:
        raise InputError(f"no such file or folder: {missing[0]}. Check the path.")
    found = {file for path in paths for file in ([path] if path.is_file() else _files_below(path))}
    if not found:
        raise InputError(
            f"no micrograph in {', '.join(map(str, paths))}: files ending in {', '.join(sorted(SUFFIXES))} are read. "
            "Name the files, or the folder that holds them."
        )
    return sorted(found)


def _files_below(folder: Path) -> Iterator[Path]:
    if (folder / "prepared.json").exists():
        return
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "truth":
            continue
        if path.is_dir():
            yield from _files_below(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def read_micrograph(path: Path, *, pixel_size_um: float | None = None) -> Micrograph:
    """Read a micrograph from TIFF (also OME and ImageJ), PNG, JPEG, or CZI (with the extra ``ratescope[czi]``).

    Parameters
    ----------
    pixel_size_um : float, optional
        Wins over the file's tags; a difference over 2 % is a finding.

    Raises
    ------
    MicrographError
        If the file is not one whole image of a known format, or its pixel size is unknown.
    """
    path = Path(path)
    scan = _scan(path)
    size_um, size_findings = _settle_pixel_size(path.name, scan.pixel_size_um, pixel_size_um)
    pixels, depth_findings = as_rgb8(scan.pixels, path.name)
    return Micrograph(pixels, size_um, str(path), (*size_findings, *depth_findings))


def _scan(path: Path) -> Scan:
    try:
        with path.open("rb") as handle:
            head = handle.read(16)
        if not head:
            raise MicrographError("empty-file", f"{path.name} is empty. Copy it again from the microscope.")
        return _reader_of(path, head)(path)
    except READ_ERRORS as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise MicrographError(
            "damaged-file", f"{path.name} is damaged or cut short ({said}). Copy it again from the microscope."
        ) from error


def _reader_of(path: Path, head: bytes) -> Callable[[Path], Scan]:
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return _scan_tiff
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return _scan_picture
    if head.startswith(b"ZISRAWFILE"):
        return _scan_czi
    raise MicrographError(
        "unknown-format",
        f"{path.name} is no TIFF, PNG, JPEG or CZI: it begins with {head[:8].decode('latin-1')!r}. Export it as TIFF.",
    )


# --- TIFF ---------------------------------------------------------------------------------------------------------


def _scan_tiff(path: Path) -> Scan:
    with tifffile.TiffFile(path) as tiff:
        page = _only_page(tiff, path)
        _check_size(path.name, page.imagelength, page.imagewidth)
        _check_whole(page, path)
        pixels = tiff.series[0].levels[0].asarray() if tiff.series[0].size > page.size else page.asarray()
        return Scan(_in_colour(page, _channels_last(pixels, path.name), path.name), _tiff_pixel_size(tiff, page))


def _only_page(tiff: tifffile.TiffFile, path: Path) -> tifffile.TiffPage:
    full_pages = [page.aspage() for page in tiff.pages if not page.aspage().is_reduced]
    pages = [page for page in full_pages if page.shape[:2] == full_pages[0].shape[:2]]
    is_pyramid = tiff.series[0].is_pyramidal
    is_planes = len(pages) in (3, 4) and tiff.is_ome and tiff.series[0].axes.startswith("C")
    if len(full_pages) > 1 and not is_pyramid and not is_planes:
        raise MicrographError(
            "stack", f"{path.name} is a stack of {len(full_pages)} images. Save the one in focus as its own file."
        )
    return full_pages[0]


def _check_size(name: str, rows: int, columns: int) -> None:
    if rows * columns > MOST_PIXELS:
        raise MicrographError(
            "too-large",
            f"{name} says it has {rows} × {columns} pixels, more than {MOST_PIXELS // 1_000_000} million. "
            "Cut it into single mosaics.",
        )
    if min(rows, columns) < FEWEST_ROWS:
        raise MicrographError("too-small", f"{name} has only {rows} × {columns} pixels. Give a micrograph.")


def _check_whole(page: tifffile.TiffPage, path: Path) -> None:
    """Refuse a page whose parts lie beyond the end of the file; the decoders would fill them with black."""
    size = path.stat().st_size
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not parts or any(offset <= 0 or count <= 0 or offset + count > size for offset, count in parts):
        raise MicrographError(
            "damaged-file", f"{path.name} is cut short: its header promises more than its {size} bytes. Copy it again."
        )


def _channels_last(pixels: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    pixels = pixels.squeeze()
    if pixels.ndim == 3 and pixels.shape[0] in (2, 3, 4) and pixels.shape[2] not in (2, 3, 4):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (2, 3, 4)):
        return pixels
    shape = " × ".join(map(str, pixels.shape))
    raise MicrographError("stack", f"{name} is not one grey or colour image but {shape}. Save one image as its file.")


def _in_colour(page: tifffile.TiffPage, pixels: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    kind = tifffile.PHOTOMETRIC(page.photometric)
    if kind == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        return np.asarray(np.moveaxis(page.colormap, 0, -1)[pixels] >> 8, dtype=np.uint8)
    if kind == tifffile.PHOTOMETRIC.MINISWHITE:
        return np.bitwise_not(pixels) if pixels.dtype.kind in "bu" else pixels
    if kind in {tifffile.PHOTOMETRIC.SEPARATED, tifffile.PHOTOMETRIC.CIELAB, tifffile.PHOTOMETRIC.LOGLUV}:
        raise MicrographError("colour-space", f"{name} has {kind.name} colours, made for print. Save it as RGB.")
    return pixels


def _tiff_pixel_size(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> float | None:
    if tiff.is_ome and (size := _ome_pixel_size(tiff.ome_metadata or "")):
        return size
    resolution = page.tags.get("XResolution")
    if resolution is None or not all(resolution.value):
        return None
    pixels, unit = resolution.value
    if tiff.is_imagej:
        name = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
        return _plausible(MICROMETRES.get(name, 0.0) * unit / pixels)
    length_um = {2: 25400.0, 3: 10000.0}.get(int(page.tags.valueof("ResolutionUnit", 2)), 0.0)
    return _plausible(length_um * unit / pixels)


def _ome_pixel_size(xml: str) -> float | None:
    size = re.search(r'PhysicalSizeX="([-+.\deE]+)"', xml)
    unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', xml)
    return _plausible(float(size[1]) * MICROMETRES.get(unit[1] if unit else "µm", 0.0)) if size else None


def _plausible(size_um: float) -> float | None:
    return size_um if FINEST_TAG_UM <= size_um <= COARSEST_TAG_UM else None


# --- PNG, JPEG, CZI -----------------------------------------------------------------------------------------------


def _scan_picture(path: Path) -> Scan:
    try:
        with Image.open(path) as picture:
            _check_size(path.name, picture.height, picture.width)
            if getattr(picture, "n_frames", 1) > 1:
                raise MicrographError("stack", f"{path.name} holds several images. Save one as its own file.")
            if picture.mode == "CMYK":
                raise MicrographError("colour-space", f"{path.name} has CMYK colours, made for print. Save it as RGB.")
            dots_per_inch = float(picture.info.get("dpi", (0, 0))[0])
            size_um = _plausible(25400.0 / dots_per_inch) if dots_per_inch > 0 else None
            return Scan(_picture_pixels(path, picture), size_um)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MicrographError("too-large", f"{path.name}: {error} Cut it into single mosaics.") from error
    except UnidentifiedImageError as error:
        raise MicrographError("damaged-file", f"{path.name} is damaged: its header cannot be read. Copy it.") from error


def _picture_pixels(path: Path, picture: Image.Image) -> NDArray[np.generic]:
    if picture.mode.startswith("I"):
        return np.asarray(picture).astype(np.uint16)
    if picture.format == "PNG" and (content := path.read_bytes())[24] == 16:  # bits per channel, in the header
        import imagecodecs  # Pillow would keep only the upper byte of 16-bit colours

        return np.asarray(imagecodecs.png_decode(content))
    return np.asarray(picture if picture.mode in {"L", "RGB"} else picture.convert("RGB"))


def _scan_czi(path: Path) -> Scan:
    try:
        import czifile
    except ImportError as error:
        raise MicrographError(
            "needs-czifile", f"{path.name} is a CZI file, which needs one more package: pip install 'ratescope[czi]'."
        ) from error
    with czifile.CziFile(path) as czi:
        rows, columns = (czi.shape[czi.axes.index(axis)] for axis in "YX")
        _check_size(path.name, rows, columns)
        size = re.search(r'<Distance Id="X">\s*<Value>([-+.\deE]+)</Value>', czi.metadata() or "")
        pixels = _channels_last(czi.asarray(), path.name)
        if pixels.ndim == 3:
            pixels = pixels[..., ::-1]  # CZI stores blue first
        return Scan(pixels, _plausible(float(size[1]) * 1e6) if size else None)


# --- depth, colour, pixel size ------------------------------------------------------------------------------------


def as_rgb8(pixels: NDArray[np.generic], name: str = "the image") -> tuple[NDArray[np.uint8], tuple[Finding, ...]]:
    """Grey or colour of any depth → 8-bit RGB, shape (rows, columns, 3), and what had to be done for it.

    More than 8 bits are divided by the bit depth actually used (8, 10, 12, 14 or 16), so that a 12-bit camera's
    image in a 16-bit file does not turn black. Transparency is dropped.
    """
    findings: tuple[Finding, ...] = ()
    if pixels.dtype != np.uint8:
        pixels, findings = _to_8_bit(pixels, name)
    grey_or_rgb = (
        pixels[..., :3] if pixels.ndim == 3 and pixels.shape[2] >= 3 else pixels.reshape(*pixels.shape[:2], -1)
    )
    if grey_or_rgb.shape[2] < 3:
        grey_or_rgb = np.repeat(grey_or_rgb[..., :1], 3, axis=2)
    return np.ascontiguousarray(grey_or_rgb, dtype=np.uint8), findings


def _to_8_bit(pixels: NDArray[np.generic], name: str) -> tuple[NDArray[np.uint8], tuple[Finding, ...]]:
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255), ()
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        raise MicrographError(
            "grey-values", f"{name} has grey values from {low:.4g} to {high:.4g}. Save it with 8 or 16 bits, unsigned."
        )
    if pixels.dtype.kind == "f" and high <= 1.0:
        full, said = 1.0, "floating-point"
    else:
        bits = next((bits for bits in (8, 10, 12, 14, *range(16, 32)) if high < 2**bits), 32)
        full, said = float(2**bits - 1), f"{bits}-bit"
    eight = np.rint(pixels.astype(np.float32) * np.float32(255.0 / full)).astype(np.uint8)
    text = f"{said} grey values (up to {high:.6g}) were divided down to 8 bit."
    return eight, (Finding("depth-reduced", text),)


def _settle_pixel_size(name: str, tag_um: float | None, given_um: float | None) -> tuple[float, tuple[Finding, ...]]:
    if given_um is None and tag_um is None:
        raise MicrographError(
            "no-pixel-size", f"{name} does not say how large its pixels are; give it with --pixel-size-um."
        )
    if given_um is None or tag_um is None or abs(given_um / tag_um - 1.0) <= 0.02:
        return float(given_um or tag_um or 0.0), ()
    text = f"pixel size {given_um:g} µm was given, but the file says {tag_um:.4g} µm; the given one was used."
    return given_um, (Finding("pixel-size-differs", text),)
