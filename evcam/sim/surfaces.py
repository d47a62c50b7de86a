"""Flat things in space, as the kernels want them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.camera import Camera
from evcam.core.target import Checkerboard, CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import _columns as c
from evcam.sim.clutter import WAVES, Backdrop, Limb, Occluder, Texture
from evcam.sim.scene import Board, Lines, Scene

Array = NDArray[np.float64]

_LEAST_DISTANCE_M = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Surfaces:
    """Constants of all that is to be seen.

    Attributes
    ----------
    board : tuple of float
        Of the board; only its kind counts for lines.
    bands : ndarray of float64, shape (L, 3)
        Half length, half width, brightness; no rows for a board.
    layers, limbs, waves : ndarray of float64
        Clutter, the layers behind the board first: one row each, the limbs of them all, and each one's waves.
    """

    board: c.Constants
    bands: Array
    layers: Array
    limbs: Array
    waves: Array

    @classmethod
    def of(cls, world: Board | Lines, trajectory: Trajectory) -> Surfaces:
        """Constants of a world."""
        if isinstance(world, Lines):
            board = np.zeros(c.BOARD_SIZE)
            board[c.KIND] = c.BANDS
            return cls(tuple(board.tolist()), band_frames(world, trajectory)[1], *_clutter(None, ()))
        return cls(_board_constants(world), np.empty((0, 3)), *_clutter(world.backdrop, world.occluders))


def _board_constants(board: Board) -> c.Constants:
    target, out = board.target, np.zeros(c.BOARD_SIZE)
    out[[c.ROWS, c.COLS, c.SURROUND]] = target.rows, target.cols, board.surround
    out[[c.X0, c.X1, c.Y0, c.Y1]] = board.outline_m
    out[c.BEHIND] = board.backdrop is not None
    if isinstance(target, CircleGrid):
        kind = c.ASYMMETRIC if target.is_asymmetric else c.SYMMETRIC
        out[[c.KIND, c.SPACING, c.RADIUS]] = kind, target.spacing_m, target.radius_m
    else:
        assert isinstance(target, Checkerboard)
        out[[c.KIND, c.SPACING]] = c.CHECKER, target.square_m
    out[c.PER_SPACING] = 1.0 / out[c.SPACING]
    return tuple(out.tolist())


def _clutter(backdrop: Backdrop | None, occluders: tuple[Occluder, ...]) -> tuple[Array, Array, Array]:
    things: list[tuple[tuple[Limb, ...], Texture]] = [] if backdrop is None else [((), backdrop.texture)]
    things += [(occluder.limbs, occluder.texture) for occluder in occluders]
    layers, limbs = np.zeros((len(things), c.LAYER_SIZE)), list[Array]()
    for row, (shape, texture) in zip(layers, things, strict=True):
        row[[c.FIRST, c.STOP]] = len(limbs), len(limbs) + len(shape)
        row[[c.DARK, c.BRIGHT, c.SHARP, c.WAVE_NUMBER]] = texture.dark, texture.bright, texture.sharp, 2 * np.pi / texture.scale_m
        limbs += [_limb_row(limb) for limb in shape]
    waves = [texture.waves() for _, texture in things]
    return layers, np.array(limbs).reshape(-1, c.LIMB_SIZE), np.array(waves).reshape(-1, WAVES, 3)


def _limb_row(limb: Limb) -> Array:
    start, end = np.asarray(limb.start_m, float), np.asarray(limb.end_m, float)
    length = float(np.linalg.norm(end - start))
    row = np.empty(c.LIMB_SIZE)
    row[[c.MIDDLE_X, c.MIDDLE_Y]] = (start + end) / 2
    row[[c.ALONG_X, c.ALONG_Y]] = (end - start) / length if length > 0 else (1.0, 0.0)
    row[[c.HALF_LENGTH, c.THICKNESS]] = length / 2, limb.radius_m
    return row


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


def plane_homographies(scene: Scene, t_us: Array) -> Array:
    """From bearings to (x, y, 1) / depth on every plane at every time, shape (N planes, 9), planes of a time together."""
    T_cam_world = camera_poses(scene.trajectory, t_us)
    if isinstance(scene.world, Lines):
        T_cam_plane = T_cam_world[:, None] @ band_frames(scene.world, scene.trajectory)[0]
    else:
        T_cam_plane = np.stack([T_cam_world, *(T_cam_world @ T for T in _layer_poses(scene, t_us))], 1)
    return np.ascontiguousarray(np.linalg.inv(_off_the_eye(T_cam_plane)[..., :3, [0, 1, 3]]), np.float64).reshape(-1, 9)


def _off_the_eye(T_cam_plane: Array) -> Array:
    """Planes of which one that holds the camera's centre, and is seen as a line, lies a nanometre beside it."""
    normal, out = T_cam_plane[..., :3, 2], T_cam_plane.copy()
    distance_m = (normal * T_cam_plane[..., :3, 3]).sum(-1, keepdims=True)
    beside = np.where(np.abs(distance_m) < _LEAST_DISTANCE_M, np.copysign(_LEAST_DISTANCE_M, distance_m) - distance_m, 0.0)
    out[..., :3, 3] += beside * normal
    return out


def _layer_poses(scene: Scene, t_us: Array) -> Iterator[Array]:
    assert isinstance(scene.world, Board)
    if scene.world.backdrop is not None:
        T = np.eye(4)
        T[2, 3] = scene.world.backdrop.distance_m
        yield T
    for occluder in scene.world.occluders:
        T = np.tile(np.eye(4), (len(t_us), 1, 1))
        T[:, :3, :3], T[:, :3, 3] = occluder.pose((t_us - scene.trajectory.start_us) * 1e-6)
        yield T


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


def landmarks(scene: Scene, t_us: Array) -> Iterator[tuple[Array, Array]]:
    """Points whose motion bounds everything's: positions (N, K, 3) in the world's frame and velocities that broadcast to them."""
    world, still = scene.world, np.zeros((len(t_us), 1, 3))
    if isinstance(world, Lines):
        ends = np.array([[line.start_m, line.end_m] for line in world.lines], float)
        share = np.linspace(0, 1, 12)[:, None, None]
        yield np.tile((ends[:, 0] + share * (ends[:, 1] - ends[:, 0])).reshape(-1, 3), (len(t_us), 1, 1)), still
        return
    x0, x1, y0, y1 = world.outline_m
    x, y = np.meshgrid(np.linspace(x0, x1, 9), np.linspace(y0, y1, 9))
    yield np.tile(np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], -1), (len(t_us), 1, 1)), still
    if world.backdrop is not None:
        yield _seen_on_plane(scene, t_us, world.backdrop.distance_m), still
    for occluder in world.occluders:
        yield _moving_ends(occluder, (t_us - scene.trajectory.start_us) * 1e-6)


def _seen_on_plane(scene: Scene, t_us: Array, z_m: float) -> Array:
    """Points of a plane of the board's frame at which a grid of pixels looks; NaN where it does not."""
    x, y = np.meshgrid(np.linspace(0, scene.camera.width - 1, 7), np.linspace(0, scene.camera.height - 1, 7))
    R, t = scene.trajectory.pose(t_us)
    bearings = np.einsum("nji,kj->nki", R, scene.camera.unproject(np.stack([x.ravel(), y.ravel()], -1)))
    eye = -np.einsum("nji,nj->ni", R, t)[:, None]
    depth = (z_m - eye[..., 2:]) / bearings[..., 2:]
    points: Array = eye + np.where(depth > 0, depth, np.nan) * bearings
    return points


def _moving_ends(occluder: Occluder, t_s: Array) -> tuple[Array, Array]:
    """Limbs' ends, widened by the radius, and their velocities in the board's frame."""
    step_s = 1e-4
    ends = np.array([(limb.start_m, limb.end_m) for limb in occluder.limbs]).reshape(-1, 1, 2)
    reach = np.repeat([limb.radius_m for limb in occluder.limbs], 2)[:, None, None] * [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    corners = np.zeros((4 * len(ends), 3))
    corners[:, :2] = (ends + reach).reshape(-1, 2)
    before, now, after = (np.einsum("nij,kj->nki", R, corners) + t[:, None]
                          for R, t in (occluder.pose(t_s + dt) for dt in (-step_s, 0.0, step_s)))
    return now, (after - before) / (2 * step_s)
