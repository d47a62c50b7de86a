"""What the residuals of all views have in common: an error that depends on the place in the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.calib.result import CalibrationResult

Array = NDArray[np.float64]

_ACROSS = 12
_LEAST_POINTS = 5
_SIGNIFICANT = 3.0


@dataclass(frozen=True, eq=False, slots=True)
class ResidualPattern:
    """Mean residuals over cells of the image.

    Attributes
    ----------
    centres : ndarray of float64, shape (C, 2)
        Mean place of each cell's points, px.
    means : ndarray of float64, shape (C, 2)
        Mean residual, observed minus projected, px.
    stds : ndarray of float64, shape (C,)
        Standard deviation of the mean, both axes together, neighbouring views taken as one.
    """

    centres: Array
    means: Array
    stds: Array

    @property
    def rms_px(self) -> float:
        """Size of the pattern, what chance alone makes taken off."""
        power = (self.means**2).sum(1) - self.stds**2
        return float(np.sqrt(max(power.mean(), 0.0))) if len(power) else 0.0

    @property
    def is_significant(self) -> NDArray[np.bool_]:
        """Cells whose mean is more than three standard deviations from zero, shape (C,)."""
        beyond: NDArray[np.bool_] = np.linalg.norm(self.means, axis=1) > _SIGNIFICANT * self.stds
        return beyond


def residual_pattern(calibration: CalibrationResult) -> ResidualPattern:
    """Mean residuals of the used points over twelve cells across the image and as many of the same size down."""
    camera = calibration.camera
    xy, residual = calibration.inlier_xy, calibration.inlier_residuals_px
    side = camera.width / _ACROSS
    column, row = np.floor((xy + 0.5) / side).astype(int).T
    labels = np.unique(row * (10 * _ACROSS) + column, return_inverse=True)[1].ravel()
    count = np.bincount(labels)
    enough = count >= _LEAST_POINTS
    centres, means, squares = (_mean(values, labels, count)[enough] for values in (xy, residual, residual**2))
    # Points of one stretch of time err alike: a cell has as many independent ones as stretches that reach it.
    stretches = max(calibration.independent_stretches / len(calibration.fits), 1e-9)
    independent = np.clip(count[enough] * stretches, 1.0, count[enough])
    variance = (squares - means**2).sum(1)
    return ResidualPattern(centres, means, np.sqrt(variance / independent))


def _mean(values: Array, labels: NDArray[np.int64], count: NDArray[np.int64]) -> Array:
    return np.stack([np.bincount(labels, weights=column) for column in values.T], 1) / count[:, None]
