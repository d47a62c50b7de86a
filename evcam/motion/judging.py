"""Refuse what is no moving line: bent, ragged, short, or no denser than what lies beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evcam.motion.lines import MovingLine
from evcam.motion.window import Window

Array = NDArray[np.float64]

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
    members = line.members[::len(line.members) // _ENOUGH + 1]
    f, t, scale = window.f[members], window.t_s[members, None], window.scale[members]
    pixel = float(np.median(scale))
    if (line.high - line.low) < _LEAST_LENGTH_PX * pixel:
        return False
    normals = line.b - t * line.a
    off = (f * normals).sum(1) / (np.linalg.norm(normals, axis=1) * scale)
    along = (f @ line.frame[0]) / (f @ line.frame[2])
    place = 2 * (along - line.low) / (line.high - line.low) - 1
    filled = np.bincount(((place + 1) / 2 * _BINS).astype(int).clip(0, _BINS - 1), minlength=_BINS)
    if (filled > 0.2 * filled.mean()).mean() < _FILLED:
        return False
    near = np.abs(off) < _OUTLIER_SIGMA * line.sigma_px
    return not _is_bent(place[near], off[near])


def _is_bent(place: Array, off: Array) -> bool:
    design = np.stack([np.ones_like(place), place, place**2 - 1 / 3, place**3 - 0.6 * place], 1)
    information = design.T @ design
    bend = np.linalg.solve(information, design.T @ off)
    std = float(np.sqrt(np.mean((off - design @ bend) ** 2))) * np.sqrt(np.diag(np.linalg.inv(information)))
    return bool((np.abs(bend[2:]) > np.maximum(_MOST_BEND_PX, _BEND_SIGMA * std[2:])).any())
