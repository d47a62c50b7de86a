"""Direction of the camera's linear velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import NotEnoughDataError
from evcam.solvers.status import Answer, Status

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class DirectionEstimate(Answer):
    """Direction of the camera's linear velocity.

    Attributes
    ----------
    status : Status
    vector : ndarray of float64, shape (3,)
        Unit direction in the reference frame; of either sign unless `sign_resolved`.
    covariance : ndarray of float64, shape (3, 3)
        On the tangent plane, rad^2.
    sign_resolved : bool
        Whether the lines' being in front of the camera decides the sign.
    sign_log_odds : float
        Sum over the lines of the log odds for this sign.
    used : ndarray of bool, shape (M,)
        Lines that had enough events and moved.
    line_errors : ndarray of float64, shape (M,)
        Absolute ``v.a`` of each line in standard deviations: large for wrong lines; 0 for unused ones.
    scatter_rad_s : float
        Disagreement of the lines beyond their own covariances, as an angular velocity (a gyro that is off); 0 if there is none.
    assumed_distances : bool
        Whether the estimate used that the lines' distances scatter about a common, unknown mean.
    """

    status: Status
    vector: Array
    covariance: Array
    sign_resolved: bool
    sign_log_odds: float
    used: NDArray[np.bool_]
    line_errors: Array
    scatter_rad_s: float
    assumed_distances: bool

    @classmethod
    def missing(cls, status: Status, count: int) -> DirectionEstimate:
        """No answer from so many lines, for this reason."""
        return cls(status, np.zeros(3), np.zeros((3, 3)), False, 0.0, np.zeros(count, bool), np.zeros(count), 0.0, False)

    @property
    def direction(self) -> Array:
        """The unit direction, (3,)."""
        if not self:
            raise NotEnoughDataError(f"direction: no answer ({self.reason}); look at `status` first")
        return self.vector
