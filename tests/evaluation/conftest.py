"""Small records drawn with a generator of their own: an electrode of discs, and networks that err by a known amount."""

import numpy as np
import pandas as pd
import pytest

from ratescope.evaluation.metrics import FOLD_PREDICTION_COLUMNS
from ratescope.records import Box, Coating, Collector, Finding, Prediction, Prepared, Section

RATES = np.array([0.2, 1.0, 2.0, 3.0, 5.0])
SPECIFIC = np.array([157.2, 143.6, 132.0, 116.4, 38.6])
DENSITY = np.array([428.0, 391.0, 359.0, 317.0, 105.0])
CURVES = {  # simulated, set A: Ah/kg
    "E50": [157.3, 143.9, 132.4, 121.0, 99.5],
    "E35": [157.2, 143.7, 132.2, 120.7, 56.2],
    "E30": [157.2, 143.6, 132.0, 116.4, 38.6],
    "E25": [157.1, 143.3, 131.7, 87.0, 24.8],
    "E20": [157.0, 142.5, 94.7, 42.9, 13.1],
}


def draw_discs(rng, rows, columns, count, radius_px=(10, 45)):
    """Bright discs on dark resin, shape (rows, columns, 3)."""
    picture = np.full((rows, columns), 62.0)
    for row, column, radius in zip(
        rng.uniform(0, rows, count), rng.uniform(0, columns, count), rng.uniform(*radius_px, count), strict=True
    ):
        top, left = int(max(row - radius, 0)), int(max(column - radius, 0))
        window = picture[top : int(row + radius) + 1, left : int(column + radius) + 1]
        y, x = np.ogrid[top : top + window.shape[0], left : left + window.shape[1]]
        window[(y - row) ** 2 + (x - column) ** 2 < radius**2] = rng.uniform(150, 185)
    picture += rng.normal(0, 4, picture.shape)
    return np.repeat(picture.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def draw_levelled(rng, rows=600, columns=2200):
    """Resin, coating and foil from top to bottom: the foil's edge is row 500, the surface wanders about row 100."""
    levelled = draw_discs(rng, rows, columns, count=columns // 4)
    surface = 100 + 14 * np.sin(np.linspace(0, 9, columns))
    levelled[np.arange(rows)[:, None] < surface] = 58
    levelled[500:560] = 232
    levelled[560:] = 58
    return levelled, surface


def draw_prepared(rng, file="ncm_30_a.tif"):
    """Three sections, of which the middle one is refused."""
    levelled, surface = draw_levelled(rng)
    boxes = [Box(180, 404, 24 + 720 * place, 696 + 720 * place) for place in range(3)]
    crops = [levelled[180:404, int(box.left) : int(box.right)].copy() for box in boxes]
    void = Finding("void", "A void of 14 µm lies in the section; particles were pulled out. Polish again.")
    sections = (
        Section(0, "prepared", (), boxes[0], crops[0]),
        Section(1, "refused", (void,), boxes[1], None),
        Section(2, "prepared", (), boxes[2], crops[2]),
    )
    columns = levelled.shape[1]
    coating = Coating(Box(140, 496, 4, columns - 4), 49.2, 1.2, 51.0, np.full(columns, 500.0), surface)
    return Prepared(
        file=file,
        status="prepared",
        pixel_size_um=0.123,
        findings=(Finding("jpeg", "The file is a JPEG: its compression is visible at grain edges."),),
        collector=Collector(501.0, 520.0, 0.5, "above", 0.93, np.full(columns, 500.0)),
        coating=coating,
        level_to_file=np.eye(2, 3),
        pixels=levelled,
        sections=sections,
    )


def draw_prediction(rng, capacity, networks=5, crops=2):
    values = SPECIFIC if capacity == "specific" else DENSITY
    scatter = 1 + 0.03 * rng.normal(size=(networks, crops, 1)) * np.linspace(0.3, 3, 5)
    return Prediction(capacity, RATES, values * scatter)


def draw_fold_predictions(rng, error=0.05, crops=6):
    """By-electrode: each fold holds one electrode out, validates on the next, and learns from the rest."""
    rows = []
    names = list(CURVES)
    for fold in range(len(names)):
        for place, electrode in enumerate(names):
            part = {0: "test", 1: "validation"}.get((place - fold) % len(names), "train")
            own_error = error * rng.normal()
            for crop in range(crops):
                for rate, measured in zip(RATES, CURVES[electrode], strict=True):
                    predicted = measured * (1 + own_error + error * rng.normal())
                    where = (fold, part, electrode, f"{electrode}-s{crop % 3}", f"{electrode}.tif", crop)
                    rows.append((*where, rate, measured, predicted, fold))
    return pd.DataFrame(rows, columns=FOLD_PREDICTION_COLUMNS)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def prepared(rng):
    return draw_prepared(rng)


@pytest.fixture
def predictions(rng):
    return {capacity: draw_prediction(rng, capacity) for capacity in ("specific", "density")}


@pytest.fixture(scope="session")
def fold_predictions():
    return draw_fold_predictions(np.random.default_rng(7))
