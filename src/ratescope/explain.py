"""Where the networks looked: signed maps of influence, as numbers and as pictures (section 2.7)."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratescope.attribution.grad_ram import layer_named
from ratescope.attribution.maps import METHODS, Method, ensemble_maps
from ratescope.attribution.sanity import likeness, unlearned
from ratescope.campaign.micrograph_files import MicrographFile, micrograph_files, prepared_of
from ratescope.errors import InputError
from ratescope.evaluation.figures import attribution_png
from ratescope.evaluation.map_caption import MapCaption, map_caption
from ratescope.evaluation.report import shown_names
from ratescope.files import check_folder, write_bytes
from ratescope.imaging.reading import check_pixel_size
from ratescope.map_list import Entry, MapList, origin_of
from ratescope.model import model_card, prepare_settings, read_model
from ratescope.network.ensemble import Ensemble
from ratescope.network.facts import BEYOND, TOLD, Known, check_facts, tell
from ratescope.records import OnProgress, Prepared, Section, no_progress
from ratescope.units import UNIT_OF, Capacity
from ratescope.written import Written


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
    layer: str | None = None,
    pixel_size_um: float | None = None,
    facts: Known | None = None,
    on_progress: OnProgress = no_progress,
) -> Written:
    """Maps of micrographs (or crops) into a folder: one .npy and one picture per section, capacity and method.

    Maps of earlier calls stay in its list, and one that was made from the same crop, networks and settings is not made
    again: an interrupted call goes on.

    Parameters
    ----------
    capacity : "specific" or "density", optional
        Both if not named.
    section : int, optional
        That section only, counted from 0; all if not named.
    size_px, stride_px : int
        Of the occluding square (section 2.7: 7 and 7).
    layer : str, optional
        For Grad-RAM: the layer whose activation is mapped, as torch names it; the last convolution's if not named.
    facts : mapping of name to number, optional
        What the networks are told of every micrograph, as in `ratescope.predict.predict_files`.
    """
    if size_px < 1 or stride_px < 1:
        raise InputError(
            f"the occluding square has size {size_px} and stride {stride_px} px, but both must be at least 1. "
            "Give --size-px and --stride-px so, or leave them out."
        )
    check_pixel_size(pixel_size_um)
    out = Path(out)
    files = micrograph_files(paths, pixel_size_um, crops=crops_given)
    ensembles = read_model(model)
    chosen = {name: e for name, e in ensembles.items() if capacity in {None, name}}
    if not chosen:
        raise InputError(
            f"{model} has no networks for {capacity}, only for {', '.join(ensembles)}. Choose one of these."
        )
    given = dict(facts or {})
    check_facts(chosen, given, [file.facts for file in files], crops_given=crops_given)
    if layer is not None:
        _check_layer(layer, methods, chosen)
    check_folder(out)  # made with the first thing that is written: no micrograph may have the section asked for
    how = {"size_px": size_px, "stride_px": stride_px, "layer": layer}
    written = Written(out, inputs=len(files))
    known, made = MapList(out), list[str]()
    there: set[int] = set()
    unfit: list[str] = []
    remarks, refused = list[dict[str, str]](), list[dict[str, str]]()
    card, names = model_card(chosen, model), shown_names([file.name for file in files])
    settings = prepare_settings(model)
    for file in files:
        words = partial(
            map_caption,
            micrograph=f"{'simulated micrograph ' if file.simulated else ''}{names[file.name]}",
            model=card.name,
            learned_from=card.learned_from,
            simulated=card.simulated,
        )
        prepared, told = tell(prepared_of(file, settings, crops_given), chosen, file.facts | given)
        if prepared.status == "refused":
            written.refused[file.name] = " ".join(reason.text for reason in prepared.reasons)
            refused.append({"file": file.name, "reason": written.refused[file.name]})
            continue
        there |= {part.index for part in _sections(prepared, None)}
        unfit += [part.reasons[0].text for part in prepared.sections if part.index == section and part.reasons]
        remarks += [{"file": file.name, **asdict(said)} for said in prepared.findings if said.code in {TOLD, BEYOND}]
        for part in _sections(prepared, section):
            of_part = partial(words, section=None if crops_given else part.index)
            for ensemble, method in product(told.values(), methods):
                entry = _explain_section(part, file, ensemble, method, how, of_part, known, on_progress)
                known.entries[entry["map"]] = entry
                made.append(entry["picture"])
            known.write(refused, remarks)  # what is done stays done, whatever happens
    if section is not None and not made and len(written.refused) < len(files):
        why = f" (it was refused: {unfit[0]})" if unfit else ""
        raise InputError(
            f"no micrograph has a prepared section {section}{why}; prepared are {', '.join(map(str, sorted(there)))}. "
            "Name one of these, or leave --section out to see all of them."
        )
    listed = known.write(refused, remarks)
    written.remarks = [f"{said['file']}: {said['text']}" for said in remarks if said["code"] == BEYOND]
    written.files = [listed, *(out / picture for picture in made)]
    return written


def _check_layer(layer: str, methods: Sequence[Method], ensembles: Mapping[Capacity, Ensemble]) -> None:
    if "grad-ram" not in methods:
        raise InputError(f"only Grad-RAM maps a layer, but {', '.join(methods)} was asked for. Leave --layer out.")
    for network in (network for ensemble in ensembles.values() for network in ensemble.networks):
        layer_named(network, layer)


def _sections(prepared: Prepared, index: int | None) -> list[Section]:
    return [s for s in prepared.sections if s.crop is not None and index in {None, s.index}]


def _explain_section(
    section: Section,
    file: MicrographFile,
    ensemble: Ensemble,
    method: Method,
    how: Mapping[str, Any],
    words: Callable[..., MapCaption],
    known: MapList,
    on_progress: OnProgress,
) -> Entry:
    """Map one section by one method, write numbers and picture; what `explain.json` says of them."""
    assert section.crop is not None  # noqa: S101  chosen so by the caller
    capacity, unit = ensemble.capacity, UNIT_OF[ensemble.capacity]
    layer = how["layer"] if method == "grad-ram" else None
    stem = f"{file.stem}_s{section.index}_{capacity}_{method}{f'_{layer}' if layer else ''}"
    caption = words(method, capacity, networks=len(ensemble.networks), **how)
    made_from = origin_of(ensemble, section.crop, dict(how) | {"method": method, "caption": caption})
    if (there := known.known(f"{stem}.npy", made_from)) is not None:
        return there
    on_progress(0, 1, f"{file.path.name} section {section.index}: {method}, {capacity}")
    maps = ensemble_maps(ensemble, section.crop[np.newaxis], method, **how, on_progress=on_progress)[0]
    check, alike = _check(ensemble, section.crop, maps) if method == "guided-backprop" else (None, None)
    caption = words(method, capacity, networks=len(ensemble.networks), **how, likeness=alike)
    picture = attribution_png(section.crop, maps, ensemble.c_rates_per_h, unit, caption=caption, check=check)
    write_bytes(known.folder / f"{stem}.npy", _npy(maps))
    write_bytes(known.folder / f"{stem}.png", picture)
    entry = {
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
        "made_from": made_from,
    }
    if method == "occlusion":
        entry |= {"size_px": how["size_px"], "stride_px": how["stride_px"]}
    if layer is not None:
        entry["layer"] = layer
    if alike is not None:
        entry["likeness_to_random_weights"] = alike
    return entry


def _check(ensemble: Ensemble, crop: NDArray[np.uint8], maps: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The map of networks that learned nothing, and how alike it is (decision 0008)."""
    of_random = ensemble_maps(unlearned(ensemble), crop[np.newaxis], "guided-backprop")[0]
    return of_random[-1], likeness(maps, of_random)[1]


def _npy(array: NDArray[np.float32]) -> bytes:
    content = io.BytesIO()
    np.save(content, array.astype(np.float32), allow_pickle=False)
    return content.getvalue()
