"""HDF5 of the MVSEC data set: one table of x, y, t (s), p per camera, and inertial samples.

``davis/left/events`` and ``davis/right/events`` are N x 4, float64; the cameras are DAVIS346.  ``imu`` is N x 6, accelerometer
(m/s^2) before gyro (rad/s), with its times (s) in ``imu_ts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.imu import ImuSamples
from evcam.errors import FormatError
from evcam.io.formats._clock import LateEvents
from evcam.io.formats._gather import first_piece
from evcam.io.formats._imu import strictly_later
from evcam.io.source import BLOCK_EVENTS, Block, Source, damage_as_format_error, the_stream

if TYPE_CHECKING:
    import h5py

GROUP = "davis"
_CAMERAS = ("left", "right")
_SIZE = (346, 260)
_MAX_SECONDS = 1e11
_GRAVITY_MPS2 = (7.0, 13.0)
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)


class MvsecSource(Source):
    """An open file of this layout."""

    def __init__(self, path: Path, file: h5py.File, stream: str | None) -> None:
        super().__init__(path, _SIZE, {})
        self._file = file
        with damage_as_format_error(path, _DAMAGE, "damaged HDF5 file"):
            cameras = [name for name in _CAMERAS if f"{GROUP}/{name}/events" in file]
            self._camera = file[f"{GROUP}/{the_stream(path, cameras, stream, 'camera')}"]
            self._events = self._camera["events"]
            if self._events.ndim != 2 or self._events.shape[1] != 4 or self._events.dtype.kind != "f":
                raise FormatError(f"{path}: {self._events.name} must be N x 4 floating-point numbers (x, y, t, p), "
                                  f"not {self._events.shape} {self._events.dtype}")
        self.metadata = {"camera": self._camera.name}

    def blocks(self, max_events: int = BLOCK_EVENTS, start_us: int | None = None) -> Iterator[Block]:
        """Rows of the table, entered by bisection."""
        total, late = len(self._events), LateEvents()
        begin = 0 if start_us is None else first_piece(total, lambda i: int(self._rows(i, i + 1)[0][0]), start_us)
        for first in range(begin, total, max_events):
            t, x, y, p = self._rows(first, min(first + max_events, total))
            yield Block(first, late.hold(t), x, y, p)
            for message, times in late.repairs.items():
                self.warn_count(message, times)

    def has_imu(self) -> bool:
        """Whether the camera has inertial samples."""
        return "imu" in self._camera and "imu_ts" in self._camera

    def imu(self) -> ImuSamples | None:
        """Samples of the camera's inertial sensor, in the axes of the file."""
        if not self.has_imu():
            return None
        with damage_as_format_error(self.path, _DAMAGE, f"damaged {self._camera.name}/imu"):
            values, seconds = (np.asarray(self._camera[name][...], np.float64) for name in ("imu", "imu_ts"))
            if values.ndim != 2 or values.shape != (len(seconds), 6):
                raise ValueError(f"{len(seconds)} times for samples of shape {values.shape}")
            t = _microseconds(seconds)
        accel, gyro = values[:, :3], values[:, 3:]
        if not _weighs(accel) and _weighs(gyro):
            self.warn("the last three columns of imu see gravity: they are taken for the accelerometer, the first for the gyro")
            accel, gyro = gyro, accel
        keep, left_out = strictly_later(t)
        self.warn_count("inertial samples not later than the one before, left out", left_out)
        self.warn("how the IMU sits on the camera (R_cam_imu) is not stated: its axes are taken for the camera's")
        return ImuSamples(t[keep], gyro[keep], accel[keep])

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._file.close()

    def _rows(self, first: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[Any]]:
        with damage_as_format_error(self.path, _DAMAGE, f"{self._events.name} damaged near event {first}"):
            rows = self._events[first:stop]
            t = _microseconds(rows[:, 2])
            places = rows[:, :2]
            if not (np.all(places == np.floor(places)) and places.min(initial=0) >= 0 and places.max(initial=0) <= 65535):
                raise ValueError("a pixel is no whole number from 0 to 65535")
            x, y = (places[:, i].astype(np.uint16) for i in (0, 1))
        return t, x, y, rows[:, 3]


def _microseconds(seconds: NDArray[Any]) -> NDArray[np.int64]:
    if not np.all(np.abs(seconds) < _MAX_SECONDS):
        raise ValueError("a time is no possible number of seconds")
    return np.round(seconds * 1e6).astype(np.int64)


def _weighs(values: NDArray[Any]) -> bool:
    """Whether three columns see gravity."""
    return bool(len(values)) and _GRAVITY_MPS2[0] < float(np.median(np.linalg.norm(values, axis=1))) < _GRAVITY_MPS2[1]
