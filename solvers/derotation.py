"""Rotate bearings to one reference instant with a gyro, and how they depend on pixels, times and the gyro."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.rotation import exp_so3, hat, left_jacobian_so3
from evcam.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class DerotatedEvents:
    """Bearings at the reference instant with their derivatives: all that the solvers know of an event.

    Index it with a mask or positions to select events.

    Attributes
    ----------
    bearings : ndarray of float64, shape (N, 3)
        Unit bearings rotated to the reference instant.
    times_s : ndarray of float64, shape (N,)
        Seconds relative to it.
    pixel_jacobians : ndarray of float64, shape (N, 3, 2)
        Derivative of the bearing by the pixel; the unit of the columns is the unit of every `sigma_px` and `threshold_px`.
    rates : ndarray of float64, shape (N, 3)
        Derivative of the bearing by the time at which the event is derotated, 1/s: ``w x f``.
    gyro_jacobians : ndarray of float64, shape (N, 3, 3)
        A constant error dw of the angular velocity (rad/s) turns the bearing by the small rotation vector ``gyro_jacobian dw``.
    """

    bearings: Array
    times_s: Array
    pixel_jacobians: Array
    rates: Array
    gyro_jacobians: Array

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, index: Any) -> DerotatedEvents:
        return DerotatedEvents(*(np.ascontiguousarray(part[index]) for part in (
            self.bearings, self.times_s, self.pixel_jacobians, self.rates, self.gyro_jacobians)))

    @classmethod
    def joined(cls, parts: Sequence[DerotatedEvents]) -> DerotatedEvents:
        """The events of all parts, in fresh arrays."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def corrected(self, gyro_bias_rad_s: ArrayLike) -> DerotatedEvents:
        """The same events when the gyro's angular velocity was too large by a constant, to second order.

        Parameters
        ----------
        gyro_bias_rad_s : array_like of float64, shape (3,) or (N, 3)
            Subtracted from the angular velocity, in the camera's axes; one for all events or one for each.
        """
        bias = np.broadcast_to(np.asarray(gyro_bias_rad_s, float), (len(self), 3))
        turned, t = np.einsum("nij,nj->ni", self.gyro_jacobians, bias), self.times_s[:, None]
        # With J the integral of R and R linear in time: the second term of the Magnus expansion, and R itself.
        turn = exp_so3(t / 6 * np.cross(bias, turned) - turned)
        axis = 2 * turned / np.where(t == 0, np.inf, t) - bias * np.where(t == 0, -1.0, 1.0)
        bearings = np.einsum("nij,nj->ni", turn, self.bearings)
        rates = np.einsum("nij,nj->ni", turn, self.rates - np.cross(axis, self.bearings))
        # The integral of the turned R has turned half as far as R itself.
        integral = exp_so3(-turned / 2) @ self.gyro_jacobians
        return DerotatedEvents(bearings, self.times_s, turn @ self.pixel_jacobians, rates, integral)


def derotate(
    bearings_cam: ArrayLike,
    times_s: ArrayLike,
    angular_velocity_rad_s: ArrayLike,
    gyro_times_s: ArrayLike | None = None,
    *,
    pixel_jacobians_cam: ArrayLike | None = None,
) -> DerotatedEvents:
    """Rotate bearings to t = 0 with one angular velocity or a whole gyro sequence.

    ``R(t)`` maps the camera's frame at t to the one at t = 0, ``dR/dt = R [w]x``.  A sequence is taken as
    linear between its samples, and integrated on SO(3) by the fourth-order Magnus expansion per interval.

    Parameters
    ----------
    bearings_cam : array_like of float64, shape (N, 3)
        Unit bearings in the camera's frame at the event's own time.
    times_s : array_like of float64, shape (N,)
        Seconds relative to the reference instant.
    angular_velocity_rad_s : array_like of float64, shape (3,) or (M, 3)
        Of the camera, in its own axes.
    gyro_times_s : array_like of float64, shape (M,), optional
        Ascending, on the events' clock; needed with a sequence.
    pixel_jacobians_cam : array_like of float64, shape (N, 3, 2), optional
        Derivative of the bearing by the pixel.  By default two orthogonal unit vectors on the tangent plane,
        so that "pixels" are radians.

    Returns
    -------
    DerotatedEvents

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite, gyro times that do not ascend or do not cover the events and t = 0.

    Examples
    --------
    A camera that turns about its optical axis by 90 degrees in one second:

    >>> events = derotate([[1.0, 0.0, 0.0]], [1.0], [0.0, 0.0, np.pi / 2])
    >>> events.bearings.round(12) + 0.0
    array([[0., 1., 0.]])
    """
    f, t = np.asarray(bearings_cam, float), np.asarray(times_s, float)
    w = np.asarray(angular_velocity_rad_s, float)
    if t.ndim != 1 or f.shape != (len(t), 3) or w.shape[-1:] != (3,):
        raise InputError(f"derotate: bearings (N, 3), times (N,), angular velocity (3,) or (M, 3) do not fit: "
                         f"{f.shape}, {t.shape}, {w.shape}")
    if not (np.isfinite(f).all() and np.isfinite(t).all() and np.isfinite(w).all()):
        raise InputError("derotate: bearings, times and angular velocities must be finite")
    jacobians = _tangent_basis(f) if pixel_jacobians_cam is None else np.asarray(pixel_jacobians_cam, float)
    if jacobians.shape != (len(t), 3, 2) or not np.isfinite(jacobians).all():
        raise InputError(f"derotate: pixel_jacobians_cam must be finite and of shape ({len(t)}, 3, 2), not {jacobians.shape}")
    rotations, rates, gyro = _constant_rate(t, w) if gyro_times_s is None else _sequence(t, w, np.asarray(gyro_times_s, float))
    turned = np.einsum("nij,nj->ni", rotations, f)
    return DerotatedEvents(turned, np.ascontiguousarray(t), rotations @ jacobians, np.cross(rates, turned), gyro)


def _constant_rate(t: Array, w: Array) -> tuple[Array, Array, Array]:
    if w.shape != (3,):
        raise InputError(f"derotate: {len(w)} angular velocities need gyro_times_s")
    angle = t[:, None] * w
    return exp_so3(angle), np.broadcast_to(w, (len(t), 3)), left_jacobian_so3(angle) * t[:, None, None]


def _sequence(t: Array, w: Array, times: Array) -> tuple[Array, Array, Array]:
    """Rotation, angular velocity in the reference frame, and integral of R (the gyro's Jacobian) at times t."""
    if times.shape != w.shape[:1] or len(times) < 2 or not (np.diff(times) > 0).all():
        raise InputError("derotate: gyro_times_s must be ascending, one per angular velocity, at least two")
    low, high = min(t.min(initial=0.0), 0.0), max(t.max(initial=0.0), 0.0)
    if times[0] > low or times[-1] < high:
        raise InputError(f"derotate: the gyro covers {times[0]:.6f} to {times[-1]:.6f} s, but the events and t = 0 need "
                         f"{low:.6f} to {high:.6f} s; cut the window or give more samples")
    at, inverse = np.unique(np.concatenate([times, t, [0.0]]), return_inverse=True)
    rate = np.stack([np.interp(at, times, w[:, k]) for k in range(3)], 1)
    step = np.diff(at)[:, None]
    # Magnus expansion for an angular velocity that is linear within the step.
    turns = exp_so3(step * (rate[:-1] + rate[1:]) / 2 + step**2 / 12 * np.cross(rate[:-1], rate[1:]))
    rotations = np.empty((len(at), 3, 3))
    rotations[0] = np.eye(3)
    for i, turn in enumerate(turns):
        rotations[i + 1] = rotations[i] @ turn
    zero = inverse[-1]
    rotations = rotations[zero].T @ rotations
    half = exp_so3(step * (3 * rate[:-1] + rate[1:]) / 8)
    simpson = step[:, None] / 6 * (rotations[:-1] + 4 * rotations[:-1] @ half + rotations[1:])
    gyro = np.concatenate([np.zeros((1, 3, 3)), np.cumsum(simpson, 0)])
    pick = inverse[len(times):-1]
    return rotations[pick], np.einsum("nij,nj->ni", rotations[pick], rate[pick]), (gyro - gyro[zero])[pick]


def _tangent_basis(f: Array) -> Array:
    """Two orthogonal unit vectors on the tangent plane of each bearing, (N, 3, 2)."""
    axis = np.eye(3)[np.abs(f).argmin(-1)]
    first = np.cross(f, axis)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack([first, np.einsum("nij,nj->ni", hat(f), first)], -1)
