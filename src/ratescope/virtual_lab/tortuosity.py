"""What the pores' geometry alone says about transport: steady diffusion through voxels of a virtual coating.

It stands beside the τ of the physics, never in its place: voxels of 0.8 µm see neither the binder's fine pores nor the
necks between grains, and nobody has measured what they do in the real electrodes. With a solid binder the densest
coating (ε = 0.196) stands near the fraction at which its pores stop leading through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, cg

from ratescope.errors import LabError
from ratescope.virtual_lab.cross_section import PHASES, CrossSection, View, view
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.frame import Frame
from ratescope.virtual_lab.packing import cut_cross_section
from ratescope.virtual_lab.recipe import FOOTROOM_UM, HEADROOM_UM

BASE_UM = 60.0  # our choice: some forty grains stand side by side on the base of 60 × 40 µm
TOLERANCE = 1e-6  # of the conjugate gradients' residual: fluxes are known to five digits
MOST_ITERATIONS = 5000


@dataclass(frozen=True)
class Tortuosity:
    """Transport through the coating's pores, from foil to surface.

    Attributes
    ----------
    tau_through : float
        Porosity over relative diffusivity, as in the physics: D_eff = D ε / τ.
    porosity : float
        Of the voxels, cracks included, those without a way through included.
    formation_factor : float
        D / D_eff.
    voxels : int
    iterations : int
        Of the conjugate gradients.
    """

    tau_through: float
    porosity: float
    formation_factor: float
    voxels: int
    iterations: int


def geometric_tortuosity(
    electrode: VirtualElectrode,
    rng: np.random.Generator,
    *,
    voxel_um: float = 0.8,
    binder_diffusivity: float = 0.0,
) -> Tortuosity:
    """Make a small coating and solve steady diffusion through its pores.

    Parameters
    ----------
    voxel_um : float
        Edge of a voxel. Smaller ones open narrower necks: from 1.0 to 0.6 µm, τ falls by 5 % at a porosity of 0.495 and
        by 10 to 15 % from 0.35 to 0.25.
    binder_diffusivity : float
        Of the carbon–binder domain, relative to the electrolyte: 0 takes it for solid.

    Raises
    ------
    LabError
        If no pore leads from the foil to the surface.

    Examples
    --------
    >>> electrode = VirtualElectrode("P50", "B1", load_mpa=0.0, porosity=0.495, active_loading_mg_per_cm2=8.0)
    >>> 1.0 < geometric_tortuosity(electrode, np.random.default_rng(1), voxel_um=1.5).tau_through < 3.0
    True
    """
    section = cut_cross_section(electrode, width_um=BASE_UM, rng=rng)
    phases, edges_um = voxelise(section, voxel_um)
    diffusivity = np.zeros(len(PHASES))
    # Resin fills what the outline of the surface leaves out: electrolyte in a cell.
    diffusivity[[PHASES[name] for name in ("pore", "crack", "resin")]] = 1.0
    diffusivity[PHASES["binder"]] = binder_diffusivity
    relative, iterations = effective_diffusivity(diffusivity[phases], edges_um)
    porosity = float(np.isin(phases, [PHASES[name] for name in ("pore", "crack", "resin")]).mean())
    return Tortuosity(porosity / relative, porosity, 1.0 / relative, phases.size, iterations)


def voxelise(section: CrossSection, voxel_um: float) -> tuple[NDArray[np.uint8], tuple[float, float, float]]:
    """Phases of the part that is coating throughout: over the foil's highest peak and under the surface's valleys.

    Returns
    -------
    uint8 array, shape (rows, planes, columns)
        The surface is at row 0; planes and columns close on themselves.
    (float, float, float)
        A voxel's edges in µm along these axes.
    """
    width_um, depth_um = section.period_um
    columns, planes = round(width_um / voxel_um), round(depth_um / voxel_um)
    edge_um = width_um / columns
    foil_row = (section.electrode.thickness_um + HEADROOM_UM) / edge_um
    frame = Frame(round(foil_row + FOOTROOM_UM / edge_um), columns, edge_um, foil_row, width_um / 2)
    views = [view(section, frame, deeper_um=depth_um * plane / planes) for plane in range(planes)]
    phases = np.stack([seen.phases for seen in views], axis=1)
    return phases[_inner_rows(views)], (edge_um, depth_um / planes, edge_um)


def _inner_rows(views: list[View]) -> slice:
    # One place in twenty lies in a deeper valley: waiting for the deepest would leave little of a thin coating.
    surface = float(np.quantile([seen.surface_rows for seen in views], 0.95))
    foil = float(np.min([seen.foil_rows for seen in views]))
    return slice(int(np.ceil(surface)), int(foil))


def effective_diffusivity(
    diffusivity: NDArray[np.float64], edges_um: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> tuple[float, int]:
    """Steady diffusion along the first axis, the other two periodic: finite volumes, harmonic means between voxels.

    Parameters
    ----------
    diffusivity : float array, shape (rows, planes, columns)
        Of each voxel, 0 where nothing passes.

    Returns
    -------
    (float, int)
        The diffusivity of a uniform block with the same flux, and the iterations taken.

    Raises
    ------
    LabError
        If nothing leads through.

    Examples
    --------
    >>> layers = np.array([1.0, 0.25]).repeat(5)[:, None, None] * np.ones((10, 3, 3))
    >>> round(effective_diffusivity(layers)[0], 6)  # in series: the harmonic mean
    0.4
    """
    laplacian = _laplacian(diffusivity, edges_um)
    # From the middle of the outermost voxels half an edge leads to the faces, one at 1, the other at 0.
    to_face = 2.0 * edges_um[1] * edges_um[2] / edges_um[0] * diffusivity
    at_top, at_bottom = np.zeros_like(diffusivity), np.zeros_like(diffusivity)
    at_top[0], at_bottom[-1] = to_face[0], to_face[-1]
    through = _leads_through(laplacian, at_top.ravel(), at_bottom.ravel())
    if not through.any():
        raise LabError(
            f"no pore leads from the foil to the surface at {diffusivity.shape} voxels and a porosity of "
            f"{(diffusivity > 0.0).mean():.3f}. Choose smaller voxels or a higher porosity."
        )
    inlet, outlet = at_top.ravel()[through], at_bottom.ravel()[through]
    matrix = csr_array(laplacian[through][:, through] + diags_array(inlet + outlet))
    start = 1.0 - np.broadcast_to(np.linspace(0.0, 1.0, len(diffusivity))[:, None, None], diffusivity.shape)
    concentration, iterations = _solve(matrix, inlet, start.ravel()[through])
    flux = float((outlet * concentration).sum())
    rows, planes, columns = diffusivity.shape
    area_um2 = planes * columns * edges_um[1] * edges_um[2]
    return flux * rows * edges_um[0] / area_um2, iterations


def _laplacian(diffusivity: NDArray[np.float64], edges_um: tuple[float, float, float]) -> csr_array:
    """Conductances between neighbours, negative, and their sums on the diagonal; shape (voxels, voxels)."""
    number = np.arange(diffusivity.size).reshape(diffusivity.shape)
    first, second, conductance = [], [], []
    for axis in range(3):
        here, there = (np.roll(values, -1, axis) for values in (number, diffusivity))
        mean = 2.0 * diffusivity * there / np.maximum(diffusivity + there, np.finfo(float).tiny)
        if axis == 0:
            mean[-1] = 0.0  # the faces are not joined
        joined = mean > 0.0
        first.append(number[joined])
        second.append(here[joined])
        conductance.append(mean[joined] * np.prod(edges_um) / edges_um[axis] ** 2)
    one, other, weight = (np.concatenate(parts) for parts in (first, second, conductance))
    size = diffusivity.size
    half = coo_array((-weight, (one, other)), shape=(size, size)).tocsr()
    both = half + half.T
    return csr_array(both - diags_array(both.sum(axis=1)))


def _leads_through(
    laplacian: csr_array, at_top: NDArray[np.float64], at_bottom: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Voxels that are joined to both faces; shape (voxels,)."""
    _, piece = connected_components(laplacian, directed=False)
    both = np.intersect1d(piece[at_top > 0.0], piece[at_bottom > 0.0])
    return np.isin(piece, both)


def _solve(
    matrix: csr_array, inlet: NDArray[np.float64], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    iterations = 0

    def count(_now: NDArray[np.float64]) -> None:
        nonlocal iterations
        iterations += 1

    weight = 1.0 / matrix.diagonal()
    scaled = LinearOperator(matrix.shape, matvec=lambda residual: weight * residual, dtype=np.float64)
    concentration, failed = cg(
        matrix, inlet, x0=start, rtol=TOLERANCE, maxiter=MOST_ITERATIONS, M=scaled, callback=count
    )
    if failed:
        raise LabError(
            f"diffusion through the pores did not settle within {iterations} iterations. Choose larger voxels."
        )
    return concentration, iterations
