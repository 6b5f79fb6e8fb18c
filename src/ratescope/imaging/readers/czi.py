"""CZI (Zeiss) → Scan: the tiles of a mosaic, one after the other, by czifile (the extra ``ratescope[czi]``)."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import MicrographError
from ratescope.imaging.readers.pixel_size import Pair, plausible
from ratescope.imaging.readers.scan import Block, Scan, check_size, lying_header

UNCOMPRESSED, JPEG, LZW, JPEG_XR, ZSTD, ZSTD_WITH_HEADER = 0, 1, 2, 4, 5, 6
LEAST_COVERED = 0.1  # our choice: tiles that cover less of their mosaic are misplaced, or their coordinates damaged
MOST_EXPANSION = 33_000  # decoded bytes for each byte of a tile: of Zstandard, the most; 128 KiB in 4 bytes


@contextmanager
def open_czi(path: Path) -> Iterator[Scan]:
    """A CZI file that holds one image, of one tile or many; gaps between tiles are black.

    Raises
    ------
    MicrographError
        If czifile is not installed, or the file is a stack, or its tiles contradict each other.
    """
    try:
        import czifile
    except ImportError as error:
        raise MicrographError(
            "needs-czifile", f"{path.name} is a CZI file, which needs one more package: pip install 'ratescope[czi]'."
        ) from error
    try:
        with czifile.CziFile(path) as czi:
            # A file holds smaller pictures of itself too: tiles whose stored shape is not the one they show.
            tiles = [
                tile for tile in czi.subblock_directory if not tile.pyramid_type and tile.stored_shape == tile.shape
            ]
            tiles.sort(key=lambda tile: tile.mosaic_index or 0)  # the upper ones last
            top, left, rows, columns = _extent(tiles, path.name)
            check_size(path.name, rows, columns)
            covered = sum(_length(tile, "Y") * _length(tile, "X") for tile in tiles)
            if covered < LEAST_COVERED * rows * columns:
                raise MicrographError(
                    "damaged-file",
                    f"{path.name} is damaged: its {len(tiles)} tiles cover {covered / rows / columns:.1%} of the "
                    f"{rows} × {columns} pixels it promises. Export it as TIFF.",
                )
            is_8_bit = all(np.dtype(tile.dtype).base == np.uint8 for tile in tiles)
            yield Scan(
                rows=rows,
                columns=columns,
                blocks=partial(_blocks, tiles, top, left, path),
                white=255.0 if is_8_bit else None,
                pixel_size_um=_pixel_size(czi),
            )
    except czifile.SegmentNotFoundError as error:
        raise MicrographError("damaged-file", f"{path.name} is damaged: {error}. Copy it again.") from error


def _extent(tiles: list[Any], name: str) -> tuple[int, int, int, int]:
    """Top, left, rows and columns of all tiles together, which must lie in one plane."""
    others = [axis for axis in tiles[0].axes if axis not in "YX0"] if tiles else []
    planes = {tuple(_start(tile, axis) for axis in others) for tile in tiles}
    if len(planes) > 1 or any(_length(tile, axis) > 1 for tile in tiles for axis in others):
        raise MicrographError("stack", f"{name} is a stack of {len(planes)} images. Export one, as TIFF.")
    if not tiles:
        raise MicrographError("damaged-file", f"{name} is damaged: it holds no picture. Export it as TIFF.")
    top, left = (min(_start(tile, axis) for tile in tiles) for axis in "YX")
    bottom, right = (max(_start(tile, axis) + _length(tile, axis) for tile in tiles) for axis in "YX")
    return top, left, bottom - top, right - left


def _start(tile: Any, axis: str) -> int:
    return int(tile.start[tile.axes.index(axis)])


def _length(tile: Any, axis: str) -> int:
    return int(tile.shape[tile.axes.index(axis)])


def _blocks(tiles: list[Any], top: int, left: int, path: Path) -> Iterator[Block]:
    for tile in tiles:
        pixels = _decoded(tile, path).reshape(_length(tile, "Y"), _length(tile, "X"), -1)
        yield Block(_start(tile, "Y") - top, _start(tile, "X") - left, pixels)


def _decoded(tile: Any, path: Path) -> NDArray[np.generic]:
    """Pixels of a tile; those of a colour tile in the order red, green, blue."""
    if tile.compression not in {UNCOMPRESSED, JPEG, LZW, JPEG_XR, ZSTD, ZSTD_WITH_HEADER}:
        raise MicrographError("compression", f"{path.name} is compressed in a way unknown here. Export it as TIFF.")
    part, kind = tile.data_segment(), np.dtype(tile.dtype).base
    size, stored = math.prod(tile.shape) * kind.itemsize, min(part.data_size, path.stat().st_size)
    if stored < part.data_size or size > (1 if tile.compression == UNCOMPRESSED else MOST_EXPANSION) * stored:
        raise lying_header(path.name, _length(tile, "Y"), _length(tile, "X"), stored)
    if tile.compression in {UNCOMPRESSED, JPEG, JPEG_XR}:
        return np.asarray(part.data(resize=False))
    values = np.frombuffer(_unpacked(part.data(raw=True), tile.compression, size), kind).reshape(tile.shape)
    return values[..., [2, 1, 0]] if values.shape[-1] >= 3 else values


def _unpacked(content: bytes, compression: int, size: int) -> bytes:
    """What czifile cannot unpack; Zstandard may have a header, which says whether low and high bytes stand apart."""
    import imagecodecs

    if compression == LZW:
        return bytes(imagecodecs.lzw_decode(content, out=size))
    header = content[: content[0]] if compression == ZSTD_WITH_HEADER else b""
    unpacked = bytes(imagecodecs.zstd_decode(content[len(header) :], out=size))
    is_split = len(header) == 3 and header[2] & 1
    return np.frombuffer(unpacked, np.uint8).reshape(2, -1).T.tobytes() if is_split else unpacked


def _pixel_size(czi: Any) -> Pair | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # czifile says where it looked; we ask for the size in our own sentence
        xml = czi.metadata() or ""
    found = [re.search(rf'<Distance Id="{axis}">\s*<Value>([-+.\deE]+)</Value>', xml) for axis in "XY"]
    width, height = (float(match[1]) * 1e6 if match else 0.0 for match in found)
    return plausible(width, height or width)
