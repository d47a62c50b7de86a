"""What edges that are no lines say of the direction: the motion across them, place by place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.motion.posterior import LineRates
from evcam.motion.stretches import EdgeMotion
from evcam.motion.window import Window

Array = NDArray[np.float64]

_CELL_PX = 12.0
_BINS = 16
_FEWEST = 6
# Flows of one cell err alike, relative to their speed.
_LEAST_STD = 0.25
# Parts of the rate that flow does not show, relative to the speed: along the normal, and along the edge.
_UNSEEN_NORMAL, _UNSEEN_ALONG = 1e3, 10.0


def loose_edges(window: Window, motion: EdgeMotion, owned: NDArray[np.bool_]) -> LineRates:
    """One rate for each cell of the image and direction of an edge in it, from the normal flow of crossings that no line owns.

    Its depth component and its turning are unknown: only the motion across the edge counts.
    """
    free = np.flatnonzero(~owned[motion.index])
    angle = np.arctan2(motion.normal[free, 1], motion.normal[free, 0])
    place = np.floor(motion.place[free] / _CELL_PX).astype(np.int64)
    turn = np.floor((angle / (2 * np.pi) + 0.5) * _BINS).astype(np.int64) % _BINS
    _, cell, count = np.unique(np.column_stack([place, turn]), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(cell, kind="stable")
    groups = [free[part] for part in np.split(order, np.cumsum(count)[:-1]) if len(part) >= _FEWEST] if len(free) else []
    edges = [_edge(window, motion, group) for group in groups]
    parts = (np.stack(part) if edges else np.zeros((0, *shape)) for part, shape in zip(
        zip(*edges, strict=True) if edges else ((),) * 5, ((3,), (3,), (3, 3), (3,), (3, 3)), strict=True))
    return LineRates(*parts)


def _edge(window: Window, motion: EdgeMotion, group: NDArray[np.int64]) -> tuple[Array, Array, Array, Array, Array]:
    speeds = motion.speed[group]
    speed = float(np.median(speeds))
    spread = float(np.median(np.abs(speeds - speed))) / 0.6745
    std = np.hypot(_LEAST_STD * abs(speed), spread / np.sqrt(len(group)))
    ray = window.f[motion.index[group]].mean(0)
    ray /= np.linalg.norm(ray)
    # Signed as for lines in front: s = v.b / depth is positive.
    b = motion.plane[group].mean(0) * (-1.0 if speed > 0 else 1.0)
    b /= np.linalg.norm(b)
    across = ray - (ray @ b) * b
    across /= np.linalg.norm(across)
    along = np.cross(b, across)
    covariance = std**2 * np.outer(across, across) + speed**2 * (
        _UNSEEN_NORMAL**2 * np.outer(b, b) + _UNSEEN_ALONG**2 * np.outer(along, along))
    return b, -abs(speed) * across, covariance, ray, np.outer(across, np.cross(ray, b))


def joined(first: LineRates, second: LineRates) -> LineRates:
    """The rates of both."""
    return LineRates(*(np.concatenate([getattr(part, name) for part in (first, second)])
                       for name in ("b", "a", "covariance", "ray", "gyro")))
