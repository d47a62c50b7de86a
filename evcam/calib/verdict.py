"""Whether a calibration should be trusted, in reasons."""

from __future__ import annotations

import numpy as np

from evcam.calib.calibration import Calibration

_FEWEST_VIEWS = 8
_FEWEST_STRETCHES = 5
_LARGEST_FOCAL_STD = 0.02
_LEAST_COVERAGE = 0.25
_LARGEST_UNCERTAINTY_PX = 2.0
_LARGEST_RMS_PX = 1.5


def judge(calibration: Calibration) -> list[str]:
    """Reasons against using a calibration; none if there is nothing to say against it.

    Notes
    -----
    Nothing here sees a wrong spacing of the board or a bias that all views share.
    """
    reasons = []
    camera, views = calibration.camera, len(calibration.fits)
    if views < _FEWEST_VIEWS:
        reasons.append(f"only {views} views, {_FEWEST_VIEWS} are needed to judge; record longer")
    elif calibration.independent_stretches < _FEWEST_STRETCHES:
        reasons.append(f"only {calibration.independent_stretches} independent stretches of time; record longer")
    for i, name in enumerate(("fx", "fy")):
        share = calibration.stds[i] / camera.params[i]
        if share > _LARGEST_FOCAL_STD:
            reasons.append(f"{name} is uncertain by {100 * share:.1f} %, limit {100 * _LARGEST_FOCAL_STD:.0f} %; "
                           "tilt the board more")
    if calibration.coverage < _LEAST_COVERAGE:
        reasons.append(f"the board covered {100 * calibration.coverage:.0f} % of the image, at least "
                       f"{100 * _LEAST_COVERAGE:.0f} % are needed; move it to the borders too")
    if calibration.rms_px > _LARGEST_RMS_PX:
        reasons.append(f"reprojection error {calibration.rms_px:.2f} px, limit {_LARGEST_RMS_PX} px; check target and model")
    uncertain = float(np.nanmedian(calibration.projection_std(calibration.inlier_xy, rotation_free=True)))
    if uncertain > _LARGEST_UNCERTAINTY_PX:
        reasons.append(f"projection is uncertain by {uncertain:.1f} px where the board was seen, "
                       f"limit {_LARGEST_UNCERTAINTY_PX} px; record more, from more sides")
    return reasons + _board_reasons(calibration)


def verdict(reasons: list[str]) -> str:
    """The judgement of `judge` in words."""
    return "do not trust this" if reasons else "no reason for distrust found"


def _board_reasons(calibration: Calibration) -> list[str]:
    """Signs that the target's rows and columns are not those of the board that was seen."""
    detections = calibration.detections
    size = len(detections.target)
    seen = np.unique(np.concatenate([view.ids for view in detections]))
    if len(seen) < size:
        return [f"{size - len(seen)} of the target's {size} points were seen in no view; check its rows and columns"]
    if detections.mode != "given" and max(len(view) for view in detections) < size:
        return [f"no view shows all of the target's {size} points; check its rows and columns, or record the whole board"]
    return []
