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
# Cells of one row, more than any image has.
_WIDE = 100_000
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
    _, cell, count = np.unique((place[:, 0] * _WIDE + place[:, 1]) * _BINS + turn, return_inverse=True, return_counts=True)
    kept = count[cell] >= _FEWEST
    _, cell = np.unique(cell[kept], return_inverse=True)
    return _edges(window, motion, free[kept], cell)


def _edges(window: Window, motion: EdgeMotion, members: NDArray[np.int64], cell: NDArray[np.int64]) -> LineRates:
    """One rate for each cell, from its members, of which there are some in each."""
    order = np.argsort(cell, kind="stable")
    members, cell = members[order], cell[order]
    begins = np.searchsorted(cell, np.arange(cell[-1] + 1)) if len(cell) else np.zeros(0, np.int64)
    count = np.diff(np.append(begins, len(cell)))
    speed = _medians(motion.speed[members], cell, begins, count)
    spread = _medians(np.abs(motion.speed[members] - speed[cell]), cell, begins, count) / 0.6745
    std = np.hypot(_LEAST_STD * np.abs(speed), spread / np.sqrt(count))
    ray = _unit(_sums(window.f[motion.index[members]], begins))
    # Signed as for lines in front: s = v.b / depth is positive.
    b = _unit(_sums(motion.plane[members], begins) * np.where(speed > 0, -1.0, 1.0)[:, None])
    across = _unit(ray - (ray * b).sum(1, keepdims=True) * b)
    along = np.cross(b, across)
    outer = [part[:, :, None] * part[:, None] for part in (across, b, along)]
    sizes = std**2, (_UNSEEN_NORMAL * speed) ** 2, (_UNSEEN_ALONG * speed) ** 2
    covariance = sum((size[:, None, None] * part for size, part in zip(sizes, outer, strict=True)), np.zeros((len(b), 3, 3)))
    return LineRates(b, -np.abs(speed)[:, None] * across, covariance, ray, across[:, :, None] * np.cross(ray, b)[:, None])


def _medians(values: Array, cell: NDArray[np.int64], begins: NDArray[np.int64], count: NDArray[np.int64]) -> Array:
    """Of the values of each cell; they lie cell by cell."""
    ordered = values[np.lexsort((values, cell))]
    return np.asarray((ordered[begins + (count - 1) // 2] + ordered[begins + count // 2]) / 2)


def _sums(rows: Array, begins: NDArray[np.int64]) -> Array:
    return np.asarray(np.add.reduceat(rows, begins, axis=0) if len(begins) else np.zeros((0, 3)))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def joined(first: LineRates, second: LineRates) -> LineRates:
    """The rates of both."""
    return LineRates(*(np.concatenate([getattr(part, name) for part in (first, second)])
                       for name in ("b", "a", "covariance", "ray", "gyro")))
