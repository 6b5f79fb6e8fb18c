"""Rate capability of lithium-ion electrodes from light-microscopy cross-sections.

The public names are listed here and resolved when first used, so that ``import ratescope`` loads no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "RatescopeError": "ratescope.errors",
    "Micrograph": "ratescope.records",
    "Prepared": "ratescope.records",
    "Prediction": "ratescope.records",
    "RateCurve": "ratescope.records",
    "Settings": "ratescope.settings",
    "read_settings": "ratescope.settings",
    "read_micrograph": "ratescope.imaging.reading",
    "prepare_file": "ratescope.imaging.prepare",
    "read_campaign": "ratescope.campaign.sheets",
    "read_cycler_file": "ratescope.cycling.readers",
    "rate_test": "ratescope.cycling.rate_test",
    "RateLaw": "ratescope.cycling.rate_law",
    "fit_rate_law": "ratescope.cycling.rate_law_fit",
    "write_rates": "ratescope.rates",
    "read_model": "ratescope.model",
    "predict_rate_curve": "ratescope.predict",
    "predict_files": "ratescope.predict",
    "train_campaign": "ratescope.train",
    "explain_files": "ratescope.explain",
    "bundled_micrographs": "ratescope.demo",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  the names are the keys above


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ratescope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
