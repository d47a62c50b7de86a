"""The camera's rotation over one window, on an even grid of times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.rotation import exp_so3
from evcam.solvers import derotate

Array = NDArray[np.float64]

_STEP_S = 0.0005
_FEWEST = 9


@dataclass(frozen=True, eq=False, slots=True)
class Rotation:
    """Rotation relative to the middle of a window.

    Attributes
    ----------
    start_s, step_s : float
        First time, relative to the middle, and distance of the times.
    R : ndarray of float64, shape (G, 3, 3)
        Maps the camera's frame at each time to that of the middle.
    rates : ndarray of float64, shape (G, 3)
        Angular velocity in the frame of the middle, rad/s.
    integrals : ndarray of float64, shape (G, 3, 3)
        Integral of R from the middle: what a constant error of the gyro turns bearings by.
    """

    start_s: float
    step_s: float
    R: Array
    rates: Array
    integrals: Array

    @classmethod
    def of(cls, start_s: float, stop_s: float, angular_velocity_radps: Array, gyro_times_s: Array | None = None) -> Rotation:
        """From one angular velocity, or a gyro's in the camera's axes at times from the middle that cover the window."""
        count = max(_FEWEST, int((stop_s - start_s) / _STEP_S) + 2)
        times = np.linspace(start_s, stop_s, count)
        # Three bearings for each time, the axes of the camera: turned, they are the columns of R.
        axes = derotate(np.tile(np.eye(3), (count, 1)), np.repeat(times, 3), angular_velocity_radps, gyro_times_s)
        R = np.ascontiguousarray(axes.bearings.reshape(count, 3, 3).swapaxes(1, 2))
        # rates are w x f of each: sum over the axes of f x (w x f) is 2 w.
        rates = np.cross(axes.bearings, axes.rates).reshape(count, 3, 3).sum(1) / 2
        return cls(start_s, float(times[1] - times[0]), R, rates, np.ascontiguousarray(axes.gyro_jacobians[::3]))

    def at(self, times_s: Array) -> tuple[Array, Array, Array]:
        """Rotations (N, 3, 3), rates (N, 3) and integrals (N, 3, 3) at any times of the window."""
        place = np.clip((times_s - self.start_s) / self.step_s, 0, len(self.R) - 1)
        near = np.minimum(place.astype(np.int64), len(self.R) - 2)
        share = place - near
        rates = self.rates[near] + share[:, None] * (self.rates[near + 1] - self.rates[near])
        mean = (self.rates[near] + rates) / 2
        turns = exp_so3(mean * (share * self.step_s)[:, None])
        integrals = self.integrals[near] + share[:, None, None] * (self.integrals[near + 1] - self.integrals[near])
        return turns @ self.R[near], rates, integrals
