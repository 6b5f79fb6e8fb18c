"""A virtual coating in three dimensions, before and after calendering: particles alone, seen from above at a slant.

The laboratory packs particles in space and cuts them by planes; it never paints a picture. Everything is simulated.

python docs/gallery/packing_in_three_dimensions.py [picture.png]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ratescope.evaluation.figures import draw_crop
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.packing import cut_cross_section

SLANT = np.deg2rad(28.0)
PIXEL_UM = 0.15
HEIGHT_UM = 125.0  # of the picture: room for the loose coating's highest particle
LOOSE, DENSE = (0.0, 0.495), (750.0, 0.196)  # load in MPa, porosity (Table 1)


def look_at(section, width_um, depth_um):
    """Nearest particle at each pixel of an orthographic view, shaded by its slope; shape (rows, columns, 3)."""
    grains = section.grains
    centres = grains.centres_um.copy()
    centres[:, :2] %= section.period_um
    inside = (centres[:, 0] < width_um) & (centres[:, 1] < depth_um)
    rows = int(HEIGHT_UM / PIXEL_UM)
    columns = int((width_um + 24.0) / PIXEL_UM)
    picture = np.ones((rows, columns, 3))
    nearest = np.full((rows, columns), -np.inf)
    paint_foil(picture, width_um, depth_um)
    for (x, y, z), radius in zip(centres[inside], grains.radii_um[inside], strict=True):
        up, towards = z * np.cos(SLANT) + y * np.sin(SLANT), z * np.sin(SLANT) - y * np.cos(SLANT)
        row, column = rows - (up + 12.0) / PIXEL_UM, (x + 12.0) / PIXEL_UM
        reach = int(radius / PIXEL_UM) + 1
        r = np.arange(max(int(row) - reach, 0), min(int(row) + reach + 1, rows))[:, None]
        c = np.arange(max(int(column) - reach, 0), min(int(column) + reach + 1, columns))[None, :]
        across, above = (c - column) * PIXEL_UM / radius, (row - r) * PIXEL_UM / radius
        front = np.sqrt(np.clip(1.0 - across**2 - above**2, 0.0, None))
        depth = towards + radius * front
        seen = (across**2 + above**2 < 1.0) & (depth > nearest[r, c])
        light = np.clip(0.25 + 0.75 * (0.35 * front + 0.75 * above - 0.45 * across), 0.08, 1.0)
        haze = 0.72 + 0.28 * (1.0 - y / depth_um)
        where = np.broadcast_to(r, seen.shape)[seen], np.broadcast_to(c, seen.shape)[seen]
        picture[where] = (light * haze)[seen][:, None] * (0.86, 0.82, 0.74)
        nearest[where] = depth[seen]
    return picture


def paint_foil(picture, width_um, depth_um):
    """The foil under the particles: a bright parallelogram, a rectangle as seen from here."""
    rows = len(picture)
    back = rows - int((depth_um * np.sin(SLANT) + 12.0) / PIXEL_UM)
    front, left, right = rows - int(12.0 / PIXEL_UM), int(12.0 / PIXEL_UM), int((width_um + 12.0) / PIXEL_UM)
    picture[back:front, left:right] = (0.90, 0.91, 0.93)
    picture[front : front + int(6.0 / PIXEL_UM), left:right] = (0.78, 0.79, 0.81)


def main(target):
    figure, places = plt.subplots(1, 2, figsize=(10.0, 5.0), layout="constrained")
    for place, (load_mpa, porosity) in zip(places, (LOOSE, DENSE), strict=True):
        electrode = VirtualElectrode("gallery", "gallery", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=90.0, rng=np.random.default_rng(4))
        title = f"{load_mpa:g} MPa: porosity {100 * section.porosity:.1f} %, thickness {electrode.thickness_um:.0f} µm"
        picture = np.rint(255 * look_at(section, 80.0, 38.0)).astype(np.uint8)
        draw_crop(place, picture, pixel_size_um=PIXEL_UM, title=title)
    title = "SIMULATED: particles on 80 × 38 µm of foil, at a slant that shortens heights (carbon and binder left out)"
    figure.suptitle(title, fontsize=10.5, x=0.01, ha="left")
    figure.savefig(target, dpi=140)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
