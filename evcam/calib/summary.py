"""A calibration in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from evcam.calib.result import CalibrationResult
from evcam.calib.verdict import judge

_FOCAL_AND_CENTRE = 4


def summarise(calibration: CalibrationResult) -> str:
    """As `Calibration.summary`."""
    camera = calibration.camera
    lines = [f"{camera.model}, {camera.width} x {camera.height} px"]
    lines += _parameters(calibration)
    used, total = len(calibration.inlier_xy), sum(len(fit.inliers) for fit in calibration.fits)
    lines.append(f"reprojection error  {calibration.rms_px:.4f} px rms (2-D), {used} of {total} points")
    lines.append(f"views               {len(calibration.fits)} used of {len(calibration.detections)} detected")
    lines += _counted("  windows without a view", calibration.detections.rejection_counts())
    lines += _counted("  views left out", Counter(rejection.reason for rejection in calibration.rejected))
    lines.append(f"coverage            {100 * calibration.coverage:.0f} % of the image (8 x 8 cells)")
    lines.append(_uncertainty(calibration))
    lines.append(f"standard deviations from {calibration.independent_stretches} independent stretches of time; "
                 "they do not contain errors of the board itself")
    judgement = judge(calibration)
    lines += [f"verdict: {judgement.grade}", *(f"  - {text}" for text in judgement.texts)]
    return "\n".join(lines)


def _parameters(calibration: CalibrationResult) -> Iterator[str]:
    rows = zip(calibration.param_names, calibration.camera.params, calibration.stds, strict=True)
    for i, (name, value, std) in enumerate(rows):
        digits, unit = (3, " px") if i < _FOCAL_AND_CENTRE else (5, "")
        spread = f"+- {std:.{digits}f}{unit}" if std > 0 else f"{unit.strip()} (held)".lstrip()
        yield f"  {name:<3} {value:12.{digits}f} {spread}"


def _counted(title: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    return [f"{title}: " + ", ".join(f"{count} {reason}" for reason, count in counts.items())]


def _uncertainty(calibration: CalibrationResult) -> str:
    std = calibration.image_std()
    return (f"uncertainty         {np.nanmedian(std):.3f} px median, {np.nanmax(std):.3f} px worst over the image "
            "(one standard deviation, rotation taken off)")
