"""Calibrations as pages to read: one file each, which needs nothing else."""

from evcam.report.calibration_page import calibration_page
from evcam.report.comparison_page import comparison_page

__all__ = ["calibration_page", "comparison_page"]
