"""The board's circles through time: outlines of every view, joined to tubes, and the edge crossings that lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evcam.calib import Calibration
from evcam.core.detections import Detections, View
from evcam.core.target import CircleGrid, Target
from evcam.flow import Crossings
from evcam.solvers.homography import homography_dlt, transfer
from evcam.viz import theme
from evcam.viz.scene import Labels, Layer, Lines, Points, Triangles
from evcam.viz.scene.shapes import places
from evcam.viz.spacetime import SpaceTime

Array = NDArray[np.float64]

_CORNERS = 24
_TURN = np.linspace(0.0, 2 * np.pi, _CORNERS + 1)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], -1)
_MARK_PX = 2.5
_LONGEST_GAP_US = 90_000
_ON_OUTLINE_PX = 1.2
_NEAR_US = 40_000


@dataclass(frozen=True, eq=False, slots=True)
class Outlines:
    """A view's circles.

    Attributes
    ----------
    view : View
        Where the points come from.
    t_us : int
        The instant.
    rings : ndarray of float64, shape (N, 25, 2)
        Outlines of the view's points, px, closed; small circles where the board has none.
    """

    view: View
    t_us: int
    rings: Array


def outlines(detections: Detections, calibration: Calibration | None = None) -> tuple[Outlines, ...]:
    """Outlines of every view's circles, in order of time.

    Of views that the calibration used, the outlines that its camera and the view's pose predict; of others what the
    homography from the board to the view's points makes of the circles.

    Parameters
    ----------
    detections : Detections
        Of one recording.
    calibration : Calibration, optional
        Made from these detections.
    """
    target = detections.target
    fits = {} if calibration is None else {
        (view.recording, view.mid_us): fit for fit in calibration.fits for view in [calibration.detections.views[fit.view]]
    }
    found = []
    for view in detections:
        fit = fits.get((view.recording, view.mid_us))
        if fit is not None and calibration is not None and isinstance(target, CircleGrid):
            rings = calibration.camera.project(_circles(target, view) @ fit.R_cam_board.T + fit.t_cam_board_m)
        else:
            rings = _rings_from_points(target, view)
        found.append(Outlines(view, view.mid_us, rings))
    return tuple(sorted(found, key=lambda one: one.t_us))


def _circles(target: CircleGrid, view: View) -> Array:
    flat = np.column_stack([target.radius_m * _CIRCLE, np.zeros(len(_CIRCLE))])
    circles: Array = target.object_points[view.ids][:, None] + flat
    return circles


def _rings_from_points(target: Target, view: View) -> Array:
    marks: Array = view.xy[:, None] + _MARK_PX * _CIRCLE
    if not isinstance(target, CircleGrid):
        return marks
    solution = homography_dlt(target.object_points[view.ids, :2], view.xy)
    if not solution.is_determined:
        return marks
    rings = transfer(solution.matrix, _circles(target, view)[..., :2].reshape(-1, 2))
    return np.asarray(rings, float).reshape(len(view), -1, 2)


def within(found: Sequence[Outlines], start_us: int, stop_us: int) -> Sequence[Outlines]:
    """Those with ``start_us <= t < stop_us``."""
    times = np.array([one.t_us for one in found], np.int64)
    i, j = np.searchsorted(times, (start_us, stop_us))
    return found[i:j]


def tubes_layer(space: SpaceTime, found: Sequence[Outlines]) -> Layer:
    """The outlines of each circle through the window, with the surface that it sweeps, coloured by id."""
    start_us = space.now_us - space.window_us
    shown = within(found, start_us, space.now_us + 1)
    shapes: list[Lines | Triangles] = [_ring_lines(space, one) for one in shown]
    for earlier, later in pairwise(shown):
        if later.t_us - earlier.t_us <= _LONGEST_GAP_US:
            shapes += _sleeves(space, earlier, later)
    circles = {int(k) for one in shown for k in one.view.ids}
    return Layer("tubes", tuple(shapes), f"{len(circles)} circles, {_counted(len(shown), 'view')}")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _ring_lines(space: SpaceTime, one: Outlines) -> Lines:
    path = space.place(one.rings.reshape(-1, 2), one.t_us).reshape(*one.rings.shape[:2], 3)
    rgb = np.repeat(theme.by_number(one.view.ids), one.rings.shape[1] - 1, 0)
    return Lines(places(path[:, :-1]), places(path[:, 1:]), rgb, 1.2, 0.9)


def _sleeves(space: SpaceTime, earlier: Outlines, later: Outlines) -> list[Triangles]:
    _, a, b = np.intersect1d(earlier.view.ids, later.view.ids, return_indices=True)
    if not len(a):
        return []
    n = earlier.rings.shape[1]
    left = space.place(earlier.rings[a].reshape(-1, 2), earlier.t_us).reshape(-1, n, 3)
    right = space.place(later.rings[b].reshape(-1, 2), later.t_us).reshape(-1, n, 3)
    corners = np.concatenate([np.stack([left[:, :-1], right[:, :-1], left[:, 1:]], 2),
                              np.stack([right[:, :-1], right[:, 1:], left[:, 1:]], 2)], 1)
    rgb = np.repeat(theme.by_number(earlier.view.ids[a]), 2 * (n - 1), 0)
    return [Triangles(np.ascontiguousarray(corners.reshape(-1, 3, 3)), rgb, 0.13)]


def arcs_layer(space: SpaceTime, found: Sequence[Outlines], crossings: Crossings) -> Layer:
    """Edge crossings that lie on a circle's outline when they happen: its arcs, coloured by id."""
    crossings = crossings.between(space.now_us - space.window_us, space.now_us + 1)
    ids = circle_of_crossings(crossings, within(found, space.now_us - space.window_us - _NEAR_US, space.now_us + _NEAR_US))
    on = np.flatnonzero(ids >= 0)
    xyz = space.place(np.column_stack([crossings.x[on], crossings.y[on]]), crossings.t[on])
    return Layer("arcs", (Points(xyz, theme.by_number(ids[on]), 1.6),), f"{len(on):,} of {len(ids):,} crossings")


def circle_of_crossings(crossings: Crossings, found: Sequence[Outlines]) -> NDArray[np.int64]:
    """Id of the circle on whose outline each crossing lies, moved to the crossing's own time; -1 for none, shape (N,)."""
    ids = np.full(len(crossings), -1, np.int64)
    if not found or not len(crossings):
        return ids
    times = np.array([one.t_us for one in found], np.int64)
    cuts = np.searchsorted(crossings.t, (times[:-1] + times[1:]) // 2)
    edges = [int(np.searchsorted(crossings.t, times[0] - _NEAR_US)), *cuts.tolist(),
             int(np.searchsorted(crossings.t, times[-1] + _NEAR_US))]
    for one, i, j in zip(found, edges[:-1], edges[1:], strict=True):
        part = crossings[i:j]
        dt_s = (part.t - one.t_us) * 1e-6
        x, y = part.x.astype(float), part.y.astype(float)
        best = np.where(np.abs(part.t - one.t_us) <= _NEAR_US, _ON_OUTLINE_PX, 0.0)
        for k, ring, velocity in zip(one.view.ids, one.rings[:, :-1], one.view.velocity, strict=True):
            low, high = ring.min(0) - _ON_OUTLINE_PX, ring.max(0) + _ON_OUTLINE_PX
            u, v = x - velocity[0] * dt_s, y - velocity[1] * dt_s
            box = np.flatnonzero((u > low[0]) & (u < high[0]) & (v > low[1]) & (v < high[1]))
            distance = _distance_to_outline(np.column_stack([u[box], v[box]]), ring)
            closer = distance < best[box]
            best[box[closer]] = distance[closer]
            ids[i:j][box[closer]] = k
    return ids


def _distance_to_outline(xy: Array, ring: Array) -> Array:
    """How far points (N, 2) lie from an outline (M, 2), taken for an ellipse, along the line from its middle, px."""
    middle = ring.mean(0)
    values, vectors = np.linalg.eigh(2 * np.cov((ring - middle).T, bias=True))
    off = xy - middle
    length = np.linalg.norm(off, axis=1)
    relative = np.linalg.norm(off @ vectors / np.sqrt(np.maximum(values, 1e-12)), axis=1)
    distance: Array = np.abs(length - length / np.maximum(relative, 1e-12))
    return distance


def grid_layer(space: SpaceTime, found: Sequence[Outlines], target: Target) -> Layer:
    """The board of the latest view, moved to the present: rows joined by lines, ids beside the points."""
    shown = within(found, space.now_us - _LONGEST_GAP_US, space.now_us + 1)
    if not shown:
        return Layer("grid", (), "no board now")
    view = shown[-1].view
    xy = view.xy + view.velocity * ((space.now_us - view.t_us) * 1e-6)[:, None]
    xyz = space.place(xy, space.now_us) - np.array([0, 0, 2], np.float32)
    joined = rows_of(view.ids, target)
    lines = Lines.between(xyz[joined[:, 0]], xyz[joined[:, 1]], theme.GOOD, 1.4, 0.9)
    labels = Labels(xyz, tuple(str(k) for k in view.ids))
    return Layer("grid", (lines, labels), f"{len(view)} of {len(target)} points")


def rows_of(ids: NDArray[np.int64], target: Target) -> NDArray[np.int64]:
    """Pairs of positions in ``ids`` whose points are neighbours in a row of the board, shape (M, 2)."""
    position = {int(k): i for i, k in enumerate(ids)}
    pairs = [(position[k], position[k + 1]) for k in position if k + 1 in position and (k + 1) % target.cols]
    return np.array(pairs, np.int64).reshape(-1, 2)
