"""Inversion of a distortion model."""

from __future__ import annotations

import math

import numpy as np

from evcam.core.camera.models import Array, CameraModel

_TABLE_SIZE = 2049
_MAX_ANGLE = math.pi / 2 - 1e-4
_STEPS = 12


def undistort_normalised(model: CameraModel, d: Array, distorted: Array, tolerance: float) -> Array:
    """Normalised coordinates whose distorted image is ``distorted``, (..., 2) -> (..., 2).

    Newton's method with the analytic Jacobian, started from a table of the radial part: a start
    at the distorted point itself diverges near the corners of wide lenses.

    Parameters
    ----------
    tolerance : float
        Largest remaining difference in distorted coordinates; NaN where it is not reached
        inside the model's valid region.
    """
    limit = model.valid_radius(d)
    m = _radial_start(model, d, distorted, limit)
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            value, by_m, _ = model.distort_jacobians(d, m)
            step = _solve_2x2(by_m, distorted - value)
            m = m + step
            if not np.any(np.abs(step) > 1e-14 * (1 + np.abs(m))):
                break
        off = np.abs(model.distort(d, m) - distorted).max(-1)
        valid = (off <= tolerance) & (np.hypot(m[..., 0], m[..., 1]) <= limit)
    return np.where(valid[..., None], m, np.nan)


def _radial_start(model: CameraModel, d: Array, distorted: Array, limit: float) -> Array:
    angle = np.linspace(0.0, min(math.atan(limit), _MAX_ANGLE), _TABLE_SIZE)
    radius_d = np.hypot(distorted[..., 0], distorted[..., 1])
    found = np.tan(np.interp(radius_d, model.distorted_radius(d, np.tan(angle)), angle))
    scale: Array = np.where(radius_d > 1e-12, found / np.maximum(radius_d, 1e-12), 1.0)[..., None]
    return distorted * scale


def _solve_2x2(a: Array, b: Array) -> Array:
    determinant = a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    x = a[..., 1, 1] * b[..., 0] - a[..., 0, 1] * b[..., 1]
    y = a[..., 0, 0] * b[..., 1] - a[..., 1, 0] * b[..., 0]
    return np.stack([x, y], -1) / determinant[..., None]
