"""What there was to be seen: exact poses, points, lines and velocities at any time."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evcam.core.atomic import atomic_path
from evcam.core.imu import ImuSamples
from evcam.core.target import Checkerboard, CircleGrid, Target
from evcam.core.trajectory import Trajectory
from evcam.sim.clutter import Occluder
from evcam.sim.scene import Board, Gyro, Scene
from evcam.sim.surfaces import band_frames

Array = NDArray[np.float64]

_STEP_US = 1000
_RING = 24
_AT_ONCE = 64


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """Ground truth of a scene.

    Attributes
    ----------
    scene : Scene
        The scene itself: camera, trajectory, target or lines.
    imu : ImuSamples or None
        Samples of the scene's gyro, noise and bias included.
    """

    scene: Scene
    imu: ImuSamples | None = None

    @classmethod
    def of(cls, scene: Scene, seed: int | np.random.Generator = 0) -> Truth:
        """Truth of a scene; the seed matters for the gyro's noise alone."""
        rng = np.random.default_rng(seed)
        return cls(scene, _sample_gyro(scene, scene.gyro, rng) if scene.gyro is not None else None)

    def centers(self, t_us: ArrayLike) -> Array:
        """Projections of the board's points (true circle centres, corners), px, shape (..., K, 2).

        NaN behind the camera.  For lines: the ends of their middle lines, two for each.
        """
        R, t = self.scene.trajectory.pose(t_us)
        points = np.einsum("...ij,kj->...ki", R, self._points_m()) + t[..., None, :]
        return self.scene.camera.project(points)

    def covered(self, t_us: ArrayLike) -> NDArray[np.bool_]:
        """Whether any part of a circle's outline (a corner itself) is behind an occluder, shape (..., K).

        False everywhere for boards without occluders; for lines there are none.
        """
        t = np.asarray(t_us)
        out = np.zeros((*t.shape, len(self._points_m())), np.bool_)
        world = self.scene.world
        if not isinstance(world, Board) or not world.occluders:
            return out
        outlines = _outlines_m(world.target)
        for part in np.array_split(np.arange(t.size), t.size // _AT_ONCE + 1):
            out.reshape(t.size, -1)[part] = _behind(world.occluders, outlines, self.scene.trajectory, t.ravel()[part])
        return out

    def edges_m(self) -> Array:
        """Both long edges of every band of a line scene in the world's frame, shape (L, 2, 2, 3): line, edge, end, xyz.

        Empty for boards.
        """
        if isinstance(self.scene.world, Board):
            return np.empty((0, 2, 2, 3))
        T_world_band, rows = band_frames(self.scene.world, self.scene.trajectory)
        side, end = np.meshgrid([-1.0, 1.0], [-1.0, 1.0], indexing="ij")
        local = np.stack([end * rows[:, 0, None, None], side * rows[:, 1, None, None], np.zeros((len(rows), 2, 2))], -1)
        edges: Array = np.einsum("lij,labj->labi", T_world_band[:, :3, :3], local) + T_world_band[:, None, None, :3, 3]
        return edges

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write an npz file at 1 kHz.

        Arrays ``gt_t`` (T,) s, ``gt_R`` (T, 3, 3) and ``gt_T`` (T, 3) from board to camera, ``gt_centers``
        (T, K, 2) px, ``gt_v`` and ``gt_w`` (T, 3), the camera's velocity in its own frame in m/s and rad/s, and
        ``meta``, JSON with ``camera`` (width, height, then the parameters), ``model``, ``rows``, ``cols``, ``s`` and
        ``rad`` (m) and ``layout``.  Line scenes have ``lines_m`` (L, 2, 3) and ``edges_m`` instead of a layout;
        with a gyro ``imu_t`` (us), ``imu_gyro`` and ``R_cam_imu`` are added, with occluders ``gt_covered`` (T, K), see `covered`.

        Raises
        ------
        OutputExistsError, InputError
            As `evcam.core.atomic.check_writable`.
        """
        trajectory = self.scene.trajectory
        t_us = np.arange(trajectory.start_us, trajectory.stop_us + 1, _STEP_US)
        R, t = trajectory.pose(t_us)
        velocity, omega = trajectory.velocity(t_us)
        arrays: dict[str, Any] = {
            "gt_t": t_us * 1e-6, "gt_R": R, "gt_T": t, "gt_centers": self.centers(t_us).astype(np.float32),
            "gt_v": velocity, "gt_w": omega, "meta": json.dumps(self._meta()),
        }
        if not isinstance(self.scene.world, Board):
            arrays |= {"lines_m": self._points_m().reshape(-1, 2, 3), "edges_m": self.edges_m()}
        elif self.scene.world.occluders:
            arrays["gt_covered"] = self.covered(t_us)
        if self.imu is not None:
            arrays |= {"imu_t": self.imu.t, "imu_gyro": self.imu.gyro_radps, "R_cam_imu": self.imu.R_cam_imu}
        with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    def _points_m(self) -> Array:
        world = self.scene.world
        if isinstance(world, Board):
            return world.target.object_points
        return np.array([[line.start_m, line.end_m] for line in world.lines], float).reshape(-1, 3)

    def _meta(self) -> dict[str, Any]:
        camera, world = self.scene.camera, self.scene.world
        meta: dict[str, Any] = {
            "camera": [camera.width, camera.height, *map(float, camera.params)], "model": camera.model,
            "dur": self.scene.trajectory.duration_s, "sensor": asdict(self.scene.sensor),
        }
        if not isinstance(world, Board):
            return meta | {"layout": "lines"}
        meta |= {"rows": world.target.rows, "cols": world.target.cols}
        if isinstance(world.target, CircleGrid):
            layout = "asymmetric" if world.target.is_asymmetric else "symmetric"
            return meta | {"s": world.target.spacing_m, "rad": world.target.radius_m, "layout": layout}
        assert isinstance(world.target, Checkerboard)
        # corners lie like the circles of a symmetric grid
        return meta | {"s": world.target.square_m, "rad": 0.0, "layout": "symmetric", "pattern": "checkerboard"}


def _outlines_m(target: Target) -> Array:
    """Points around each circle, or each corner once, shape (K, M, 2)."""
    points = target.object_points[:, None, :2]
    if not isinstance(target, CircleGrid):
        return points
    angle = np.linspace(0, 2 * np.pi, _RING, endpoint=False)
    return points + target.radius_m * np.stack([np.cos(angle), np.sin(angle)], -1)


def _behind(occluders: Sequence[Occluder], outlines_m: Array, trajectory: Trajectory, t_us: Array) -> NDArray[np.bool_]:
    R, t = trajectory.pose(t_us)
    eye = -np.einsum("nji,nj->ni", R, t)[:, None, None]
    covered = np.zeros((len(t_us), len(outlines_m)), np.bool_)
    for occluder in occluders:
        R_board_occluder, at_m = occluder.pose((t_us - trajectory.start_us) * 1e-6)
        at = at_m[:, None, None]
        share = at[..., 2:] / eye[..., 2:]  # of the way from the board to the eye
        points = outlines_m + share * (eye[..., :2] - outlines_m)
        local = np.einsum("nji,nkmj->nkmi", R_board_occluder[:, :2, :2], points - at[..., :2])
        covered |= (occluder.covers(local) & ((share > 0.0) & (share < 1.0))[..., 0]).any(-1)
    return covered


def _sample_gyro(scene: Scene, gyro: Gyro, rng: np.random.Generator) -> ImuSamples:
    trajectory = scene.trajectory
    count = int((trajectory.stop_us - trajectory.start_us) * gyro.rate_hz // 1_000_000) + 1
    t_us = trajectory.start_us + np.floor(np.arange(count) * 1e6 / gyro.rate_hz).astype(np.int64)
    _, omega = trajectory.velocity(t_us)
    rate = omega @ gyro.R_cam_imu + np.asarray(gyro.bias_radps) + gyro.noise_radps * rng.standard_normal((count, 3))
    return ImuSamples(t_us - gyro.offset_us, rate, None, np.asarray(gyro.R_cam_imu, float), gyro.offset_us)
