"""How the velocity's direction is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.errors import InputError

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class VelocityOptions:
    """How windows are cut, and what is known of gyro and camera.

    Attributes
    ----------
    window_us : int, optional
        Fixed length of the windows; one longer than the recording is the whole recording.
    window_events : int, optional
        Fixed number of events.  With neither, a window lasts until edges have moved by `motion_px`.
    motion_px : float
        Median motion of the edges, derotated or not, that fills a window.
    shortest_us, longest_us : int
        Limits of such windows.
    gyro_noise_radps_rthz : float
        Density of the gyro's noise, rad/s per root Hz.
    gyro_bias_radps : float
        Standard deviation, per axis, of what the gyro is off by for longer.
    camera_covariance : ndarray of float64, shape (P, P), optional
        Covariance of the camera's parameters, as in `Calibration.covariance`; without it the camera is taken for exact.
    min_crossings : int
        A line needs as many edge crossings.
    max_in_plane_std_deg : float
        A direction that is less certain in the image plane is not given.
    settle_us : int
        Events this long after a window (and before it) complete the bursts of its edges; crossings of bursts that are cut
        come too early, and bend every line a little.  It is latency: a window is done so much after its end.
    imu_patience_us : int
        For a stream: how long events go on before a window whose gyro samples are missing is given up.
    """

    window_us: int | None = None
    window_events: int | None = None
    motion_px: float = 30.0
    shortest_us: int = 5_000
    longest_us: int = 200_000
    gyro_noise_radps_rthz: float = 0.0005
    gyro_bias_radps: float = 0.01
    camera_covariance: NDArray[np.float64] | None = None
    min_crossings: int = 20
    max_in_plane_std_deg: float = 15.0
    settle_us: int = 20_000
    imu_patience_us: int = 200_000

    def __post_init__(self) -> None:
        if self.window_us is not None and self.window_events is not None:
            raise InputError("velocity: give window_us or window_events, not both")
        whole = ("window_us", "window_events", "shortest_us", "longest_us", "settle_us", "imu_patience_us", "min_crossings")
        for name in whole:
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value <= 0):
                raise InputError(f"velocity: {name} must be a positive whole number, not {value!r}")
        if self.longest_us < self.shortest_us:
            raise InputError(f"velocity: longest_us ({self.longest_us}) must not be less than shortest_us ({self.shortest_us})")
        for name in ("motion_px", "max_in_plane_std_deg"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InputError(f"velocity: {name} must be positive, not {getattr(self, name)}")
        for name in ("gyro_noise_radps_rthz", "gyro_bias_radps"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"velocity: {name} must be finite and not negative, not {getattr(self, name)}")
        if self.min_crossings < 8:
            raise InputError(f"velocity: min_crossings must be at least 8, not {self.min_crossings}")
        if self.camera_covariance is not None:
            _check_covariance(np.asarray(self.camera_covariance))


def _check_covariance(covariance: NDArray[np.float64]) -> None:
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.isfinite(covariance).all():
        raise InputError(f"velocity: camera_covariance must be a finite square matrix, not of shape {covariance.shape}")
    variances = np.linalg.eigvalsh(covariance)
    if not np.allclose(covariance, covariance.T) or variances[0] < -_ROUNDING * max(variances[-1], 0.0):
        raise InputError("velocity: camera_covariance must be symmetric, and no variance in it negative")
