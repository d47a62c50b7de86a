"""Intrinsic calibration with honest uncertainty."""

from evcam.calib.calibration import Calibration
from evcam.calib.comparison import Comparison, compare
from evcam.calib.halves import Halves, split_halves
from evcam.calib.intrinsics import MIN_VIEWS, calibrate
from evcam.calib.judgement import Grade, Judgement
from evcam.calib.next_views import NextView, what_next
from evcam.calib.options import CalibrationOptions
from evcam.calib.result import ViewFit
from evcam.calib.verdict import judge

__all__ = [
    "MIN_VIEWS", "Calibration", "CalibrationOptions", "Comparison", "Grade", "Halves", "Judgement", "NextView", "ViewFit",
    "calibrate", "compare", "judge", "split_halves", "what_next",
]
