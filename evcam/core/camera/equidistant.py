"""Equidistant fisheye with a polynomial in the angle (Kannala-Brandt)."""

from __future__ import annotations

import math

import numpy as np

from evcam.core.camera.models import Array, CameraModel, first_turning_point, register


@register
class Equidistant(CameraModel):
    """``r_d = a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8)`` with the angle a to the axis (Kannala & Brandt 2006)."""

    name = "pinhole-equidistant"
    distortion = ("k1", "k2", "k3", "k4")
    kalibr_name = "equidistant"
    kalibr_coefficients = 4
    ros_name = "equidistant"
    opencv_name = "fisheye"

    def distort(self, d: Array, m: Array) -> Array:
        radius = np.hypot(m[..., 0], m[..., 1])
        scale: Array = _ratio(self.distorted_radius(d, radius), radius)[..., None]
        return m * scale

    def distort_jacobians(self, d: Array, m: Array) -> tuple[Array, Array, Array]:
        radius = np.hypot(m[..., 0], m[..., 1])
        angle = np.arctan(radius)
        a2 = angle * angle
        per_radius = _ratio(angle, radius)
        scale = per_radius * _polynomial(d, a2)
        slope = _polynomial(d * (3.0, 5.0, 7.0, 9.0), a2) / (1 + radius * radius)
        # d(scale)/d(r^2); at the centre, where it is 0 / 0, it is multiplied by zero.
        scale_r2 = np.where(radius > 1e-8, (slope - scale) / np.maximum(2 * radius * radius, 1e-300), d[0] - 1 / 3)
        by_m = 2 * scale_r2[..., None, None] * m[..., :, None] * m[..., None, :]
        by_m[..., 0, 0] += scale
        by_m[..., 1, 1] += scale
        powers = a2[..., None] ** np.arange(1, 5)
        by_d = m[..., :, None] * (per_radius[..., None] * powers)[..., None, :]
        return m * scale[..., None], by_m, by_d

    def distorted_radius(self, d: Array, radius: Array) -> Array:
        angle = np.arctan(radius)
        return angle * _polynomial(d, angle * angle)

    def valid_radius(self, d: Array) -> float:
        angle = first_turning_point(d)
        return math.tan(angle) if angle < math.pi / 2 else math.inf


def _polynomial(d: Array, a2: Array) -> Array:
    value: Array = 1 + a2 * (d[0] + a2 * (d[1] + a2 * (d[2] + a2 * d[3])))
    return value


def _ratio(value: Array, radius: Array) -> Array:
    """``value / radius``, which tends to one at the centre."""
    return np.where(radius > 1e-12, value / np.maximum(radius, 1e-12), 1.0)
