"""Every script of the gallery draws its picture."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
# Coatings, cells or an ensemble in full, 10 s to a minute each; the quick ones draw with the same makers.
SLOW = {
    "artefacts_of_preparation",
    "calendering_step_by_step",
    "discharge_and_rate_plot",
    "five_densifications",
    "maps_as_weights_are_lost",
    "packing_in_three_dimensions",
    "planted_artefacts",
    "preparation_picture",
    "readme_picture",
    "three_maps_of_a_crop",
}
SCRIPTS = [
    pytest.param(script, id=script.stem, marks=[pytest.mark.slow] if script.stem in SLOW else [])
    for script in sorted(GALLERY.glob("*.py"))
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_gallery_scripts_draw_their_picture(script, tmp_path):
    subprocess.run([sys.executable, str(script), str(tmp_path / "picture.png")], check=True)
    with Image.open(tmp_path / "picture.png") as picture:
        assert min(picture.size) > 300
