"""The story of a look at many micrographs: they go in, crops come out, and a page shows what was dropped and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratescope.campaign.micrograph_files import micrograph_files
from ratescope.campaign.prepared_folder import Entry, prepare_all
from ratescope.errors import InputError
from ratescope.evaluation.contact_sheet import write_contact_sheets
from ratescope.evaluation.preparation_page import preparation_page
from ratescope.files import write_csv, write_text
from ratescope.imaging.quality import doubts_of_scale
from ratescope.imaging.reading import check_pixel_size
from ratescope.records import Finding, OnProgress, no_progress
from ratescope.settings import Settings

DESCRIPTOR_COLUMNS = (
    *("file", "electrode", "specimen", "status", "thickness_um", "thickness_sd_um", "thickness_p95_um", "crops"),
    *("dark_share", "dark_share_se", "porosity", "porosity_se", "crops_needed", "micrographs_needed"),
    *("d10_um", "d10_um_se", "d50_um", "d50_um_se", "d90_um", "d90_um_se", "profiles"),
)


@dataclass(frozen=True)
class PreparedFolder:
    """What `prepare_micrographs` made of its micrographs.

    Attributes
    ----------
    files : tuple of Path
        What it wrote beside crops and pictures; the page for people first.
    entries : tuple of dict
        Of ``prepared.json``, in the micrographs' order.
    """

    files: tuple[Path, ...]
    entries: tuple[Entry, ...]

    @property
    def refused(self) -> dict[str, str]:
        """Why micrographs were refused, in words, by file."""
        refused = (entry for entry in self.entries if entry["status"] == "refused")
        return {entry["file"]: " ".join(reason["text"] for reason in entry["reasons"]) for entry in refused}

    @property
    def remarks(self) -> list[str]:
        """What to mind of micrographs that were prepared: where their scale is in doubt, every number is."""
        return [
            f"{entry['file']}: {doubt.text}"
            for entry in self.entries
            if entry["status"] == "prepared"
            for doubt in doubts_of_scale(Finding(**finding) for finding in entry["findings"])
        ]

    @property
    def crops(self) -> int:
        """How many crops there are."""
        return sum(section["status"] == "prepared" for entry in self.entries for section in entry["sections"])


def prepare_micrographs(
    paths: Sequence[Path],
    out: Path,
    *,
    pixel_size_um: float | None = None,
    jobs: int = 1,
    on_progress: OnProgress = no_progress,
) -> PreparedFolder:
    """Prepare files, folders or campaigns into a folder: crops, what was found, pictures, contact sheets and a page.

    What stands from an earlier call and still holds is taken over: neither prepared nor drawn again.

    Parameters
    ----------
    pixel_size_um : float, optional
        Wins over the files' own.
    jobs : int
        How many micrographs at once.

    Raises
    ------
    InputError
        If a path does not exist, there is no micrograph at all, the pixel size is no length, or ``out`` would lose one.
    CampaignError
        If a path is a campaign whose sheets are wrong.
    OutputError
        If the folder cannot be written.
    """
    check_pixel_size(pixel_size_um)
    files = micrograph_files(paths, pixel_size_um)  # campaign/micrograph_files.py
    _keep_originals([file.path for file in files], out)
    entries = prepare_all(files, out, Settings().prepare, jobs=jobs, on_progress=on_progress)
    simulated = any(file.simulated for file in files)
    shown = show_preparation(out, entries, simulated=simulated, on_progress=on_progress)
    return PreparedFolder((*shown, out / "prepared.json"), tuple(entries))


def _keep_originals(originals: Sequence[Path], out: Path) -> None:
    """Refuse an output folder where what is written would replace a micrograph, or be taken for one."""
    stems, folder = {path.stem for path in originals}, out.resolve()
    for path in originals:
        parent = path.resolve().parent
        written = re.fullmatch(r"(?P<of>.+)_s\d+\.png", path.name)
        is_named_so = (written and written["of"] in stems) or path.name.startswith("contact_sheet")
        if is_named_so and parent == folder:
            raise InputError(f"{path} would be replaced by what is written to {out}. Choose another --out.")
        if parent == folder / "pictures":
            raise InputError(f"{path} lies where {out} keeps the pictures that are drawn. Choose another --out.")


def show_preparation(
    out: Path, entries: Sequence[Entry], *, simulated: bool = False, on_progress: OnProgress = no_progress
) -> tuple[Path, ...]:
    """Write the page, contact sheets and ``descriptors.csv`` from what lies in ``out``: no micrograph is needed.

    Parameters
    ----------
    entries : of the ``prepared.json`` in ``out``
    """
    sheets = write_contact_sheets(out, entries, on_progress=on_progress)  # evaluation/contact_sheet.py
    on_progress(len(sheets), len(sheets), "contact sheets")
    page = preparation_page(entries, sheets=[sheet.name for sheet in sheets], simulated=simulated)
    write_text(out / "preparation.html", page)
    write_csv(out / "descriptors.csv", DESCRIPTOR_COLUMNS, [_described(entry) for entry in entries if entry["coating"]])
    return (out / "preparation.html", *sheets, out / "descriptors.csv")


def _described(entry: Entry) -> dict[str, Any]:
    """One row of ``descriptors.csv``; what cannot be known stays empty."""
    known = entry | entry["coating"] | (entry["descriptors"] or {})
    return {column: known.get(column) for column in DESCRIPTOR_COLUMNS}
