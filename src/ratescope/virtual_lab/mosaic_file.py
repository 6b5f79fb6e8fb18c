"""Virtual micrographs as files: TIFF, OME-TIFF, PNG or JPEG like a microscope's, and the truth beside it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from tifffile import TiffWriter

from ratescope.errors import LabError
from ratescope.files import whole_file, write_json
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.microscope import VirtualMicrograph

UM_PER_CM, UM_PER_M = 1e4, 1e6
DESCRIPTION = "Simulated bright-field micrograph"
KINDS: Mapping[str, Literal["ome", "tiff", "png", "jpeg"]] = {
    ".ome.tif": "ome",
    ".ome.tiff": "ome",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
PNG_HEAD = 33  # signature and IHDR: 8 + 25 bytes
IMAGE_DESCRIPTION, XRESOLUTION, YRESOLUTION, RESOLUTION_UNIT, PER_CM = 270, 282, 283, 296, 3  # tags of TIFF and EXIF
PALETTE = {
    "resin": (30, 30, 46),
    "pore": (52, 73, 120),
    "particle": (196, 190, 176),
    "crack": (214, 64, 64),
    "carbon": (110, 110, 110),
    "binder": (222, 160, 60),
    "foil": (255, 255, 255),
    "void": (0, 0, 0),
    "scratch": (230, 70, 200),
    "smear": (120, 200, 120),
    "bubble": (90, 200, 230),
    "dust": (120, 70, 30),
}


def write_micrograph(
    path: Path,
    micrograph: VirtualMicrograph,
    *,
    compression: Literal["zlib", "jpeg"] = "zlib",
    quality: int = 90,
) -> None:
    """Write a micrograph as its name asks: ``.tif``, ``.ome.tif``, ``.png`` or ``.jpg``, each with the pixel size.

    TIFF and JPEG hold it per centimetre in their resolution tags (in JPEG: of its EXIF part, for JPEG's own field ends
    at 0.39 µm), OME-TIFF also in its XML, PNG per metre.

    Parameters
    ----------
    compression : "zlib" or "jpeg"
        Inside TIFF. JPEG loses a little and is six times smaller, for what is shipped.
    quality : int
        Of JPEG, up to 100.

    Raises
    ------
    LabError
        If the name ends otherwise, or JPEG is asked to hold 16 bits.
    """
    kind = next((kind for ending, kind in KINDS.items() if path.name.lower().endswith(ending)), None)
    if kind is None:
        raise LabError(f"{path.name}: a micrograph is written as one of {', '.join(KINDS)}. Name it so.")
    if micrograph.pixels.dtype != np.uint8 and (kind == "jpeg" or compression == "jpeg"):
        raise LabError(
            f"{path.name}: JPEG holds 8 bits per colour, the micrograph has 16. Write TIFF with zlib, or PNG."
        )
    with whole_file(path) as part:
        if kind == "png":
            part.write_bytes(_png(micrograph))
        elif kind == "jpeg":
            picture = Image.fromarray(micrograph.pixels)
            picture.save(part, quality=quality, subsampling=0, exif=_exif(micrograph.pixel_size_um))
        else:
            _write_tiff(part, micrograph, compression, quality, is_ome=kind == "ome")


def _write_tiff(part: Path, micrograph: VirtualMicrograph, compression: str, quality: int, *, is_ome: bool) -> None:
    per_cm = UM_PER_CM / micrograph.pixel_size_um
    options: dict[str, Any] = {"compressionargs": {"level": quality}} if compression == "jpeg" else {"predictor": True}
    if is_ome:
        options["metadata"] = {
            "axes": "YXS",
            "Name": DESCRIPTION,
            "PhysicalSizeX": micrograph.pixel_size_um,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": micrograph.pixel_size_um,
            "PhysicalSizeYUnit": "µm",
        }
    else:
        options |= {"metadata": None, "description": DESCRIPTION}
    with TiffWriter(part, ome=is_ome) as file:
        file.write(
            micrograph.pixels,
            photometric="rgb",
            compression=compression,
            rowsperstrip=64,
            resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
            software="ratescope virtual laboratory",
            **options,
        )


def _png(micrograph: VirtualMicrograph) -> bytes:
    """A PNG of 8 or 16 bits with the pixel size: Pillow writes no 16-bit colour, imagecodecs no pixel size."""
    encoded = bytes(imagecodecs.png_encode(micrograph.pixels, level=6))
    per_m = round(UM_PER_M / micrograph.pixel_size_um)
    chunk = b"pHYs" + struct.pack(">IIB", per_m, per_m, 1)  # 1: per metre
    whole = struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return encoded[:PNG_HEAD] + whole + encoded[PNG_HEAD:]


def _exif(pixel_size_um: float) -> Image.Exif:
    exif = Image.Exif()
    per_cm = IFDRational(round(UM_PER_CM / pixel_size_um * 1000), 1000)
    exif[XRESOLUTION], exif[YRESOLUTION], exif[RESOLUTION_UNIT] = per_cm, per_cm, PER_CM
    exif[IMAGE_DESCRIPTION] = DESCRIPTION
    return exif


def write_truth(folder: Path, stem: str, micrograph: VirtualMicrograph) -> None:
    """Write ``{stem}_phases.png`` (codes of the phases, coloured) and ``{stem}.json``."""
    picture = Image.fromarray(micrograph.phases, mode="P")
    colours = np.zeros((256, 3), np.uint8)
    for name, code in PHASES.items():
        colours[code] = PALETTE[name]
    picture.putpalette(colours.tobytes())
    with whole_file(folder / f"{stem}_phases.png") as part:
        picture.save(part, optimize=False)
    write_json(folder / f"{stem}.json", _truth(micrograph))


def _truth(micrograph: VirtualMicrograph) -> dict[str, Any]:
    return {
        "schema": 1,
        "simulated": True,
        "pixel_size_um": micrograph.pixel_size_um,
        "phases": dict(PHASES),
        "tilt_deg": micrograph.tilt_deg,
        "foil_line": dict(zip(("row_left", "row_right"), micrograph.foil_line, strict=True)),
        "foil_rows": _or_null(micrograph.foil_rows),
        "surface_rows": _or_null(np.round(micrograph.surface_rows, 2)),
        "artefacts": [{"kind": artefact.kind, "box": asdict(artefact.box)} for artefact in micrograph.artefacts],
        "volume_porosity": micrograph.volume_porosity,
        "field_porosity": micrograph.field_porosity,
        "field_fractions": dict(micrograph.field_fractions),
        "fields": [asdict(field) for field in micrograph.fields],
        "blur_px": np.round(micrograph.blur_px, 3).tolist(),
        "illumination": micrograph.illumination,
        "bits": 8 * micrograph.pixels.dtype.itemsize,
    }


def _or_null(rows: NDArray[np.float64]) -> list[float | None]:
    """What was not seen stays null."""
    return [float(row) if np.isfinite(row) else None for row in rows]
