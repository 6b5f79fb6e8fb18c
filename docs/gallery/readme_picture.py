"""The picture of the README: a simulated micrograph, a crop of it, where the ensemble looked, and its rate curve.

make readme
"""

import sys
from pathlib import Path

import ratescope
from ratescope.attribution.maps import ensemble_maps
from ratescope.evaluation.figures import story_png
from ratescope.evaluation.map_caption import MapCaption
from ratescope.imaging.levelling import levelled_pixels

RATE = 3.0  # 1/h: where the coating's pores decide

settings = ratescope.Settings().prepare
prepared = ratescope.prepare_file(ratescope.bundled_micrographs()[-1], settings)
section = next(section for section in prepared.sections if section.crop is not None)
ensemble = ratescope.read_model(None)["specific"]
maps = ensemble_maps(ensemble, section.crop[None], "grad-ram")[0]
picture = story_png(
    levelled_pixels(prepared),
    section.box,
    section.crop,
    maps[ensemble.c_rates_per_h.index(RATE)],
    ensemble.predict(prepared.crops).over_crops(),
    c_rate_per_h=RATE,
    pixel_size_um=prepared.pixel_size_um,
    caption=MapCaption(title="Grad-RAM", influence="relative influence"),
    predicted_label=f"predicted: mean of {len(ensemble.networks)} networks",
    micrograph_label="polished cross-section, SIMULATED",
    note="Everything here is SIMULATED: the micrograph, and the campaign that the bundled ensemble learned from.",
)
target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "straight-line.png"
target.write_bytes(picture)
