"""Pinhole with radial and tangential distortion (Brown-Conrady, OpenCV's order)."""

from __future__ import annotations

import numpy as np

from evcam.core.camera.models import Array, CameraModel, first_turning_point, register


@register
class Radtan(CameraModel):
    """``x_d = x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2)``, likewise y (Brown 1971)."""

    name = "pinhole-radtan"
    distortion = ("k1", "k2", "p1", "p2", "k3")
    kalibr_name = "radtan"
    kalibr_coefficients = 4
    ros_name = "plumb_bob"
    opencv_name = "plumb_bob"

    def distort(self, d: Array, m: Array) -> Array:
        k1, k2, p1, p2, k3 = d
        x, y = m[..., 0], m[..., 1]
        r2 = x * x + y * y
        q = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        xy2 = 2 * x * y
        return np.stack([x * q + p1 * xy2 + p2 * (r2 + 2 * x * x), y * q + p1 * (r2 + 2 * y * y) + p2 * xy2], -1)

    def distort_jacobians(self, d: Array, m: Array) -> tuple[Array, Array, Array]:
        k1, k2, p1, p2, k3 = d
        x, y = m[..., 0], m[..., 1]
        r2 = x * x + y * y
        q = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        q_r2 = k1 + r2 * (2 * k2 + r2 * 3 * k3)
        xy2 = 2 * x * y
        by_d = np.empty((*m.shape, 5))
        by_d[..., 0] = m * r2[..., None]
        by_d[..., 1] = by_d[..., 0] * r2[..., None]
        by_d[..., 4] = by_d[..., 1] * r2[..., None]
        by_d[..., 0, 2] = by_d[..., 1, 3] = xy2
        by_d[..., 1, 2], by_d[..., 0, 3] = r2 + 2 * y * y, r2 + 2 * x * x
        by_m = np.empty((*m.shape, 2))
        by_m[..., 0, 0] = q + 2 * x * x * q_r2 + 2 * p1 * y + 6 * p2 * x
        by_m[..., 1, 1] = q + 2 * y * y * q_r2 + 6 * p1 * y + 2 * p2 * x
        by_m[..., 0, 1] = by_m[..., 1, 0] = xy2 * q_r2 + 2 * (p1 * x + p2 * y)
        distorted = m * q[..., None] + by_d[..., 2] * p1 + by_d[..., 3] * p2
        return distorted, by_m, by_d

    def distorted_radius(self, d: Array, radius: Array) -> Array:
        r2 = radius * radius
        distorted: Array = radius * (1 + r2 * (d[0] + r2 * (d[1] + r2 * d[4])))
        return distorted

    def valid_radius(self, d: Array) -> float:
        return first_turning_point(d[[0, 1, 4]])
