"""A paper-sized simulated mosaic for the benchmarks, made once and kept in the system's temporary folder."""

import tempfile
from pathlib import Path

import numpy as np

from ratescope.virtual_lab.design import VirtualElectrode
from ratescope.virtual_lab.microscope import photograph
from ratescope.virtual_lab.mosaic_file import write_micrograph
from ratescope.virtual_lab.packing import cut_cross_section

ROWS, COLUMNS = 975, 6300  # section 2.1
DECODED_BYTES = ROWS * COLUMNS * 3


def paper_mosaic() -> Path:
    """A simulated mosaic of 975 × 6300 px at 30 % porosity."""
    path = Path(tempfile.gettempdir()) / "ratescope-benchmark" / "mosaic.tif"
    if not path.is_file():
        rng = np.random.default_rng(1)
        electrode = VirtualElectrode("200MPa", "batch-1", load_mpa=200.0, porosity=0.30)
        cross_section = cut_cross_section(electrode, width_um=COLUMNS * 0.123, rng=rng)
        write_micrograph(path, photograph(cross_section, columns=COLUMNS, rng=rng))
    return path
