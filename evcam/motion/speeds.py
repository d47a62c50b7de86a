"""How fast edges move: what windows are chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.motion.lines import MovingLine
from evcam.motion.stretches import EdgeMotion
from evcam.motion.window import Window

Array = NDArray[np.float64]

# Edges whose direction is seen well enough.
_SURE_RAD = 0.15


@dataclass(frozen=True, eq=False, slots=True)
class Speeds:
    """Speeds of some crossings.

    Attributes
    ----------
    plain_radps : ndarray of float64, shape (N,)
        Without the camera's rotation.
    sensor_pxps : ndarray of float64, shape (N,)
        Over the sensor.
    """

    plain_radps: Array
    sensor_pxps: Array


def speeds_of_edges(motion: EdgeMotion) -> Speeds:
    """From the normal flow, where it is sure."""
    sure = motion.angle_std < _SURE_RAD
    return Speeds(np.abs(motion.speed[sure]), motion.sensor_pxps[sure])


def speeds_of_lines(window: Window, lines: Sequence[MovingLine], half_s: float) -> Speeds:
    """Of the crossings of lines within so many seconds of the middle."""
    if not lines:
        return Speeds(np.empty(0), np.empty(0))
    begin, end = window.span(half_s)
    parts = [line.members[(line.members >= begin) & (line.members < end)] for line in lines]
    members = np.concatenate(parts)
    b, a = (np.repeat([getattr(line, name) for line in lines], [len(part) for part in parts], 0) for name in ("b", "a"))
    f, t_s, r = window.f[members], window.t_s[members], window.rotation
    normal = b - t_s[:, None] * a
    size = np.linalg.norm(normal, axis=1)
    place = np.clip(np.rint((t_s - r.start_s) / r.step_s).astype(np.int64), 0, len(r.rates) - 1)
    plain = (f * a).sum(1)
    # In the sensor a point at rest moves by -w x f.
    turned = (np.cross(r.rates[place], f) * normal).sum(1)
    return Speeds(np.abs(plain) / size, np.abs(plain - turned) / (size * window.scale[members]))
