"""Estimate of one line with its covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import NotEnoughDataError
from evcam.solvers.line_motion import across_jacobian, line_frame, partial_velocity, partial_velocity_jacobian
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Answer, Status

Array = NDArray[np.float64]


# Beyond these doubts the direction is no longer near enough to linear in the data for its covariance to be believed.
WEAK_RAD = 0.12
WEAK_LENGTH = 0.2
# What a rule of three points an axis leaves out of the curvature of the direction: terms that mix axes.
_MIXED = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class LineEstimate(Answer):
    """Line and partial velocity with covariance.

    Attributes
    ----------
    status : Status
        `OK`; `WEAK` if the direction, the speed or the fit is in doubt (see `refine_line`); any other status has no answer.
    vector : ndarray of float64, shape (6,)
        ``[b, a]``, ``|b| = 1``.
    covariance : ndarray of float64, shape (6, 6)
        Of `vector`, rank 5; includes the gyro's uncertainty if one was given.
    noise : EventNoise
        What the events scatter by: the given values, or the kind chosen and the level estimated.
    front_share : float
        Share of the events that see the line in front of the camera.
    chi2 : float
        Sum of squared residuals, in units of `noise`.
    count : float
        Sum of the weights.
    level_was_estimated : bool
        Whether the level of the noise comes from the residuals.
    """

    status: Status
    vector: Array
    covariance: Array
    noise: EventNoise
    front_share: float
    chi2: float
    count: float
    level_was_estimated: bool

    @classmethod
    def missing(cls, status: Status, noise: EventNoise | None = None) -> LineEstimate:
        """No answer, for this reason."""
        return cls(status, np.zeros(6), np.zeros((6, 6)), noise or EventNoise(), 0.0, 0.0, 0.0, False)

    @property
    def b(self) -> Array:
        """Unit normal of the plane through line and camera at t = 0, (3,)."""
        return self._answer()[:3]

    @property
    def a(self) -> Array:
        """Its rate, 1/s, (3,)."""
        return self._answer()[3:]

    @property
    def R_ref_line(self) -> Array:
        """Frame of the line, columns e1, e2, e3."""
        return line_frame(self.b, self.a)[0]

    @property
    def u(self) -> Array:
        """``(u_y, u_z)``, 1/s."""
        return line_frame(self.b, self.a)[1]

    @property
    def partial_velocity(self) -> Array:
        """Velocity orthogonal to the line over its distance, 1/s, (3,)."""
        return partial_velocity(self.b, self.a)

    @property
    def partial_velocity_covariance(self) -> Array:
        """Covariance of `partial_velocity`, 1/s^2, (3, 3), with the second-order term of its turning."""
        first, turning = self._turning()
        covariance: Array = first + 0.03 * turning**2 * float(self.a @ self.a) * np.eye(3)
        return covariance

    @property
    def direction(self) -> Array:
        """Unit vector of the partial velocity, (3,)."""
        velocity = self.partial_velocity
        unit: Array = velocity / np.sqrt(velocity @ velocity)
        return unit

    @property
    def direction_covariance(self) -> Array:
        """Covariance of `direction` on its tangent plane, rad^2, (3, 3), with the curvature along every axis of uncertainty.

        By the Gauss-Hermite rule of three points on each principal axis of the covariance of `vector`.
        """
        sizes, axes = np.linalg.eigh(self.covariance)
        steps = np.sqrt(3 * np.maximum(sizes, 0.0))[:, None] * axes.T
        moved = self.vector + np.concatenate([steps, -steps])
        moved /= np.linalg.norm(moved[:, :3], axis=1, keepdims=True)
        velocities = partial_velocity(moved[:, :3], moved[:, 3:])
        tangent = _across(self.direction)
        off = (velocities / np.linalg.norm(velocities, axis=1, keepdims=True)) @ tangent
        covariance: Array = off.T @ off / 6 + _MIXED * self._turning()[1] ** 2 * tangent
        return covariance

    @property
    def doubts(self) -> tuple[float, float]:
        """Largest standard deviation of the direction (of motion or of the line's plane, rad), and of the speed, relative."""
        rows = across_jacobian(self.b, self.a)
        tilt = _largest_sigma(rows @ self.covariance @ rows.T) / float(self.u[0])
        # The direction saturates when its part along e3 is large: then only the length tells how little is known.
        length = _largest_sigma(self.partial_velocity_covariance) / float(np.sqrt(self.a @ self.a))
        return max(tilt, _largest_sigma(self.direction_covariance)), length

    def _turning(self) -> tuple[Array, float]:
        """First-order covariance of `partial_velocity`, and mean squared angle by which that turns it."""
        jacobian = partial_velocity_jacobian(self.b, self.a)
        first = jacobian @ self.covariance @ jacobian.T
        return first, float((first * _across(self.direction)).sum()) / float(self.a @ self.a)

    def _answer(self) -> Array:
        if not self:
            raise NotEnoughDataError(f"line: no answer ({self.reason}); look at `status` first")
        return self.vector


def _across(unit: Array) -> Array:
    return np.eye(3) - unit[:, None] * unit


def _largest_sigma(covariance: Array) -> float:
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))
