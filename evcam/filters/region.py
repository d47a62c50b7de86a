"""Region of interest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evcam.core.events import Events
from evcam.errors import InputError
from evcam.filters import _kernels as kernels
from evcam.filters._filter import Filter, Step


@dataclass(frozen=True)
class RegionOfInterest(Filter):
    """Keeps events of a rectangle; pixels keep their numbers, so that a calibration still holds.

    Attributes
    ----------
    left, top, right, bottom : int
        Pixels with ``left <= x < right`` and ``top <= y < bottom`` are kept.
    """

    left: int
    top: int
    right: int
    bottom: int

    def start(self, width: int, height: int) -> Step:
        if not (0 <= self.left < self.right <= width and 0 <= self.top < self.bottom <= height):
            raise InputError(f"region of interest: {self.left}..{self.right} x {self.top}..{self.bottom} is empty or not within "
                             f"a sensor of {width}x{height} pixels")

        def step(events: Events) -> NDArray[np.bool_]:
            keep = np.empty(len(events), np.bool_)
            kernels.keep_inside(events.x, events.y, self.left, self.top, self.right, self.bottom, keep)
            return keep

        return step
