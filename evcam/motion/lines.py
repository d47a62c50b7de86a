"""Moving lines of one window: fitted to stretches of edge, extended in space and time, and judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.motion._lines import _filled, _fit, _gather, _narrowed
from evcam.motion.stretches import Stretch
from evcam.motion.window import Window

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_LIMIT_PX = 1.2
_BIN_PX = 4.0
_GAP_BINS = 2
_MARGIN_PX = 4.0
_MOST_EXTENSION_PX = 120.0
_DENSE = 0.25


@dataclass(eq=False, slots=True)
class MovingLine:
    """A line while it is being fitted.

    Attributes
    ----------
    b, a : ndarray of float64, shape (3,)
        ``f.(b - t a) = 0``.
    frame : ndarray of float64, shape (3, 3)
        Rows: along the line, b, and towards its middle.
    low, high : float
        Ends along the line, tangents of the angle from its middle.
    polarity : bool
    members : ndarray of int64
        Crossings of the window.
    sigma_px : float
        Their scatter across the line.
    id : int
        Its number, -1 before it has one.
    """

    b: Array
    a: Array
    frame: Array
    low: float
    high: float
    polarity: bool
    members: Indices
    sigma_px: float
    id: int = -1


class Workspace(NamedTuple):
    """Arrays that every fit of a window uses."""

    members: Indices
    spare: Array

    @classmethod
    def of(cls, window: Window) -> Workspace:
        """For a window."""
        return cls(np.empty(len(window.t_s), np.int64), np.empty(len(window.t_s)))


def fit_stretch(window: Window, stretch: Stretch, half_s: float, space: Workspace) -> MovingLine | None:
    """The line of a stretch that was found within ``half_s`` of the middle, extended to the whole window; None if it fails."""
    line = MovingLine(stretch.b.copy(), stretch.a.copy(), np.eye(3), 0.0, 0.0, stretch.polarity, stretch.members, 1.0)
    if not _refit(window, line, half_s, space):
        return None
    _set_ends(window, line)
    return extend(window, line, half_s, space)


def extend(window: Window, line: MovingLine, half_s: float, space: Workspace) -> MovingLine | None:
    """Follow the line from ``half_s`` around the middle to the whole window, and along itself."""
    while True:
        if not (_gathered(window, line, half_s, space) and _refit(window, line, half_s, space)):
            return None
        if half_s >= window.half_s:
            break
        half_s = min(2 * half_s, window.half_s)
    return line if _gathered(window, line, half_s, space) and _refit(window, line, half_s, space) else None


def _refit(window: Window, line: MovingLine, half_s: float, space: Workspace) -> bool:
    sigma = _fit(window.f, window.t_s, window.scale, line.members, half_s, line.b, line.a, line.frame, space.spare)
    line.sigma_px = float(sigma)
    return line.sigma_px > 0


def _set_ends(window: Window, line: MovingLine) -> None:
    f = window.f[line.members]
    along = (f @ line.frame[0]) / (f @ line.frame[2])
    line.low, line.high = (float(end) for end in np.percentile(along, (1, 99)))


def _gathered(window: Window, line: MovingLine, half_s: float, space: Workspace) -> bool:
    """Take the crossings on the line as far as it is filled with them; False where nothing is left."""
    mine = window.polarities[int(line.polarity)]
    begin, end = mine.span(half_s)
    pixel = float(np.median(window.scale[line.members]))
    reach = min(_MOST_EXTENSION_PX * pixel, line.high - line.low) + _MARGIN_PX * pixel
    low, width = line.low - reach, _BIN_PX * pixel
    bins = int((line.high + reach - low) / width) + 1
    high = low + bins * width
    place = mine.f, mine.t_s, mine.scale
    n = _gather(*place, begin, end, line.b, line.a, line.frame, low, high, 4 * _LIMIT_PX, space.members)
    near, beside = np.empty(bins, np.int64), np.empty(bins, np.int64)
    _filled(*place, space.members, n, line.b, line.a, line.frame, low, width, bins, _LIMIT_PX, near, beside)
    first, last = _run(near, beside, int((line.low - low) / width), int((line.high - low) / width))
    line.low, line.high = low + first * width, low + (last + 1) * width
    n = _narrowed(*place, n, line.b, line.a, line.frame, line.low, line.high, _LIMIT_PX, space.members)
    line.members = mine.index[space.members[:n]]
    return bool(n > 0)


def _run(near: Indices, beside: Indices, low: int, high: int) -> tuple[int, int]:
    """First and last bin of the line: from its known part outwards while bins are filled, short gaps allowed."""
    low, high = max(low, 0), min(high, len(near) - 1)
    enough = max(_DENSE * float(np.median(near[low:high + 1])), 1.0)
    full = (near >= enough) & (near > beside)
    if not full[low:high + 1].any():
        return low, high
    first = low + int(np.argmax(full[low:high + 1]))
    last = high - int(np.argmax(full[low:high + 1][::-1]))
    while True:
        outer = full[max(first - 1 - _GAP_BINS, 0):first]
        if not outer.any():
            break
        first = first - len(outer) + int(np.argmax(outer))
    while True:
        outer = full[last + 1:last + 2 + _GAP_BINS]
        if not outer.any():
            break
        last = last + len(outer) - int(np.argmax(outer[::-1]))
    return first, last
