"""The pixel size that a TIFF says, in whichever way its maker's software says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import tifffile

Pair = tuple[float, float]
"""Width and height of a pixel, in µm."""

COARSEST_TAG_UM = 5.0  # our choice: coarser tags (72, 96, 300 … dpi, 1 per unit) speak of print, not of microscopes
FINEST_TAG_UM = 0.002  # our choice: finer than any microscope that sees a whole electrode
MICROMETRES = dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0) | {
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
}
RESOLUTION_UNIT_UM = {2: 25400.0, 3: 1e4, 4: 1e3, 5: 1.0}  # TIFF 6.0: inch, centimetre; ImageJ and others: mm, µm


def tiff_pixel_size(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Pair | None:
    """Width and height of a pixel in µm: the microscope's own words before the resolution, which editors overwrite."""
    ways: tuple[Callable[[], Pair | None], ...] = (
        lambda: _ome(tiff.ome_metadata or ""),
        lambda: _imagej(tiff, page),
        lambda: _zeiss_sem(tiff.sem_metadata or {}),
        lambda: _fei(tiff.fei_metadata or {}),
        lambda: _olympus(tiff.sis_metadata or {}),
        lambda: _metamorph(tiff.metaseries_metadata or {}),
        lambda: _micro_manager(page.tags.valueof(51123)),
        lambda: _resolution(page, RESOLUTION_UNIT_UM.get(_whole(page.tags.valueof(296, 2)), 0.0)),
    )
    return next((size for way in ways if (size := way()) is not None), None)


def plausible(width_um: float, height_um: float) -> Pair | None:
    """The pair, where its width can be that of a microscope's pixel."""
    return (width_um, height_um) if FINEST_TAG_UM <= width_um <= COARSEST_TAG_UM else None


def _ome(xml: str) -> Pair | None:
    sizes = []
    for axis in "XY":
        size = re.search(rf'PhysicalSize{axis}="([^"]+)"', xml)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]+)"', xml)
        sizes.append(_number(size[1]) * MICROMETRES.get(unit[1] if unit else "µm", 0.0) if size else 0.0)
    width, height = sizes
    return plausible(width, height or width)


def _imagej(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Pair | None:
    said = str((tiff.imagej_metadata or {}).get("unit", "")).replace("\\u00B5", "µ")
    return _resolution(page, MICROMETRES.get(said, 0.0))


def _zeiss_sem(said: Mapping[str, Any]) -> Pair | None:
    """SmartSEM (tag 34118): ("Image Pixel Size", 111.6, "nm"), the stored image's before the screen's."""
    for key in ("ap_image_pixel_size", "ap_pixel_size"):
        _, size, unit = (*said.get(key, ()), 0.0, "", "")[:3]
        width = _number(size) * MICROMETRES.get(str(unit), 0.0)
        if pair := plausible(width, width):
            return pair
    return None


def _fei(said: Mapping[str, Any]) -> Pair | None:
    """FEI and Thermo Fisher (tags 34680, 34682): PixelWidth and PixelHeight of [Scan] or [EScan], in metres."""
    for key in ("Scan", "EScan"):
        scan = said.get(key)
        if isinstance(scan, Mapping):
            width, height = (_number(scan.get(name)) * 1e6 for name in ("PixelWidth", "PixelHeight"))
            if pair := plausible(width, height or width):
                return pair
    return None


def _olympus(said: Mapping[str, Any]) -> Pair | None:
    """Olympus SIS and cellSens (tag 33560), in metres."""
    width, height = (_number(said.get(name)) * 1e6 for name in ("pixelsizex", "pixelsizey"))
    return plausible(width, height or width)


def _metamorph(said: Mapping[str, Any]) -> Pair | None:
    plane = said.get("PlaneInfo")
    if not isinstance(plane, Mapping):
        return None
    unit = MICROMETRES.get(str(plane.get("spatial-calibration-units")), 0.0)
    width, height = (_number(plane.get(f"spatial-calibration-{axis}")) * unit for axis in "xy")
    return plausible(width, height or width)


def _micro_manager(said: object) -> Pair | None:
    """Micro-Manager (tag 51123): 0 where it was not calibrated."""
    width = _number(said.get("PixelSizeUm")) if isinstance(said, Mapping) else 0.0
    return plausible(width, width)


def _resolution(page: tifffile.TiffPage, unit_um: float) -> Pair | None:
    """Pixels per unit, in the tags XResolution and YResolution."""
    across, down = page.resolution
    if 282 not in page.tags or across <= 0:
        return None
    return plausible(unit_um / across, unit_um / (down if 283 in page.tags and down > 0 else across))


def _number(said: object) -> float:
    """A number as it was typed; 0, which is no size, for anything else."""
    try:
        return float(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0


def _whole(said: object) -> int:
    return int(_number(said))
