"""Calibration: positives hidden on purpose, and what they teach about those that nobody labelled."""

from foolsgold.calibration.calibration import Calibration
from foolsgold.calibration.decided import Band, Decided, Lesson
from foolsgold.calibration.estimate import estimate
from foolsgold.calibration.estimate_decided import Taught, estimate_decided
from foolsgold.calibration.fit import fit_near, with_base_rate
from foolsgold.calibration.heard import fitted_from
from foolsgold.calibration.hidden import HiddenPositives, hide_positives
from foolsgold.calibration.trial import Interval, LeakTest, Trial

__all__ = [
    "Band",
    "Calibration",
    "Decided",
    "HiddenPositives",
    "Interval",
    "LeakTest",
    "Lesson",
    "Taught",
    "Trial",
    "estimate",
    "estimate_decided",
    "fit_near",
    "fitted_from",
    "hide_positives",
    "with_base_rate",
]
