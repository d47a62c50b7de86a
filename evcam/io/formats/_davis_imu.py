"""Samples of the inertial sensor that DAVIS cameras put between their events.

Each sample is seven words with the same timestamp: a running number (bits 28-30)
and a signed 16-bit value (bits 12-27).  Numbers 0-2 are the accelerometer's x, y,
z at 4096 per g (full scale 8 g), 3 the temperature, 4-6 the gyro's x, y, z at
32.8 per degree/s (full scale 1000 degrees/s), the camera's default ranges.

The values stay in the sensor's own frame.  With pixels as evcam has them (x = 239 -
raw x, y = 179 - raw y) ``R_cam_imu`` is diag(-1, 1, -1): half a turn about y,
as the camera's public ROS driver aligns the axes.  Its z is confirmed by a recording
of a rolling camera; x and y rest on the driver.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.io.formats._imu import STANDARD_GRAVITY_MPS2, strictly_later

R_CAM_IMU = np.diag([-1.0, 1.0, -1.0])
_LSB_PER_G = 4096.0
_LSB_PER_DEGPS = 32.8
_WORDS = 7


def imu_samples(words: NDArray[np.uint32], t_us: NDArray[np.int64]) -> tuple[ImuSamples, int]:
    """Assemble words into samples.

    Parameters
    ----------
    words : ndarray of uint32, shape (M,)
        Raw addresses of the inertial sensor's words, in file order.
    t_us : ndarray of int64, shape (M,)
        Their times.

    Returns
    -------
    samples : ImuSamples
    left_out : int
        Words that belong to incomplete samples, or to samples not later than the one before.
    """
    codes = (words >> 28) & 7
    starts = np.flatnonzero(codes[: max(len(codes) - _WORDS + 1, 0)] == 0)
    rows = starts[:, None] + np.arange(_WORDS)
    rows = rows[(codes[rows] == np.arange(_WORDS)).all(1)]
    t = t_us[rows[:, 0]]
    later, _ = strictly_later(t)
    rows, t = rows[later], t[later]
    values = ((words[rows] >> 12) & 0xFFFF).astype(np.uint16).view(np.int16).astype(np.float64)
    accel = values[:, :3] / _LSB_PER_G * STANDARD_GRAVITY_MPS2
    gyro = np.deg2rad(values[:, 4:] / _LSB_PER_DEGPS)
    return ImuSamples(t, gyro, accel, R_CAM_IMU.copy()), len(words) - rows.size
