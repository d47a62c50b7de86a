"""What the covariance of the intrinsics means in the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.rotation import hat

Array = NDArray[np.float64]


def projection_covariance(camera: Camera, covariance: Array, px: Array, rotation_free: bool) -> Array:
    """Covariance of the pixel at which a fixed bearing is seen, (..., 2) -> (..., 2, 2) px^2.

    With ``rotation_free`` the small rotation that fits the change best over the image
    (least squares on a 16 x 12 grid) is taken off first.
    """
    bearings = camera.unproject(px)
    _, by_point, by_params = camera.project_jacobians(bearings)
    if rotation_free:
        by_params = by_params - by_point @ (-hat(bearings)) @ _best_rotation(camera)
    result: Array = by_params @ covariance @ np.swapaxes(by_params, -1, -2)
    return result


def image_grid(camera: Camera) -> Array:
    """Pixels evenly spread over the image from corner to corner, shape (12, 16, 2)."""
    return np.stack(np.meshgrid(np.linspace(0, camera.width - 1, 16), np.linspace(0, camera.height - 1, 12)), -1)


def _best_rotation(camera: Camera) -> Array:
    """Rotation (rad) per unit of each parameter that explains its effect on the image best, shape (3, P)."""
    bearings = camera.unproject(image_grid(camera).reshape(-1, 2))
    bearings = bearings[np.isfinite(bearings).all(1)]
    _, by_point, by_params = camera.project_jacobians(bearings)
    by_rotation = by_point @ -hat(bearings)
    best = np.linalg.lstsq(by_rotation.reshape(-1, 3), by_params.reshape(-1, by_params.shape[-1]))[0]
    return np.asarray(best, float)
