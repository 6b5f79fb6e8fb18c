"""What stands in a file, block by block, and how it becomes 8-bit RGB in hardly more memory than that.

A mosaic of 2000 × 120,000 pixels has 720 MB as 8-bit RGB. It is decoded a few megabytes at a time, straight into its
final place; where the depth that is used must be known first, it is decoded twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import MicrographError
from ratescope.records import Finding

MOST_PIXELS = 400_000_000  # our choice: 2000 × 200,000; more is a mistake or a decompression bomb
FEWEST_ROWS = 16  # our choice: nothing can be seen in less
BLOCK_BYTES = 4_000_000  # our choice: small beside any mosaic, large beside the cost of a call
TURNED = {
    2: "mirrored left to right",
    3: "turned by 180°",
    4: "mirrored top to bottom",
    5: "mirrored at its diagonal",
    6: "turned by 90° to the right",
    7: "mirrored at its other diagonal",
    8: "turned by 90° to the left",
}  # TIFF 6.0 and Exif, tag 274: what is done to the stored picture to show it


class Block(NamedTuple):
    """Some of the pixels of a file: those from ``row`` and ``column`` on; what lies outside the image is padding.

    ``pixels`` has shape (rows, columns, channels); ``channel`` says which of red, green and blue a single channel is.
    """

    row: int
    column: int
    pixels: NDArray[np.generic]
    channel: int | None = None


@dataclass(frozen=True, eq=False)
class Scan:
    """An open file: its size, and its pixels in blocks.

    Attributes
    ----------
    rows, columns : int
        As they are stored, before the orientation is honoured.
    blocks : callable
        Each call decodes the file once more.
    white : float or None
        The value of full brightness; None where the largest value has to tell it.
    is_white_zero : bool
    orientation : int
        1 to 8, as in TIFF and Exif.
    pixel_size_um : (float, float) or None
        Width and height of a pixel as the file says them.
    """

    rows: int
    columns: int
    blocks: Callable[[], Iterable[Block]]
    white: float | None = 255.0
    is_white_zero: bool = False
    orientation: int = 1
    pixel_size_um: tuple[float, float] | None = None


def check_size(name: str, rows: int, columns: int) -> None:
    """Refuse an image that is too large or too small, before a byte of it is decoded."""
    if rows * columns > MOST_PIXELS:
        raise MicrographError(
            "too-large",
            f"{name} says it has {rows} × {columns} pixels, more than {MOST_PIXELS // 1_000_000} million. "
            "Cut it into single mosaics.",
        )
    if min(rows, columns) < FEWEST_ROWS:
        raise MicrographError("too-small", f"{name} has only {rows} × {columns} pixels. Give a micrograph.")


def lying_header(name: str, rows: int, columns: int, size: int) -> MicrographError:
    """What is said of a header that promises more pixels than the bytes of its file can hold."""
    return MicrographError(
        "damaged-file",
        f"{name} is damaged: its header promises {rows} × {columns} pixels, more than its {size} bytes can hold. "
        "Copy it again from the microscope.",
    )


def to_rgb8(scan: Scan, name: str) -> tuple[NDArray[np.uint8], tuple[Finding, ...]]:
    """Grey or colour of any depth → 8-bit RGB, shape (rows, columns, 3), and what had to be done for it.

    More than 8 bits are divided by the bit depth actually used (8, 10, 12, 14 or 16 and more), so that a 12-bit
    camera's image in a 16-bit file does not turn black. Transparency is dropped. An orientation other than the usual
    one is honoured.
    """
    white, findings = (scan.white, ()) if scan.white else _find_white(scan.blocks(), name)
    canvas, stored = _canvas(scan)
    for block in scan.blocks():
        for row, band in _bands(block, (scan.rows, scan.columns)):
            eight = _in_8_bit(band, white)
            place = stored[row : row + band.shape[0], block.column : block.column + band.shape[1]]
            target = place if block.channel is None else place[..., block.channel : block.channel + 1]
            target[...] = 255 - eight if scan.is_white_zero else eight
    if done := TURNED.get(scan.orientation):
        text = f"the picture was {done}, as its orientation tag asks; rows and columns count in the picture so shown."
        findings = (*findings, Finding("turned", text))
    return canvas, findings


def _canvas(scan: Scan) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An empty image as it is shown, and a view of it as it is stored: what is written there stands rightly here."""
    is_on_its_side = scan.orientation in (5, 6, 7, 8)
    shape = (scan.columns, scan.rows) if is_on_its_side else (scan.rows, scan.columns)
    canvas = stored = np.zeros((*shape, 3), np.uint8)
    if scan.orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    if scan.orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    return canvas, stored.transpose(1, 0, 2) if is_on_its_side else stored


def _bands(block: Block, shape: tuple[int, int]) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """The colours of a block that lie in an image of this shape, a few rows at a time."""
    pixels = block.pixels[: shape[0] - block.row, : shape[1] - block.column]
    pixels = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]  # the rest is transparency
    step = max(1, BLOCK_BYTES // 4 // max(1, pixels[:1].size))
    for start in range(0, len(pixels), step):
        yield block.row + start, pixels[start : start + step]


def _in_8_bit(pixels: NDArray[np.generic], white: float) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or white != 255.0:
        pixels = np.rint(pixels.astype(np.float32) * np.float32(255.0 / white))
    return pixels.astype(np.uint8, copy=False)


def _find_white(blocks: Iterable[Block], name: str) -> tuple[float, tuple[Finding, ...]]:
    """The value of full brightness: that of the fewest bits that hold the largest value; 1 for fractions."""
    low, high, kind = math.inf, -math.inf, "u"
    for block in blocks:
        for _, band in _bands(block, (MOST_PIXELS, MOST_PIXELS)):
            lowest, highest = float(band.min()), float(band.max())
            if not (math.isfinite(lowest) and math.isfinite(highest)):
                raise _grey_values(name, lowest, highest)
            low, high, kind = min(low, lowest), max(high, highest), band.dtype.kind
    if low < 0 or high >= 2**32:
        raise _grey_values(name, low, high)
    if kind == "f" and high <= 1.0:
        white, said = 1.0, "floating-point"
    else:
        depths = (8, 10, 12, 14, 15, 31) if kind == "i" else (8, 10, 12, 14, *range(16, 33))
        bits = next(bits for bits in depths if high < 2**bits)
        white, said = float(2**bits - 1), f"{bits}-bit"
    text = f"{said} grey values (up to {high:.6g}) were divided down to 8 bit."
    return white, (Finding("depth-reduced", text),)


def _grey_values(name: str, low: float, high: float) -> MicrographError:
    return MicrographError(
        "grey-values", f"{name} has grey values from {low:.4g} to {high:.4g}. Save it with 8 or 16 bits, unsigned."
    )
