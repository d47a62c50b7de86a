"""One pass over events each: which are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam._jit import kernel

NEVER_US = -(1 << 62)

_T = NDArray[np.int64]
_XY = NDArray[np.uint16]
_Keep = NDArray[np.bool_]


@kernel
def keep_outside_mask(x: _XY, y: _XY, mask: NDArray[np.bool_], keep: _Keep) -> None:
    """Keep events whose pixel is not in ``mask[y, x]``."""
    for i in range(len(x)):
        keep[i] = not mask[y[i], x[i]]


@kernel
def keep_inside(x: _XY, y: _XY, left: int, top: int, right: int, bottom: int, keep: _Keep) -> None:
    """Keep events with ``left <= x < right`` and ``top <= y < bottom``."""
    for i in range(len(x)):
        keep[i] = left <= x[i] < right and top <= y[i] < bottom


@kernel
def keep_supported(t: _T, x: _XY, y: _XY, window_us: int, support: int, last_us: NDArray[np.int64], keep: _Keep) -> None:
    """Keep events that enough of the eight neighbours preceded by no more than ``window_us``.

    ``last_us[y + 1, x + 1]`` holds the time of a pixel's latest event; its border is never written.
    """
    for i in range(len(t)):
        row, column, since = np.int64(y[i]), np.int64(x[i]), t[i] - window_us
        found = 0
        for r in range(row, row + 3):
            for c in range(column, column + 3):
                found += last_us[r, c] >= since
        found -= last_us[row + 1, column + 1] >= since
        keep[i] = found >= support
        last_us[row + 1, column + 1] = t[i]


@kernel
def keep_rested(t: _T, x: _XY, y: _XY, period_us: int, last_us: NDArray[np.int64], keep: _Keep) -> None:
    """Keep events at least ``period_us`` after the latest one that their pixel kept, which ``last_us[y, x]`` holds."""
    for i in range(len(t)):
        keep[i] = t[i] - last_us[y[i], x[i]] >= period_us
        if keep[i]:
            last_us[y[i], x[i]] = t[i]


@kernel
def add_counts(x: _XY, y: _XY, counts: NDArray[np.int64]) -> None:
    """Count the events of each pixel into ``counts[y, x]``."""
    for i in range(len(x)):
        counts[y[i], x[i]] += 1
