"""What ``ratescope prepare`` writes: the crops as PNG, and ``prepared.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from ratescope.files import whole_file
from ratescope.imaging.descriptors import porosity_by_recipe
from ratescope.records import Box, Coating, Collector, Descriptors, Finding, Prepared, Section

SCHEMA = 1


def write_crops(
    out: Path, prepared: Prepared, stem: str, *, active_volume_share: float | None = None
) -> dict[str, Any]:
    """Write the crops of one micrograph as ``{stem}_s{index}.png``; returns its entry in ``prepared.json``."""
    return prepared_entry(prepared, _write_crops(out, stem, prepared), active_volume_share=active_volume_share)


def _write_crops(out: Path, stem: str, prepared: Prepared) -> dict[int, str]:
    names = {}
    for section in prepared.sections:
        if section.crop is not None:
            names[section.index] = f"{stem}_s{section.index}.png"
            with whole_file(out / names[section.index]) as part:
                Image.fromarray(section.crop).save(part)
    return names


def prepared_entry(
    prepared: Prepared, crop_names: Mapping[int, str], *, active_volume_share: float | None = None
) -> dict[str, Any]:
    """One micrograph's entry in ``prepared.json``; all coordinates are (row, column) pixels at the file's own scale.

    Parameters
    ----------
    crop_names : section index → file name of its crop
    active_volume_share : float, optional
        Of the solid's volume; with it, the dark share becomes a porosity.
    """
    dark_shares = _dark_shares(prepared)
    return {
        "file": prepared.file,
        "status": prepared.status,
        "reasons": _findings(prepared.reasons),
        "findings": _findings(prepared.findings),
        "pixel_size_um": prepared.pixel_size_um,
        "collector": _collector(prepared.collector),
        "coating": _coating(prepared.coating),
        "other_coating": _coating(prepared.other_coating),
        "level_to_file": None if prepared.level_to_file is None else prepared.level_to_file.tolist(),
        "descriptors": _descriptors(prepared.descriptors, active_volume_share),
        "burnt_in": [_box(box) for box in prepared.burnt_in],
        "sections": [
            _section(section, crop_names.get(section.index), dark_shares.get(section.index))
            for section in prepared.sections
        ],
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]


def _collector(collector: Collector | None) -> dict[str, Any] | None:
    if collector is None:
        return None
    keys = ("row_left", "row_right", "tilt_deg", "coating_side", "confidence")
    return {key: getattr(collector, key) for key in keys}


def _coating(coating: Coating | None) -> dict[str, Any] | None:
    if coating is None:
        return None
    keys = ("thickness_um", "thickness_sd_um", "thickness_p95_um")
    return {**_box(coating.box), **{key: getattr(coating, key) for key in keys}}


def _dark_shares(prepared: Prepared) -> dict[int, float]:
    """By section index."""
    if prepared.descriptors is None:
        return {}
    indices = (section.index for section in prepared.sections if section.crop is not None)
    return dict(zip(indices, prepared.descriptors.dark_shares.tolist(), strict=True))


def _descriptors(seen: Descriptors | None, active_volume_share: float | None) -> dict[str, Any] | None:
    """Lengths in µm, shares from 0 to 1; a key that ends in ``_se`` is the standard error of the one before it."""
    if seen is None:
        return None
    numbers: dict[str, float | int] = {"dark_share": seen.dark_share, "dark_share_se": seen.standard_error}
    if active_volume_share is not None:
        numbers["porosity"] = porosity_by_recipe(seen.dark_share, active_volume_share)
        numbers["porosity_se"] = seen.standard_error / active_volume_share
    if seen.grain_sizes is not None:
        for name in ("d10", "d50", "d90"):
            numbers[f"{name}_um"] = getattr(seen.grain_sizes, f"{name}_um")
            numbers[f"{name}_um_se"] = getattr(seen.grain_sizes, f"{name}_error_um")
        numbers["profiles"] = seen.grain_sizes.profiles
    numbers |= {
        "crops": len(seen.dark_shares),
        "crops_needed": seen.crops_needed,
        "micrographs_needed": seen.micrographs_needed,
    }
    return {name: round(number, 5) for name, number in numbers.items()}


def _section(section: Section, crop: str | None, dark_share: float | None) -> dict[str, Any]:
    return {
        "index": section.index,
        "status": section.status,
        "reasons": _findings(section.reasons),
        "box": None if section.box is None else _box(section.box),
        "crop": crop,
        "dark_share": None if dark_share is None else round(dark_share, 5),
    }


def _box(box: Box) -> dict[str, float]:
    return {key: round(float(value), 3) for key, value in asdict(box).items()}
