"""Simple drawn cross-sections: discs on a foil under resin, with every row known."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from ratescope.imaging.grey import grey_of
from ratescope.records import Micrograph
from ratescope.settings import PrepareSettings
from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.packing import cut_cross_section

PIXEL_SIZE_UM = 0.123


@dataclass(frozen=True, eq=False)
class Drawn:
    micrograph: Micrograph
    edge_rows: np.ndarray  # first row of the foil, as a real number
    tilt_deg: float
    thickness_um: float
    is_coating: np.ndarray

    @property
    def grey(self):
        return grey_of(self.micrograph.pixels)


def draw_cross_section(
    seed=0,
    *,
    rows=620,
    columns=900,
    pixel_size_um=PIXEL_SIZE_UM,
    tilt_deg=0.0,
    thickness_um=45.0,
    foil_um=15.0,
    foil_grey=225.0,
    resin_grey=40.0,
    noise=4.0,
    both_sides=False,
    other_um=35.0,
    upside_down=False,
):
    rng = np.random.default_rng(seed)
    columns_um = (np.arange(columns) - (columns - 1) / 2) * pixel_size_um
    foil_um_from_top = rows * pixel_size_um - foil_um - (other_um + 4.0 if both_sides else 4.0)
    edge_um = foil_um_from_top + np.tan(np.radians(tilt_deg)) * columns_um
    height = edge_um[None, :] - np.arange(rows)[:, None] * pixel_size_um
    grey = np.full((rows, columns), resin_grey)
    grains = _grains(rng, height, columns_um, thickness_um)
    if both_sides:
        grains |= _grains(rng, -height - foil_um, columns_um, other_um)
    grey[grains] = 165.0
    grey[(height <= 0) & (height > -foil_um)] = foil_grey
    grey = ndimage.gaussian_filter(grey, 0.12 / pixel_size_um) + rng.normal(0.0, noise, grey.shape)
    pixels = np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    edge_rows, is_coating = edge_um / pixel_size_um, (height > 0) & (height <= thickness_um)
    if upside_down:
        pixels, edge_rows, is_coating = pixels[::-1], rows - 1 - edge_rows, is_coating[::-1]
        tilt_deg = -tilt_deg
    micrograph = Micrograph(np.ascontiguousarray(pixels), pixel_size_um, "drawn.tif")
    return Drawn(micrograph, edge_rows, tilt_deg, thickness_um, is_coating)


def _grains(rng, height_um, columns_um, thickness_um):
    """Discs of 3 to 9 µm on a jittered lattice; the highest of each column of the lattice touches the surface."""
    is_grain = np.zeros(height_um.shape, bool)
    layers = round(thickness_um / 7.0)
    for layer in range(layers):
        for at in np.arange(columns_um[0] - 4.0, columns_um[-1] + 8.0, 7.4):
            radius = rng.uniform(1.5, 4.4) if layer < layers - 1 else rng.uniform(2.2, 3.9)
            x_um = at + 3.7 * (layer % 2) + rng.uniform(-0.4, 0.4)
            up_um = (layer + 0.5) * thickness_um / layers + rng.uniform(-0.4, 0.4)
            up_um = thickness_um - radius if layer == layers - 1 else max(up_um, radius)
            near = np.abs(columns_um - x_um) < radius + 1.0
            is_grain[:, near] |= np.hypot(height_um[:, near] - up_um, columns_um[near] - x_um) < radius
    return is_grain & (height_um > 0)


@pytest.fixture
def draw():
    return draw_cross_section


@pytest.fixture(scope="session")
def drawn():
    return draw_cross_section(1, columns=1450, tilt_deg=0.8)


@pytest.fixture(scope="package")
def virtual():
    """A simulated micrograph with its truth."""
    rng = np.random.default_rng(5)
    electrode = VirtualElectrode("P30", "B1", load_mpa=200.0, porosity=0.30)
    return photograph(cut_cross_section(electrode, width_um=90.0, rng=rng), columns=730, rng=rng, artefacts=False)


@pytest.fixture
def settings():
    return PrepareSettings()
