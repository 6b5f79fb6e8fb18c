"""Micrograph → crops: the stages in order, with every intermediate kept for display (sections 2.2 and 2.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ratescope.errors import MicrographError
from ratescope.imaging.coating import find_coating
from ratescope.imaging.collector import find_collector, seen_from_behind
from ratescope.imaging.grey import grey_of
from ratescope.imaging.levelling import level
from ratescope.imaging.quality import check_field, find_burnt_in, judge_crop
from ratescope.imaging.reading import read_micrograph
from ratescope.imaging.sections import cut_sections
from ratescope.records import Box, Coating, Collector, Finding, Micrograph, Prepared, Section
from ratescope.settings import PrepareSettings


def prepare_file(path: Path, settings: PrepareSettings, pixel_size_um: float | None = None) -> Prepared:
    """Read and prepare one file; a file that cannot be read is refused with the reason."""
    try:
        micrograph = read_micrograph(path, pixel_size_um=pixel_size_um)
    except MicrographError as error:
        return Prepared(str(path), "refused", pixel_size_um, (Finding(error.code, error.text),))
    return prepare(micrograph, settings)


def prepare(micrograph: Micrograph, settings: PrepareSettings) -> Prepared:
    """Find the collector, level, bound the coating, cut the sections; whatever fails is the reason of a refusal."""
    prepared = Prepared(micrograph.file, "refused", micrograph.pixel_size_um, findings=micrograph.findings)
    try:
        check_field(micrograph, settings)
        burnt_in = find_burnt_in(grey_of(micrograph.pixels))
        collector = find_collector(micrograph, settings, burnt_in=burnt_in)
        prepared = replace(prepared, collector=collector)
        levelled = level(micrograph, collector)
        prepared = replace(prepared, level_to_file=levelled.to_file, levelled=levelled.pixels)
        coating = find_coating(levelled, collector, settings)
    except MicrographError as error:
        return replace(prepared, reasons=(Finding(error.code, error.text),))
    sections = cut_sections(
        micrograph, coating, levelled.to_file, settings, lambda box, _crop: judge_crop(box, burnt_in)
    )
    prepared = replace(prepared, coating=coating, sections=sections)
    if not any(section.status == "prepared" for section in sections):
        return replace(prepared, reasons=(_no_section(sections),))
    return replace(prepared, status="prepared")


def _no_section(sections: tuple[Section, ...]) -> Finding:
    said = "; ".join(sorted({reason.text for section in sections for reason in section.reasons}))
    return Finding(
        "no-usable-section",
        f"none of {len(sections)} sections can be used: {said}" if said else
        "the coating is seen over less than the width of one crop (83 µm). Take a wider mosaic.",
    )
