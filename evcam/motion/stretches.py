"""Straight stretches of edge: first guesses at lines, from normal flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.median import median
from evcam.flow import normal_flow
from evcam.motion._grouping import _compensate, _fill_map, _grow
from evcam.motion.window import Window

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# Edges turn by less along a stretch, and stay as near to a straight line.
TURN_RAD = 0.2
_WIDTH_PX = 1.5
_LEAST_ANGLE_STD = 0.02
# Of the time that is looked at, so much more is given to the flow on either side.
_FLOW_MARGIN = 0.3
_FARTHEST = 1.5


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """A straight stretch of edge.

    Attributes
    ----------
    members : ndarray of int64
        Crossings of the window.
    b, a : ndarray of float64, shape (3,)
        Roughly.
    polarity : bool
    """

    members: Indices
    b: Array
    a: Array
    polarity: bool

    @classmethod
    def of(cls, window: Window, motion: EdgeMotion, group: Indices) -> Stretch:
        """From a group of the crossings with a flow."""
        members = motion.index[group]
        b = motion.plane[group].mean(0)
        b /= np.linalg.norm(b)
        middle = window.f[members].mean(0)
        middle -= (middle @ b) * b
        # f.a is the speed along the normal.
        a = median(motion.speed[group]) * middle / (middle @ middle)
        return cls(np.sort(members), b, a, bool(window.crossings.p[members[0]]))


@dataclass(frozen=True, eq=False, slots=True)
class EdgeMotion:
    """Crossings with a flow, moved to where their edges are at the middle of the window.

    Attributes
    ----------
    index : ndarray of int64, shape (N,)
        Crossings of the window.
    place, normal : ndarray of float64, shape (N, 2)
        On an ideal image plane, in pixels from the optical axis; unit normal of the edge in the sense of its motion.
    plane : ndarray of float64, shape (N, 3)
        Unit normal of the plane through edge and camera.
    speed : ndarray of float64, shape (N,)
        Motion along the normal that is not rotation, rad/s.
    angle_std : ndarray of float64, shape (N,)
        Of the direction of the normal, rad.
    sensor_pxps : ndarray of float64, shape (N,)
        Speed over the sensor, rotation included.
    """

    index: Indices
    place: Array
    normal: Array
    plane: Array
    speed: Array
    angle_std: Array
    sensor_pxps: Array


def edge_motion(window: Window, half_s: float, wanted: NDArray[np.bool_] | None = None) -> EdgeMotion:
    """Normal flow of the (wanted) crossings within so many seconds of the middle, without the rotation's share."""
    begin, end = window.span(half_s)
    first, last = window.span(half_s * (1 + _FLOW_MARGIN))
    wanted = None if wanted is None else wanted[first:last]
    flow = normal_flow(window.crossings[first:last], wanted=wanted)[begin - first:end - first]
    index = begin + np.flatnonzero(flow.is_known)
    flow = flow[flow.is_known]
    n, r, c, table = len(index), window.rotation, flow.crossings, window.table
    place, normal, plane, speed = np.full((n, 2), np.nan), np.empty((n, 2)), np.empty((n, 3)), np.zeros(n)
    focal = float(np.sqrt(table.camera.params[0] * table.camera.params[1]))
    _compensate(window.t_s[index], c.x, c.y, window.f[index], np.ascontiguousarray(flow.flow_pxps), r.start_s, r.step_s, r.R,
                r.rates, table.jacobians, focal, place, normal, plane, speed)
    good = np.isfinite(place[:, 0])
    return EdgeMotion(index[good], place[good], normal[good], plane[good], speed[good], flow.angle_std_rad[good],
                      flow.speed_pxps[good])


def stretches(window: Window, motion: EdgeMotion, least: int) -> list[Indices]:
    """Straight stretches of at least so many crossings with a flow, the largest first.

    Region growing as for line segments of images (von Gioi et al., PAMI 2010), on the map of the edges at the middle of the
    window: neighbouring cells join while the edge's normal is that of the region and the cell lies on its line.
    """
    table = window.table
    reach = _FARTHEST * np.array([table.camera.width, table.camera.height]) / 2
    inside = np.flatnonzero((np.abs(motion.place) < reach).all(1))
    if len(inside) < least:
        return []
    place, normal = motion.place[inside], motion.normal[inside]
    polarity = window.crossings.p[motion.index[inside]]
    low = np.floor(place.min(0))
    width, height = (np.floor(place.max(0) - low) + 1).astype(int).tolist()
    number, cell = np.zeros((2, height, width), np.int32), np.empty(len(inside), np.int64)
    count, sums, site = np.zeros(len(inside), np.int32), np.zeros((len(inside), 5)), np.empty((len(inside), 3), np.int32)
    weight = 1 / np.maximum(motion.angle_std[inside], _LEAST_ANGLE_STD) ** 2
    cells = _fill_map(place, normal, weight, polarity, low[0], low[1], number, count, sums, site, cell)
    seeds = np.argsort(-sums[:cells, 4], kind="stable")
    label, queue = np.zeros(cells, np.int32), np.empty(cells, np.int64)
    regions = _grow(number, count, sums, site, seeds, np.cos(TURN_RAD), _WIDTH_PX, least, label, queue)
    owner = label[cell]
    order = np.argsort(owner, kind="stable")
    ends = np.searchsorted(owner[order], np.arange(1, regions + 2))
    groups = [inside[order[ends[k]:ends[k + 1]]] for k in range(regions)]
    return sorted(groups, key=len, reverse=True)
