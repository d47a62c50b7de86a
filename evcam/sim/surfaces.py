"""Flat things in space, as the kernels want them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import _kernels as k
from evcam.sim.scene import Board, Lines, Scene

Array = NDArray[np.float64]


def board_constants(board: Board) -> Array:
    """The board's row for the kernels."""
    target, out = board.target, np.zeros(k.BOARD_SIZE)
    out[[k.ROWS, k.COLS, k.SURROUND]] = target.rows, target.cols, board.surround
    out[[k.X0, k.X1, k.Y0, k.Y1]] = board.outline_m
    if isinstance(target, CircleGrid):
        kind = k.ASYMMETRIC if target.is_asymmetric else k.SYMMETRIC
        out[[k.KIND, k.SPACING, k.RADIUS]] = kind, target.spacing_m, target.radius_m
    else:
        assert isinstance(target, Checkerboard)
        out[[k.KIND, k.SPACING]] = k.CHECKER, target.square_m
    out[k.PER_SPACING] = 1.0 / out[k.SPACING]
    return out


def board_lights(board: Board, share: Array) -> tuple[Array, Array]:
    """Intensities of ground and ink while a screen is ``share`` of the way to its second state."""
    ground, ink = board.white, board.black
    if isinstance(board.target, CircleGrid) and not board.target.dark_on_light:
        ground, ink = ink, ground
    inverse = board.flicker is not None and board.flicker.mode == "invert"
    ground_2, ink_2 = (ink, ground) if inverse else (board.black, board.black)
    return ground + (ground_2 - ground) * share, ink + (ink_2 - ink) * share


def band_frames(world: Lines, trajectory: Trajectory) -> tuple[Array, Array]:
    """Poses T_world_band (L, 4, 4) and the bands' rows (L, 3): half length, half width, brightness."""
    R, t = trajectory.pose(trajectory.start_us)
    poses, rows = np.tile(np.eye(4), (len(world.lines), 1, 1)), np.empty((len(world.lines), 3))
    for pose, row, line in zip(poses, rows, world.lines, strict=True):
        middle, along, across, length = line.frame(-R.T @ t)
        pose[:3] = np.column_stack([along, across, np.cross(along, across), middle])
        row[:] = length / 2, line.width_m / 2, line.brightness
    return poses, rows


def plane_homographies(T_cam_plane: Array) -> Array:
    """From bearings to (x, y, 1) / depth on the plane z = 0; (..., 4, 4) -> (..., 3, 3)."""
    return np.ascontiguousarray(np.linalg.inv(T_cam_plane[..., :3, [0, 1, 3]]), np.float64)


def camera_poses(trajectory: Trajectory, t_us: Array) -> Array:
    """T_cam_board as matrices, shape (N, 4, 4)."""
    out = np.tile(np.eye(4), (len(t_us), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = trajectory.pose(t_us)
    return out


def pixel_rays(camera: Camera) -> tuple[Array, NDArray[np.uint16], NDArray[np.uint16]]:
    """Bearing and its derivatives by the pixel, shape (N, 9), of the pixels (x, y) that see anything."""
    x, y = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    bearings = camera.unproject(np.stack([x, y], -1).astype(float))
    by_y, by_x = np.gradient(bearings, axis=(0, 1), edge_order=2)
    rays = np.concatenate([bearings, by_x, by_y], -1)
    sees = np.isfinite(rays).all(-1)
    return np.ascontiguousarray(rays[sees]), x[sees].astype(np.uint16), y[sees].astype(np.uint16)


def landmarks(scene: Scene) -> Array:
    """Points whose motion bounds everything's, in the world's frame, shape (K, 3)."""
    if isinstance(scene.world, Board):
        x0, x1, y0, y1 = scene.world.outline_m
        x, y = np.meshgrid(np.linspace(x0, x1, 9), np.linspace(y0, y1, 9))
        return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], -1)
    ends = np.array([[line.start_m, line.end_m] for line in scene.world.lines], float)
    share = np.linspace(0, 1, 12)[:, None, None]
    points: Array = (ends[:, 0] + share * (ends[:, 1] - ends[:, 0])).reshape(-1, 3)
    return points
