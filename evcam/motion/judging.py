"""Refuse what is no moving line: bent, ragged, short, or no denser than what lies beside it."""

from __future__ import annotations

import numpy as np

from evcam.motion._lines import _bend
from evcam.motion.lines import MovingLine
from evcam.motion.window import Window

_LEAST_LENGTH_PX = 10.0
_MOST_SIGMA_PX = 0.7
# A bend, the middle against the ends, is one beyond so many pixels and standard deviations.
_MOST_BEND_PX = np.array([0.4, 1.0])
_BEND_SIGMA = 4.0
_OUTLIER_SIGMA = 3.0
_BINS = 8
# Members that tell as much as all.
_ENOUGH = 1000
_FILLED = 0.6


def is_line(window: Window, line: MovingLine, least: int) -> bool:
    """Whether the members spread along a straight line."""
    if len(line.members) < least or line.sigma_px > _MOST_SIGMA_PX:
        return False
    if (line.high - line.low) < _LEAST_LENGTH_PX * line.pixel:
        return False
    members = np.ascontiguousarray(line.members[::len(line.members) // _ENOUGH + 1])
    filled, bend, std = np.zeros(_BINS), np.zeros(4), np.zeros(4)
    told = _bend(window.f, window.t_s, window.scale, members, line.b, line.a, line.frame, line.low, line.high,
                 _OUTLIER_SIGMA * line.sigma_px, filled, bend, std)
    if not told or (filled > 0.2 * filled.mean()).mean() < _FILLED:
        return False
    return not bool((np.abs(bend[2:]) > np.maximum(_MOST_BEND_PX, _BEND_SIGMA * std[2:])).any())
