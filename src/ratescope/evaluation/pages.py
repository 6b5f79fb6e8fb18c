"""The HTML templates beside this file, and how numbers are written in them."""

from __future__ import annotations

from functools import cache
from zlib import crc32

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ratescope.evaluation.figures import UNIT_LABEL
from ratescope.measured import plus_minus

DECIMALS = {"Ah/kg": 1, "Ah/L": 0, "mAh/cm2": 2, "%": 1, "µm": 1, "R²": 2}  # our choice: what a rate test repeats to


def template(name: str) -> Template:
    """A template that escapes what it is given: file names come from users, and may hold anything."""
    return _environment().get_template(name)


def number(value: float | None, unit: str) -> str:
    """A number with the decimals of its unit; a dash where it is unknown.

    >>> number(157.23, "Ah/kg"), number(None, "%")
    ('157.2', '–')
    """
    return "–" if value is None or not np.isfinite(value) else f"{value:.{DECIMALS[unit]}f}".replace("-", "−")


def spread(value: float, unit: str) -> str:
    """A spread with its sign; one too small for the decimals of its unit is said to be smaller, never zero.

    >>> spread(1.27, "Ah/kg"), spread(0.03, "Ah/kg")
    ('± 1.3', '± < 0.1')
    """
    return plus_minus(value, DECIMALS[unit])


def anchor_of(file: str) -> str:
    """What links to a micrograph's chapter end in: whatever its name is, and on every machine the same.

    >>> anchor_of("a.tif")
    'micrograph-618ba5e2'
    """
    return f"micrograph-{crc32(file.encode('utf-8')):08x}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ratescope", "evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["spread"] = spread
    environment.filters["unit"] = lambda unit: UNIT_LABEL.get(unit, unit)
    return environment
