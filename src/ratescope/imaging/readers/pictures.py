"""PNG and JPEG → Scan: Pillow reads the header; imagecodecs decodes PNG, because it refuses what is incomplete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ratescope.errors import MicrographError
from ratescope.imaging.readers.pixel_size import plausible
from ratescope.imaging.readers.scan import BLOCK_BYTES, Block, Scan, check_size, lying_header

MOST_EXPANSION_OF_DEFLATE = 1040  # zlib: at most 1032
MOST_PIXELS_PER_JPEG_BYTE = 512  # at least one bit for each block of 8 × 8 pixels
BYTES = {"1": 1 / 8, "L": 1, "P": 1 / 8, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 2, "I": 2}  # of a pixel, at least


@contextmanager
def open_picture(path: Path) -> Iterator[Scan]:
    """A PNG or JPEG, grey or colour, of up to 16 bits.

    Raises
    ------
    MicrographError
        If it holds several images, has colours made for print, or promises more than its bytes can hold.
    """
    try:
        with of_any_size(), Image.open(path, formats=("PNG", "JPEG")) as picture:
            _check(picture, path)
            is_png = picture.format == "PNG"
            across, down = (float(dots) for dots in picture.info.get("dpi", (0, 0)))
            # Where a PNG has no Exif in front, Pillow would decode it all to see whether it comes behind.
            exif = picture.getexif() if "exif" in picture.info else {}
            yield Scan(
                rows=picture.height,
                columns=picture.width,
                blocks=partial(_png, path) if is_png else partial(_jpeg, picture, path.name),
                white=None if is_png and _has_16_bits(path) else 255.0,
                orientation=int(exif.get(274, 1)),
                pixel_size_um=plausible(25400.0 / across, 25400.0 / down) if across > 0 and down > 0 else None,
            )
    except UnidentifiedImageError as error:
        raise MicrographError("damaged-file", f"{path.name} is damaged: its header cannot be read. Copy it.") from error


@contextmanager
def of_any_size() -> Iterator[None]:
    """Pillow without its own limit, which is one for the whole process; `check_size` has ours."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _check(picture: Image.Image, path: Path) -> None:
    rows, columns, size = picture.height, picture.width, path.stat().st_size
    check_size(path.name, rows, columns)
    if getattr(picture, "n_frames", 1) > 1:
        raise MicrographError("stack", f"{path.name} holds several images. Save one as its own file.")
    if picture.mode not in BYTES:
        raise MicrographError(
            "colour-space", f"{path.name} has {picture.mode} colours, made for print. Save it as RGB."
        )
    is_png = picture.format == "PNG"
    most = MOST_EXPANSION_OF_DEFLATE / BYTES[picture.mode] if is_png else MOST_PIXELS_PER_JPEG_BYTE
    if rows * columns > most * size:
        raise lying_header(path.name, rows, columns, size)


def _has_16_bits(path: Path) -> bool:
    """Byte 24 of a PNG, in its header, is the number of bits of each channel."""
    with path.open("rb") as handle:
        return handle.read(25)[24] == 16


def _png(path: Path) -> Iterator[Block]:
    import imagecodecs

    pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    yield Block(0, 0, pixels.reshape(*pixels.shape[:2], -1))


def _jpeg(picture: Image.Image, name: str) -> Iterator[Block]:
    """Some rows at a time, so that Pillow's own copy is the only one beside the final pixels."""
    step = max(1, BLOCK_BYTES // (4 * picture.width))
    for row in range(0, picture.height, step):
        stop = min(row + step, picture.height)
        pixels = np.asarray(picture.crop((0, row, picture.width, stop)))
        # libjpeg fills what is missing with blocks of zeros, and no picture ends in a row of exactly this grey.
        if stop == picture.height and (pixels[-1] == 128).all():
            raise MicrographError("damaged-file", f"{name} is cut short: its lower part is missing. Copy it again.")
        yield Block(row, 0, pixels.reshape(*pixels.shape[:2], -1))
