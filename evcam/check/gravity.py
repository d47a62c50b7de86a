"""Whether an IMU's gyro and accelerometer agree about how gravity turns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evcam.check.finding import Finding, Severity
from evcam.check.gyro_search import AXIS_MAPS
from evcam.core.imu import ImuSamples

Array = NDArray[np.float64]

_WINDOW_US = 100_000
_FEWEST = 10
_EXPLAINED, _OTHER_AXES = 0.8, 0.9
_WORSE, _AS_GOOD = 4.0, 1.2
_DEGREES = float(np.pi / 180)


def gravity_findings(imu: ImuSamples) -> Iterator[Finding]:
    """Hold the turning of the specific force f against the gyro: df/dt = -w x f, unless the IMU is accelerated.

    Nothing is said where no naming of the gyro's axes explains four fifths of the turning: of an IMU that hardly turns, turns
    about the vertical, or is shaken.  The accelerometer's unit does not matter.
    """
    if imu.accel_mps2 is None or not (np.isfinite(imu.accel_mps2).all() and np.isfinite(imu.gyro_radps).all()):
        return
    number, inverse, count = np.unique(imu.t // _WINDOW_US, return_inverse=True, return_counts=True)
    columns = imu.accel_mps2, imu.gyro_radps, 1e-6 * (imu.t - imu.t[0])[:, None]
    force, rate, t_s = (_means(column, inverse, count) for column in columns)
    follows = np.diff(number) == 1
    if np.count_nonzero(follows) < _FEWEST:
        return
    turned = np.diff(force, axis=0)[follows]
    between, swept = ((0.5 * (mean[1:] + mean[:-1]))[follows] for mean in (force, rate))
    swept = swept * np.diff(t_s, axis=0)[follows]
    energy = float((turned**2).sum())
    names = [(axes, factor) for axes in AXIS_MAPS for factor in (1.0, _DEGREES)]
    left = np.array([((turned + factor * np.cross(swept @ axes.T, between)) ** 2).sum() for axes, factor in names])
    if energy == 0 or left.min() > (1 - _EXPLAINED) * energy:
        return
    # Of those that explain it as well, the one nearest to what is stated.
    good = np.flatnonzero(left <= _AS_GOOD * left.min())
    best = max(good, key=lambda i: (names[i][1], np.trace(names[i][0])))
    stated = float(left[next(i for i, (axes, factor) in enumerate(names) if factor == 1.0 and np.array_equal(axes, np.eye(3)))])
    yield _judged(*names[best], left[best] / energy, stated / energy)


def _means(values: Array, window: NDArray[np.int64], count: NDArray[np.int64]) -> Array:
    means: Array = np.stack([np.bincount(window, column) / count for column in values.T], -1)
    return means


def _judged(axes: Array, factor: float, left: float, stated: float) -> Finding:
    topic, same = "gyro against gravity", np.array_equal(axes, np.eye(3))
    if stated <= _WORSE * left or (same and factor == 1.0):
        explained = f"{100 * (1 - stated):.0f} %"
        return Finding(topic, Severity.OK, f"The gyro explains {explained} of how the accelerometer sees gravity turn.")
    what = f"The gyro as it is leaves {100 * stated:.3g} % of how the accelerometer sees gravity turn"
    if factor != 1.0:
        return Finding(topic, Severity.ERROR, f"{what}, in degrees per second {100 * left:.2g} %.",
                       "Multiply wx, wy, wz by 0.0174533." + ("" if same else "  See its axes as well."))
    if left > 1 - _OTHER_AXES:
        return Finding(topic, Severity.OK, f"{what}; no other naming of its axes is sure.")
    named = ", ".join(f"{'-' if row.sum() < 0 else '+'}w{'xyz'[int(np.abs(row).argmax())]}" for row in axes)
    return Finding(topic, Severity.WARNING, f"{what}, ({named}) in place of (wx, wy, wz) {100 * left:.2g} %.",
                   "Gyro and accelerometer need the same axes: see the columns and signs of both.")
