"""Simulated micrographs that vary in everything an image preparation must survive, each with its truth.

    python docs/studies/varied_micrographs.py scratch/varied [--count 200] [--seed 0] [--jobs 2]

Writes FOLDER/micrographs/v000.tif … (TIFF, PNG and JPEG in turn) and FOLDER/truth/: phases and edges as the virtual
laboratory's campaigns have them, and what was varied. Interrupted, it goes on where it stopped. Ten minutes on two
cores.

What varies: porosity and load; loading; width (1400, 3000 and 6300 px) and tilt (up to 5° in narrow images); the
microscope; aluminium, copper, and foils darker than the grains; resin or black vacuum beyond the coating; the foil at
the bottom or at the top; a coating on one side or on both; a foil that waves; light that changes along the mosaic by up
to 40 %; blur of up to 2 px more; noise of up to 16 grey levels; a saturated foil; and the flaws of the polish.
"""

import argparse
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from ratescope.files import write_json
from ratescope.jobs import run_jobs
from ratescope.records import Box
from ratescope.virtual_lab.cross_section import PHASES
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.instrument import (
    FLAWLESS_PREPARATION,
    REFERENCE_MICROSCOPE,
    SECOND_MICROSCOPE,
    Preparation,
)
from ratescope.virtual_lab.microscope import VirtualMicrograph, photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph, write_truth
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import load_for_porosity

FOILS = {
    "aluminium": (0.93, (1.0, 1.0, 0.995)),
    "copper": (0.80, (1.22, 0.95, 0.72)),
    "like the grains": (0.66, (1.0, 1.0, 1.0)),
    "darker": (0.36, (1.0, 1.0, 1.0)),
}
FLAWED = Preparation(voids_per_mm=8.0, scratches_per_mm=4.0, smears_per_mm=1.5)
ENDINGS = (".tif", ".tif", ".png", ".jpg")


@dataclass(frozen=True)
class Variation:
    """What differs from the reference laboratory's micrograph; drawn from a range of its own."""

    porosity: float
    loading_mg_per_cm2: float
    columns: int
    second_microscope: bool
    foil: str
    vacuum: bool
    upside_down: bool
    both_sides: bool
    wave_um: float
    shading: float
    blur_px: float
    noise: float
    foil_saturated: bool
    flaws: bool
    ending: str


def draw_variation(number, seed):
    rng = np.random.default_rng([seed, number])
    is_both = rng.random() < 0.12
    foil = str(rng.choice(list(FOILS), p=[0.55, 0.2, 0.1, 0.15]))
    return Variation(
        porosity=round(float(rng.uniform(0.18, 0.52)), 4),
        loading_mg_per_cm2=round(float(rng.uniform(9.0, 12.0 if is_both else 16.5)), 2),
        columns=int(rng.choice([1400, 3000, 6300], p=[0.7, 0.22, 0.08])),
        second_microscope=bool(rng.random() < 0.25),
        foil=foil,
        vacuum=bool(rng.random() < 0.15),
        upside_down=bool(rng.random() < 0.3),
        both_sides=is_both,
        wave_um=round(float(rng.uniform(0.5, 3.0)), 2) if rng.random() < 0.25 else 0.0,
        shading=round(float(rng.uniform(0.1, 0.4)), 3) if rng.random() < 0.3 else 0.0,
        blur_px=round(float(rng.uniform(0.5, 2.0)), 2) if rng.random() < 0.25 else 0.0,
        noise=round(float(rng.uniform(4.0, 16.0)), 1) if rng.random() < 0.25 else 0.0,
        foil_saturated=bool(rng.random() < 0.15) and foil == "aluminium",
        flaws=bool(rng.random() < 0.75),
        ending=ENDINGS[number % len(ENDINGS)],
    )


def render(number, folder, seed):
    variation = draw_variation(number, seed)
    name = f"v{number:03d}"
    done = folder / "truth" / f"{name}_variation.json"
    if done.is_file():
        return name
    rng = np.random.default_rng([seed, number, 1])
    one = photographed(variation, rng, tilt_deg=0.0 if variation.both_sides else None)
    if variation.both_sides:
        thinner = replace(variation, loading_mg_per_cm2=0.8 * variation.loading_mg_per_cm2)
        one = joined(one, photographed(thinner, rng, tilt_deg=0.0))
    if variation.wave_um:
        one = waved(one, variation.wave_um, rng)
    if variation.upside_down:
        one = turned_over(one)
    one = replace(one, pixels=seen_through(variation, one, rng))
    write_micrograph(folder / "micrographs" / f"{name}{variation.ending}", one)
    write_truth(folder / "truth", name, one)
    side = "below" if variation.upside_down else "above"
    write_json(done, {**vars(variation), "name": name, "coating_side": side})
    return name


def photographed(variation, rng, tilt_deg):
    microscope = SECOND_MICROSCOPE if variation.second_microscope else REFERENCE_MICROSCOPE
    light, tint = FOILS[variation.foil]
    reflected = {**microscope.reflected, "foil": light} | ({"resin": -0.2} if variation.vacuum else {})
    microscope = replace(microscope, reflected=reflected, tints={**microscope.tints, "foil": tint})
    electrode = VirtualElectrode(
        "varied",
        "varied",
        load_mpa=load_for_porosity(variation.porosity),
        porosity=variation.porosity,
        active_loading_mg_per_cm2=variation.loading_mg_per_cm2,
        particle_d50_um=round(float(rng.uniform(7.5, 11.0)), 2),
    )
    section = cut_cross_section(electrode, width_um=variation.columns * microscope.pixel_size_um, rng=rng)
    return photograph(
        section,
        columns=variation.columns,
        rng=rng,
        microscope=microscope,
        preparation=FLAWED if variation.flaws else FLAWLESS_PREPARATION,
        tilt_deg=tilt_deg,
    )


def joined(upper, lower):
    """Two level coatings on one foil of 15 µm, the thicker one and its truth above; what lies beyond it is cut off."""
    middle_px = round(7.5 / upper.pixel_size_um)
    turned = turned_over(lower)
    cut = min(round(float(np.nanmedian(upper.foil_rows))) + middle_px, len(upper.pixels))
    start = max(round(float(np.nanmedian(turned.foil_rows))) - middle_px, 0)
    flaws = [a for a in upper.artefacts if a.box.top < cut]
    flaws += [
        replace(a, box=Box(a.box.top - start + cut, a.box.bottom - start + cut, a.box.left, a.box.right))
        for a in turned.artefacts
    ]
    return replace(
        upper,
        pixels=np.concatenate([upper.pixels[:cut], turned.pixels[start:]]),
        phases=np.concatenate([upper.phases[:cut], turned.phases[start:]]),
        artefacts=tuple(flaws),
    )


def turned_over(one: VirtualMicrograph) -> VirtualMicrograph:
    last = len(one.pixels) - 1
    return replace(
        one,
        pixels=np.ascontiguousarray(one.pixels[::-1]),
        phases=np.ascontiguousarray(one.phases[::-1]),
        foil_rows=last - one.foil_rows,
        surface_rows=last - one.surface_rows,
        foil_line=(last - one.foil_line[0], last - one.foil_line[1]),
        tilt_deg=-one.tilt_deg,
        artefacts=tuple(
            replace(a, box=Box(last + 1 - a.box.bottom, last + 1 - a.box.top, a.box.left, a.box.right))
            for a in one.artefacts
        ),
    )


def waved(one, amplitude_um, rng):
    """Every column moved up or down: a foil that was not laid flat, with waves of 150 to 400 µm."""
    columns = np.arange(one.pixels.shape[1])
    length_px = rng.uniform(150.0, 400.0) / one.pixel_size_um
    move = amplitude_um / one.pixel_size_um * np.sin(2 * np.pi * (columns / length_px + rng.random()))
    rows = np.arange(len(one.pixels))[:, None] - move
    at = np.broadcast_to(columns, rows.shape)
    pixels = np.stack(
        [ndimage.map_coordinates(one.pixels[..., c], [rows, at], order=1, mode="nearest") for c in range(3)], axis=2
    )
    foil = one.foil_rows + move
    slope, left = np.polyfit(columns[np.isfinite(foil)], foil[np.isfinite(foil)], 1)
    grown = [
        replace(a, box=replace(a.box, top=a.box.top - abs(move).max(), bottom=a.box.bottom + abs(move).max()))
        for a in one.artefacts
    ]
    return replace(
        one,
        pixels=pixels,
        phases=ndimage.map_coordinates(one.phases, [rows, at], order=0, mode="nearest"),
        foil_rows=foil,
        surface_rows=one.surface_rows + move,
        foil_line=(float(left), float(left + slope * columns[-1])),
        tilt_deg=float(np.degrees(np.arctan(slope))),
        artefacts=tuple(grown),
    )


def seen_through(variation, one, rng):
    """More blur, uneven light, a saturated foil, more noise."""
    pixels = one.pixels.astype(np.float32)
    if variation.blur_px:
        pixels = ndimage.gaussian_filter(pixels, (variation.blur_px, variation.blur_px, 0))
    if variation.shading:
        along = np.linspace(-1.0, 1.0, pixels.shape[1])
        course = rng.choice([-1, 1]) * along if rng.random() < 0.5 else np.cos(np.pi * along + rng.uniform(0, 6))
        pixels *= (1.0 + variation.shading * course)[None, :, None]
    if variation.foil_saturated:
        pixels *= 270.0 / max(float(np.percentile(pixels[one.phases == PHASES["foil"]], 40)), 200.0)
    if variation.noise:
        pixels += rng.normal(0.0, variation.noise, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def read_truth(folder, name):
    """Truth and phases of one micrograph."""
    with Image.open(folder / "truth" / f"{name}_phases.png") as picture:
        phases = np.array(picture)
    return json.loads((folder / "truth" / f"{name}.json").read_text(encoding="utf-8")), phases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    for part in ("micrographs", "truth"):
        (asked.folder / part).mkdir(parents=True, exist_ok=True)
    job = partial(render, folder=asked.folder, seed=asked.seed)
    for done, name in enumerate(run_jobs(job, range(asked.count), jobs=asked.jobs), start=1):
        print(f"\r{done} of {asked.count}: {name}", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
