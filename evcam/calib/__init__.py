"""Intrinsic calibration with honest uncertainty."""

from evcam.calib.calibration import Calibration, ViewFit
from evcam.calib.intrinsics import MIN_VIEWS, calibrate
from evcam.calib.options import CalibrationOptions

__all__ = ["MIN_VIEWS", "Calibration", "CalibrationOptions", "ViewFit", "calibrate"]
