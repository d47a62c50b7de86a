"""How the edges of a scene move through the image, computed from camera, scene and poses alone.

An edge's image is where a function of pixel and time, phi, is zero: for a circle the distance, on the board's plane, from its
outline to the point that the pixel sees; for a line the sine of the angle between the pixel's ray and the plane through the line
and the camera.  Whatever the lens and the tilt, the edge lies phi / |grad phi| pixels away and moves along its normal
with -phi_t grad phi / |grad phi|^2.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from evcam.core.camera import Camera
from evcam.core.target import CircleGrid
from evcam.core.trajectory import Trajectory
from evcam.sim import Board, Scene, Truth

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_STEP_US = 500
_STEP_PX = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Edges:
    """The nearest edge of each of N pixels, each at its own time.

    Attributes
    ----------
    distance_px : ndarray of float64, shape (N,)
        To the edge, with a sign; NaN where there is none to be compared with.
    flow_pxps : ndarray of float64, shape (N, 2)
        Motion of the edge along its normal, at its point nearest to the pixel.
    """

    distance_px: Array
    flow_pxps: Array


@dataclass(frozen=True, eq=False, slots=True)
class EdgeTruth(ABC):
    """Camera and poses of a recording, and the edges before it."""

    camera: Camera
    trajectory: Trajectory

    def edges(self, t_us: Whole, px: Array) -> Edges:
        """The edges nearest to pixels (N, 2) at times (N,) within the poses."""
        which = self._nearest(t_us, px)
        phi, gradient = self._phi(t_us, px, which), self._gradient(t_us, px, which)
        length2 = (gradient**2).sum(1)
        foot = px - (phi / length2)[:, None] * gradient
        gradient_there = self._gradient(t_us, foot, which)
        earlier, later = self._within(t_us - _STEP_US), self._within(t_us + _STEP_US)
        rate = (self._phi(later, foot, which) - self._phi(earlier, foot, which)) / ((later - earlier) * 1e-6)
        flow = -(rate / (gradient_there**2).sum(1))[:, None] * gradient_there
        return Edges(np.where(which >= 0, phi / np.sqrt(length2), np.nan), flow)

    def _within(self, t_us: Whole) -> Whole:
        return np.clip(t_us, self.trajectory.start_us, self.trajectory.stop_us)

    def _gradient(self, t_us: Whole, px: Array, which: Whole) -> Array:
        steps = _STEP_PX * np.eye(2)
        return np.stack([(self._phi(t_us, px + s, which) - self._phi(t_us, px - s, which)) / (2 * _STEP_PX) for s in steps], 1)

    @abstractmethod
    def _nearest(self, t_us: Whole, px: Array) -> Whole:
        """Number of the edge of each pixel; negative where none may be compared with."""

    @abstractmethod
    def _phi(self, t_us: Whole, px: Array, which: Whole) -> Array: ...


@dataclass(frozen=True, eq=False, slots=True)
class CircleEdges(EdgeTruth):
    """Outlines of the circles of a board."""

    target: CircleGrid

    @classmethod
    def of_file(cls, path: Path) -> CircleEdges:
        """Those of a truth in the format of docs/conventions.md."""
        with np.load(path) as truth:
            meta = json.loads(str(truth["meta"]))
            t_us = np.round(truth["gt_t"] * 1e6).astype(np.int64)
            trajectory = Trajectory.from_poses(t_us, truth["gt_R"], truth["gt_T"])
        width, height, *params = meta["camera"]
        camera = Camera(meta.get("model", "pinhole-radtan"), np.array(params), width, height)
        grid = CircleGrid(meta["rows"], meta["cols"], meta["s"], meta["rad"], meta.get("layout", "asymmetric") == "asymmetric")
        return cls(camera, trajectory, grid)

    def board_speed_pxps(self, t_us: Whole) -> Array:
        """Median speed of the circles' centres in the image at times (N,)."""
        earlier, later = self._within(t_us - _STEP_US), self._within(t_us + _STEP_US)
        shift = np.linalg.norm(self._centers(later) - self._centers(earlier), axis=2)
        speed: Array = np.nanmedian(shift, axis=1) / ((later - earlier) * 1e-6)
        return speed

    def _centers(self, t_us: Whole) -> Array:
        R, t = self.trajectory.pose(t_us)
        return self.camera.project(np.einsum("nij,kj->nki", R, self.target.object_points) + t[:, None])

    def _nearest(self, t_us: Whole, px: Array) -> Whole:
        on_board = self._on_board(t_us, px)
        which = KDTree(self.target.object_points[:, :2]).query(np.nan_to_num(on_board))[1]
        return np.where(np.isfinite(on_board[:, 0]), which, -1)

    def _phi(self, t_us: Whole, px: Array, which: Whole) -> Array:
        from_center = self._on_board(t_us, px) - self.target.object_points[which, :2]
        return np.hypot(*from_center.T) - self.target.radius_m

    def _on_board(self, t_us: Whole, px: Array) -> Array:
        """Where the rays of pixels meet the board, metres in its frame; NaN where they do not."""
        R, t = self.trajectory.pose(t_us)
        ray = self.camera.unproject(px)
        depth = (R[:, :, 2] * t).sum(1) / (R[:, :, 2] * ray).sum(1)
        depth[~(depth > 0)] = np.nan
        on_board: Array = np.einsum("nij,ni->nj", R[:, :, :2], depth[:, None] * ray - t)
        return on_board


@dataclass(frozen=True, eq=False, slots=True)
class LineEdges(EdgeTruth):
    """Long edges of the bands of a line scene, (L, 2, 2, 3) in the world's frame: band, edge, end, xyz.

    Near the end of an edge, and where two bands are near, there is no one answer: such pixels have no edge.
    """

    edges_m: Array
    clear_px: float = 5.0

    def _nearest(self, t_us: Whole, px: Array) -> Whole:
        focal = float(self.camera.params[:2].mean())
        distance = np.full((len(self.edges_m), 2, len(px)), np.inf)
        inner = np.zeros(distance.shape, bool)
        for band, edge in np.ndindex(distance.shape[:2]):
            which = np.full(len(px), 2 * band + edge)
            beyond = focal * self._beyond_end(t_us, px, which)
            distance[band, edge] = np.hypot(focal * self._phi(t_us, px, which), np.maximum(beyond, 0))
            inner[band, edge] = beyond < -self.clear_px
        by_band = distance.min(1)
        alone = np.sort(by_band, axis=0)[1] > self.clear_px if len(by_band) > 1 else np.ones(len(px), bool)
        nearest = distance.reshape(-1, len(px)).argmin(0)
        is_inner = inner.reshape(-1, len(px))[nearest, np.arange(len(px))]
        return np.where(alone & is_inner, nearest, -1)

    def _ends(self, t_us: Whole, which: Whole) -> Array:
        """Both ends in the camera's frame, (N, 2, 3)."""
        R, t = self.trajectory.pose(t_us)
        ends: Array = np.einsum("nij,nej->nei", R, self.edges_m.reshape(-1, 2, 3)[which]) + t[:, None]
        return ends

    def _phi(self, t_us: Whole, px: Array, which: Whole) -> Array:
        first, last = self._ends(t_us, which).transpose(1, 0, 2)
        normal = np.cross(first, last)
        phi: Array = (normal * self.camera.unproject(px)).sum(1) / np.linalg.norm(normal, axis=1)
        return phi

    def _beyond_end(self, t_us: Whole, px: Array, which: Whole) -> Array:
        """Sine of the angle by which a pixel's ray lies beyond the nearer end; negative between the ends."""
        ends = self._ends(t_us, which)
        first, last = (ends / np.linalg.norm(ends, axis=2, keepdims=True)).transpose(1, 0, 2)
        normal = np.cross(first, last)
        inwards = np.stack([np.cross(normal, first), np.cross(last, normal)])
        inwards /= np.linalg.norm(inwards, axis=2, keepdims=True)
        beyond: Array = -(inwards * self.camera.unproject(px)).sum(2).min(0)
        return beyond


def truth_of(truth: Truth) -> EdgeTruth:
    """The edges of a simulation of ours."""
    scene: Scene = truth.scene
    if isinstance(scene.world, Board):
        assert isinstance(scene.world.target, CircleGrid)
        return CircleEdges(scene.camera, scene.trajectory, scene.world.target)
    return LineEdges(scene.camera, scene.trajectory, truth.edges_m())
