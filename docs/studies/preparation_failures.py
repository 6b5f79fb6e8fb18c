"""The simulated micrographs on which the preparation failed, as it drew them: 0003-failures.jpg. All are simulated.

    python docs/studies/preparation_failures.py scratch/varied

Reads 0003-micrographs.csv, which preparation_on_truth.py wrote, and shows those whose foil was not found or lies over
6 px from the truth in half of its columns, and those with the largest errors of tilt and of thickness.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
from PIL import Image

from ratescope.imaging.prepare import prepare_file
from ratescope.imaging.sketch import draw_preparation
from ratescope.settings import PrepareSettings

HERE, WIDTH, SHOWN = Path(__file__).parent, 1400, 2

folder = Path(sys.argv[1]) / "micrographs"
table = pd.read_csv(HERE / "0003-micrographs.csv")
is_foil_wrong = table["edge_median_px"].isna() | (table["edge_median_px"] > 6)
right = table[~is_foil_wrong]
worst = [right[key].abs().nlargest(SHOWN).index for key in ("tilt_error_deg", "thickness_error_um")]
names = dict.fromkeys([*table[is_foil_wrong]["name"], *(table["name"][index] for one in worst for index in one)])
pictures = []
for name in names:
    path = next(folder.glob(f"{name}.*"))
    prepared = replace(prepare_file(path, PrepareSettings()), file=f"{path.name}, simulated")
    picture = draw_preparation(prepared, prepared.pixels, burnt_in=prepared.burnt_in)
    pictures.append(picture.resize((WIDTH, round(picture.height * WIDTH / picture.width))))
sheet = Image.new("RGB", (WIDTH, sum(picture.height + 12 for picture in pictures)), "white")
top = 0
for picture in pictures:
    sheet.paste(picture, (0, top))
    top += picture.height + 12
sheet.save(HERE / "0003-failures.jpg", quality=82)
