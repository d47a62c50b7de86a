"""Estimate of one line with its covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import NotEnoughDataError
from evcam.solvers.line_motion import line_frame, partial_velocity
from evcam.solvers.noise import EventNoise
from evcam.solvers.status import Status

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class LineEstimate:
    """Line and partial velocity with covariance.

    Attributes
    ----------
    status : Status
        `OK`; `WEAK` if the standard deviation of the direction exceeds 0.1 rad or that of the partial velocity a
        quarter of it; any other status has no answer.
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
    """

    status: Status
    vector: Array
    covariance: Array
    noise: EventNoise
    front_share: float
    chi2: float
    count: float

    @classmethod
    def missing(cls, status: Status, noise: EventNoise | None = None) -> LineEstimate:
        """No answer, for this reason."""
        return cls(status, np.zeros(6), np.zeros((6, 6)), noise or EventNoise(), 0.0, 0.0, 0.0)

    @property
    def reason(self) -> str:
        """The status in one sentence."""
        return self.status.reason

    def __bool__(self) -> bool:
        return self.status.has_answer

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
        """Covariance of `partial_velocity`, 1/s^2, (3, 3)."""
        return propagated(self, partial_velocity)

    @property
    def direction(self) -> Array:
        """Unit vector of the partial velocity, (3,)."""
        return _direction(self.b, self.a)

    @property
    def direction_covariance(self) -> Array:
        """Covariance of `direction` on its tangent plane, rad^2, (3, 3), with the second-order term of its curvature."""
        first, direction = propagated(self, _direction), self.direction
        covariance: Array = first + 0.5 * np.trace(first) ** 2 * (np.eye(3) - np.outer(direction, direction))
        return covariance

    def _answer(self) -> Array:
        if not self:
            raise NotEnoughDataError(f"line: no answer ({self.reason}); look at `status` first")
        return self.vector


def _direction(b: Array, a: Array) -> Array:
    velocity = partial_velocity(b, a)
    unit: Array = velocity / np.linalg.norm(velocity, axis=-1, keepdims=True)
    return unit


def propagated(line: LineEstimate, function: Callable[[Array, Array], Array]) -> Array:
    """Covariance of a function of (b, a), differentiated by central differences in well-scaled units."""
    b, a = line.b, line.a
    size = np.concatenate([np.ones(3), np.full(3, np.linalg.norm(a))])
    steps = 1e-6 * np.diag(size)
    ahead = function(b + steps[:, :3], a + steps[:, 3:])
    behind = function(b - steps[:, :3], a - steps[:, 3:])
    jacobian = ((ahead - behind) / (2e-6 * size)[:, None]).T
    covariance: Array = jacobian @ line.covariance @ jacobian.T
    return covariance
