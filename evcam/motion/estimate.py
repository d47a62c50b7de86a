"""Direction of the camera's linear velocity in one window, and the lines that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evcam.errors import NotEnoughDataError
from evcam.flow import Crossings
from evcam.motion.factor import LineFactor

Array = NDArray[np.float64]


class MotionStatus(StrEnum):
    """Outcome of one window; only `OK` carries a direction."""

    OK = "ok"
    EMPTY = "empty"
    NO_GYRO = "no_gyro"
    NO_LINES = "no_lines"
    STILL = "still"
    ONE_DIRECTION = "one_direction"
    UNCERTAIN = "uncertain"

    @property
    def reason(self) -> str:
        """One sentence for people."""
        return _REASONS[self]


_REASONS = {
    MotionStatus.OK: "determined",
    MotionStatus.EMPTY: "too few events: nothing moves, or the window is too short",
    MotionStatus.NO_GYRO: "the gyro does not cover the window, so that it cannot be derotated",
    MotionStatus.NO_LINES: "no straight edges among the events, or too few",
    MotionStatus.STILL: "the lines stand still once the gyro's rotation is taken out: the camera only turns, or does not move",
    MotionStatus.ONE_DIRECTION: "all lines have one direction, and the motion along them cannot be seen",
    MotionStatus.UNCERTAIN: "the lines do not tell the direction well enough; use a longer window, or a scene with more lines",
}


@dataclass(frozen=True, eq=False, slots=True)
class LineConstraint:
    """One line of a window: what a back end can fuse by itself.

    With t in seconds from the window's middle and f the unit bearing derotated to it, every event of the line satisfies
    ``f . (b - t a) = 0``; the velocity is orthogonal to a.

    Attributes
    ----------
    id : int
        Numbers the lines of one estimator; none occurs twice in a window.  A line that goes on in the next window keeps it.
    b : ndarray of float64, shape (3,)
        Unit normal of the plane through line and camera, in the camera's frame at the middle of the window.
    a : ndarray of float64, shape (3,)
        Its rate, 1/s: ``e1 x v / d`` for a line of direction e1 at distance d; the pair has the sign that sees the line in front.
    covariance : ndarray of float64, shape (6, 6)
        Of ``[b, a]``, rank 5, as its own crossings tell.  What all lines share (gyro, acceleration, camera) is not in it, nor
        what lines scatter beyond: to fuse lines take `VelocityEstimate.factor`.
    front_share : float
        Share of the crossings that see the line in front of the camera.
    error_sigma : float
        How far it contradicts the other lines, by ``v.a`` or by its depth, whichever is more, in standard deviations when all
        that is common is taken out; beyond three it is likely no line of the scene.  NaN where it is not held against others.
    ends_px : ndarray of float64, shape (2, 2)
        The seen part's ends, (x, y), in the image at the middle of the window.
    crossings : Crossings
        Edge crossings (bursts of events) that lie on it.
    """

    id: int
    b: Array
    a: Array
    covariance: Array
    front_share: float
    error_sigma: float
    ends_px: Array
    crossings: Crossings


@dataclass(frozen=True, eq=False, slots=True)
class VelocityEstimate:
    """Direction of the camera's linear velocity at the middle of a window.

    Attributes
    ----------
    t_us : int
        Middle of the window, on the recording's own clock.
    start_us, stop_us : int
        The window, ``start_us <= t < stop_us``.
    status : MotionStatus
        A direction exists only with `MotionStatus.OK`.
    reason : str
        Why, in one sentence.
    vector : ndarray of float64, shape (3,)
        Unit direction in the camera's frame at `t_us` (x right, y down, z forward); zero without an answer.
    covariance : ndarray of float64, shape (3, 3)
        Of `vector` on its tangent plane, rad^2; gyro and camera are in it as far as their uncertainty was given.
    sign_resolved : bool
        Whether forwards is told from backwards; otherwise `vector` is an axis.
    lines : tuple of LineConstraint
        The lines behind it, also when they give no direction.
    event_count : int
        Events in the window.
    notes : tuple of str
        What happened to the window: gaps of the gyro, samples that came late, an assumed angular velocity.
    factor : LineFactor or None
        What the moving lines say together; none where fewer than three move, or when read from a file.
    """

    t_us: int
    start_us: int
    stop_us: int
    status: MotionStatus
    reason: str
    vector: Array
    covariance: Array
    sign_resolved: bool
    lines: tuple[LineConstraint, ...] = ()
    event_count: int = 0
    notes: tuple[str, ...] = ()
    factor: LineFactor | None = None

    @classmethod
    def missing(
        cls, span_us: tuple[int, int], status: MotionStatus, *, lines: tuple[LineConstraint, ...] = (), event_count: int = 0,
        notes: tuple[str, ...] = (), factor: LineFactor | None = None, reason: str = "",
    ) -> VelocityEstimate:
        """No direction in this window, for this reason (by default the status's own)."""
        start_us, stop_us = span_us
        return cls((start_us + stop_us) // 2, start_us, stop_us, status, reason or status.reason, np.zeros(3), np.zeros((3, 3)),
                   False, lines, event_count, notes, factor)

    def __bool__(self) -> bool:
        return self.status is MotionStatus.OK

    @property
    def direction(self) -> Array:
        """The unit direction, shape (3,).

        Raises
        ------
        NotEnoughDataError
            There is none.
        """
        if not self:
            raise NotEnoughDataError(f"velocity at {self.t_us} us: no direction ({self.reason}); look at `status` first")
        return self.vector

    @property
    def in_plane_std_rad(self) -> float:
        """Standard deviation of the angle of (x, y) in the image plane, radians; infinite without an answer."""
        if not self:
            return np.inf
        return in_plane_std_rad(self.vector, self.covariance)


def in_plane_std_rad(vector: Array, covariance: Array) -> float:
    """Standard deviation of ``atan2(y, x)`` of a direction; infinite along the optical axis."""
    x, y = float(vector[0]), float(vector[1])
    squared = x * x + y * y
    if squared == 0:
        return np.inf
    across = np.array([-y, x, 0.0]) / squared
    return float(np.sqrt(max(float(across @ covariance @ across), 0.0)))
