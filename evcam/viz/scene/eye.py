"""The eye that a scene is seen by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_STEEPEST_RAD = 1.5
_NARROW = 0.8
_NEAREST_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class Eye:
    """An eye on a sphere around what it looks at; x right, y down, z forward like a camera's.

    Attributes
    ----------
    centre : (float, float, float)
        What it looks at.
    distance : float
        From there to the eye.
    yaw_rad, pitch_rad : float
        Turn to the right and downwards from looking along the scene's z axis.
    field_rad : float
        Angle of view across the height, in a picture that is less than 1.25 times as wide across 0.8 of the width.
    """

    centre: tuple[float, float, float]
    distance: float
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    field_rad: float = 0.7

    @property
    def axes(self) -> Array:
        """Right, down and forward, in rows, shape (3, 3)."""
        sy, cy, sp, cp = np.sin(self.yaw_rad), np.cos(self.yaw_rad), np.sin(self.pitch_rad), np.cos(self.pitch_rad)
        return np.array([[cy, 0.0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]])

    @property
    def transform(self) -> Array:
        """Scene to eye, shape (3, 4)."""
        R = self.axes
        t = np.array([0.0, 0.0, self.distance]) - R @ np.array(self.centre)
        return np.ascontiguousarray(np.column_stack([R, t]))

    @property
    def near(self) -> float:
        """Anything closer than this is not seen."""
        return _NEAREST_SHARE * self.distance

    def focal_px(self, width: int, height: int) -> float:
        """Focal length for a picture of this size."""
        return 0.5 * min(_NARROW * width, height) / float(np.tan(0.5 * self.field_rad))

    def project(self, xyz: ArrayLike, width: int, height: int) -> tuple[Array, Array]:
        """Places in the picture (N, 2), NaN behind the eye, and depths (N,)."""
        M = self.transform
        p = np.asarray(xyz, float).reshape(-1, 3) @ M[:, :3].T + M[:, 3]
        depth = p[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            px = self.focal_px(width, height) * p[:, :2] / depth[:, None] + np.array([width / 2, height / 2])
        px[depth < self.near] = np.nan
        return px, depth

    def turned(self, yaw_rad: float, pitch_rad: float) -> Eye:
        """Moved around its centre."""
        pitch = float(np.clip(self.pitch_rad + pitch_rad, -_STEEPEST_RAD, _STEEPEST_RAD))
        return replace(self, yaw_rad=self.yaw_rad + yaw_rad, pitch_rad=pitch)

    def nearer(self, factor: float) -> Eye:
        """At ``1 / factor`` of the distance."""
        return replace(self, distance=self.distance / factor)

    def shifted(self, dx_px: float, dy_px: float, width: int, height: int) -> Eye:
        """Moved sideways so that the centre of the scene moves by this many pixels."""
        right, down, _ = self.axes
        step = self.distance / self.focal_px(width, height)
        centre = np.array(self.centre) - step * (dx_px * right + dy_px * down)
        return replace(self, centre=(float(centre[0]), float(centre[1]), float(centre[2])))
