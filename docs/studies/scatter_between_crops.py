"""How much crops of one electrode differ: our packings beside hard spheres and beside spheres that overlap freely.

A packing that is more random than nature's makes the network's task harder than it is. Hard spheres stand in
equilibrium at the loosest coating's fraction; denser ones jam before they mix, and are as they were pushed apart.
Run it with no arguments (about three minutes on one core): python docs/studies/scatter_between_crops.py
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ratescope.units import LOADS_MPA, POROSITIES
from ratescope.virtual_lab.cross_section import PHASES, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.grains import draw_diameters_um
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.relaxation import Walls, relax

CROP_UM = (27.6, 82.7)  # section 2.3: 224 × 672 px
PIXEL_UM = 0.5
SWEEPS = 60


def electrode_at(load_mpa):
    return VirtualElectrode("P", "B", load_mpa, POROSITIES[LOADS_MPA.index(load_mpa)])


def crops_of(is_there):
    """Area fractions of crops side by side in a map, shape (rows, columns)."""
    rows, columns = (round(length / PIXEL_UM) for length in CROP_UM)
    whole = is_there[: len(is_there) // rows * rows, : is_there.shape[1] // columns * columns]
    return whole.reshape(len(whole) // rows, rows, -1, columns).mean(axis=(1, 3)).ravel()


def ours(electrode, seeds):
    """Area fractions of pore and NCM in crops half-way between foil and surface."""
    pores, grains = [], []
    for seed in seeds:
        section = cut_cross_section(electrode, width_um=775.0, rng=np.random.default_rng(seed))
        rows = round(CROP_UM[0] / PIXEL_UM)
        middle = rows / 2 + electrode.thickness_um / 2 / PIXEL_UM  # the crop's middle is the coating's
        frame = Frame(rows, round(775.0 / PIXEL_UM), PIXEL_UM, middle, 775.0 / 2)
        for deeper_um in np.arange(4) * section.period_um[1] / 4:
            seen = view(section, frame, deeper_um=float(deeper_um))
            pores.append(crops_of(np.isin(seen.phases, [PHASES[name] for name in ("resin", "pore", "crack")])))
            grains.append(crops_of(seen.phases == PHASES["particle"]))
    return np.concatenate(pores), np.concatenate(grains)


def hard_spheres(fraction, rng, sweeps, box_um=(331.0, 42.0, 83.0)):
    """Area fractions of crops through hard spheres: pushed apart, then moved at random without overlap."""
    volume_um3 = float(np.prod(box_um))
    radii = draw_diameters_um(fraction * volume_um3, 9.2, electrode_at(0.0).particles, rng) / 2.0
    walls = Walls(box_um[:2], lambda x, _y: np.zeros_like(x), lambda x, _y: np.full_like(x, box_um[2]))
    centres = relax(rng.random((len(radii), 3)) * box_um, radii, np.zeros(len(radii), bool), walls, steps=200)
    centres = equilibrate(centres, radii, np.array(box_um), rng, sweeps)
    return np.concatenate([crops_of(cut_balls(centres, radii, box_um, y)) for y in np.arange(4) * box_um[1] / 4])


def equilibrate(centres, radii, box, rng, sweeps):
    """Metropolis moves: one is taken when it overlaps nothing more than before."""
    for sweep in range(sweeps):
        if sweep % 10 == 0:
            centres[:, :2] %= box[:2]
            tree = cKDTree(centres, boxsize=[*box[:2], 0.0])
            near = [np.array(n) for n in tree.query_ball_point(centres, radii + radii.max() + 3.0)]
            near = [n[n != i] for i, n in enumerate(near)]
        steps_um = 0.6 * rng.uniform(-1.0, 1.0, centres.shape)
        for i in rng.permutation(len(radii)):
            now_and_then = np.stack([centres[i], centres[i] + steps_um[i]])
            apart = now_and_then[:, None] - centres[near[i]]
            apart[..., :2] -= box[:2] * np.rint(apart[..., :2] / box[:2])
            gap = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart)) - radii[near[i]] - radii[i]
            before, after = np.minimum(gap, 0.0).sum(axis=1)
            if radii[i] <= now_and_then[1, 2] <= box[2] - radii[i] and after >= before:
                centres[i] = now_and_then[1]
    return centres


def cut_balls(centres, radii, box, y_um):
    """Whether points of the plane y, shape (z, x), lie in a ball, half-way up the box."""
    rows = round(CROP_UM[0] / PIXEL_UM)
    x_um, z_um = np.arange(0.0, box[0], PIXEL_UM), box[2] / 2 + PIXEL_UM * (np.arange(rows) - rows / 2)
    is_ball = np.zeros((len(z_um), len(x_um)), bool)
    across = (centres[:, 1] - y_um + box[1] / 2) % box[1] - box[1] / 2
    for i in np.flatnonzero(np.abs(across) < radii):
        beside = (x_um - centres[i, 0] + box[0] / 2) % box[0] - box[0] / 2
        height = z_um - centres[i, 2]
        column, row = (np.flatnonzero(np.abs(offset) < radii[i]) for offset in (beside, height))
        inside = beside[column] ** 2 + height[row, None] ** 2 < radii[i] ** 2 - across[i] ** 2
        is_ball[np.ix_(row, column)] |= inside
    return is_ball


def boolean_deviation(fraction, rng, points=400_000):
    """Deviation between crops of spheres that overlap freely, from their covariance (Matheron's closed form)."""
    diameters = draw_diameters_um(3e6, 9.2, electrode_at(0.0).particles, rng)
    # Two random points of a crop: both are bare with the probability (1 − φ) ** (2 − K), K the spheres' overlap.
    apart = np.abs(rng.random((points, 2)) - rng.random((points, 2))) * CROP_UM
    distance = np.minimum(np.hypot(*apart.T), diameters.max())
    grid = np.linspace(0.0, diameters.max(), 300)
    share = np.minimum(grid[:, None] / diameters, 1.0)
    kept = ((1.0 - 1.5 * share + 0.5 * share**3) * diameters**3).sum(axis=1) / (diameters**3).sum()
    both = (1.0 - fraction) ** (2.0 - np.interp(distance, grid, kept))
    return float(np.sqrt(both.mean() - (1.0 - fraction) ** 2))


if __name__ == "__main__":
    print("load/MPa porosity | porosity: mean, deviation | NCM: mean, deviation | hard spheres | overlapping spheres")
    for load_mpa, porosity in zip(LOADS_MPA, POROSITIES, strict=True):
        pore, grain = ours(electrode_at(load_mpa), seeds=(1, 2))
        fraction = electrode_at(load_mpa).volume_fractions["active"]
        sweeps = SWEEPS if load_mpa == 0.0 else 0
        chance = [np.random.default_rng(seed) for seed in range(4)]
        hard = np.concatenate([hard_spheres(fraction, rng, sweeps) for rng in chance]).std()
        free = boolean_deviation(fraction, np.random.default_rng(0))
        ncm = f"{grain.mean():.3f} {grain.std():.3f}"
        print(f"{load_mpa:8.0f} {porosity:8.3f} | {pore.mean():.3f} {pore.std():.3f} | {ncm} | {hard:.3f} | {free:.3f}")
