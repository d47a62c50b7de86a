"""The board, the camera's path and the direction of its velocity in three dimensions, in metres in the board's frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.calib import Calibration
from evcam.core.camera import Camera
from evcam.core.rotation import exp_so3, log_so3
from evcam.core.target import CircleGrid, Target
from evcam.motion.estimate import VelocityEstimate
from evcam.viz import theme
from evcam.viz.scene import Eye, Labels, Layer, Lines, Triangles
from evcam.viz.scene.shapes import places

Array = NDArray[np.float64]

_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 25)), np.sin(np.linspace(0, 2 * np.pi, 25))], -1)
_MOST_FRUSTA = 24
_LONGEST_GAP_US = 300_000
_FRUSTUM_SHARE = 0.12
_CONE_SIDES = 32
_CONE_SIGMA = 2.0
_FAR = 1.5


@dataclass(frozen=True, eq=False, slots=True)
class Path:
    """Where the camera was.

    Attributes
    ----------
    t_us : ndarray of int64, shape (N,)
        Increasing.
    R_board_cam : ndarray of float64, shape (N, 3, 3)
    t_board_cam_m : ndarray of float64, shape (N, 3)
        The camera's centre in the board's frame.
    """

    t_us: NDArray[np.int64]
    R_board_cam: Array
    t_board_cam_m: Array

    def __len__(self) -> int:
        return len(self.t_us)

    @classmethod
    def of(cls, calibration: Calibration, recording: str | None = None) -> Path:
        """Poses of the views that a calibration used, of one recording or (None) of all."""
        fits = [(calibration.detections.views[fit.view], fit) for fit in calibration.fits]
        fits = [(view, fit) for view, fit in fits if recording in (None, view.recording)]
        fits.sort(key=lambda pair: pair[0].mid_us)
        R = np.array([fit.R_cam_board.T for _, fit in fits]).reshape(-1, 3, 3)
        t = np.array([-fit.R_cam_board.T @ fit.t_cam_board_m for _, fit in fits]).reshape(-1, 3)
        return cls(np.array([view.mid_us for view, _ in fits], np.int64), R, t)

    def pose(self, t_us: int) -> tuple[Array, Array] | None:
        """Pose between its neighbours in time; None in gaps of more than 0.3 s and beyond the ends."""
        if not len(self):
            return None
        i = int(np.clip(np.searchsorted(self.t_us, t_us) - 1, 0, max(len(self) - 2, 0)))
        j = min(i + 1, len(self) - 1)
        gap_us = int(self.t_us[j] - self.t_us[i])
        if gap_us > _LONGEST_GAP_US or not self.t_us[i] - _LONGEST_GAP_US <= t_us <= self.t_us[j] + _LONGEST_GAP_US:
            return None
        s = float(np.clip((t_us - self.t_us[i]) / max(gap_us, 1), 0.0, 1.0))
        R = self.R_board_cam[i] @ exp_so3(s * log_so3(self.R_board_cam[i].T @ self.R_board_cam[j]))
        return R, (1 - s) * self.t_board_cam_m[i] + s * self.t_board_cam_m[j]


def rig_size_m(target: Target | None, path: Path | None) -> float:
    """How large the scene of board and path is; 1 without them."""
    return rig_eye(target, path).distance / _FAR


def rig_eye(target: Target | None, path: Path | None) -> Eye:
    """A good place to see board and path from."""
    if target is None or path is None or not len(path):
        return Eye((0.0, 0.0, 0.1), _FAR, 0.55, 0.35)
    seen = np.concatenate([target.object_points, path.t_board_cam_m])
    low, high = seen.min(0), seen.max(0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    return Eye((float(middle[0]), float(middle[1]), float(middle[2])), _FAR * size, 0.9, 0.3)


def board_layer(target: Target) -> Layer:
    """The board with its circles or corners, its first point and its axes."""
    points = target.object_points
    step = float(np.linalg.norm(points[1] - points[0]))
    low, high = points.min(0)[:2] - 0.7 * step, points.max(0)[:2] + 0.7 * step
    ring = np.array([[low[0], low[1], 0], [high[0], low[1], 0], [high[0], high[1], 0], [low[0], high[1], 0], [low[0], low[1], 0]])
    radius = target.radius_m if isinstance(target, CircleGrid) else 0.12 * step
    circles = points[:, None] + np.column_stack([radius * _CIRCLE, np.zeros(len(_CIRCLE))])
    rgb = np.repeat(theme.by_number(np.arange(len(points))), circles.shape[1] - 1, 0)
    axes = Lines.between(np.zeros((2, 3)), 1.6 * step * np.eye(3)[:2], np.array([theme.BAD, theme.GOOD], np.uint8), 2.5)
    halves = np.stack([ring[[0, 1, 2]], ring[[0, 2, 3]]]).astype(np.float32)
    sheet = Triangles(halves, np.full((2, 3), theme.BOARD, np.uint8), 0.10)
    return Layer("board", (
        Lines.along(ring, theme.FAINT, 1.5), Lines(places(circles[:, :-1]), places(circles[:, 1:]), rgb, 1.4), axes, sheet,
    ), f"{target.rows} x {target.cols}")


def path_layer(path: Path, camera: Camera, now_us: int, size_m: float) -> Layer:
    """The camera's path, cameras along it, and the camera now.

    Parameters
    ----------
    path : Path
    camera : Camera
        For the angles of view.
    now_us : int
        The present.
    size_m : float
        How large the scene is; cameras are drawn at an eighth of it.
    """
    depth = _FRUSTUM_SHARE * size_m
    shapes: list[Lines | Triangles | Labels] = []
    share = (path.t_us - path.t_us[0]) / max(int(np.ptp(path.t_us)), 1) if len(path) else np.zeros(0)
    joined = np.flatnonzero(np.diff(path.t_us) <= _LONGEST_GAP_US)
    rgb = theme.by_share(share)
    shapes.append(Lines.between(path.t_board_cam_m[joined], path.t_board_cam_m[joined + 1], rgb[joined], 2.0))
    for k in np.unique(np.linspace(0, len(path) - 1, min(len(path), _MOST_FRUSTA)).astype(int)) if len(path) else ():
        shapes.append(frustum(camera, path.R_board_cam[k], path.t_board_cam_m[k], 0.6 * depth, tuple(rgb[k].tolist()), 1.0, 0.45))
    here = path.pose(now_us)
    if here is not None:
        shapes += [frustum(camera, *here, depth, theme.MARK, 2.0, 1.0), _window_of(camera, *here, depth)]
    note = f"{len(path)} pose{'' if len(path) == 1 else 's'}" + ("" if here is not None else ", none now")
    return Layer("camera path", tuple(shapes), note)


def camera_layer(camera: Camera, size_m: float) -> Layer:
    """A camera alone, in its own frame: x red to the right, y green downwards."""
    depth = 2 * _FRUSTUM_SHARE * size_m
    R, t = np.eye(3), np.zeros(3)
    axes = Lines.between(np.zeros((2, 3)), depth * np.eye(3)[:2], np.array([theme.BAD, theme.GOOD], np.uint8), 2.5)
    return Layer("camera", (frustum(camera, R, t, depth, theme.MARK, 2.0, 1.0), _window_of(camera, R, t, depth), axes))


def frustum(
    camera: Camera, R_board_cam: Array, t_board_cam_m: Array, depth_m: float, colour: tuple[int, ...], width_px: float,
    opacity: float,
) -> Lines:
    """The pyramid that a camera sees, up to a depth, with a mark at the image's upper edge."""
    corners = _corners(camera, depth_m)
    left, right = corners[0], corners[1]
    above = (left + right) / 2 + 0.35 * (left - corners[3])
    mark = np.stack([0.62 * left + 0.38 * right, above, 0.38 * left + 0.62 * right])
    cam_start = np.concatenate([np.zeros((4, 3)), corners, mark[:2]])
    cam_stop = np.concatenate([corners, np.roll(corners, -1, 0), mark[1:]])
    start, stop = (part @ R_board_cam.T + t_board_cam_m for part in (cam_start, cam_stop))
    return Lines.between(start, stop, (colour[0], colour[1], colour[2]), width_px, opacity)


def _window_of(camera: Camera, R: Array, t: Array, depth_m: float) -> Triangles:
    corners = (_corners(camera, depth_m) @ R.T + t).astype(np.float32)
    return Triangles(np.stack([corners[[0, 1, 2]], corners[[0, 2, 3]]]), np.full((2, 3), theme.PATH, np.uint8), 0.18)


def _corners(camera: Camera, depth_m: float) -> Array:
    """Corners of the image in an ideal camera of the same focal lengths, at a depth, shape (4, 3)."""
    fx, fy, cx, cy = camera.params[:4]
    w, h = camera.width - 0.5, camera.height - 0.5
    px = np.array([[-0.5, -0.5], [w, -0.5], [w, h], [-0.5, h]])
    corners: Array = depth_m * np.column_stack([(px - [cx, cy]) / [fx, fy], np.ones(4)])
    return corners


def velocity_layer(
    estimates: Sequence[VelocityEstimate], now_us: int, pose: tuple[Array, Array] | None, size_m: float, reach_us: int = 50_000
) -> Layer:
    """Direction of the camera's velocity now, with the cone of two standard deviations.

    Parameters
    ----------
    estimates : sequence of VelocityEstimate
        In order of time.
    now_us : int
    pose : (ndarray (3, 3), ndarray (3,)), optional
        ``R_board_cam`` and ``t_board_cam_m``; without it the camera's own frame is drawn.
    size_m : float
        How large the scene is.
    reach_us : int
        How far away in time the only estimate may be.
    """
    estimate = estimate_at(estimates, now_us, reach_us)
    if estimate is None:
        return Layer("velocity", (), "no window now")
    if not estimate:
        return Layer("velocity", (), f"{estimate.status}: {estimate.reason}")
    R, t = (np.eye(3), np.zeros(3)) if pose is None else pose
    length = 0.35 * size_m
    vector = estimate.direction
    colour = theme.GOOD if estimate.sign_resolved else theme.POOR
    shapes: list[Lines | Triangles] = []
    for sign in (1.0,) if estimate.sign_resolved else (1.0, -1.0):
        tip = sign * length * vector
        rim = _rim(tip, estimate.covariance * length**2)
        shapes.append(_to_board(Lines.between(np.zeros((1, 3)), tip[None], colour, 3.0), R, t))
        cone = np.stack([np.zeros((_CONE_SIDES, 3)), rim[:-1], rim[1:]], 1) @ R.T + t
        shapes.append(Triangles(cone.astype(np.float32), np.full((_CONE_SIDES, 3), colour, np.uint8), 0.22))
        shapes.append(_to_board(Lines.along(rim, colour, 1.2), R, t))
    std_deg = np.degrees(np.sqrt(max(float(np.linalg.eigvalsh(estimate.covariance)[-1]), 0.0)))
    sign_note = "" if estimate.sign_resolved else ", sign open"
    return Layer("velocity", tuple(shapes), f"± {std_deg:.1f}°{sign_note}")


def estimate_at(estimates: Sequence[VelocityEstimate], now_us: int, reach_us: int = 50_000) -> VelocityEstimate | None:
    """The estimate nearest in time; None if it is further away than estimates usually are from each other.

    Of a single one that is not known, and ``reach_us`` is how far away it may be.
    """
    if not estimates:
        return None
    times = np.array([estimate.t_us for estimate in estimates], np.int64)
    k = int(np.abs(times - now_us).argmin())
    usual_us = float(np.median(np.diff(times))) if len(times) > 1 else float(reach_us)
    return estimates[k] if abs(int(times[k]) - now_us) <= max(usual_us, 1.0) else None


def _rim(tip: Array, covariance: Array) -> Array:
    """Edge of the cone: two standard deviations around a direction's end, shape (33, 3)."""
    values, vectors = np.linalg.eigh(covariance)
    turn = np.linspace(0, 2 * np.pi, _CONE_SIDES + 1)
    reach = _CONE_SIGMA * np.sqrt(np.maximum(values[1:], 0.0))
    rim: Array = tip + np.cos(turn)[:, None] * reach[0] * vectors[:, 1] + np.sin(turn)[:, None] * reach[1] * vectors[:, 2]
    return rim


def _to_board(lines: Lines, R: Array, t: Array) -> Lines:
    start, stop = (part @ R.T + t for part in (lines.start, lines.stop))
    return Lines(places(start), places(stop), lines.rgb, lines.width_px, lines.opacity)
