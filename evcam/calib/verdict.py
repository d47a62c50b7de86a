"""Whether a calibration should be trusted, in three grades with reasons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evcam.calib.coverage import Coverage, join, measure_coverage, movement_px
from evcam.calib.judgement import Grade, Judgement, Limits, Reason
from evcam.calib.residual_pattern import residual_pattern
from evcam.calib.result import CalibrationResult

ZONE_PX = 1.0
"""Beyond this uncertainty a part of the image counts as unsure."""
UNSURE_SHARE = 0.02
"""Smaller parts are passed over."""
MOST_OF_IT = 0.5
"""Beyond this share, the image as a whole is uncertain."""
STRETCHES = Limits(10, 5)
"""Independent stretches of time that a covariance can rest on."""

_FEWEST_VIEWS = 8
_FOCAL_SHARE = Limits(0.005, 0.02)
_COVERED = Limits(0.5, 0.25)
_WHERE_SEEN_PX = Limits(0.5, 2.0)
_RMS_PX = Limits(0.5, 1.5)
_PATTERN_PX = 0.15
_LEFT_OUT = 0.1
_MOVEMENT_PX = 2.0
_ASPECT, _ASPECT_SIGMA = 0.01, 4.0
_LITTLE_TILT_DEG = 12.0


def judge(calibration: CalibrationResult) -> Judgement:
    """Everything that speaks against using a calibration.

    Notes
    -----
    Nothing here sees a wrong spacing of the board, which scales translations and leaves the intrinsics as they are, or a bias
    that all views share and that the lens model can take up.
    """
    coverage = measure_coverage(calibration)
    reasons = [  # causes before what they cause
        *_board(calibration), *_errors(calibration), *_motion(calibration), *_amount(calibration),
        *_focal_lengths(calibration, coverage), *_reach(calibration, coverage), *_uncertainty(calibration),
    ]
    order = [Grade.DISTRUST, Grade.USABLE]
    return Judgement(tuple(sorted(reasons, key=lambda reason: order.index(reason.grade))))


def _amount(calibration: CalibrationResult) -> Iterator[Reason]:
    views, stretches = len(calibration.fits), calibration.independent_stretches
    if views < _FEWEST_VIEWS:
        yield Reason(Grade.DISTRUST, f"only {views} views, {_FEWEST_VIEWS} are needed to judge; record longer")
    elif grade := STRETCHES.grade(stretches):
        limit = STRETCHES.broken(grade)
        yield Reason(grade, f"only {stretches} independent stretches of time, limit {limit:.0f}; record longer")


def _focal_lengths(calibration: CalibrationResult, coverage: Coverage) -> Iterator[Reason]:
    share = calibration.stds[:2] / calibration.camera.params[:2]
    worst = int(np.argmax(share))
    if grade := _FOCAL_SHARE.grade(float(share[worst])):
        tilt = coverage.largest_tilt_deg
        advice = (f"the board was hardly ever tilted by more than {tilt:.0f} degrees: tilt it by 20 to 40 to every side"
                  if tilt < _LITTLE_TILT_DEG else "record more, with the board tilted to every side")
        yield Reason(grade, f"{calibration.param_names[worst]} is uncertain by {100 * share[worst]:.1f} %, "
                            f"limit {100 * _FOCAL_SHARE.broken(grade):.1f} %; {advice}")
    yield from _aspect(calibration)


def _aspect(calibration: CalibrationResult) -> Iterator[Reason]:
    fx, fy = calibration.camera.params[:2]
    gradient = np.array([1 / fy, -fx / fy**2])
    std = float(np.sqrt(max(gradient @ calibration.covariance[:2, :2] @ gradient, 0.0)))  # zero where they are tied
    off = abs(fx / fy - 1)
    if off > _ASPECT and off > _ASPECT_SIGMA * std:
        yield Reason(Grade.USABLE, f"fx and fy differ by {100 * off:.1f} %, though the pixels of nearly all sensors are square; "
                                   "check the target's rows and columns, and that the print is not stretched")


def _reach(calibration: CalibrationResult, coverage: Coverage) -> Iterator[Reason]:
    if grade := _COVERED.grade(calibration.coverage):
        yield Reason(grade, f"the board covered {100 * calibration.coverage:.0f} % of the image, at least "
                            f"{100 * _COVERED.broken(grade):.0f} % are needed; move it to the borders too")
    yield from _beyond_the_board(calibration, coverage)


def _beyond_the_board(calibration: CalibrationResult, coverage: Coverage) -> Iterator[Reason]:
    """Parts of the image for which the rest of it must speak."""
    uncertain = zone_uncertainty(calibration, coverage)
    share = float((uncertain > ZONE_PX).mean())
    if not UNSURE_SHARE < share < MOST_OF_IT:  # if most of the image is uncertain, other reasons say so
        return
    zones = [zone.name for zone, part in zip(coverage.zones, uncertain, strict=True) if (part > ZONE_PX).mean() > UNSURE_SHARE]
    known = uncertain[np.isfinite(uncertain)]
    worst = f"up to {known.max():.1f} px" if len(known) == uncertain.size else "and in places the lens model does not reach"
    where = f"{100 * share:.0f} % of the image ({_list_zones(zones)})"
    yield Reason(Grade.USABLE, f"in {where} the projection is uncertain by more than {ZONE_PX:.0f} px, {worst}; "
                               "bring the board farther out there, or do not use the image there")


def _list_zones(names: list[str]) -> str:
    corners = [name for name in names if name.endswith("corner")]
    if len(corners) < 4:
        return join(names)
    return join(["the four corners", *(name for name in names if name not in corners)])


def _uncertainty(calibration: CalibrationResult) -> Iterator[Reason]:
    uncertain = float(np.nanmedian(calibration.projection_std(calibration.inlier_xy, rotation_free=True)))
    if grade := _WHERE_SEEN_PX.grade(uncertain):
        yield Reason(grade, f"projection is uncertain by {uncertain:.1f} px where the board was seen, "
                            f"limit {_WHERE_SEEN_PX.broken(grade):.1f} px; record more, from more sides")


def _errors(calibration: CalibrationResult) -> Iterator[Reason]:
    if grade := _RMS_PX.grade(calibration.rms_px):
        yield Reason(grade, f"reprojection error {calibration.rms_px:.2f} px, limit {_RMS_PX.broken(grade):.1f} px; check that "
                            "the image is in focus, that the board is flat, and the lens model")
    pattern_px = residual_pattern(calibration).rms_px
    if pattern_px > _PATTERN_PX:
        yield Reason(Grade.USABLE, f"the residuals repeat over the image with {pattern_px:.2f} px rms, limit {_PATTERN_PX} px: "
                                   "the lens model does not follow the lens; free more of its parameters or take another one")
    total = sum(len(fit.inliers) for fit in calibration.fits)
    left_out = 1 - len(calibration.inlier_xy) / total
    if left_out > _LEFT_OUT:
        yield Reason(Grade.USABLE, f"{100 * left_out:.0f} % of the points did not fit and were left out, limit "
                                   f"{100 * _LEFT_OUT:.0f} %; look at the worst views")


def _motion(calibration: CalibrationResult) -> Iterator[Reason]:
    moved_px = movement_px(calibration)
    if calibration.detections.mode == "moving" and moved_px < _MOVEMENT_PX:
        yield Reason(Grade.USABLE, f"the board hardly moved: by {moved_px:.1f} px within a typical view, limit "
                                   f"{_MOVEMENT_PX:.0f} px, and edges that do not move make no events; move faster")


def _board(calibration: CalibrationResult) -> Iterator[Reason]:
    """Signs that the target's rows and columns are not those of the board that was seen."""
    detections = calibration.detections
    size = len(detections.target)
    seen = np.unique(np.concatenate([view.ids for view in detections]))
    if len(seen) < size:
        yield Reason(Grade.DISTRUST,
                     f"{size - len(seen)} of the target's {size} points were seen in no view; check its rows and columns")
    elif detections.mode != "given" and max(len(view) for view in detections) < size:
        yield Reason(Grade.DISTRUST, f"no view shows all of the target's {size} points; check its rows and columns, "
                                     "or record the whole board")


def zone_uncertainty(calibration: CalibrationResult, coverage: Coverage) -> NDArray[np.float64]:
    """Uncertainty of projection all over each zone, rotation taken off, shape (9, N) px; infinite where it is unknown."""
    std = np.array([calibration.projection_std(zone.pixels(calibration.camera), rotation_free=True) for zone in coverage.zones])
    return np.where(np.isfinite(std), std, np.inf)
