"""Micrograph → crops: the stages in order, with every intermediate kept for display (sections 2.2 and 2.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratescope.errors import MicrographError
from ratescope.facts import SURFACE_NOT_SEEN
from ratescope.imaging.artefacts import judge_crop
from ratescope.imaging.burnt_in import find_boxes
from ratescope.imaging.coating import find_coating
from ratescope.imaging.collector import find_collector, seen_from_behind
from ratescope.imaging.descriptors import describe_crops
from ratescope.imaging.grey import grey_of
from ratescope.imaging.ink import coloured_boxes
from ratescope.imaging.levelling import Level, level
from ratescope.imaging.panel import panel_of
from ratescope.imaging.quality import check_field, check_grains, findings_of, is_coated, look_inside
from ratescope.imaging.reading import read_micrograph
from ratescope.imaging.sections import cut_sections
from ratescope.records import Box, Coating, Collector, Finding, Micrograph, Prepared, Section
from ratescope.settings import PrepareSettings

Panel = tuple[slice, slice]


def prepare_file(
    path: Path,
    settings: PrepareSettings,
    pixel_size_um: float | None = None,
    otherwise_um: float | None = None,
) -> Prepared:
    """Read and prepare one file; a file that cannot be read is refused with the reason.

    ``pixel_size_um`` wins over what the file says, ``otherwise_um`` counts where it says nothing.
    """
    try:
        micrograph = read_micrograph(path, pixel_size_um=pixel_size_um, otherwise_um=otherwise_um)
    except MicrographError as error:
        return Prepared(str(path), "refused", pixel_size_um, (Finding(error.code, error.text),))
    return prepare(micrograph, settings)


def prepare(micrograph: Micrograph, settings: PrepareSettings) -> Prepared:
    """Find the collector, level, bound the coating, cut the sections.

    Nothing is raised for a bad picture: what goes wrong is the reason of a refusal, beside what was found before it.
    """
    prepared = Prepared(
        micrograph.file,
        "refused",
        micrograph.pixel_size_um,
        findings=micrograph.findings,
        pixels=micrograph.pixels,
    )
    try:
        grey = grey_of(micrograph.pixels)
        panel = panel_of(grey)
        seen, grey = replace(micrograph, pixels=micrograph.pixels[panel]), np.ascontiguousarray(grey[panel])
        check_field(seen, settings)
        boxes, coloured = find_boxes(grey), coloured_boxes(seen.pixels)
        burnt_in = (*boxes, *coloured)
        prepared = replace(prepared, burnt_in=tuple(_box_in_file(box, panel) for box in burnt_in))
        # Not the coloured ones: dashes that mark the foil would hide all of it.
        collector = find_collector(grey, seen.pixel_size_um, settings, burnt_in=boxes)
        prepared = replace(prepared, collector=_in_file(collector, panel, micrograph))
        collector, levelled, coating, other = _coatings(grey, seen.pixel_size_um, collector, settings, burnt_in)
        inside = look_inside(levelled, coating)
        prepared = replace(
            prepared,
            collector=_in_file(collector, panel, micrograph),
            level_to_file=levelled.to_file + np.array([[0.0, 0.0, panel[0].start], [0.0, 0.0, panel[1].start]]),
            coating=coating,
            other_coating=other,
            findings=(*micrograph.findings, *findings_of(levelled, collector, coating, inside)),
        )
        check_grains(inside, settings)
        _check_surface(coating, collector)
    except MicrographError as error:
        return replace(prepared, reasons=(Finding(error.code, error.text),))
    judge = partial(judge_crop, pore_grey=inside.pore_grey, settings=settings)
    prepared = replace(prepared, sections=cut_sections(seen, coating, levelled.to_file, settings, judge))
    if not len(prepared.crops):
        return replace(prepared, reasons=(_nothing_usable(prepared.sections),))
    return _described(replace(prepared, status="prepared"), coating, settings)


def _described(prepared: Prepared, coating: Coating, settings: PrepareSettings) -> Prepared:
    size_um, thickness_um = settings.network_pixel_size_um, coating.thickness_um
    try:
        return replace(prepared, descriptors=describe_crops(prepared.crops, size_um, thickness_um=thickness_um))
    except MicrographError as error:
        return replace(prepared, findings=(*prepared.findings, Finding(error.code, error.text)))


def _box_in_file(box: Box, panel: Panel) -> Box:
    down, right = panel[0].start, panel[1].start
    return Box(box.top + down, box.bottom + down, box.left + right, box.right + right)


def _coatings(
    grey: NDArray[np.uint8],
    pixel_size_um: float,
    collector: Collector,
    settings: PrepareSettings,
    burnt_in: Sequence[Box],
) -> tuple[Collector, Level, Coating, Coating | None]:
    """The thicker coating with its side of the foil, and the other one where the foil is coated on both sides."""
    levelled = level(grey, pixel_size_um, collector.tilt_deg)
    coating = find_coating(levelled, collector, settings, burnt_in=burnt_in)
    behind = seen_from_behind(collector)
    if behind is None or not is_coated(levelled, collector, behind):
        return collector, levelled, coating, None
    try:
        other = find_coating(levelled, behind, settings, burnt_in=burnt_in)
    except MicrographError:  # a sliver at the image border
        return collector, levelled, coating, None
    if other.thickness_um <= coating.thickness_um:
        return collector, levelled, coating, other
    levelled = level(grey, pixel_size_um, behind.tilt_deg)
    return (
        behind,
        levelled,
        find_coating(levelled, behind, settings, burnt_in=burnt_in),
        find_coating(levelled, collector, settings, burnt_in=burnt_in),
    )


def _check_surface(coating: Coating, collector: Collector) -> None:
    """Refuse what shows neither the coating's surface nor the whole foil: it could be anything with an edge."""
    if coating.is_cut and collector.far_edge_rows is None:
        raise MicrographError(
            SURFACE_NOT_SEEN,
            "the image cuts both the coating and the foil. Photograph the electrode from the resin to the foil.",
        )


def _in_file(collector: Collector, panel: Panel, micrograph: Micrograph) -> Collector:
    """The collector of a panel in the file's pixels: its line goes on over the margins, its edges do not."""
    down, columns = panel[0].start, micrograph.pixels.shape[1]
    slope = np.tan(np.radians(collector.tilt_deg))

    def widened(edge: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.pad(edge + down, (panel[1].start, columns - panel[1].stop), constant_values=np.nan)

    far = collector.far_edge_rows
    return replace(
        collector,
        row_left=collector.row_left + down - slope * panel[1].start,
        row_right=collector.row_right + down + slope * (columns - panel[1].stop),
        edge_rows=widened(collector.edge_rows),
        far_edge_rows=None if far is None else widened(far),
    )


def _nothing_usable(sections: Sequence[Section]) -> Finding:
    if not sections:
        return Finding(
            "no-section",
            "foil and surface are seen together over less than the width of one crop. Take a wider mosaic.",
        )
    often = Counter(reason.code for section in sections for reason in section.reasons)
    said = ", ".join(f"{count} {code}" for code, count in often.most_common())
    first = sections[0].reasons[0].text
    return Finding("no-section", f"none of the {len(sections)} sections can be used ({said}). In the first, {first}")
