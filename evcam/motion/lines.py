"""Moving lines of one window: fitted to stretches of edge, extended in space and time, and judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evcam.core.median import median
from evcam.motion._lines import _fit
from evcam.motion._tiles import _collect
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
# Members that tell as much as all.
_ENOUGH = 1000


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
    pixel : float
        Radians per pixel there.
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
    pixel: float
    id: int = -1

    @property
    def ends(self) -> Array:
        """Bearings of the two ends, not of unit length, (2, 3)."""
        return np.asarray(self.frame[2] + np.array([[self.low], [self.high]]) * self.frame[0])


class Workspace(NamedTuple):
    """Arrays that every fit of a window uses."""

    members: Indices
    along: Array
    off: Array

    @classmethod
    def of(cls, window: Window) -> Workspace:
        """For a window."""
        n = len(window.t_s)
        return cls(np.empty(n, np.int64), np.empty(n), np.empty(n))


def fit_stretch(window: Window, stretch: Stretch, half_s: float, space: Workspace) -> MovingLine | None:
    """The line of a stretch that was found within ``half_s`` of the middle, extended to the whole window; None if it fails."""
    pixel = float(median(window.scale[stretch.members]))
    line = MovingLine(stretch.b.copy(), stretch.a.copy(), np.eye(3), 0.0, 0.0, stretch.polarity, stretch.members, 1.0, pixel)
    if not _refit(window, line, half_s, space):
        return None
    _set_ends(window, line)
    return extend(window, line, half_s, space)


def extend(window: Window, line: MovingLine, half_s: float, space: Workspace) -> MovingLine | None:
    """Follow the line from ``half_s`` around the middle to the whole window, and along itself."""
    while half_s < window.half_s:
        if not (_gathered(window, line, (-half_s, half_s), space) and _refit(window, line, half_s, space)):
            return None
        half_s = 2 * half_s
    return _settled(window, line, space)


def follow(window: Window, line: MovingLine, until_s: float, space: Workspace) -> MovingLine | None:
    """Take up a line whose place is known from the beginning of the window on, and may be wrong after ``until_s``."""
    begun = _gathered(window, line, (-window.half_s, until_s), space) and _refit(window, line, window.half_s, space)
    return _settled(window, line, space) if begun else None


def _settled(window: Window, line: MovingLine, space: Workspace) -> MovingLine | None:
    """The line with its crossings of the whole window."""
    whole = (-window.half_s, window.half_s)
    for _ in range(2):
        if not (_gathered(window, line, whole, space) and _refit(window, line, window.half_s, space)):
            return None
    return line


def _refit(window: Window, line: MovingLine, half_s: float, space: Workspace) -> bool:
    members = np.ascontiguousarray(line.members[::len(line.members) // _ENOUGH + 1])
    sigma = _fit(window.f, window.t_s, window.scale, members, half_s, line.b, line.a, line.frame, space.off)
    line.sigma_px = float(sigma)
    return line.sigma_px > 0


def _set_ends(window: Window, line: MovingLine) -> None:
    f = window.f[line.members]
    along = (f @ line.frame[0]) / (f @ line.frame[2])
    along.sort()
    # Without the outermost hundredth.
    place = (len(along) - 1) * np.array([0.01, 0.99])
    line.low, line.high = np.interp(place, np.arange(len(along)), along).tolist()


def _gathered(window: Window, line: MovingLine, span_s: tuple[float, float], space: Workspace) -> bool:
    """Take the crossings on the line, within a span of time, as far as it is filled with them; False where nothing is left."""
    tiles = window.polarities[int(line.polarity)]
    n, line.low, line.high = _collect(
        tiles.index, tiles.packed, tiles.begins, tiles.grid, tiles.most_scale, *span_s, line.b, line.a, line.frame,
        line.low, line.high, line.pixel, _LIMIT_PX, _BIN_PX, _MARGIN_PX, _MOST_EXTENSION_PX, _DENSE, _GAP_BINS, *space)
    line.members = space.members[:n].copy()
    return bool(n > 0)
