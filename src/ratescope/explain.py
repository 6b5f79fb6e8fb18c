"""Where the networks looked: signed maps of influence, as numbers and as pictures (section 2.7)."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.attribution.maps import METHODS, Method, ensemble_maps
from ratescope.campaign.micrograph_files import MicrographFile, micrograph_files
from ratescope.errors import InputError
from ratescope.evaluation.figures import attribution_png
from ratescope.evaluation.map_caption import MapCaption, map_caption
from ratescope.evaluation.report import shown_names
from ratescope.files import prepare_folder, write_bytes, write_json
from ratescope.imaging.reading import check_pixel_size
from ratescope.network.ensemble import Ensemble
from ratescope.network.facts import BEYOND, TOLD, Known, check_facts, tell
from ratescope.predict import model_card, prepared_of, read_model
from ratescope.records import OnProgress, Prepared, Section, no_progress
from ratescope.units import UNIT_OF, Capacity
from ratescope.written import Written

SCHEMA = 1


def explain_files(
    paths: Sequence[Path],
    out: Path,
    *,
    model: Path | None = None,
    crops_given: bool = False,
    methods: Sequence[Method] = METHODS,
    capacity: Capacity | None = None,
    section: int | None = None,
    size_px: int = 7,
    stride_px: int = 7,
    pixel_size_um: float | None = None,
    facts: Known | None = None,
    on_progress: OnProgress = no_progress,
) -> Written:
    """Maps of micrographs (or crops) into a folder: one .npy and one picture per section, capacity and method.

    Parameters
    ----------
    capacity : "specific" or "density", optional
        Both if not named.
    section : int, optional
        That section only, counted from 0; all if not named.
    size_px, stride_px : int
        Of the occluding square (section 2.7: 7 and 7).
    facts : mapping of name to number, optional
        What the networks are told of every micrograph, as in `ratescope.predict.predict_files`.
    """
    if size_px < 1 or stride_px < 1:
        raise InputError(
            f"the occluding square has size {size_px} and stride {stride_px} px, but both must be at least 1. "
            "Give --size-px and --stride-px so, or leave them out."
        )
    check_pixel_size(pixel_size_um)
    files = micrograph_files(paths, pixel_size_um)
    ensembles = read_model(model)
    chosen = {name: e for name, e in ensembles.items() if capacity in {None, name}}
    if not chosen:
        raise InputError(
            f"{model} has no networks for {capacity}, only for {', '.join(ensembles)}. Choose one of these."
        )
    given = dict(facts or {})
    check_facts(chosen, given, [file.facts for file in files], crops_given=crops_given)
    prepare_folder(out)
    written = Written(out, inputs=len(files))
    maps: list[dict[str, Any]] = []
    remarks: list[dict[str, str]] = []
    card, names = model_card(chosen, model), shown_names([file.name for file in files])
    for file in files:
        words = partial(
            map_caption,
            micrograph=f"{'simulated micrograph ' if file.simulated else ''}{names[file.name]}",
            model=card.name,
            learned_from=card.learned_from,
            simulated=card.simulated,
        )
        prepared, told = tell(prepared_of(file, crops_given), chosen, file.facts | given)
        if prepared.status == "refused":
            written.refused[file.name] = " ".join(reason.text for reason in prepared.reasons)
            continue
        remarks += [{"file": file.name, **asdict(said)} for said in prepared.findings if said.code in {TOLD, BEYOND}]
        for part in _sections(prepared, section):
            of_part = partial(words, section=None if crops_given else part.index)
            maps += _explain_section(part, file, told, methods, (size_px, stride_px), of_part, out, on_progress)
    if section is not None and not maps and len(written.refused) < len(files):
        raise InputError(f"no micrograph has a prepared section {section}. Leave --section out to see all of them.")
    refused = [{"file": name, "reason": reason} for name, reason in written.refused.items()]
    write_json(out / "explain.json", {"schema": SCHEMA, "maps": maps, "refused": refused, "remarks": remarks})
    written.remarks = [f"{said['file']}: {said['text']}" for said in remarks if said["code"] == BEYOND]
    written.files = [out / "explain.json", *(out / entry["picture"] for entry in maps)]
    return written


def _sections(prepared: Prepared, index: int | None) -> list[Section]:
    return [s for s in prepared.sections if s.crop is not None and index in {None, s.index}]


def _explain_section(
    section: Section,
    file: MicrographFile,
    ensembles: Mapping[Capacity, Ensemble],
    methods: Sequence[Method],
    occluder: tuple[int, int],
    words: Callable[..., MapCaption],
    out: Path,
    on_progress: OnProgress,
) -> list[dict[str, Any]]:
    assert section.crop is not None  # noqa: S101  chosen so by the caller
    entries = []
    size_px, stride_px = occluder
    for capacity, ensemble in ensembles.items():
        for method in methods:
            what = f"{file.path.name} section {section.index}: {method}, {capacity}"
            on_progress(0, 1, what)
            maps = ensemble_maps(
                ensemble,
                section.crop[np.newaxis],
                method,
                size_px=size_px,
                stride_px=stride_px,
                on_progress=on_progress,
            )[0]
            stem = f"{file.stem}_s{section.index}_{capacity}_{method}"
            write_bytes(out / f"{stem}.npy", _npy(maps))
            unit = UNIT_OF[capacity]
            caption = words(
                method,
                capacity,
                networks=len(ensemble.networks),
                size_px=size_px,
                stride_px=stride_px,
            )
            picture = attribution_png(section.crop, maps, ensemble.c_rates_per_h, unit, caption=caption)
            write_bytes(out / f"{stem}.png", picture)
            entries.append(
                {
                    "file": file.name,
                    "section": section.index,
                    "capacity": capacity,
                    "method": method,
                    "unit": unit if method == "occlusion" else f"{unit}, relative",
                    "c_rates_per_h": [float(rate) for rate in ensemble.c_rates_per_h],
                    "shape": list(maps.shape),
                    "networks": len(ensemble.networks),
                    "map": f"{stem}.npy",
                    "picture": f"{stem}.png",
                }
                | ({"size_px": size_px, "stride_px": stride_px} if method == "occlusion" else {})
            )
    return entries


def _npy(array: NDArray[np.float32]) -> bytes:
    content = io.BytesIO()
    np.save(content, array.astype(np.float32), allow_pickle=False)
    return content.getvalue()
