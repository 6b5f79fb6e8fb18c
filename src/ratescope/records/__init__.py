"""The nouns: frozen records, checked once when made, with the unit in each field's name.

    micrograph    Micrograph → Collector, Coating, Section → Prepared
    descriptors   what is measured in its crops
    rate_test     RateTest of Discharges
    rate_curve    RateCurve, measured or predicted; Prediction
    fold          CropId, Fold
    finding       what should be known of any of them
    progress      how long work tells how far it is

All are imported from here. Axes are (rows, columns); row 0 is the top of the image. Records that hold arrays use
``eq=False``: arrays have no single truth value.
"""

from ratescope.records.descriptors import Descriptors, GrainSizes, crops_for_one_point
from ratescope.records.finding import Finding
from ratescope.records.fold import CropId, Fold, FoldUnit, Protocol, unit_of, units_of
from ratescope.records.micrograph import Box, Coating, CoatingSide, Collector, Micrograph, Prepared, Section, Status
from ratescope.records.progress import OnProgress, no_progress
from ratescope.records.rate_curve import Prediction, RateCurve
from ratescope.records.rate_test import Degradation, Discharge, RateTest, Role

__all__ = [
    "Box",
    "Coating",
    "CoatingSide",
    "Collector",
    "CropId",
    "Degradation",
    "Descriptors",
    "Discharge",
    "Finding",
    "Fold",
    "FoldUnit",
    "GrainSizes",
    "Micrograph",
    "OnProgress",
    "Prediction",
    "Prepared",
    "Protocol",
    "RateCurve",
    "RateTest",
    "Role",
    "Section",
    "Status",
    "crops_for_one_point",
    "no_progress",
    "unit_of",
    "units_of",
]
