"""How an IMU sits on the camera, as Kalibr writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.rotation import orthonormal
from evcam.core.yaml_mapping import read_mapping
from evcam.errors import FormatError, InputError

Array = NDArray[np.float64]

_ROUNDING = 1e-3
_LONGEST_SHIFT_S = 3600.0


@dataclass(frozen=True, eq=False, slots=True)
class ImuMount:
    """Rotation and clock of an IMU beside those of the camera.

    Attributes
    ----------
    R_cam_imu : ndarray of float64, shape (3, 3)
        Rotates the IMU's axes to the camera's.
    offset_us : int
        ``t_cam = t_imu + offset_us``.
    """

    R_cam_imu: Array
    offset_us: int = 0


def load_imu_mount(path: str | os.PathLike[str]) -> ImuMount:
    """Read ``T_cam_imu`` and ``timeshift_cam_imu`` of the first camera of Kalibr's camchain-imucam YAML.

    Kalibr's shift is defined by ``t_imu = t_cam + shift``: the offset has the opposite sign.  A file without one means 0.

    Raises
    ------
    InputError
        No such file.
    FormatError
        Not YAML, no ``T_cam_imu``, or one that holds no rotation.
    """
    path = Path(path)
    mount = find_imu_mount(read_mapping(path, "Kalibr camchain-imucam"), str(path))
    if mount is None:
        raise FormatError(f"{path}: has no T_cam_imu; Kalibr writes it to ...-camchain-imucam.yaml")
    return mount


def find_imu_mount(data: Mapping[Any, Any], where: str) -> ImuMount | None:
    """As `load_imu_mount`, of a file that was read already; None if it says nothing of an IMU."""
    first = data.get("cam0", data)
    if not isinstance(first, Mapping) or "T_cam_imu" not in first:
        return None
    shift_s = first.get("timeshift_cam_imu", 0.0)
    if isinstance(shift_s, bool) or not isinstance(shift_s, (int, float)) or not abs(shift_s) < _LONGEST_SHIFT_S:
        raise FormatError(f"{where}: timeshift_cam_imu must be seconds, not {shift_s!r}")
    try:
        T = np.array(first["T_cam_imu"], float)
    except (TypeError, ValueError):
        T = np.empty(0)
    if T.shape != (4, 4):
        raise FormatError(f"{where}: T_cam_imu must have four rows of four numbers")
    try:
        return ImuMount(nearest_rotation(T[:3, :3], "T_cam_imu"), round(-1e6 * shift_s))
    except InputError as error:
        raise FormatError(f"{where}: {error}") from None


def nearest_rotation(matrix: ArrayLike, name: str) -> Array:
    """The rotation that a matrix with rounded numbers stands for.

    Raises
    ------
    InputError
        Rows that are not perpendicular unit vectors within a thousandth, or a reflection.
    """
    R = np.array(matrix, float)
    if R.shape != (3, 3) or not np.isfinite(R).all() or np.abs(R @ R.T - np.eye(3)).max() > _ROUNDING or np.linalg.det(R) < 0:
        raise InputError(f"{name}: holds no rotation: its rows must be perpendicular unit vectors of a right-handed frame")
    return orthonormal(R)
