"""The edge crossings of one window, derotated to its middle."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evcam.flow import Crossings
from evcam.motion._lines import _derotate
from evcam.motion.pixels import PixelTable
from evcam.motion.rotation import Rotation
from evcam.motion.tiles import Tiles
from evcam.solvers import DerotatedEvents

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """Edge crossings in the order of time.

    Attributes
    ----------
    span_us : tuple of int
        Begin and end.
    crossings : Crossings
    t_s : ndarray of float64, shape (N,)
        Seconds from the middle.
    f : ndarray of float64, shape (N, 3)
        Bearings turned to the middle.
    scale : ndarray of float64, shape (N,)
        Radians per pixel.
    half_s : float
        Half of the window.
    rotation : Rotation
    table : PixelTable
    polarities : tuple of Tiles
        The darkening crossings, and the brightening ones.
    """

    span_us: tuple[int, int]
    crossings: Crossings
    t_s: Array
    f: Array
    scale: Array
    half_s: float
    rotation: Rotation
    table: PixelTable
    polarities: tuple[Tiles, Tiles]

    @classmethod
    def of(cls, crossings: Crossings, span_us: tuple[int, int], rotation: Rotation, table: PixelTable) -> Window:
        """Derotate crossings; those in pixels that the camera's model does not reach are left out."""
        crossings = crossings.between(*span_us)
        crossings = crossings[(crossings.full > 0) & np.isfinite(table.scales[crossings.y, crossings.x])]
        t_s = np.asarray((crossings.t - (span_us[0] + span_us[1]) // 2) * 1e-6, np.float64)
        f, scale = np.empty((len(t_s), 3)), np.empty(len(t_s))
        _derotate(t_s, crossings.x, crossings.y, table.bearings, table.scales, rotation.start_s, rotation.step_s, rotation.R,
                  rotation.rates, f, scale)
        half_s = (span_us[1] - span_us[0]) * 5e-7
        chosen = (np.flatnonzero(crossings.p == polarity) for polarity in (False, True))
        dark, bright = (Tiles.of(some, t_s, f, scale, half_s, table) for some in chosen)
        return cls(span_us, crossings, t_s, f, scale, half_s, rotation, table, (dark, bright))

    @property
    def middle_us(self) -> int:
        """What times count from."""
        return sum(self.span_us) // 2

    def span(self, half_s: float) -> tuple[int, int]:
        """Positions of the crossings within so many seconds of the middle."""
        begin, end = np.searchsorted(self.t_s, (-half_s, half_s))
        return int(begin), int(end)

    def for_solvers(self, groups: list[Indices]) -> list[DerotatedEvents]:
        """Groups of the crossings with all their derivatives."""
        members = np.concatenate(groups)
        R, rates, integrals = self.rotation.at(self.t_s[members])
        f, t_s, c = self.f[members], self.t_s[members], self.crossings
        jacobians, turning = R @ self.table.jacobians[c.y[members], c.x[members]], np.cross(rates, f)
        ends = np.cumsum([0, *map(len, groups)])
        return [DerotatedEvents(f[i:j], t_s[i:j], jacobians[i:j], turning[i:j], integrals[i:j]) for i, j in pairwise(ends)]
