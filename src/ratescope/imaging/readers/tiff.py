"""TIFF → Scan: strips and tiles are decoded one after the other by tifffile and imagecodecs."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tifffile import COMPRESSION, PHOTOMETRIC

from ratescope.errors import MicrographError
from ratescope.imaging.readers.pictures import of_any_size
from ratescope.imaging.readers.pixel_size import tiff_pixel_size
from ratescope.imaging.readers.scan import BLOCK_BYTES, Block, Scan, check_size, lying_header

MOST_EXPANSION = {
    COMPRESSION.NONE: 1,
    COMPRESSION.PACKBITS: 64,  # 128 bytes in 2
    COMPRESSION.ADOBE_DEFLATE: 1040,  # zlib: at most 1032
    COMPRESSION.DEFLATE: 1040,
    COMPRESSION.LZW: 1600,  # black: 1240; a table of 4096 entries, the longest 3840 bytes for 12 bits: at most 1370
    COMPRESSION.JPEG: 1536,  # at least one bit for a block of 8 × 8 pixels, in three colours
    COMPRESSION.LZMA: 8000,  # black: 6500
    COMPRESSION.ZSTD: 33_000,  # black: 31,300; 128 KiB in 4 bytes
}  # decoded bytes for each byte of a file, at most; what promises more lies. Other compressions are not read.
FIRST_PAGES = 40  # our choice: a pyramid has fewer; a stack shows itself earlier
GREY_OR_RGB = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE, PHOTOMETRIC.YCBCR)


@dataclass(frozen=True, eq=False)
class Source:
    """A page that can be decoded: which channel it is, where an OME file keeps colours in pages of their own."""

    tiff: tifffile.TiffFile
    page: tifffile.TiffPage
    palette: NDArray[np.uint8] | None = None
    channel: int | None = None


@contextmanager
def open_tiff(path: Path) -> Iterator[Scan]:
    """A TIFF, BigTIFF, OME-TIFF or ImageJ TIFF that holds one image, which may be a pyramid.

    Raises
    ------
    MicrographError
        If it is a stack, of a kind that is not read, or promises more than its bytes can hold.
    """
    with tifffile.TiffFile(path) as tiff:
        pages = _image_pages(tiff, path.name)
        for page in pages:
            _check_kind(page, path.name)
            check_size(path.name, page.imagelength, page.imagewidth)
            _check_whole(page, path)
        palette = _palette(pages[0], path.name)
        channels = range(3) if len(pages) > 1 else [None]
        sources = [Source(tiff, page, palette, channel) for page, channel in zip(pages, channels, strict=False)]
        yield Scan(
            rows=pages[0].imagelength,
            columns=pages[0].imagewidth,
            blocks=partial(_blocks, sources, path.name),
            white=_white(pages[0], palette),
            is_white_zero=pages[0].photometric == PHOTOMETRIC.MINISWHITE,
            orientation=int(pages[0].tags.valueof(274, 1)),
            pixel_size_um=tiff_pixel_size(tiff, pages[0]),
        )


# --- which page ---------------------------------------------------------------------------------------------------


def _image_pages(tiff: tifffile.TiffFile, name: str) -> list[tifffile.TiffPage]:
    """The largest page; three or four of one size only where an OME file keeps red, green and blue apart."""
    pages = [page.aspage() for page in islice(tiff.pages, FIRST_PAGES)]
    full = [page for page in pages if not page.subfiletype & 0b101] or pages  # no thumbnails, no masks
    largest = max(full, key=lambda page: page.imagelength * page.imagewidth)
    alike = [page for page in full if (page.imagelength, page.imagewidth) == (largest.imagelength, largest.imagewidth)]
    is_rgb_in_pages = tiff.is_ome and f'SizeC="{len(alike)}"' in (tiff.ome_metadata or "") and len(alike) in (3, 4)
    if is_rgb_in_pages and all(page.samplesperpixel == 1 for page in alike):
        return alike[:3]
    if (count := max(len(alike), _images_said(tiff, largest))) > 1:
        raise MicrographError(
            "stack", f"{name} is a stack of {count} images. Save the one in focus, grey or RGB, as its own file."
        )
    return [largest]


def _images_said(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> int:
    """How many images a file says it has where it does not give each of them a page."""
    counts: list[int] = [
        int((tiff.imagej_metadata or {}).get("images", 1)),
        int((tiff.stk_metadata or {}).get("NumberPlanes", 1)),
        int(page.imagedepth),
        *(math.prod(said["shape"]) // max(page.size, 1) for said in tiff.shaped_metadata or () if "shape" in said),
    ]
    return max(counts)


def _check_kind(page: tifffile.TiffPage, name: str) -> None:
    colours, compression = PHOTOMETRIC(page.photometric), COMPRESSION(page.compression)
    if colours not in GREY_OR_RGB or (colours == PHOTOMETRIC.YCBCR and compression != COMPRESSION.JPEG):
        raise MicrographError(
            "colour-space", f"{name} has {colours.name} colours, made for print or television. Save it as RGB."
        )
    if compression not in MOST_EXPANSION:
        raise MicrographError(
            "compression", f"{name} is compressed by {compression.name}. Save it with LZW, Deflate, JPEG or none."
        )
    channels, is_alpha = page.samplesperpixel, set(page.extrasamples) & {1, 2}
    if not 1 <= channels <= 4 or (channels == 2 and not is_alpha):
        raise MicrographError("channels", f"{name} has {channels} channels. Save it as grey or RGB.")
    if page.dtype is None or page.dtype.kind not in "buif":
        raise MicrographError(
            "grey-values", f"{name} has {page.bitspersample}-bit values of a kind that is no grey. Save it with 8 bits."
        )


# --- is it all there? ---------------------------------------------------------------------------------------------


def _check_whole(page: tifffile.TiffPage, path: Path) -> None:
    """Refuse a page whose parts lie beyond the end of the file, which decoders would fill with black, or that lies."""
    size = path.stat().st_size
    parts = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if len(parts) < math.prod(page.chunked) or any(
        offset <= 0 or count <= 0 or offset + count > size for offset, count in parts
    ):
        raise MicrographError(
            "damaged-file", f"{path.name} is cut short: its header promises more than its {size} bytes. Copy it again."
        )
    most = MOST_EXPANSION[COMPRESSION(page.compression)]
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    row_bytes = (page.tilewidth or page.imagewidth) * samples * _bits(page) / 8
    for index, (_, count) in enumerate(parts):
        if _rows_of_part(page, index) * row_bytes > most * (count + 64):  # a few bytes hold tables and check sums
            raise lying_header(path.name, page.imagelength, page.imagewidth, size)


def _rows_of_part(page: tifffile.TiffPage, index: int) -> int:
    if page.is_tiled:
        return int(page.tilelength)
    strips = math.ceil(page.imagelength / page.rowsperstrip)
    return min(int(page.rowsperstrip), page.imagelength - index % strips * page.rowsperstrip)


def _bits(page: tifffile.TiffPage) -> int:
    return page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)


# --- pixels -------------------------------------------------------------------------------------------------------


def _palette(page: tifffile.TiffPage, name: str) -> NDArray[np.uint8] | None:
    """The colours of a palette, shape (entries, 3)."""
    if page.photometric != PHOTOMETRIC.PALETTE:
        return None
    if page.colormap is None:
        raise MicrographError("damaged-file", f"{name} is damaged: its palette is missing. Save it as RGB.")
    table = np.moveaxis(page.colormap, 0, -1)
    # The standard has 16 bits; some software writes 8.
    return np.asarray(table >> 8 if table.max() > 255 else table, dtype=np.uint8)


def _white(page: tifffile.TiffPage, palette: NDArray[np.uint8] | None) -> float | None:
    bits = _bits(page)
    if palette is not None:
        return 255.0
    return float(2**bits - 1) if bits <= 8 and page.dtype.kind in "bu" else None  # type: ignore[union-attr]


def _blocks(sources: list[Source], name: str) -> Iterator[Block]:
    for source in sources:
        for block in _rows(source) if source.page.is_final else _parts(source, name):
            pixels = block.pixels if source.palette is None else source.palette[block.pixels[..., 0]]
            channel = block.channel if source.channel is None else source.channel
            yield block._replace(pixels=pixels, channel=channel)


def _rows(source: Source) -> Iterator[Block]:
    """Uncompressed pixels, some rows at a time, however long the strips are."""
    page, handle = source.page, source.tiff.filehandle
    _, _, rows, columns, samples = page.shaped
    dtype = np.dtype(source.tiff.byteorder + page.dtype.char)  # type: ignore[union-attr]
    step = max(1, BLOCK_BYTES // (columns * samples * dtype.itemsize))
    for plane in _planes(page):
        for row in range(0, rows, step):
            shape = (min(step, rows - row), columns, samples)
            handle.seek(page.dataoffsets[0] + (plane * rows + row) * columns * samples * dtype.itemsize)
            yield Block(row, 0, handle.read_array(dtype, math.prod(shape)).reshape(shape), _channel(page, plane))


def _parts(source: Source, name: str) -> Iterator[Block]:
    """Strips or tiles, decoded."""
    page, count = source.page, math.prod(source.page.chunked)
    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    options = tables if page.compression == COMPRESSION.JPEG else {}
    encoded = source.tiff.filehandle.read_segments(
        page.dataoffsets, page.databytecounts, length=count, sort=False, buffersize=BLOCK_BYTES
    )
    for data, index in cast(Iterator[tuple[bytes, int]], encoded):
        if page.compression == COMPRESSION.JPEG:
            _check_jpeg(data, page, name)
        pixels, (plane, _, row, column, _), _ = page.decode(data, index, **options)
        if pixels is not None and plane in _planes(page):
            yield Block(row, column, pixels[0], _channel(page, plane))


def _planes(page: tifffile.TiffPage) -> range:
    """Planes that are colours; what follows them is transparency."""
    planes = page.shaped[0]
    return range(3 if planes >= 3 else 1)


def _channel(page: tifffile.TiffPage, plane: int) -> int | None:
    return plane if page.shaped[0] >= 3 else None


def _check_jpeg(data: bytes, page: tifffile.TiffPage, name: str) -> None:
    """Refuse a JPEG part that ends early, which the decoder would fill with grey, or that is larger than its place."""
    with of_any_size(), Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        rows, columns = picture.height, picture.width
    if re.search(rb"\xff\xd9.{0,64}$", data[-66:], re.DOTALL) is None:
        raise MicrographError("damaged-file", f"{name} is cut short: one of its JPEG parts has no end. Copy it again.")
    most_rows, most_columns = (page.tilelength or page.rowsperstrip), (page.tilewidth or page.imagewidth)
    if rows > most_rows + 64 or columns > most_columns + 64:
        raise lying_header(name, rows, columns, len(data))
