"""Virtual micrographs as files: a TIFF like a microscope's, and the truth beside it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from tifffile import TiffWriter

from ratescope.files import whole_file, write_json
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.microscope import VirtualMicrograph

UM_PER_CM = 1e4
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
}


def write_micrograph(
    path: Path,
    micrograph: VirtualMicrograph,
    *,
    compression: Literal["zlib", "jpeg"] = "zlib",
    quality: int = 90,
) -> None:
    """Write a TIFF whose resolution tags hold the pixel size, per centimetre.

    Parameters
    ----------
    compression : "zlib" or "jpeg"
        JPEG loses a little and is six times smaller, for what is shipped.
    quality : int
        Of JPEG, up to 100.
    """
    per_cm = UM_PER_CM / micrograph.pixel_size_um
    options: dict[str, Any] = {"compressionargs": {"level": quality}} if compression == "jpeg" else {"predictor": True}
    with whole_file(path) as part, TiffWriter(part) as file:
        file.write(
            micrograph.pixels,
            photometric="rgb",
            compression=compression,
            rowsperstrip=64,
            resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
            description="Simulated bright-field micrograph",
            software="ratescope virtual laboratory",
            metadata=None,
            **options,
        )


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
        "foil_rows": micrograph.foil_rows.tolist(),
        "surface_rows": np.round(micrograph.surface_rows, 2).tolist(),
        "artefacts": [{"kind": artefact.kind, "box": asdict(artefact.box)} for artefact in micrograph.artefacts],
        "volume_porosity": micrograph.volume_porosity,
        "field_porosity": micrograph.field_porosity,
        "field_fractions": dict(micrograph.field_fractions),
    }
