"""A gyro as the normal flow sees it: along the camera's axes, on its clock, and as smooth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from evcam.core.imu import ImuSamples

Array = NDArray[np.float64]

_GRID_US = 1000.0


@dataclass(frozen=True, eq=False, slots=True)
class SmoothGyro:
    """Angular velocity, smoothed as much as flows are by their neighbourhoods.

    Attributes
    ----------
    grid_us : ndarray of float64, shape (M,)
        Even times on the camera's clock.
    rate_radps : ndarray of float64, shape (M, 3)
        Along the camera's axes.
    slope_radps2 : ndarray of float64, shape (M, 3)
        Its derivative.
    """

    grid_us: Array
    rate_radps: Array
    slope_radps2: Array

    @classmethod
    def of(cls, imu: ImuSamples, width_us: float) -> SmoothGyro:
        """Smooth samples with a Gaussian of this standard deviation."""
        seen = imu.in_camera_frame()
        start_us, stop_us = float(seen.t[0]), float(seen.t[-1])
        steps_us = np.diff(seen.t)[:, None]
        # Each step gets the mean over it, no sample: vibration between the steps would be taken for turning.
        turned = np.concatenate([np.zeros((1, 3)), np.cumsum(0.5 * (seen.gyro_radps[1:] + seen.gyro_radps[:-1]) * steps_us, 0)])
        grid_us = np.arange(start_us, stop_us + _GRID_US, _GRID_US)
        edges = np.append(grid_us - _GRID_US / 2, grid_us[-1] + _GRID_US / 2).clip(start_us, stop_us)
        at_edges = np.stack([np.interp(edges, seen.t, column) for column in turned.T], -1)
        rate = np.diff(at_edges, axis=0) / np.maximum(np.diff(edges), 1.0)[:, None]
        rate = np.asarray(gaussian_filter1d(rate, width_us / _GRID_US, axis=0, mode="nearest"), np.float64)
        return cls(grid_us, rate, np.gradient(rate, _GRID_US * 1e-6, axis=0))

    def at(self, t_us: Array) -> tuple[Array, Array]:
        """Rate and slope at these times, each (K, 3)."""
        rate, slope = (np.stack([np.interp(t_us, self.grid_us, column) for column in part.T], -1)
                       for part in (self.rate_radps, self.slope_radps2))
        return rate, slope
