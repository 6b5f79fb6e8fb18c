"""What polishing, dirt and the microscope did wrong inside a crop: holes, scratches, smears, bubbles, debris, blur."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ratescope.imaging.focus import blurs_of
from ratescope.imaging.grey import block_mean, grey_of, pixels_in
from ratescope.imaging.grooves import find_grooves
from ratescope.imaging.smears import find_smears
from ratescope.records import Finding
from ratescope.settings import PrepareSettings

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

SMALLEST_HOLE_UM = 1.5  # our choice: cracks and pores of grains are narrower
LEAST_CONTRAST = 20.0  # our choice: with less nothing is seen
PLAIN_PORE = 0.87  # our choice: the darkest pores, in parts of the darkest fifth of what is no grain
CANDIDATE = 0.92  # our choice: in parts of the darkest pores; hardly a hole is brighter
HOLE_GREY = 0.58  # our choice: in parts of the resin around; 95 % of simulated holes have less, 95 % of pores more
DARKEST_RESIN = 0.78  # our choice: in parts of the darkest pores; resin in the shade of a grain has more
RING_UM, LEAST_RING, USUAL_RESIN = (1.2, 3.5), 30, 1.25  # our choice: where the resin around is looked at; without any
RIM_RISE, REACH_UM = 0.75, 1.8  # our choice: holes of simulated coatings then have their true area on average
SMALLEST_DEBRIS_UM, DEBRIS_GREY = 1.0, 1.8  # our choice: pores are 0, grains 1; relief at grain edges has up to 1.6
MOST_GRAIN = 200  # our choice: above it grains in good light are white themselves
ROUND = 0.8  # our choice: share of its enclosing circle that a bubble fills
LIGHT_FIELD_UM, LIGHT_FELL = 7.0, 0.2  # our choice: fields hold some grains; with less light than that they do not
PARTS = 3  # our choice: a crop is looked at in thirds, so that one half out of focus is seen

KINDS = {
    "void": "a hole, where a grain was pulled out or dirt lies, fills",
    "bubble": "a bubble in the resin fills",
    "scratch": "a scratch fills",
    "smear": "a smear over grains and pores fills",
    "debris": "something far brighter than the grains fills",
}


def judge_crop(crop: NDArray[np.uint8], pore_grey: float, settings: PrepareSettings) -> tuple[Finding, ...]:
    """Name what makes a crop unfit: flaws on more than ``most_artefact_share`` of it, or edges too blurred.

    Parameters
    ----------
    crop : uint8 array, shape (224, 672, 3)
    pore_grey : float
        What the darkest pores of the whole coating show.
    """
    grey, size_um = grey_of(crop), 2.0 * settings.network_pixel_size_um
    half = block_mean(grey, 2, 2)
    blurs_um = size_um * np.array(blurs_of(half, PARTS))
    worst_um = float(np.nanmax(blurs_um)) if np.isfinite(blurs_um).any() else 0.0
    if worst_um > settings.most_blur_um:
        text = (
            f"edges are blurred by {worst_um:.2f} µm (one standard deviation), over {settings.most_blur_um:g} µm is "
            "too much. Focus on the coating and take the field again."
        )
        return (Finding("out-of-focus", text),)
    found = find_flaws(evenly_lit(half, size_um), pore_grey, size_um, worst_um / size_um)
    whole = float(np.any(list(found.values()), axis=0).mean())
    if whole <= settings.most_artefact_share:
        return ()
    said = (
        f"flaws of all kinds {whole:.2%}; over {settings.most_artefact_share:.2%} is too much. Polish and clean again."
    )
    shares = {kind: float(flaw.mean()) for kind, flaw in found.items()}
    return tuple(
        Finding(kind, f"{KINDS[kind]} {share:.2%} of the crop, {said}")
        for kind, share in sorted(shares.items(), key=lambda one: -one[1])
        if share > 0.25 * whole  # our choice: what is less does not decide
    )


def evenly_lit(half: Floats, size_um: float) -> Floats:
    """A crop as if its light were even: divided by a slope that is fitted to its grains, unchanged in the middle.

    >>> row, column = np.mgrid[0:112, 0:336]
    >>> grains = np.where((row // 14 + column // 14) % 2, 160.0, 40.0).astype(np.float32)
    >>> even = evenly_lit(grains * np.linspace(0.8, 1.2, 336, dtype=np.float32), 0.246)
    >>> bool(np.abs(even / grains - 1.0).max() < 0.05)
    True
    """
    block = pixels_in(LIGHT_FIELD_UM, size_um)
    rows, columns = (size // block for size in half.shape)
    fields = half[: rows * block, : columns * block].reshape(rows, block, columns, block).swapaxes(1, 2)
    light = np.log(np.maximum(np.percentile(fields, 90, axis=(2, 3)), 1.0)).ravel()
    down, right = (at.ravel() for at in np.mgrid[-0.5 : 0.5 : rows * 1j, -0.5 : 0.5 : columns * 1j])
    terms = np.stack([np.ones_like(down), down, right], axis=1)
    has_grains = light > np.median(light) - LIGHT_FELL
    for _ in range(3):  # fields of resin alone are darker than any light explains
        fitted = np.linalg.lstsq(terms[has_grains], light[has_grains], rcond=None)[0]
        off = light - terms @ fitted
        has_grains = off > np.median(off) - LIGHT_FELL
    slope = fitted[1:] * np.array([half.shape[0] / (rows * block), half.shape[1] / (columns * block)])
    down, right = (np.linspace(-0.5, 0.5, size)[:, None] for size in half.shape)
    return np.asarray(half / np.exp(slope[0] * down + slope[1] * right.T), dtype=np.float32)


def find_flaws(half: Floats, pore_grey: float, size_um: float, blur_px: float) -> dict[str, Flags]:
    """Where a crop shows flaws of each kind.

    Parameters
    ----------
    half : float array, shape (rows, columns)
        Grey values of a crop, means of 2 × 2 network pixels.
    pore_grey : float
        What the darkest pores of the whole coating show.
    size_um : float
        Of a pixel of ``half``.
    blur_px : float
        Deviation of the Gaussian that blurs edges, in pixels of ``half``.
    """
    pore, grain = grey_levels(half, pore_grey)
    dark = _dark_spots(half, pore, grain, size_um)
    is_bubble = _bubbles(dark, half, (pore + grain) / 2, size_um)
    return {
        "void": dark & ~is_bubble,
        "bubble": is_bubble,
        "scratch": find_grooves(half, pore, size_um),
        "smear": find_smears(half, pore, grain, size_um, blur_px),
        "debris": _bright_spots(half, pore, grain, size_um),
    }


def grey_levels(half: Floats, pore_grey: float) -> tuple[float, float]:
    """Grey of pores and of grains in this crop: uneven light makes them differ from the whole coating's.

    >>> half = np.repeat(np.float32([20, 40, 160]), [10, 200, 300])[None]  # a hole, pores, grains
    >>> [round(grey) for grey in grey_levels(half, 30.0)]
    [35, 160]
    """
    low, grain = np.percentile(half, [2, 95])
    dark = half[half < (low + grain) / 2]
    if not dark.size:
        return pore_grey, pore_grey + LEAST_CONTRAST
    fifth, middle = np.percentile(dark, [20, 50])
    # A hole may be more than a fifth of what is dark, but hardly the half. The whole coating's darkest pores are
    # those in the poorest light: here it may be up to 1.4 / 0.6 times as bright. Where black resin lies beside grey
    # binder, half of what is dark is binder: it says nothing of the resin.
    least = max(0.55 * pore_grey, min(0.6 * float(middle), 1.25 * pore_grey))
    pore = float(np.clip(PLAIN_PORE * fifth, least, max(2.3 * pore_grey, least)))
    return pore, max(float(grain), pore + LEAST_CONTRAST)


def _dark_spots(half: Floats, pore: float, grain: float, size_um: float) -> Flags:
    """Places at least 1.5 µm wide that are far darker than the resin around them, with what shines inside them.

    The resin around differs from place to place, with the light and with what lies below it, so each place is compared
    with its own neighbourhood; it reaches to where grey has risen most of the way to the resin's.
    """
    smooth = ndimage.gaussian_filter(half, 0.25 / size_um)
    width = pixels_in(SMALLEST_HOLE_UM, size_um)
    is_dark = _filled(smooth < CANDIDATE * pore)  # the wall of a bubble is darker than its ground
    core = ndimage.grey_opening(is_dark.view(np.uint8), (width, width)).view(np.bool_)
    spot = np.zeros_like(core)
    if not core.any():
        return spot
    labels, _ = ndimage.label(core)
    is_resin = ndimage.binary_erosion(half < (pore + grain) / 2, iterations=3, border_value=1)
    near, far, reach = (pixels_in(um, size_um) for um in (*RING_UM, REACH_UM))
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        part = tuple(slice(max(one.start - far, 0), one.stop + far) for one in place)
        one, grey = labels[part] == number, smooth[part]
        floor = float(np.percentile(grey[one], 25))
        ring = ndimage.binary_dilation(one, iterations=far) & is_resin[part]
        ring &= ~ndimage.binary_dilation(labels[part] > 0, iterations=near)
        resin = float(np.percentile(half[part][ring], 40)) if ring.sum() > LEAST_RING else USUAL_RESIN * pore
        if floor < min(HOLE_GREY * resin, DARKEST_RESIN * pore):
            inside = (grey < floor + RIM_RISE * (resin - floor)) & ndimage.binary_dilation(one, iterations=reach)
            spot[part] |= _filled(ndimage.binary_propagation(one & inside, mask=inside))
    return spot


def _filled(flags: Flags) -> Flags:
    """With what they enclose; ``ndimage.binary_fill_holes`` takes five times as long.

    >>> _filled(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)).astype(int).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    labels, count = ndimage.label(~flags)
    is_open = np.zeros(count + 1, bool)
    is_open[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    return np.asarray(flags | ~is_open[labels])


def _bubbles(dark: Flags, half: Floats, middle_grey: float, size_um: float) -> Flags:
    """Those dark spots that are discs with resin all around: a hole of a grain has other grains around it."""
    labels, _ = ndimage.label(dark)
    is_bubble = np.zeros_like(dark)
    margin = pixels_in(2.0, size_um)
    for number, (row, column) in enumerate(ndimage.find_objects(labels), start=1):
        part = tuple(slice(max(one.start - margin, 0), one.stop + margin) for one in (row, column))
        spot = labels[part] == number
        places = np.argwhere(spot)
        radius = float(np.hypot(*(places - places.mean(axis=0)).T).max()) + 0.5
        ring = ndimage.binary_dilation(spot, iterations=margin) & ~ndimage.binary_dilation(spot, iterations=margin // 2)
        if spot.sum() > ROUND * pi * radius**2 and ring.any() and (half[part][ring] < middle_grey).mean() > 0.9:
            is_bubble[part] |= spot
    return is_bubble


def _bright_spots(half: Floats, pore: float, grain: float, size_um: float) -> Flags:
    """Places far brighter than grains and at least 1 µm wide."""
    width = pixels_in(SMALLEST_DEBRIS_UM, size_um)
    # Where light is so plentiful that grains are nearly white, nothing can be told.
    level = pore + DEBRIS_GREY * (grain - pore)
    level = level if grain > MOST_GRAIN else min(level, 250.0)
    is_bright = half > level
    if not is_bright.any():
        return is_bright
    spot = ndimage.grey_opening(is_bright.view(np.uint8), (width, width))
    return np.asarray(ndimage.maximum_filter(spot, width).view(np.bool_))  # blur took its rim
