"""Reports for people: one HTML file each, with every picture inside, readable offline and on paper.

`prediction_report` is for the person who brings micrographs, `training_report` (in `run_report`) for the one who
trains on a campaign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ratescope.evaluation.figures import SPREAD_LABEL, rate_panels_svg
from ratescope.evaluation.held_out import HELD_OUT, UNIT_HELD_OUT, HeldOutErrors
from ratescope.evaluation.overlay import influence_limit, influence_over_crop
from ratescope.evaluation.pages import anchor_of, template
from ratescope.evaluation.panels import Panel, panels
from ratescope.evaluation.pictures import jpeg_uri, mosaic, svg_uri
from ratescope.evaluation.preparation_page import common_folder
from ratescope.records import Finding, Prediction, Prepared
from ratescope.units import CAPACITY_NAME, UNIT_OF, Capacity

MAP_WIDTH_PX = 448  # our choice: two beside each other on a page, some 15 kB each


@dataclass(frozen=True, eq=False)
class MicrographPage:
    """What the report shows of one micrograph.

    Attributes
    ----------
    predictions : mapping from capacity to Prediction
        Of the prepared sections, in their order; empty where all were refused.
    maps : mapping from capacity to float array, shape (sections, rates, map rows, map columns)
        Signed attributions of the prepared sections; may be empty.
    simulated : bool
        Whether the networks learned from simulated micrographs: then the figures say so.
    shown_as : str
        What the report calls the micrograph, from `shown_names`; its file's name where nothing is given.
    """

    prepared: Prepared
    predictions: Mapping[Capacity, Prediction]
    maps: Mapping[Capacity, NDArray[np.floating[Any]]] = field(default_factory=dict)
    simulated: bool = False
    shown_as: str = ""

    @property
    def name(self) -> str:
        """The name in headings and tables."""
        return self.shown_as or _folders_and_name(self.prepared.file)[-1]


@dataclass(frozen=True, eq=False)
class SummaryRow:
    """One line of the table over all micrographs; the panels hold means over its sections."""

    name: str
    anchor: str
    reasons: tuple[Finding, ...]
    sections_prepared: int
    sections_refused: int
    thickness_um: float | None
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class ModelCard:
    """Which ensemble predicted, in words.

    Attributes
    ----------
    learned_from : str
        A phrase such as "45 simulated micrographs of five electrodes".
    limits : tuple of str
        Where not to trust it, a sentence each.
    errors : tuple of HeldOutErrors
        How far its single networks erred on what was held out, for each capacity where that is known.
    afterwards : tuple of HeldOutErrors
        How far the mean of its networks erred on electrodes that none of them knew, where that was asked.
    """

    name: str
    learned_from: str
    networks: int
    capacities: tuple[Capacity, ...]
    simulated: bool
    limits: tuple[str, ...] = ()
    errors: tuple[HeldOutErrors, ...] = ()
    afterwards: tuple[HeldOutErrors, ...] = ()


@dataclass(frozen=True, eq=False)
class MapRow:
    """The attributions of one crop for one capacity: pictures by C-rate, on one scale from −limit to limit."""

    quantity: str
    unit: str
    limit: float
    pictures: tuple[tuple[float, str], ...]


@dataclass(frozen=True, eq=False)
class SectionCard:
    """One prepared section: its crop and the attributions over it."""

    index: int
    crop: str
    maps: tuple[MapRow, ...]


def shown_names(files: Sequence[str]) -> dict[str, str]:
    """By file, what a report calls it: its name, or where names repeat, the path below the folder that all share.

    >>> shown_names(["/data/march/a.tif", "/data/april/a.tif", "/data/april/b.tif"])
    {'/data/march/a.tif': 'march/a.tif', '/data/april/a.tif': 'april/a.tif', '/data/april/b.tif': 'b.tif'}
    """
    often = Counter(_folders_and_name(file)[-1] for file in files)
    shared = len(common_folder(files))
    names = {file: _folders_and_name(file)[-1] for file in files}
    return {file: name if often[name] == 1 else file.replace("\\", "/")[shared:] for file, name in names.items()}


def summary_row(page: MicrographPage) -> SummaryRow:
    """The line of one micrograph in the table at the top: small, to keep while its pixels are forgotten."""
    prepared = page.prepared
    refused = sum(section.status == "refused" for section in prepared.sections)
    return SummaryRow(
        name=page.name,
        anchor=anchor_of(prepared.file),
        reasons=prepared.reasons,
        sections_prepared=len(prepared.sections) - refused,
        sections_refused=refused,
        thickness_um=prepared.coating.thickness_um if prepared.coating else None,
        panels=panels(prepared, page.predictions),
    )


def micrograph_fragment(page: MicrographPage) -> str:
    """The chapter of one micrograph, to be made while its pixels are at hand and joined by `prediction_report`."""
    shown = panels(page.prepared, page.predictions)
    return template("micrograph.html").render(
        prepared=page.prepared,
        name=page.name,
        networks=next((len(answer.by_network) for answer in page.predictions.values()), 0),
        anchor=anchor_of(page.prepared.file),
        simulated=page.simulated,
        mosaic=mosaic(page.prepared),
        panels=shown,
        curves=svg_uri(rate_panels_svg(shown)) if shown else None,
        cards=_section_cards(page),
        refused=[section for section in page.prepared.sections if section.status == "refused"],
        spread_label=SPREAD_LABEL,
    )


def prediction_report(
    fragments: Iterable[str],
    rows: Sequence[SummaryRow],
    *,
    model: ModelCard,
    micrographs_simulated: bool = False,
    title: str = "Predicted rate curves",
) -> Iterator[str]:
    """The whole report: what predicted and how to read it, a table over all micrographs, then their chapters.

    It comes in pieces, and takes one fragment at a time, because hundreds of chapters fill the memory.

    Parameters
    ----------
    fragments : of text
        From `micrograph_fragment`, in whatever pieces.
    rows : of SummaryRow
        From `summary_row`, in the same order.
    micrographs_simulated : bool
        Whether the micrographs themselves are simulated, as the bundled ones are: then the report says so at its top.
    """
    return template("prediction.html").generate(
        title=title,
        model=model,
        micrographs_simulated=micrographs_simulated,
        rows=rows,
        # Their text was escaped when `micrograph_fragment` made them.
        fragments=(Markup(fragment) for fragment in fragments),  # noqa: S704
        columns=next((row.panels for row in rows if row.panels), ()),
        refused=[row for row in rows if not row.sections_prepared],
        spread_label=SPREAD_LABEL,
        capacity_name=CAPACITY_NAME,
        unit_held_out=UNIT_HELD_OUT,
        held_out=HELD_OUT,
    )


def _folders_and_name(file: str) -> list[str]:
    return file.replace("\\", "/").split("/")  # a report may be read on another system than wrote it


def _section_cards(page: MicrographPage) -> list[SectionCard]:
    """A card per prepared section; the maps of one capacity share their scale over the sections."""
    crops = [(section.index, section.crop) for section in page.prepared.sections if section.crop is not None]
    limits = {capacity: influence_limit(maps) for capacity, maps in page.maps.items() if maps.size}
    return [
        SectionCard(index, jpeg_uri(crop), tuple(_map_row(page, position, crop, *scale) for scale in limits.items()))
        for position, (index, crop) in enumerate(crops)
    ]


def _map_row(page: MicrographPage, position: int, crop: NDArray[np.uint8], capacity: Capacity, limit: float) -> MapRow:
    """The slowest and the fastest discharge (our choice, to keep the file small)."""
    rates, maps = page.predictions[capacity].c_rates_per_h, page.maps[capacity][position]
    pictures = tuple(
        (float(rates[rate]), jpeg_uri(influence_over_crop(crop, maps[rate], limit), width=MAP_WIDTH_PX))
        for rate in (0, -1)
    )
    return MapRow(CAPACITY_NAME[capacity], UNIT_OF[capacity], limit, pictures)
