"""How exact the virtual coatings are: volumes as asked, and what planes show of them. Everything is simulated.

    python docs/studies/volumes_and_stereology.py

One row per porosity in 0002-volumes-and-stereology.csv. Porosity and NCM fraction of the volume, asked and measured on
100 planes 0.4 µm apart. Delesse: area fraction of NCM on thirty random planes less the volume's, with the planes'
standard error. Wicksell: mean diameter of the cut circles against π/4 E[D²]/E[D]. Tortuosity of the geometry at two
voxel sizes, beside the one that the physics uses. About five minutes on one core.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ratescope.virtual_lab.cross_section import view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import cut_grains
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.plan import load_for_porosity
from ratescope.virtual_lab.tortuosity import geometric_tortuosity

TABLE = Path(__file__).with_name("0002-volumes-and-stereology.csv")
ASKED = (0.18, 0.196, 0.22, 0.254, 0.30, 0.346, 0.40, 0.495, 0.52)
COLUMNS = (
    *("asked", "load_mpa", "porosity", "porosity_error_points"),
    *("ncm_asked", "ncm", "ncm_error_points"),
    *("ncm_on_random_planes", "delesse_residual_points", "planes_standard_error_points"),
    *("circles_um", "wicksell_um", "wicksell_residual_percent"),
    *("tau_used", "tau_geometric_0.8um", "tau_geometric_0.6um"),
)
WIDTH_UM, PIXEL_UM, CLOSE_PLANES, PLANES = 172.0, 0.6, 100, 30


def frame_of(section):
    columns = round(section.period_um[0] / PIXEL_UM)
    height_um = section.electrode.thickness_um + 20.0
    pixel_size_um = section.period_um[0] / columns
    return Frame(round((height_um + 8.0) / PIXEL_UM), columns, pixel_size_um, height_um / PIXEL_UM, WIDTH_UM / 2)


def volumes(section):
    """Porosity and NCM fraction of the volume, from planes so close that nothing lies between them."""
    frame, depth_um = frame_of(section), section.period_um[1]
    whole = [view(replace(section, plane_um=depth_um * (k + 0.3) / CLOSE_PLANES), frame) for k in range(CLOSE_PLANES)]
    fractions = replace(whole[0], phases=np.concatenate([plane.phases for plane in whole], axis=1)).fractions()
    return fractions["pore"], fractions["particle"]


def on_random_planes(section, rng):
    """Mean NCM area fraction on random planes and its standard error."""
    frame = frame_of(section)
    planes = [view(replace(section, plane_um=y), frame) for y in rng.uniform(0.0, section.period_um[1], PLANES)]
    areas = [plane.fractions()["particle"] for plane in planes]
    return float(np.mean(areas)), float(np.std(areas, ddof=1) / np.sqrt(PLANES))


def circles(section):
    """Mean diameter of the circles of the cuts' areas, and what balls of the particles' volumes would show."""
    frame = replace(frame_of(section), pixel_size_um=PIXEL_UM)
    found = []
    for y_um in np.linspace(0.0, section.period_um[1], 12, endpoint=False):
        cut = cut_grains(section.grains, frame, float(y_um), section.period_um)
        pixels = np.bincount(cut.owner[(cut.level < 1.0) & ~cut.is_gap])
        found.append(np.sqrt(4.0 / np.pi * pixels[pixels > 0]) * frame.pixel_size_um)
    diameters_um = 2.0 * section.grains.radii_um
    return float(np.concatenate(found).mean()), float(np.pi / 4 * (diameters_um**2).sum() / diameters_um.sum())


def main():
    lines = [",".join(COLUMNS)]
    for number, porosity in enumerate(ASKED):
        load_mpa = load_for_porosity(porosity)
        electrode = VirtualElectrode(f"e{number}", "study", load_mpa=load_mpa, porosity=porosity)
        section = cut_cross_section(electrode, width_um=WIDTH_UM, rng=np.random.default_rng([17, number]))
        pore, ncm = volumes(section)
        area, error = on_random_planes(section, np.random.default_rng([18, number]))
        wanted = electrode.volume_fractions["active"]
        seen_um, wicksell_um = circles(section)
        coarse, fine = (
            geometric_tortuosity(electrode, np.random.default_rng([19, number]), voxel_um=voxel).tau_through
            for voxel in (0.8, 0.6)
        )
        row = (porosity, load_mpa, pore, 100 * (pore - porosity), wanted, ncm, 100 * (ncm - wanted))
        row += (area, 100 * (area - ncm), 100 * error)
        row += (seen_um, wicksell_um, 100 * (seen_um / wicksell_um - 1), electrode.tortuosity, coarse, fine)
        lines.append(",".join(f"{value:.4g}" for value in row))
        print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
