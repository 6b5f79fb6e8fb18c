"""Sums along lines and means in long windows, in all directions at once.

The spectra of lines and windows are kept between crops: most of the time goes into the transforms back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Directions:
    """Averages over one shape (a line, a long window) turned in even steps from 0 to 180 degrees.

    Attributes
    ----------
    shape : (int, int)
        Of the images that it averages.
    padded : (int, int)
        With zeros beyond the right and the lower border, so that nothing wraps around.
    angles : float array, shape (directions,)
        In radians, from the columns towards the rows.
    spectra : complex array, shape (directions, ...)
    inside : float array, shape (directions, rows, columns)
        How much of each average lies inside the image; 1 away from its borders.
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    angles: NDArray[np.float32]
    spectra: NDArray[np.complex64]
    inside: Floats

    def spectrum_of(self, image: Floats) -> NDArray[np.complex64]:
        """An image, ready to be averaged."""
        return np.asarray(fft.rfft2(image, self.padded))

    def means(self, spectra: NDArray[np.complex64]) -> Floats:
        """Averages around each pixel, shape (directions, rows, columns); 0 counts beyond the image.

        Parameters
        ----------
        spectra : of one image, or of one for each direction
        """
        return _means(spectra * self.spectra, self.shape, self.padded)


@lru_cache(maxsize=8)
def lines(shape: tuple[int, int], count: int, length_px: float) -> Directions:
    """Lines about one pixel wide.

    >>> image = np.zeros((9, 9), np.float32)
    >>> image[4] = 1.0  # a horizontal line, and means over three pixels along it and across it
    >>> along = lines((9, 9), 2, 3.0)
    >>> [round(float(mean), 2) for mean in along.means(along.spectrum_of(image))[:, 4, 4]]
    [0.92, 0.33]
    """

    def line(along: Floats, across: Floats) -> Floats:
        return np.asarray(np.exp(-((across / 0.4) ** 2) / 2) * np.clip(length_px / 2 + 0.5 - np.abs(along), 0, 1))

    return _directions(shape, count, ceil(length_px / 2) + 1, line)


@lru_cache(maxsize=8)
def windows(shape: tuple[int, int], count: int, along_px: float, across_px: float) -> Directions:
    """Windows of Gaussian weight with these two deviations."""

    def window(along: Floats, across: Floats) -> Floats:
        return np.asarray(np.exp(-((along / along_px) ** 2) / 2 - ((across / across_px) ** 2) / 2))

    return _directions(shape, count, ceil(2.5 * along_px), window)


def _directions(
    shape: tuple[int, int], count: int, reach: int, weight_of: Callable[[Floats, Floats], Floats]
) -> Directions:
    rows, columns = (int(fft.next_fast_len(size + reach, real=True)) for size in shape)
    angles = np.float32(pi) * np.arange(count, dtype=np.float32) / np.float32(count)
    weights = [weight_of(along, across) for along, across in _turned((rows, columns), angles)]
    spectra = np.stack([fft.rfft2((weight / weight.sum()).astype(np.float32)) for weight in weights])
    inside = _means(spectra * fft.rfft2(np.ones(shape, np.float32), (rows, columns)), shape, (rows, columns))
    return Directions(shape, (rows, columns), angles, spectra, inside)


def _means(spectra: NDArray[Any], shape: tuple[int, int], padded: tuple[int, int]) -> Floats:
    # Columns first, so that rows beyond the image are not transformed at all.
    columns = fft.ifft(spectra, axis=1)[:, : shape[0]]
    return np.asarray(fft.irfft(columns, padded[1], axis=2)[..., : shape[1]])


def _turned(padded: tuple[int, int], angles: NDArray[np.float32]) -> Iterator[tuple[Floats, Floats]]:
    """How far each pixel lies along and across each direction, counted from the first pixel and around the ends."""
    row, column = (np.fft.fftfreq(size, 1 / size) for size in padded)
    for angle in angles:
        sine, cosine = np.sin(angle), np.cos(angle)
        yield column * cosine + row[:, None] * sine, row[:, None] * cosine - column * sine
