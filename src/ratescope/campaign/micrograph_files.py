"""Which micrographs paths name: files, folders, patterns or campaigns; what each goes by, and is as prepared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ratescope.campaign.crop_facts import facts_in_sheets
from ratescope.campaign.sheets import is_campaign, read_campaign
from ratescope.errors import InputError, MicrographError
from ratescope.files import printable
from ratescope.imaging.prepare import prepare_file
from ratescope.imaging.reading import find_micrograph_files, matching_paths, read_crop
from ratescope.records import Finding, Prepared, Section
from ratescope.settings import PrepareSettings
from ratescope.units import active_volume_share


@dataclass(frozen=True)
class MicrographFile:
    """A micrograph to be prepared.

    Attributes
    ----------
    name, stem : str
        What it goes by, made printable; the stem names its crops.
    pixel_size_um : float, optional
        Where the caller knows it better than the file.
    otherwise_um : float, optional
        The campaign's pixel size: where the file says nothing.
    active_volume_share : float, optional
        Of the solid's volume, where a campaign tells the recipe.
    facts : dict
        What a campaign's sheets say of its electrode, by name (`ratescope.facts`).
    electrode, specimen : str
        Their names, where a campaign tells them.
    simulated : bool
        Whether it is known to be, from its campaign.
    """

    path: Path
    name: str
    stem: str
    pixel_size_um: float | None = None
    otherwise_um: float | None = None
    active_volume_share: float | None = None
    facts: dict[str, float] = field(default_factory=dict)
    electrode: str = ""
    specimen: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        for part in ("name", "stem"):
            object.__setattr__(self, part, printable(getattr(self, part)))


def micrograph_files(
    paths: Sequence[Path], pixel_size_um: float | None = None, *, crops: bool = False
) -> list[MicrographFile]:
    """The micrographs that paths name: files, folders, or campaigns (whose sheets give the pixel size).

    With ``crops``, folders that ``ratescope prepare`` wrote give their crops. Where several campaigns are named, files
    and electrodes go by their campaign's path too, as both may have a 0MPa.

    Raises
    ------
    InputError
        If a path does not exist, or there is no micrograph at all.
    """
    found: list[MicrographFile] = []
    all_paths = matching_paths(map(Path, paths))
    campaigns = [path for path in all_paths if path.is_dir() and is_campaign(path)]
    for path in all_paths:
        if path in campaigns:
            campaign = read_campaign(path, may_lack_files=True)
            before = f"{path.as_posix()}/" if len(campaigns) > 1 else ""
            share = active_volume_share(campaign.facts.weight_fractions, campaign.facts.densities_g_per_cm3)
            found.extend(
                MicrographFile(
                    m.path,
                    before + m.file,
                    m.path.stem,
                    pixel_size_um,
                    m.pixel_size_um or campaign.facts.pixel_size_um,
                    share,
                    facts_in_sheets(campaign.electrodes[m.electrode]),
                    before + m.electrode,
                    m.specimen,
                    campaign.facts.simulated,
                )
                for m in campaign.micrographs
            )
        else:
            found.extend(
                MicrographFile(f, str(f), f.stem, pixel_size_um) for f in find_micrograph_files([path], crops=crops)
            )
    once = {file.path.resolve(): file for file in found}
    if not once:
        raise InputError(
            f"no micrograph in {', '.join(map(str, paths))}. Name TIFF, PNG or JPEG files or their folder."
        )
    return _with_own_stems(list(once.values()))


def _with_own_stems(files: Sequence[MicrographFile]) -> list[MicrographFile]:
    """Where two files share a stem, as many folders as needed are put before it."""
    stems = [file.stem for file in files]
    depth = 1
    while depth < 20 and len(set(stems)) < len(stems):
        depth += 1
        often = Counter(stems)
        stems = [
            "_".join([*file.path.resolve().parts[1:-1][1 - depth :], file.path.stem]) if often[stem] > 1 else stem
            for stem, file in zip(stems, files, strict=True)
        ]
    if len(set(stems)) < len(stems):  # one folder holds a.tif and a.png
        stems = [f"{stem}_{file.path.suffix[1:]}" for stem, file in zip(stems, files, strict=True)]
    return [replace(file, stem=stem) for stem, file in zip(stems, files, strict=True)]


def prepared_of(file: MicrographFile, settings: PrepareSettings, crops_given: bool) -> Prepared:
    """A micrograph as it is prepared, under the name that sheets give it; a crop as it is."""
    if crops_given:
        return _crop_as_prepared(file)
    prepared = prepare_file(file.path, settings, file.pixel_size_um, file.otherwise_um)
    return replace(prepared, file=file.name)


def _crop_as_prepared(file: MicrographFile) -> Prepared:
    """A file that is a crop already, as a micrograph with one section."""
    try:
        crop = read_crop(file.path)
    except MicrographError as error:
        reason = (Finding(error.code, error.text),)
        return Prepared(file.name, "refused", None, reasons=reason)
    section = Section(0, "prepared", crop=crop.pixels)
    return Prepared(file.name, "prepared", crop.pixel_size_um, findings=crop.findings, sections=(section,))
