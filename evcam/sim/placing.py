"""Where a camera has to be to see a board well."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3
from evcam.core.target import Target
from evcam.core.trajectory import Trajectory
from evcam.sim.scene import Board

Array = NDArray[np.float64]

FILL = 0.6
"""Share of the image's width or height that a board takes at the mean distance."""


def board_middle_m(target: Target) -> Array:
    """Middle of the pattern in the board's frame, shape (3,)."""
    points = target.object_points
    middle: Array = (points.min(0) + points.max(0)) / 2
    return middle


def level_roll_rad(target: Target, camera: Camera) -> float:
    """Turn about the optical axis that lays the board's long side along the image's."""
    x0, x1, y0, y1 = Board(target).outline_m
    return 0.0 if (x1 - x0 > y1 - y0) == (camera.width > camera.height) else math.pi / 2


def filling_distance_m(target: Target, camera: Camera, fill: float = FILL) -> float:
    """Distance at which the level board fills this share of the image in the tighter direction."""
    x0, x1, y0, y1 = Board(target).outline_m
    size_m = np.array([x1 - x0, y1 - y0])
    if level_roll_rad(target, camera):
        size_m = size_m[::-1]
    return float((camera.params[:2] * size_m / (np.array([camera.width, camera.height]) * fill)).max())


def facing_pose(
    target: Target, camera: Camera, *, distance_m: float | None = None, tilt_deg: tuple[float, float] = (0.0, 0.0),
    roll_deg: float | None = None, at_px: tuple[float, float] | None = None,
) -> tuple[Array, Array]:
    """Pose (R_cam_board, t_cam_board_m) of a board whose middle is seen at a given pixel.

    Parameters
    ----------
    target : Target
        The board.
    camera : Camera
        The camera.
    distance_m : float, optional
        Depth of the board's middle; by default the board fills 60 % of the image.
    tilt_deg : (float, float)
        Tilt about the camera's x and y axes.
    roll_deg : float, optional
        Turn about the optical axis; by default the long side of the board lies along the image's.
    at_px : (float, float), optional
        Pixel of the board's middle; the centre of the image by default.
    """
    depth = filling_distance_m(target, camera) if distance_m is None else distance_m
    roll = level_roll_rad(target, camera) if roll_deg is None else math.radians(roll_deg)
    px = ((camera.width - 1) / 2, (camera.height - 1) / 2) if at_px is None else at_px
    bearing = camera.unproject(np.asarray(px, float))
    R = exp_so3([math.radians(tilt_deg[0]), math.radians(tilt_deg[1]), 0.0]) @ exp_so3([0.0, 0.0, roll])
    return R, depth * bearing / bearing[2] - R @ board_middle_m(target)


def hand_before(target: Target, camera: Camera, duration_s: float, **changes: Any) -> Trajectory:
    """A hand-held camera that brings the board to all parts of the image, near and far and tilted.

    Parameters
    ----------
    target, camera : Target, Camera
        Decide the mean distance, the turn and the sway.
    duration_s : float
        Length, s.
    **changes
        Other values for the arguments of `Trajectory.hand_held`.
    """
    distance = changes.get("distance_m", filling_distance_m(target, camera))
    view_m = np.array([camera.width, camera.height]) * distance / camera.params[:2]
    sway = (0.26 * view_m[0], 0.26 * view_m[1], 0.25 * distance)
    options = {"distance_m": distance, "sway_m": sway, "roll_rad": level_roll_rad(target, camera), **changes}
    return Trajectory.hand_held(board_middle_m(target), duration_s=duration_s, **options)
