"""Samples of an inertial measurement unit, and how it sits on the camera."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.rotation import are_rotations
from evcam.core.whole import first_not_whole, numbers
from evcam.errors import InputError


@dataclass(frozen=True, eq=False, slots=True)
class ImuSamples:
    """Samples in the IMU's own frame.

    Arrays of other types are converted; those of the types below are kept, not copied.  Values that are not finite are
    let in, for a recording may hold them and `evcam.check` says so.

    Attributes
    ----------
    t : ndarray of int64, shape (N,)
        Whole microseconds on the IMU's clock, strictly increasing.
    gyro_radps : ndarray of float64, shape (N, 3)
        Angular velocity, rad/s.
    accel_mps2 : ndarray of float64, shape (N, 3), or None
        Specific force, m/s^2.
    R_cam_imu : ndarray of float64, shape (3, 3)
        Rotates the IMU's axes to the camera's.  Identity when nothing better is known.
    offset_us : int
        ``t_cam = t_imu + offset_us`` (Kalibr's ``timeshift_cam_imu`` has the opposite sign).
    """

    t: NDArray[np.int64]
    gyro_radps: NDArray[np.float64]
    accel_mps2: NDArray[np.float64] | None = None
    R_cam_imu: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    offset_us: int = 0

    def __post_init__(self) -> None:
        self._convert()
        n = len(self.t)
        if self.gyro_radps.shape != (n, 3) or (self.accel_mps2 is not None and self.accel_mps2.shape != (n, 3)):
            raise InputError(f"IMU: {n} times need gyro (and accelerometer) values of shape ({n}, 3), not {self.gyro_radps.shape}"
                             + ("" if self.accel_mps2 is None else f" and {self.accel_mps2.shape}"))
        if np.any(np.diff(self.t) <= 0):
            i = int(np.flatnonzero(np.diff(self.t) <= 0)[0]) + 1
            raise InputError(f"IMU: times must increase; sample {i} at {self.t[i]} us follows {self.t[i - 1]} us")
        if self.R_cam_imu.shape != (3, 3) or not are_rotations(self.R_cam_imu):
            raise InputError("IMU: R_cam_imu must be a 3x3 rotation matrix")

    def _convert(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("t", _whole_us(self.t))
        for name in ("gyro_radps", "accel_mps2", "R_cam_imu"):
            values = getattr(self, name)
            if values is not None or name != "accel_mps2":
                put(name, np.asarray(numbers(name, values, "IMU"), np.float64))
        offset_us = self.offset_us
        if isinstance(offset_us, bool) or not isinstance(offset_us, (int, float, np.integer)) or offset_us != offset_us // 1:
            raise InputError(f"IMU: offset_us must be whole microseconds, not {offset_us!r}")
        put("offset_us", int(offset_us))

    def __len__(self) -> int:
        return len(self.t)

    def in_camera_frame(self) -> ImuSamples:
        """The same samples along the camera's axes and on the camera's clock: what every use of an IMU starts from.

        Returns
        -------
        ImuSamples
            With the identity for ``R_cam_imu`` and an offset of 0.

        Examples
        --------
        >>> mounted = ImuSamples(np.array([100]), np.array([[0.0, 0.0, 0.5]]), R_cam_imu=np.diag([-1.0, 1.0, -1.0]), offset_us=20)
        >>> seen = mounted.in_camera_frame()
        >>> int(seen.t[0]), float(seen.gyro_radps[0, 2])
        (120, -0.5)
        """
        accel = None if self.accel_mps2 is None else self.accel_mps2 @ self.R_cam_imu.T
        return ImuSamples(self.t + self.offset_us, self.gyro_radps @ self.R_cam_imu.T, accel)

    def mounted(self, R_cam_imu: NDArray[np.float64] | None = None, offset_us: int | None = None) -> ImuSamples:
        """The same samples with a better knowledge of how the IMU sits on the camera; what is left out stays as it is.

        Raises
        ------
        InputError
            Not a rotation matrix.
        """
        R = self.R_cam_imu if R_cam_imu is None else R_cam_imu
        return replace(self, R_cam_imu=R, offset_us=self.offset_us if offset_us is None else offset_us)


def _whole_us(t: ArrayLike) -> NDArray[np.int64]:
    times = numbers("t", t, "IMU")
    if times.ndim != 1:
        raise InputError(f"IMU: times must be one-dimensional, not of shape {times.shape}")
    wrong = first_not_whole(times)
    if wrong is not None:
        raise InputError(f"IMU: sample {wrong} has t = {times[wrong]}; times are whole microseconds; convert first")
    return np.asarray(times, np.int64)
