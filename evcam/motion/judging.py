"""Refuse what is no moving line: bent, ragged, short, no denser than what lies beside it, or across the edges on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evcam.motion._lines import _bend
from evcam.motion.lines import MovingLine
from evcam.motion.stretches import TURN_RAD, edge_motion
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
# Members of a line whose flow is asked for, and so many of them have to tell it.
_ASKED, _FEWEST_ASKED = 32, 6


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


def lie_along_their_edges(window: Window, lines: Sequence[MovingLine], half_s: float) -> NDArray[np.bool_]:
    """Whether most members of each line, within so many seconds of the middle, move across it as their normal flow says.

    What the general search begins with, lines that come from elsewhere still have to show.  A few members tell.
    """
    begin, end = window.span(half_s)
    owner, wanted = np.full(len(window.t_s), -1), np.zeros(len(window.t_s), np.bool_)
    for k, line in enumerate(lines):
        near = line.members[(line.members >= begin) & (line.members < end)]
        some = near[::len(near) // _ASKED + 1]
        owner[some], wanted[some] = k, True
    motion = edge_motion(window, half_s, wanted)
    of, t_s = owner[motion.index], window.t_s[motion.index, None]
    b, a = (np.array([getattr(line, name) for line in lines]).reshape(-1, 3) for name in ("b", "a"))
    normal = b[of] - t_s * a[of]
    turned = np.abs((motion.plane * normal).sum(1)) < np.cos(TURN_RAD) * np.linalg.norm(normal, axis=1)
    told, off = np.bincount(of, minlength=len(lines)), np.bincount(of[turned], minlength=len(lines))
    return np.asarray((told >= _FEWEST_ASKED) & (2 * off < told))
