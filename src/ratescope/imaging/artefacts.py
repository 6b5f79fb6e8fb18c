"""What polishing did wrong inside a crop: grains pulled out, long straight scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import line
from skimage.transform import probabilistic_hough_line

from ratescope.imaging.grey import grey_of, pixels_in
from ratescope.records import Finding
from ratescope.settings import PrepareSettings

Flags = NDArray[np.bool_]

SMALLEST_VOID_UM = 2.0  # our choice: cracks and gaps between grains are narrower
VOID_GREY = 0.65  # our choice: a hole is darker than two thirds of what resin in pores shows
SCRATCH_UM, SCRATCH_WIDTH_UM = 20.0, 1.6  # our choice: longer than the largest grain's cracks; wider ones are voids
MOST_GROOVES = 0.15  # our choice: in flakes with gaps everywhere, straight ones among them are no scratches
SCRATCH_GAP_UM = 1.5  # our choice: a groove is hardly seen where it crosses a pore


def judge_crop(crop: NDArray[np.uint8], pore_grey: float, settings: PrepareSettings) -> tuple[Finding, ...]:
    """Name the artefacts that fill more of a crop than ``most_artefact_share``.

    Parameters
    ----------
    crop : uint8 array, shape (224, 672, 3)
    pore_grey : float
        What the darkest pores of the whole coating show.
    """
    size_um = settings.network_pixel_size_um
    smooth = ndimage.gaussian_filter(grey_of(crop).astype(np.float32), 0.25 / size_um)
    shares = {
        "void": ("a hole, where a grain was pulled out, fills", void_share(smooth, pore_grey, size_um)),
        "scratch": ("a scratch fills", scratch_share(smooth, pore_grey, size_um)),
    }
    return tuple(
        Finding(code, f"{what} {share:.1%} of the crop, more than {settings.most_artefact_share:.0%}. Polish again.")
        for code, (what, share) in shares.items()
        if share > settings.most_artefact_share
    )


def void_share(smooth: NDArray[np.float32], pore_grey: float, pixel_size_um: float) -> float:
    """Share of the crop in dark places that are at least 2 µm wide in every direction."""
    width = pixels_in(SMALLEST_VOID_UM, pixel_size_um)
    is_void = ndimage.grey_opening((smooth < VOID_GREY * pore_grey).view(np.uint8), (width, width))
    return float(ndimage.maximum_filter(is_void, 5).mean())  # smoothing took two pixels of its rim


def scratch_share(smooth: NDArray[np.float32], pore_grey: float, pixel_size_um: float) -> float:
    """Share of the crop in narrow dark lines that run straight through grains and pores."""
    half = smooth[::2, ::2]
    half_um = 2.0 * pixel_size_um
    width = pixels_in(SCRATCH_WIDTH_UM, half_um, least=3)
    groove = ndimage.grey_closing(half, (width, width)) - half
    is_groove = groove > 0.2 * (float(np.percentile(half, 95)) - pore_grey)  # our choice: a fifth of bright on dark
    if is_groove.mean() > MOST_GROOVES:
        return 0.0
    lines = probabilistic_hough_line(  # type: ignore[no-untyped-call]  # skimage has no types
        is_groove,
        threshold=pixels_in(10.0, half_um),
        line_length=pixels_in(SCRATCH_UM, half_um),
        line_gap=pixels_in(SCRATCH_GAP_UM, half_um),
        rng=0,  # the draw decides only in which order points are tried
    )
    on_line = np.zeros_like(is_groove)
    for (column_0, row_0), (column_1, row_1) in lines:
        on_line[line(row_0, column_0, row_1, column_1)] = True  # type: ignore[no-untyped-call]
    return float((ndimage.binary_dilation(on_line, iterations=2) & is_groove).mean())
