"""What differs between microscopes and between preparations: the settings of a virtual laboratory's bench.

Two laboratories are named. The reference one stands for the paper's (section 2.1); the second is made up, different on
purpose, to ask what a network does with micrographs from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratescope.errors import LabError
from ratescope.units import NETWORK_PIXEL_SIZE_UM

Colour = tuple[float, float, float]

REFLECTED: Mapping[str, float] = {
    "resin": 0.13,
    "pore": 0.13,
    "particle": 0.62,
    "crack": 0.11,
    "carbon": 0.33,
    "binder": 0.225,
    "foil": 0.93,
}
"""Share of the light that a mirror would send back: our choice, in the order of section 2.2."""

TINTS: Mapping[str, Colour] = {
    "resin": (0.97, 1.0, 1.05),
    "pore": (0.97, 1.0, 1.05),
    "particle": (1.035, 1.0, 0.925),
    "crack": (0.97, 1.0, 1.05),
    "carbon": (0.995, 1.0, 1.01),
    "binder": (1.0, 1.0, 1.01),
    "foil": (1.0, 1.0, 0.995),
}
"""Red, green and blue of each material: warm NCM, neutral foil (section 2.2); the amounts are our choice."""

COARSEST_UM = 0.40  # docs/virtual-laboratory.md: resolution is 0.34 µm; grains are not seen with larger pixels


@dataclass(frozen=True)
class Microscope:
    """A reflected-light bright-field microscope with its camera; the defaults are the reference laboratory's.

    Attributes
    ----------
    pixel_size_um : float
        Section 2.1.
    point_spread_um : float
        Deviation of a point's image in green: 0.15 is 0.34 µm of resolution (550 nm, aperture 0.80).
    softest : float
        How much wider a point's image is where the stage has drifted farthest, as a multiple.
    field_columns, overlap_columns : int
        Of one stitched field: a camera of 1388 × 1040 pixels (section 2.1's AxioCam), a tenth of overlap.
    vignetting : (float, float)
        Light lost at half a field's width from the axis, smallest and largest: our choice.
    seams : float
        Deviation of the fields' brightness from each other: our choice.
    reflected, tints : phase → share of light, phase → red, green and blue
    light_colour : red, green and blue
        Of lamp and white balance.
    lamp : (float, float)
        Brightness of the lamp, lowest and highest.
    black_level : float
        What the camera shows without light, in parts of its full scale.
    full_well : float
        Electrons at full scale: 6000 give 1 % of shot noise in bright grains (our choice).
    read_noise : float
        Deviation, in parts of full scale.
    relief : float
        How plainly slopes at edges show, relative to the reference laboratory.
    """

    pixel_size_um: float = NETWORK_PIXEL_SIZE_UM
    point_spread_um: float = 0.15
    softest: float = 1.75
    field_columns: int = 1388
    overlap_columns: int = 138
    vignetting: tuple[float, float] = (0.03, 0.07)
    seams: float = 0.006
    reflected: Mapping[str, float] = field(default_factory=lambda: dict(REFLECTED))
    tints: Mapping[str, Colour] = field(default_factory=lambda: dict(TINTS))
    light_colour: Colour = (1.0, 1.0, 1.0)
    lamp: tuple[float, float] = (0.92, 1.06)
    black_level: float = 0.012
    full_well: float = 6000.0
    read_noise: float = 0.0025
    relief: float = 1.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.pixel_size_um < COARSEST_UM:
            raise LabError(
                f"a virtual microscope has pixels from 0.02 to {COARSEST_UM} µm; asked for {self.pixel_size_um}. "
                "Choose a size inside."
            )
        if missing := sorted(set(REFLECTED) - (set(self.reflected) & set(self.tints))):
            raise LabError(f"a virtual microscope has no light or tint for {', '.join(missing)}. Give each phase both.")


@dataclass(frozen=True)
class Preparation:
    """How often polishing and handling go wrong, per mm of mosaic; the defaults are the reference laboratory's.

    All rates are our choice: four sections of five stay clean, as the paper's 314 crops of 45 mosaics suggest.
    """

    voids_per_mm: float = 3.5
    scratches_per_mm: float = 3.0
    smears_per_mm: float = 1.0
    bubbles_per_mm: float = 3.0
    dust_per_mm: float = 1.0
    blurred_fields_per_mm: float = 0.15
    lines_per_mm: float = 150.0

    def __post_init__(self) -> None:
        if wrong := [f"{name} {rate}" for name, rate in vars(self).items() if not 0.0 <= rate < 10_000.0]:
            raise LabError(f"a preparation has rates from 0 to 10000 per mm; got {', '.join(wrong)}. Choose others.")


REFERENCE_MICROSCOPE = Microscope()
REFERENCE_PREPARATION = Preparation()
FLAWLESS_PREPARATION = Preparation(
    voids_per_mm=0.0,
    scratches_per_mm=0.0,
    smears_per_mm=0.0,
    bubbles_per_mm=0.0,
    dust_per_mm=0.0,
    blurred_fields_per_mm=0.0,
)
"""No artefacts; the fine lines of the last polish stay, for they belong to every surface."""

SECOND_MICROSCOPE = Microscope(
    pixel_size_um=0.161,
    point_spread_um=0.20,
    softest=1.9,
    field_columns=1292,
    overlap_columns=100,
    vignetting=(0.08, 0.14),
    seams=0.012,
    reflected=dict(REFLECTED)
    | {"resin": 0.17, "pore": 0.17, "crack": 0.15, "binder": 0.25, "carbon": 0.32, "particle": 0.55, "foil": 0.75},
    light_colour=(0.94, 1.03, 1.02),
    lamp=(0.95, 1.15),
    black_level=0.03,
    full_well=3000.0,
    read_noise=0.005,
    relief=1.4,
)
"""Another laboratory, made up: larger pixels, softer optics, cooler light, less contrast, more noise and vignetting."""

SECOND_PREPARATION = Preparation(
    voids_per_mm=9.0, scratches_per_mm=5.0, smears_per_mm=2.0, bubbles_per_mm=4.0, dust_per_mm=2.0, lines_per_mm=420.0
)
