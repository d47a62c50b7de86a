"""How well does a detector find the circles of a simulated board?

Definitions.  Every 20 ms of the recording is a slot; a view belongs to the slots whose middle is
at most half a slot from the view's mean time.  A circle is visible when its whole outline lies at least
1 px inside the image and nothing covers any of it; a slot is eligible when all circles are, and complete
when one view has all of them.  An id is wrong when another circle's true centre is nearer.  One time shift of all
detections, the one that explains the errors best, is no error of the detector: the pixels' latency looks like that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.detections import Detections
from evcam.core.target import CircleGrid
from evcam.sim import Board, Scene, Truth

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SLOT_US = 20_000
_MARGIN_PX = 1.0
_NEAR_PX = 3.0
_MIN_VISIBLE = 4
_RING = 24


@dataclass(frozen=True, slots=True)
class GridScore:
    """A detector's figures on one recording; NaN where there is nothing to tell from.

    Attributes
    ----------
    slots, eligible, views : int
        Counts.
    median_speed_pxps : float
        Median over the eligible slots (all, if there are none) of the circles' median speed in the image.
    complete_share, circle_recall : float
        Over the eligible slots.
    visible_recall, all_visible_share : float
        Recall of the visible circles, and share of the slots in which all of them were found, over all slots
        with at least four visible circles.
    wrong_ids : int
        Points nearer to another circle.
    rms_px, time_shift_ms, rms_after_px, along_bias_after_px : float
        Centre error; the best time shift; what is left after it, and its mean along the motion.
    normalised_squared_error : float
        Mean squared Mahalanobis distance per axis after the shift; 1 when the covariances are honest.
    """

    slots: int
    eligible: int
    views: int
    median_speed_pxps: float
    complete_share: float
    circle_recall: float
    visible_recall: float
    all_visible_share: float
    wrong_ids: int
    rms_px: float
    time_shift_ms: float
    rms_after_px: float
    along_bias_after_px: float
    normalised_squared_error: float


@dataclass(frozen=True, eq=False, slots=True)
class _Points:
    """All detected points: view number, time, id, position and covariance."""

    view: NDArray[np.int64]
    t_us: NDArray[np.int64]
    ids: NDArray[np.int64]
    xy: Array
    cov: Array


@dataclass(frozen=True, slots=True)
class _Errors:
    rms_px: float = np.nan
    time_shift_ms: float = np.nan
    rms_after_px: float = np.nan
    along_bias_after_px: float = np.nan
    normalised_squared_error: float = np.nan


def score_grid(found: Detections, truth: Truth, *, half_turn: bool = False) -> GridScore:
    """Hold detections against the truth.

    Parameters
    ----------
    found : Detections
        Views of one recording.
    truth : Truth
        Of the same recording.
    half_turn : bool
        The ids of each view may be turned by 180 degrees, for boards that look the same then.
    """
    mid_us = slot_middles_us(truth)
    visible = visible_circles(truth, mid_us)
    eligible, some = visible.all(1), visible.sum(1) >= _MIN_VISIBLE
    points = _points(found, truth)
    if half_turn and len(points.ids):
        points = _turned(points, truth)
    right = _nearest_ids(points, truth) == points.ids
    seen, complete = _seen(points, right, mid_us, visible.shape[1])
    errors = _errors(points, right, truth)
    return GridScore(
        len(mid_us), int(eligible.sum()), len(found), median_speed_pxps(truth.scene),
        _mean(complete[eligible]), _mean(seen[eligible]), _mean(seen[some][visible[some]]),
        _mean((seen | ~visible)[some].all(1)), int((~right).sum()), errors.rms_px, errors.time_shift_ms,
        errors.rms_after_px, errors.along_bias_after_px, errors.normalised_squared_error,
    )


def median_speed_pxps(scene: Scene) -> float:
    """Median over the eligible slots (over all, if there are none) of the circles' median speed in the image."""
    truth = Truth(scene)
    mid_us = slot_middles_us(truth)
    speed = np.nanmedian(np.linalg.norm(_velocities(truth, mid_us), axis=2), axis=1)
    eligible = visible_circles(truth, mid_us).all(1)
    return float(np.median(speed[eligible] if eligible.any() else speed))


def slot_middles_us(truth: Truth) -> NDArray[np.int64]:
    """Middles of the slots; the first slot and the last one do not count."""
    start_us, stop_us = truth.scene.trajectory.start_us, truth.scene.trajectory.stop_us
    count = (stop_us - start_us) // SLOT_US - 2
    middles: NDArray[np.int64] = start_us + SLOT_US * np.arange(1, count + 1) + SLOT_US // 2
    return middles


def visible_circles(truth: Truth, t_us: NDArray[np.int64]) -> Flags:
    """Whether each circle's whole outline is inside the image and uncovered, shape (N, K)."""
    world, camera = truth.scene.world, truth.scene.camera
    assert isinstance(world, Board)
    assert isinstance(world.target, CircleGrid)
    angle = np.linspace(0, 2 * np.pi, _RING, endpoint=False)
    ring = world.target.radius_m * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(_RING)])
    outlines = world.target.object_points[:, None] + ring
    inside = np.empty((len(t_us), len(outlines)), np.bool_)
    limit = np.array([camera.width, camera.height]) - 1 - _MARGIN_PX
    for n, (R, t) in enumerate(zip(*truth.scene.trajectory.pose(t_us), strict=True)):
        px = camera.project(outlines @ R.T + t)
        inside[n] = ((px > _MARGIN_PX) & (px < limit)).all((1, 2))
    return inside & ~truth.covered(t_us)


def _points(found: Detections, truth: Truth) -> _Points:
    start_us, stop_us = truth.scene.trajectory.start_us, truth.scene.trajectory.stop_us
    if not len(found):
        empty = np.empty(0, np.int64)
        return _Points(empty, empty, empty, np.empty((0, 2)), np.empty((0, 2, 2)))
    number = np.concatenate([np.full(len(view), i) for i, view in enumerate(found)])
    t_us, ids, xy, cov = (np.concatenate([getattr(view, name) for view in found]) for name in ("t_us", "ids", "xy", "cov"))
    known = (t_us >= start_us) & (t_us <= stop_us)
    return _Points(number[known], t_us[known], ids[known], xy[known], cov[known])


def _turned(points: _Points, truth: Truth) -> _Points:
    """Every view's ids turned by 180 degrees where that fits better."""
    centers = truth.centers(points.t_us)
    rows, last = np.arange(len(points.ids)), centers.shape[1] - 1
    here, there = (np.linalg.norm(centers[rows, ids] - points.xy, axis=1) for ids in (points.ids, last - points.ids))
    turn = np.bincount(points.view, here - there) > 0
    ids = np.where(turn[points.view], last - points.ids, points.ids)
    return _Points(points.view, points.t_us, ids, points.xy, points.cov)


def _nearest_ids(points: _Points, truth: Truth) -> NDArray[np.int64]:
    if not len(points.ids):
        return points.ids
    distance = np.linalg.norm(truth.centers(points.t_us) - points.xy[:, None], axis=2)
    nearest: NDArray[np.int64] = np.nan_to_num(distance, nan=np.inf).argmin(1)
    return nearest


def _seen(points: _Points, right: Flags, mid_us: NDArray[np.int64], circles: int) -> tuple[Flags, Flags]:
    """Which circles each slot has in any view, and whether one of its views has all of them."""
    seen, complete = np.zeros((len(mid_us), circles), np.bool_), np.zeros(len(mid_us), np.bool_)
    for view in np.unique(points.view):
        mine = points.view == view
        ids = np.unique(points.ids[mine & right])
        slots = np.abs(mid_us - points.t_us[mine].mean()) <= SLOT_US / 2
        seen[np.ix_(slots, ids)] = True
        complete |= slots & (len(ids) == circles)
    return seen, complete


def _velocities(truth: Truth, t_us: NDArray[np.int64]) -> Array:
    """Image velocities of all circles, (N, K, 2) px/s, over a millisecond."""
    start_us, stop_us = truth.scene.trajectory.start_us, truth.scene.trajectory.stop_us
    before = np.clip(t_us - 500, start_us, stop_us - 1000)
    velocities: Array = (truth.centers(before + 1000) - truth.centers(before)) / 1e-3
    return velocities


def _errors(points: _Points, right: Flags, truth: Truth) -> _Errors:
    if not right.any():
        return _Errors()
    rows, ids, t_us = np.flatnonzero(right), points.ids[right], points.t_us[right]
    each = np.arange(len(rows))
    error = points.xy[rows] - truth.centers(t_us)[each, ids]
    velocity = _velocities(truth, t_us)[each, ids]
    near = np.linalg.norm(error, axis=1) < _NEAR_PX
    shift_s = float((error[near] * velocity[near]).sum() / (velocity[near] ** 2).sum()) if near.any() else 0.0
    left = error - shift_s * velocity
    direction = velocity / np.maximum(np.linalg.norm(velocity, axis=1, keepdims=True), 1e-9)
    squared = np.einsum("ni,nij,nj->n", left, np.linalg.inv(points.cov[rows]), left) / 2
    return _Errors(
        _rms(error), 1e3 * shift_s, _rms(left), float((left * direction).sum(1).mean()), float(squared.mean())
    )


def _rms(vectors: Array) -> float:
    return float(np.sqrt((vectors**2).sum(-1).mean()))


def _mean(flags: Flags) -> float:
    return float(flags.mean()) if flags.size else float("nan")
